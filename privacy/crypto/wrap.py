"""Keys encrypted under keys: algorithm byte, nonce, ciphertext, tag.

Guarantee: a wrapped key opens only under the same wrapping key and with the same list of parts (whose it is, which, which version).
Limit: 2^32 wraps per SM4-GCM key; AES wrapping uses GCM-SIV, which has no such cliff. Source: RFC 8452, RFC 8998.
"""

import os
from collections.abc import Iterable

from privacy.crypto.ciphers import NONCE_BYTES, Aead, Algorithm, aead, opened, subkeys
from privacy.crypto.flaws import Malformed
from privacy.kernel.canonical import length_prefixed


class WrappingKey:
    """A key that encrypts keys; `algorithm` is what new wraps use, old ones are read by their own byte."""

    __slots__ = ("_ciphers", "_secret", "algorithm", "version")

    def __init__(self, version: int, secret: bytes, algorithm: Algorithm = Algorithm.AES_256_GCM_SIV) -> None:
        self.version = version
        self.algorithm = algorithm
        self._secret = secret
        self._ciphers: dict[int, Aead] = {}

    def wrap(self, secret: bytes, *parts: str) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return bytes([self.algorithm]) + nonce + self._cipher(self.algorithm).encrypt(nonce, secret, _bound(parts))

    def unwrap(self, wrapped: bytes, *parts: str) -> bytes:
        """Return the key inside; raises Malformed or TagMismatch."""
        if not wrapped:
            raise Malformed
        body = 1 + NONCE_BYTES
        return opened(self._cipher(wrapped[0]), wrapped[1:body], wrapped[body:], _bound(parts))

    def _cipher(self, algorithm: int) -> Aead:
        cipher = self._ciphers.get(algorithm)
        if cipher is None:
            cipher = self._ciphers[algorithm] = aead(algorithm, subkeys(algorithm, self._secret).encryption)
        return cipher

    def __repr__(self) -> str:
        return "WrappingKey(***)"


def wrapping_algorithm(algorithm: Algorithm) -> Algorithm:
    """Return what wraps keys for a tenant that encrypts values with `algorithm`: SM4 stays with SM4."""
    return algorithm if algorithm is Algorithm.SM4_GCM else Algorithm.AES_256_GCM_SIV


def _bound(parts: Iterable[str]) -> bytes:
    return length_prefixed(part.encode() for part in ("pv1-wrap", *parts))
