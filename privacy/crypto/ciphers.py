"""The ciphers we write with, and the subkeys each of them gets from a data key.

Guarantee: authenticated encryption; a ciphertext opens under the key whose commitment its header carries and no other.
Limit: random 96-bit nonces, so at most 2^32 messages per AES-GCM or SM4-GCM key (a subject's key never gets near); keys that
many rows share use AES-256-GCM-SIV, where a repeated nonce reveals equality only. Keys cannot be wiped from Python's memory.
Source: NIST SP 800-38D, RFC 8452 (GCM-SIV), RFC 8998 and GB/T 32907 (SM4), GB/T 32905 (SM3), RFC 7693 (BLAKE2b).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV
from cryptography.hazmat.primitives.hmac import HMAC

from privacy.crypto.flaws import Malformed, TagMismatch
from privacy.kernel.errors import InvalidInput

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
COMMITMENT_BYTES = 16


class Algorithm(IntEnum):
    """The algorithm byte of an envelope. 4 (AES-256-SIV) and 5 (ChaCha20-Poly1305) are reserved and refused."""

    AES_256_GCM = 1
    AES_256_GCM_SIV = 2
    SM4_GCM = 3

    @property
    def label(self) -> str:
        """Return the name that settings use, `aes-256-gcm`."""
        return self.name.lower().replace("_", "-")

    @classmethod
    def of(cls, label: str) -> "Algorithm":
        for algorithm in cls:
            if algorithm.label == label:
                return algorithm
        raise InvalidInput("The algorithm is one of " + ", ".join(each.label for each in cls) + ".", pointer="/algorithm")


class Aead(Protocol):
    """One-shot authenticated encryption, the tag at the end of the ciphertext."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes: ...

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes:
        """Return the plaintext; raises cryptography's InvalidTag when anything was altered."""


class Sm4Gcm:
    """SM4 in Galois/Counter Mode. Nothing is released before the tag has been verified; tags are 16 bytes, never shorter."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = algorithms.SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes:
        context = Cipher(self._key, modes.GCM(nonce)).encryptor()
        context.authenticate_additional_data(associated_data)
        return context.update(data) + context.finalize() + context.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes:
        if len(data) < TAG_BYTES:
            raise InvalidTag
        context = Cipher(self._key, modes.GCM(nonce, data[-TAG_BYTES:])).decryptor()
        context.authenticate_additional_data(associated_data)
        text = context.update(data[:-TAG_BYTES])
        return text + context.finalize()  # raises InvalidTag, and then `text` is dropped unseen


@dataclass(frozen=True, slots=True)
class Subkeys:
    """What one data key gives to one algorithm: the key that encrypts, and the bytes that commit to it in the header."""

    encryption: bytes
    commitment: bytes

    def __repr__(self) -> str:
        return "Subkeys(***)"


def subkeys(algorithm: int, secret: bytes) -> Subkeys:
    """Derive from a 32-byte data key; raises Malformed for an algorithm we do not write."""
    if algorithm in (Algorithm.AES_256_GCM, Algorithm.AES_256_GCM_SIV):
        digest = hashlib.blake2b(bytes([algorithm]), key=secret, person=b"pv1-subkeys").digest()
        return Subkeys(digest[:32], digest[32 : 32 + COMMITMENT_BYTES])
    if algorithm == Algorithm.SM4_GCM:
        tail = bytes([algorithm])
        return Subkeys(hmac_sm3(secret, b"pv1 enc" + tail)[:16], hmac_sm3(secret, b"pv1 commit" + tail)[:COMMITMENT_BYTES])
    raise Malformed


def aead(algorithm: int, key: bytes) -> Aead:
    """Return the cipher object; it is safe to share between threads."""
    build = _BUILDERS.get(algorithm)
    if build is None:
        raise Malformed
    return build(key)


def hmac_sm3(key: bytes, message: bytes) -> bytes:
    mac = HMAC(key, hashes.SM3())
    mac.update(message)
    return mac.finalize()


def opened(cipher: Aead, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
    """Decrypt, turning the library's exception into ours (which carries nothing)."""
    try:
        return cipher.decrypt(nonce, data, associated_data)
    except (InvalidTag, ValueError):
        raise TagMismatch from None


_BUILDERS: dict[int, Callable[[bytes], Aead]] = {
    Algorithm.AES_256_GCM: AESGCM,
    Algorithm.AES_256_GCM_SIV: AESGCMSIV,
    Algorithm.SM4_GCM: Sm4Gcm,
}
