"""Envelope v1: what a ciphertext of ours looks like, and the batch functions that make and open it.

    0  1   magic and version, 0x91
    1  1   algorithm (ciphers.Algorithm)
    2  1   flags: 0x04 padded; 0x01 and 0x02 are reserved, all others must be 0
    3  8   key id, big-endian; the first bit is 0, since databases count in signed 64-bit integers
    11 16  commitment to the key
    27 12  nonce
    39 n   ciphertext, then 16 bytes of tag

The associated data are the header (the first 27 bytes), a count, and the length-prefixed parts `pv1`, tenant, dataset id, field,
subject. Guarantee: an altered byte, another key, or another tenant, dataset, field or subject makes it fail to open.
Limit: the length shows (pad short categories); nothing binds a value to its row within one subject and field, so that an old
value of the same field can be put back by whoever writes to the table.
Promise: every later v1 opens what this one wrote. Text form: `pv1:` and base64 without line breaks.
"""

import base64
import binascii
import os
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag

from privacy.crypto.ciphers import COMMITMENT_BYTES, NONCE_BYTES, TAG_BYTES, Aead, Algorithm, aead, opened, subkeys
from privacy.crypto.flaws import CommitmentMismatch, Flaw, Malformed, TagMismatch
from privacy.kernel.canonical import length_prefixed

MAGIC: Final = 0x91
PADDED: Final = 0x04
PREFIX: Final = "pv1:"
HEADER_BYTES: Final = 11 + COMMITMENT_BYTES
OVERHEAD: Final = HEADER_BYTES + NONCE_BYTES + TAG_BYTES
_BODY: Final = HEADER_BYTES + NONCE_BYTES
_BUCKET: Final = 32


class SealingKey:
    """A data key made ready for one algorithm: header and cipher object, computed once, since a value costs little more than its cipher call."""

    __slots__ = ("cipher", "header", "padded_header")

    def __init__(self, key_id: int, algorithm: int, secret: bytes) -> None:
        keys = subkeys(algorithm, secret)
        tail = key_id.to_bytes(8, "big") + keys.commitment
        self.header = bytes((MAGIC, algorithm, 0)) + tail
        self.padded_header = bytes((MAGIC, algorithm, PADDED)) + tail
        self.cipher: Aead = aead(algorithm, keys.encryption)


class DataKey:
    """A 32-byte key and its id; never printed. Which algorithms it serves shows only as they are used."""

    __slots__ = ("_ready", "_secret", "key_id")

    def __init__(self, key_id: int, secret: bytes) -> None:
        self.key_id = key_id
        self._secret = secret
        self._ready: dict[int, SealingKey] = {}

    def under(self, algorithm: int) -> SealingKey:
        """Return the key for `algorithm`; raises Malformed when that is not one of ours."""
        ready = self._ready.get(algorithm)
        if ready is None:
            ready = self._ready[algorithm] = SealingKey(self.key_id, algorithm, self._secret)
        return ready

    def __repr__(self) -> str:
        return "DataKey(***)"


def place(tenant: str, dataset: str, field: str) -> bytes:
    """Return the constant middle of the associated data of one field, everything between header and subject."""
    return b"\x05" + length_prefixed((b"pv1", tenant.encode(), dataset.encode(), field.encode()))


def subject_bytes(system: str, kind: str, key: str) -> bytes:
    """Return a subject's three names as bytes that can be read one way only."""
    return length_prefixed([name.encode("utf-8", "surrogatepass") for name in (system, kind, key)])


def subject_part(system: str, kind: str, key: str) -> bytes:
    """Return the last part of the associated data: the subject behind its length."""
    names = subject_bytes(system, kind, key)
    return len(names).to_bytes(2, "big") + names


def seal_column(key: SealingKey, where: bytes, subjects: Sequence[bytes], values: Sequence[bytes]) -> list[bytes]:
    """Encrypt many values of one field under one key; `subjects` are `subject_part`s in the order of the values."""
    header, encrypt = key.header, key.cipher.encrypt
    fixed = header + where
    rows = zip(_nonces(len(values)), values, subjects, strict=True)
    return [header + nonce + encrypt(nonce, value, fixed + subject) for nonce, value, subject in rows]


