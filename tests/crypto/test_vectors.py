"""Known answers: published ones that no code of ours made, and our own formats that later versions must keep reading."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from privacy.crypto import probe
from privacy.crypto.blind_index import BlindIndex
from privacy.crypto.ciphers import aead
from privacy.crypto.derive import KeyedDigest, derive
from privacy.crypto.envelope import DataKey, open_envelope, place, seal
from privacy.crypto.signatures import Ed25519Key, verify_ed25519
from privacy.kernel.canonical import length_prefixed
from privacy.kernel.errors import Misconfigured

FOLDER = Path(__file__).parent.parent / "vectors"
PUBLISHED: dict[str, Any] = json.loads((FOLDER / "crypto_published.json").read_text("utf-8"))
OWN: dict[str, Any] = json.loads((FOLDER / "crypto_own.json").read_text("utf-8"))
unhex = bytes.fromhex


@pytest.mark.parametrize("case", PUBLISHED["aead"], ids=lambda case: case["source"])
def test_ciphers_give_the_published_answers(case: dict[str, Any]) -> None:
    """Each cipher encrypts and decrypts as its specification shows."""
    cipher = aead(case["algorithm"], unhex(case["key"]))
    sealed = cipher.encrypt(unhex(case["nonce"]), unhex(case["plaintext"]), unhex(case["aad"]))
    assert sealed.hex() == case["sealed"]
    assert cipher.decrypt(unhex(case["nonce"]), sealed, unhex(case["aad"])).hex() == case["plaintext"]


def test_the_sm4_block_cipher_gives_the_published_answers() -> None:
    """SM4 of the installed library is the standard's, once and after a million rounds."""
    case = PUBLISHED["sm4_block"]
    encrypt = Cipher(algorithms.SM4(unhex(case["key"])), modes.ECB()).encryptor().update
    block = encrypt(unhex(case["plaintext"]))
    assert block.hex() == case["once"]
    for _ in range(999_999):
        block = encrypt(block)
    assert block.hex() == case["million"]


@pytest.mark.parametrize("case", PUBLISHED["sm3"])
def test_sm3_gives_the_published_answers(case: dict[str, str]) -> None:
    """SM3 of the installed library is the standard's."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(unhex(case["message"]))
    assert digest.finalize().hex() == case["digest"]


@pytest.mark.parametrize("case", PUBLISHED["hmac_sha256"])
def test_keyed_digests_give_the_published_answers_every_time(case: dict[str, str]) -> None:
    """The prepared HMAC is copied per value, not used up."""
    digest = KeyedDigest(unhex(case["key"]))
    assert {digest.of(unhex(case["message"])).hex() for _ in range(3)} == {case["digest"]}


@pytest.mark.parametrize("case", PUBLISHED["ed25519"])
def test_signatures_are_the_published_ones(case: dict[str, str]) -> None:
    """Keys and signatures can be checked by any Ed25519 implementation."""
    key = Ed25519Key.from_seed(unhex(case["seed"]))
    assert key.public_bytes.hex() == case["public"]
    assert key.sign(unhex(case["message"])).hex() == case["signature"]
    assert verify_ed25519(unhex(case["public"]), unhex(case["signature"]), unhex(case["message"]))


@pytest.mark.parametrize("case", OWN["envelopes"], ids=lambda case: f"algorithm-{case['algorithm']}")
def test_envelopes_of_version_1_stay_as_they_were_written(case: dict[str, Any]) -> None:
    """What is stored today opens in every later version."""
    key = DataKey(OWN["key_id"], unhex(OWN["data_key"])).under(case["algorithm"])
    where, subject = place(*OWN["place"]), length_prefixed((unhex(OWN["subject"]),))
    assert open_envelope(key, where, subject, unhex(case["blob"])).decode() == OWN["text"]
    assert seal(key, where, subject, OWN["text"].encode(), nonce=unhex(OWN["nonce"])).hex() == case["blob"]


def test_the_associated_data_are_those_of_the_format() -> None:
    """Header, count, length-prefixed parts: another implementation can compute them from the format's description."""
    key = DataKey(OWN["key_id"], unhex(OWN["data_key"])).under(1)
    assert (key.header + place(*OWN["place"]) + length_prefixed((unhex(OWN["subject"]),))).hex() == OWN["aad_of_algorithm_1"]


def test_the_blind_index_stays_as_it_was_written() -> None:
    """Stored indexes match the queries of every later version."""
    case = OWN["index"]
    tenant, dataset, field, name = case["place"]
    assert derive(unhex(case["key"]), "pv1-bidx", tenant, dataset, field, name).hex() == case["derived"]
    full = BlindIndex.of_field(unhex(case["key"]), tenant, dataset, field, name)
    assert full.of(case["value"]) == int(case["first_eight_bytes"], 16) >> 1
    assert BlindIndex.of_field(unhex(case["key"]), tenant, dataset, field, name, bits=18).of(case["value"]) == case["eighteen_bits"]


def test_the_start_up_probe_covers_every_algorithm_in_use() -> None:
    """The service proves its library before it takes a value."""
    assert {"AES-256-GCM", "AES-256-GCM-SIV", "SM4-GCM", "SM3", "HKDF-SHA256", "HMAC-SHA256", "Ed25519"} <= set(probe.run())


@pytest.mark.parametrize("wrong", [lambda: False, lambda: bool(aead(9, bytes(32))), lambda: bool(aead(1, b"short"))])
def test_a_wrong_or_missing_algorithm_stops_the_start(monkeypatch: pytest.MonkeyPatch, wrong: Any) -> None:
    """A failing answer and an unavailable cipher both name the algorithm and the remedy."""
    monkeypatch.setitem(probe.CHECKS, "SM4-GCM", wrong)
    with pytest.raises(Misconfigured, match=r"SM4-GCM.*wheel"):
        probe.run()
