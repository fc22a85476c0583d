"""Keys made from keys: HKDF and HMAC over SHA-256, or over SM3 for a tenant that asked for Chinese national algorithms.

Guarantee: different labels give independent keys; the parts of a label are length-prefixed, so that no two lists of parts collide.
Source: RFC 5869, RFC 2104, GB/T 32905.
"""

from enum import StrEnum

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from privacy.crypto.ciphers import Algorithm
from privacy.kernel.canonical import length_prefixed


class Digest(StrEnum):
    """The hash family of a tenant: chosen with its first cipher and never changed, since every derived key and index depends on it."""

    SHA256 = "sha256"
    SM3 = "sm3"

    @classmethod
    def beside(cls, algorithm: Algorithm) -> "Digest":
        return cls.SM3 if algorithm is Algorithm.SM4_GCM else cls.SHA256

    def hash(self) -> hashes.HashAlgorithm:
        return hashes.SM3() if self is Digest.SM3 else hashes.SHA256()


def derive(key: bytes, label: str, *parts: str, digest: Digest = Digest.SHA256) -> bytes:
    """Return 32 bytes for (`label`, `parts`): HKDF without salt, the length-prefixed list as info."""
    info = length_prefixed(part.encode("utf-8", "surrogatepass") for part in (label, *parts))
    return HKDF(algorithm=digest.hash(), length=32, salt=None, info=info).derive(key)


class KeyedDigest:
    """An HMAC with its key schedule done once: copying it costs a third of starting afresh."""

    __slots__ = ("_prepared",)

    def __init__(self, key: bytes, digest: Digest = Digest.SHA256) -> None:
        self._prepared = HMAC(key, digest.hash())

    def of(self, message: bytes) -> bytes:
        mac = self._prepared.copy()
        mac.update(message)
        return mac.finalize()
