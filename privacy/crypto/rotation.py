"""Rotation of a tenant's kek: a new version, every subject's key rewrapped under it, the older versions destroyed.

Values are not touched. It may stop anywhere and be run again: each run makes a version and finishes what an earlier one left.
"""

from dataclasses import dataclass

from privacy.crypto.keyring import KeyRing
from privacy.crypto.ports import Kind
from privacy.crypto.subject_keys import SubjectKeys
from privacy.kernel.ids import TenantId


@dataclass(frozen=True, slots=True)
class RotationReport:
    """The version that wraps now, how many keys were rewrapped, and the versions that exist no more."""

    version: int
    rewrapped: int
    retired: tuple[int, ...]


def rotate(ring: KeyRing, subject_keys: SubjectKeys, tenant: TenantId) -> RotationReport:
    """Rotate; raises Conflict when another rotation of this tenant runs."""
    version = ring.begin_version(tenant)
    rewrapped = 0
    for kind in Kind:
        while count := subject_keys.rewrap(tenant, kind):
            rewrapped += count
    return RotationReport(version, rewrapped, tuple(ring.retire(tenant, version)))
