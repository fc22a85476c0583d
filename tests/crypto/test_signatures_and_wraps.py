"""Signatures, wrapped keys and blind indexes: what must not verify, open or match does not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.crypto.blind_index import FULL_BITS, BlindIndex
from privacy.crypto.ciphers import Algorithm
from privacy.crypto.derive import Digest, derive
from privacy.crypto.flaws import Flaw
from privacy.crypto.signatures import Ed25519Key, verify_ed25519
from privacy.crypto.wrap import WrappingKey
from privacy.kernel.errors import InvalidInput, Misconfigured

WRAPS = [Algorithm.AES_256_GCM_SIV, Algorithm.SM4_GCM]


def test_a_signature_holds_for_its_message_and_key_only() -> None:
    """Every flipped bit of message, signature or key makes it invalid."""
    key, message = Ed25519Key.generate(), b"checkpoint"
    signature = key.sign(message)
    assert verify_ed25519(key.public_bytes, signature, message)
    for number in range(3):
        parts = [key.public_bytes, signature, message]
        for bit in range(len(parts[number]) * 8):
            changed = bytearray(parts[number])
            changed[bit // 8] ^= 1 << bit % 8
            parts[number], right = bytes(changed), parts[number]
            assert not verify_ed25519(parts[0], parts[1], parts[2])
            parts[number] = right


@pytest.mark.parametrize(("public", "signature"), [(b"", b""), (bytes(31), bytes(64)), (bytes(32), bytes(63)), (bytes(33), bytes(65))])
def test_malformed_signatures_are_not_verified_and_raise_nothing(public: bytes, signature: bytes) -> None:
    """A verifier that reads foreign files does not crash on them."""
    assert not verify_ed25519(public, signature, b"")


def test_a_signing_key_comes_back_from_its_seed() -> None:
    """The seed is all that has to be kept; one of the wrong length is refused."""
    key = Ed25519Key.generate()
    assert Ed25519Key.from_seed(key.seed).public_bytes == key.public_bytes
    assert repr(key) == "Ed25519Key(***)"
    with pytest.raises(Misconfigured):
        Ed25519Key.from_seed(b"short")


@pytest.mark.parametrize("algorithm", WRAPS)
def test_a_wrapped_key_opens_only_for_its_parts_and_unaltered(algorithm: Algorithm) -> None:
    """A wrap cannot be moved to another subject, generation or version."""
    key = WrappingKey(1, bytes(range(32)), algorithm)
    wrapped = key.wrap(b"s" * 32, "data", "tenant", "1", "2")
    assert key.unwrap(wrapped, "data", "tenant", "1", "2") == b"s" * 32
    for parts in (("data", "tenant", "1", "3"), ("data", "tenant", "12", ""), ("audit", "tenant", "1", "2"), ()):
        with pytest.raises(Flaw):
            key.unwrap(wrapped, *parts)
    for bit in range(len(wrapped) * 8):
        changed = bytearray(wrapped)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Flaw):
            key.unwrap(bytes(changed), "data", "tenant", "1", "2")


def test_a_wrap_is_read_by_its_own_algorithm() -> None:
    """A tenant may change its cipher without rewrapping at once."""
    wrapped = WrappingKey(1, bytes(32), Algorithm.SM4_GCM).wrap(b"s" * 32, "x")
    assert WrappingKey(1, bytes(32), Algorithm.AES_256_GCM_SIV).unwrap(wrapped, "x") == b"s" * 32
    with pytest.raises(Flaw):
        WrappingKey(1, bytes(31) + b"\x01").unwrap(wrapped, "x")
    with pytest.raises(Flaw):
        WrappingKey(1, bytes(32)).unwrap(b"", "x")


@pytest.mark.parametrize("digest", list(Digest))
def test_indexes_of_two_fields_tenants_or_names_cannot_be_joined(digest: Digest) -> None:
    """The same value has another index everywhere else."""
    places = [("t", "d", "f", "eq"), ("t2", "d", "f", "eq"), ("t", "d2", "f", "eq"), ("t", "d", "f2", "eq"), ("t", "d", "f", "eq2"), ("td", "", "f", "eq")]
    numbers = {BlindIndex.of_field(bytes(32), *place, digest=digest).of("+8613904172263") for place in places}
    assert len(numbers) == len(places)


@settings(deadline=None)
@given(st.text(max_size=50), st.integers(1, FULL_BITS))
def test_a_shorter_index_is_the_beginning_of_the_full_one(value: str, bits: int) -> None:
    """An index fits its bits and a signed database integer."""
    full, short = BlindIndex(bytes(32)), BlindIndex(bytes(32), bits)
    assert full.of(value) >> (FULL_BITS - bits) == short.of(value) < 2**bits <= 2**63
    assert full.of_many([value, value]) == [full.of(value)] * 2


@pytest.mark.parametrize("bits", [0, -1, 64])
def test_impossible_index_lengths_are_refused(bits: int) -> None:
    """Sixty-three bits are the most that a signed integer holds."""
    with pytest.raises(InvalidInput):
        BlindIndex(bytes(32), bits)


def test_the_two_hash_families_derive_different_keys() -> None:
    """A tenant of national algorithms shares nothing with SHA-256."""
    assert derive(bytes(32), "x", digest=Digest.SM3) != derive(bytes(32), "x", digest=Digest.SHA256)
