"""A tenant's own keys: made once, wrapped by the provider's root key, unwrapped once per process and kept in memory.

    root key (provider) ─ wraps ─▶ tenant keys: kek (versions), derive root, index key, fence key
                                        kek ─ wraps ─▶ keys of subjects (subject_keys.py)

Guarantee: without the provider's root key both databases together open nothing. Only the kek rotates; what the others made
(pseudonyms, indexes, lookups) has to stay comparable. Limit: keys live in this process's memory and cannot be wiped from it.
"""

import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from privacy.crypto.ciphers import KEY_BYTES, Algorithm
from privacy.crypto.derive import Digest, KeyedDigest, derive
from privacy.crypto.envelope import DataKey, key_of, open_envelope, place, seal, subject_bytes
from privacy.crypto.flaws import UnknownKey
from privacy.crypto.ports import KeyEvent, KeyProvider, KeyRepository, Kind, Lock, Purpose, State, TenantKeyRow, TenantRow
from privacy.crypto.wrap import WrappingKey, wrapping_algorithm
from privacy.kernel.canonical import length_prefixed
from privacy.kernel.clock import Clock
from privacy.kernel.errors import Conflict, Misconfigured
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import SubjectRef

_SEALED = 0  # key id of sealed secrets: no subject's key has it
_DERIVED_AT_MOST = 1024


@dataclass(frozen=True, slots=True)
class KekVersion:
    version: int
    state: State
    created_at: datetime
    destroyed_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """How a tenant's keys stand, without any key: what an operator reads before and after a rotation."""

    tenant: TenantId
    cipher: str
    digest: str
    provider: str
    destroying_means: str
    versions: tuple[KekVersion, ...]
    data_keys: Mapping[State, int]
    audit_secrets: Mapping[State, int]


class TenantKeys:
    """What one tenant's keys can do, unwrapped. Immutable but for its memory of derived keys."""

    def __init__(self, row: TenantRow, secrets: dict[tuple[Purpose, int], bytes]) -> None:
        wraps_with = wrapping_algorithm(Algorithm.of(row.algorithm))
        self.tenant = row.tenant
        self.digest = Digest(row.digest)
        self.keks = {version: WrappingKey(version, secret, wraps_with) for (purpose, version), secret in secrets.items() if purpose is Purpose.KEK}
        self.index_key = secrets[Purpose.INDEX, 1]
        self._derive_root = secrets[Purpose.DERIVE, 1]
        self._fence = KeyedDigest(secrets[Purpose.FENCE, 1], self.digest)
        self.seals_with = wraps_with
        self._derived: dict[str, bytes] = {}
        self._sealers: dict[str, DataKey] = {}

    def lookups(self, subjects: Iterable[SubjectRef]) -> dict[SubjectRef, str]:
        """Return each subject's keyed digest: the only name a subject has in the keys database."""
        own, digest = length_prefixed((self.tenant.encode(),)), self._fence.of
        return {subject: digest(own + subject_bytes(subject.system, subject.type, subject.key)).hex() for subject in subjects}

    def derive(self, label: str) -> bytes:
        known = self._derived.get(label)
        if known is None:
            if len(self._derived) >= _DERIVED_AT_MOST:
                self._derived.clear()
            known = self._derived[label] = derive(self._derive_root, "pv1-derive", self.tenant, label, digest=self.digest)
        return known

    def sealer(self, label: str) -> DataKey:
        known = self._sealers.get(label)
        if known is None:
            if len(self._sealers) >= _DERIVED_AT_MOST:
                self._sealers.clear()
            known = self._sealers[label] = DataKey(_SEALED, self.derive(f"seal:{label}"))
        return known