def seal_rows(keys: Sequence[SealingKey], wheres: Sequence[bytes], subjects: Sequence[bytes], values: Sequence[bytes]) -> list[bytes]:
    """Encrypt many values, each under its own key in its own place."""
    rows = zip(_nonces(len(values)), keys, wheres, subjects, values, strict=True)
    return [(head := key.header) + nonce + key.cipher.encrypt(nonce, value, head + where + subject) for nonce, key, where, subject, value in rows]


def seal(key: SealingKey, where: bytes, subject: bytes, value: bytes, *, nonce: bytes | None = None, padded: bool = False) -> bytes:
    """Encrypt one value. `nonce` is for known-answer tests only: never pass one twice."""
    header = key.padded_header if padded else key.header
    nonce = nonce or os.urandom(NONCE_BYTES)
    return header + nonce + key.cipher.encrypt(nonce, pad(value) if padded else value, header + where + subject)


def key_of(blob: bytes) -> tuple[int, int]:
    """Return (key id, algorithm) of an envelope after checking its shape; raises Malformed."""
    if len(blob) < OVERHEAD or blob[0] != MAGIC or blob[2] not in (0, PADDED) or blob[1] not in _KNOWN or blob[3] > 0x7F:
        raise Malformed
    return int.from_bytes(blob[3:11], "big"), blob[1]


def open_envelope(key: SealingKey, where: bytes, subject: bytes, blob: bytes) -> bytes:
    """Return the value; raises CommitmentMismatch for another key's header and TagMismatch for anything altered or moved."""
    header = blob[:HEADER_BYTES]
    if header != key.header and header != key.padded_header:
        raise CommitmentMismatch
    value = opened(key.cipher, blob[HEADER_BYTES:_BODY], blob[_BODY:], header + where + subject)
    return unpad(value) if header == key.padded_header else value


def open_column(key: SealingKey, where: bytes, subjects: Sequence[bytes], blobs: Sequence[bytes]) -> list[bytes | Flaw]:
    """Open many values of one field under one key; a bad one gives its flaw in its place and does not spoil the rest."""
    header, decrypt = key.header, key.cipher.decrypt
    fixed = header + where
    values: list[bytes | Flaw] = []
    for subject, blob in zip(subjects, blobs, strict=True):
        try:
            if blob[:HEADER_BYTES] == header:
                values.append(decrypt(blob[HEADER_BYTES:_BODY], blob[_BODY:], fixed + subject))
            else:
                values.append(open_envelope(key, where, subject, blob))
        except Flaw as flaw:
            values.append(flaw)
        except (InvalidTag, ValueError):
            values.append(TagMismatch())
    return values


def pad(value: bytes) -> bytes:
    """Fill up to the next multiple of 32 bytes, so that `男` and `female` have one length."""
    return value + b"\x80" + bytes(-(len(value) + 1) % _BUCKET)


def unpad(value: bytes) -> bytes:
    text, mark, rest = value.rpartition(b"\x80")
    if not mark or len(value) % _BUCKET or rest.strip(b"\x00"):
        raise Malformed
    return text


def to_text(blob: bytes) -> str:
    return PREFIX + binascii.b2a_base64(blob, newline=False).decode("ascii")


def from_text(text: str) -> bytes:
    """Read the text form; raises Malformed for any other spelling of the same bytes, so that no bit of the text is free."""
    if not text.startswith(PREFIX) or not text.isascii():
        raise Malformed
    encoded = text[len(PREFIX) :]
    try:
        blob = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise Malformed from None
    if binascii.b2a_base64(blob, newline=False).decode("ascii") != encoded:
        raise Malformed
    return blob


def _nonces(count: int) -> list[bytes]:
    # one read of the system's generator for the whole batch: a read per value costs as much as the encryption itself
    pool = os.urandom(NONCE_BYTES * count)
    return [pool[start : start + NONCE_BYTES] for start in range(0, len(pool), NONCE_BYTES)]


_KNOWN: Final = frozenset(int(algorithm) for algorithm in Algorithm)
