"""Ed25519: signatures over checkpoints and certificates (RFC 8032).

Guarantee: nobody without the seed makes a signature that verifies. Limit: no SM2, which the library does not offer.
"""

import os

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from privacy.kernel.errors import Misconfigured


class Ed25519Key:
    """A signing key; its seed is 32 bytes and is kept sealed or in a file of mode 0600."""

    __slots__ = ("_private", "public_bytes", "seed")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != 32:
            raise Misconfigured("A signing key's seed is 32 bytes long; restore the file it was written to.")
        self.seed = seed
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_bytes: bytes = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @classmethod
    def generate(cls) -> "Ed25519Key":
        return cls(os.urandom(32))

    @classmethod
    def from_seed(cls, seed: bytes) -> "Ed25519Key":
        return cls(seed)

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)

    def __repr__(self) -> str:
        return "Ed25519Key(***)"


def verify_ed25519(public: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether `signature` over `message` was made with the key of `public` (32 bytes); malformed input is simply not verified."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