class KeyRing:
    """The tenants' keys. Safe to share between threads; a process keeps one."""

    def __init__(self, store: Store, repository: KeyRepository, provider: KeyProvider, clock: Clock) -> None:
        self._store = store
        self._repository = repository
        self._provider = provider
        self._clock = clock
        self._loaded: dict[TenantId, TenantKeys] = {}
        self._loading = threading.Lock()

    def create_tenant(self, tenant: TenantId, algorithm: str = "aes-256-gcm") -> bool:
        """Make the keys of a new tenant and return True; for a tenant that has keys prove that they open, and return False.

        `algorithm` decides the hash family for ever, the cipher until `set_algorithm`. Raises Misconfigured when the root key does not fit.
        """
        chosen = Algorithm.of(algorithm)
        now = self._clock.now()
        row = TenantRow(tenant, chosen.label, Digest.beside(chosen), kek_version=1, changes=0, created_at=now)
        keys = [self._fresh(tenant, purpose, 1) for purpose in Purpose]

        def write(tx: Tx) -> bool:
            if self._repository.tenant(tx, tenant) is not None:
                return False
            self._repository.add_tenant(tx, row)
            self._repository.add_tenant_keys(tx, keys)
            self._repository.add_events(tx, [KeyEvent(tenant, "tenant_created", chosen.label, "", now)])
            return True

        # a process that creates beside us wins by the primary key: then its keys are the tenant's
        try:
            created = self._store.run(write)
        except Conflict:
            created = False
        self.reload(tenant)
        return created

    def set_algorithm(self, tenant: TenantId, algorithm: str) -> None:
        """Write new values of this tenant with `algorithm` from now on; old values stay readable by their own header."""
        chosen = Algorithm.of(algorithm)

        def write(tx: Tx) -> None:
            row = self.locked(tx, tenant, Lock.EXCLUSIVE)
            self._repository.save_tenant(tx, replace(row, algorithm=chosen.label))
            self._repository.add_events(tx, [KeyEvent(tenant, "algorithm_set", chosen.label, "", self._clock.now())])

        self._store.run(write)
        self.reload(tenant)

    def derive(self, tenant: TenantId, label: str) -> bytes:
        """Return 32 bytes that are the same for ever and differ per tenant and label: for pseudonyms, cursors, keyed digests."""
        return self.keys(tenant).derive(label)

    def seal(self, tenant: TenantId, label: str, data: bytes, context: bytes = b"") -> bytes:
        """Encrypt a small secret of ours at rest; it opens only with the same tenant, label and context (at most 65,535 bytes)."""
        keys = self.keys(tenant)
        return seal(keys.sealer(label).under(keys.seals_with), place(tenant, "sealed", label), length_prefixed((context,)), data)

    def unseal(self, tenant: TenantId, label: str, data: bytes, context: bytes = b"") -> bytes:
        """Return what `seal` was given; raises CiphertextInvalid."""
        key_id, algorithm = key_of(data)
        if key_id != _SEALED:
            raise UnknownKey
        return open_envelope(self.keys(tenant).sealer(label).under(algorithm), place(tenant, "sealed", label), length_prefixed((context,)), data)

    def keys(self, tenant: TenantId) -> TenantKeys:
        """Return the tenant's keys; raises Misconfigured when there are none or the root key does not open them."""
        return self._loaded.get(tenant) or self.reload(tenant)

    def status(self, tenant: TenantId) -> KeyStatus:
        """Tell versions and counts; raises Misconfigured when the root key does not open the tenant's keys."""
        self.reload(tenant)
        provider, repository = self._provider, self._repository

        def look(tx: Tx) -> KeyStatus:
            row = self.locked(tx, tenant)
            keks = sorted((each for each in repository.tenant_keys(tx, tenant) if each.purpose is Purpose.KEK), key=lambda each: each.version)
            versions = tuple(KekVersion(each.version, each.state, each.created_at, each.destroyed_at) for each in keks)
            data, audit = (repository.counts(tx, kind, tenant) for kind in (Kind.DATA, Kind.AUDIT))
            return KeyStatus(tenant, row.algorithm, row.digest, provider.current_version(), provider.destroy_semantics(), versions, data, audit)

        return self._store.read(look)

    def kek(self, tenant: TenantId, version: int) -> WrappingKey:
        """Return one kek version, looking again when another process rotated; raises UnknownKey when that version was retired."""
        found = self.keys(tenant).keks.get(version) or self.reload(tenant).keks.get(version)
        if found is None:
            raise UnknownKey
        return found

    def reload(self, tenant: TenantId) -> TenantKeys:
        row, rows = self._store.read(lambda tx: (self._repository.tenant(tx, tenant), self._repository.tenant_keys(tx, tenant)))
        if row is None:
            raise Misconfigured("This tenant has no keys; run `privacy init`.")
        secrets = {(each.purpose, each.version): self._provider.unwrap(each.wrapped, _context(each)) for each in rows if each.wrapped is not None}
        with self._loading:
            self._loaded[tenant] = TenantKeys(row, secrets)
            return self._loaded[tenant]

    def locked(self, tx: Tx, tenant: TenantId, lock: Lock = Lock.NONE) -> TenantRow:
        """Return the tenant's row inside `tx`. Whoever changes keys takes it first, so that no two can wait for each other."""
        row = self._repository.tenant(tx, tenant, lock)
        if row is None:
            raise Misconfigured("This tenant has no keys; run `privacy init`.")
        return row

    def begin_version(self, tenant: TenantId) -> int:
        """Make a new kek version the one that wraps, and return it; older versions still unwrap."""
        version = self._store.read(lambda tx: self.locked(tx, tenant)).kek_version + 1
        fresh = self._fresh(tenant, Purpose.KEK, version)

        def write(tx: Tx) -> None:
            row = self.locked(tx, tenant, Lock.EXCLUSIVE)
            if row.kek_version + 1 != version:
                raise Conflict("Another rotation of this tenant's keys runs; look at `privacy keys status` and try again.")
            self._repository.add_tenant_keys(tx, [fresh])
            self._repository.save_tenant(tx, replace(row, kek_version=version))
            self._repository.add_events(tx, [KeyEvent(tenant, "kek_created", str(version), "", fresh.created_at)])

        self._store.run(write)
        self.reload(tenant)
        return version

    def retire(self, tenant: TenantId, below: int) -> list[int]:
        """Destroy the kek versions below `below`; raises Conflict while anything is still wrapped under them."""
        now = self._clock.now()

        def write(tx: Tx) -> list[int]:
            self.locked(tx, tenant, Lock.EXCLUSIVE)
            if any(self._repository.outdated(tx, kind, tenant, below, 1) for kind in Kind):
                raise Conflict("Keys of subjects are still wrapped under an older version; run `privacy keys rotate` again.")
            old = [row for row in self._repository.tenant_keys(tx, tenant) if row.purpose is Purpose.KEK and row.version < below and row.wrapped]
            self._repository.save_tenant_keys(tx, [replace(row, state=State.DESTROYED, wrapped=None, destroyed_at=now) for row in old])
            self._repository.add_events(tx, [KeyEvent(tenant, "kek_destroyed", str(row.version), "", now) for row in old])
            return sorted(row.version for row in old)

        retired = self._store.run(write)
        self._store.tidy()
        self.reload(tenant)
        return retired

    def _fresh(self, tenant: TenantId, purpose: Purpose, version: int) -> TenantKeyRow:
        row = TenantKeyRow(tenant, purpose, version, State.ACTIVE, None, self._clock.now())
        return replace(row, wrapped=self._provider.wrap(os.urandom(KEY_BYTES), _context(row)))


def _context(row: TenantKeyRow) -> tuple[str, ...]:
    return ("tenant-key", row.tenant, row.purpose, str(row.version))
