"""Known answers, computed before the service starts: a library that cannot do a cipher, or does it wrong, must not get a single value.

Published vectors: SM4-GCM (RFC 8998 A.1), AES-256-GCM-SIV (RFC 8452 C.2), AES-256-GCM (the GCM specification's test case 14), SM3 (GB/T 32905),
HKDF (RFC 5869 A.1), HMAC-SHA-256 (RFC 4231 case 2), Ed25519 (RFC 8032 test 1); then the envelope and the blind index of our own design.
"""

from collections.abc import Callable
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from privacy.crypto.blind_index import BlindIndex
from privacy.crypto.ciphers import Algorithm, aead
from privacy.crypto.derive import KeyedDigest
from privacy.crypto.envelope import DataKey, open_envelope, place, seal
from privacy.crypto.signatures import Ed25519Key, verify_ed25519
from privacy.kernel.canonical import length_prefixed
from privacy.kernel.errors import Misconfigured, PrivacyError

_ENVELOPES: Final = {
    Algorithm.AES_256_GCM: "9101000000000000000001f793b1aedde1e5aef965b094275685b1000102030405060708090a0b"
    "2759b37c37189d9c2933e6233fd77ec560131c8500fe11b2288d838796204b70b0ef",
    Algorithm.AES_256_GCM_SIV: "91020000000000000000019b5c0762349686d2ac45db3f6cc97b75000102030405060708090a0b"
    "0a4901218a2a07ccc74f750cbcb604f3089ecf0bdd130a941c85910ebb74f4084558",
    Algorithm.SM4_GCM: "910300000000000000000187698cd9baf7e7c1d20b01ac958e63fb000102030405060708090a0b"
    "0a6269dafebc18eb5cad03733ad13d2aaa5b3fb30f3414f32e1e1a29e89dd1e476bd",
}


def run() -> tuple[str, ...]:
    """Check every algorithm and return their names; raises Misconfigured naming the first that fails."""
    for name, check in CHECKS.items():
        if not _passes(check):
            raise Misconfigured(
                f"The cryptography library does not pass the known-answer test of {name}. Install the official wheel of `cryptography` (>= 50) "
                "for this platform: builds against a distribution's OpenSSL lack algorithms."
            )
    return tuple(CHECKS)


def _passes(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (UnsupportedAlgorithm, ValueError, PrivacyError):
        return False


def _aes_gcm() -> bool:
    return aead(Algorithm.AES_256_GCM, bytes(32)).encrypt(bytes(12), bytes(16), b"").hex() == "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"


def _aes_gcm_siv() -> bool:
    cipher = aead(Algorithm.AES_256_GCM_SIV, b"\x01" + bytes(31))
    return cipher.encrypt(b"\x03" + bytes(11), bytes.fromhex("0100000000000000"), b"").hex() == "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28"


def _sm4_gcm() -> bool:
    cipher = aead(Algorithm.SM4_GCM, bytes.fromhex("0123456789abcdeffedcba9876543210"))
    text = b"".join(bytes([each]) * 8 for each in bytes.fromhex("aabbccddeeffeeaa"))
    sealed = cipher.encrypt(bytes.fromhex("00001234567800000000abcd"), text, bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"))
    return sealed.hex() == (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec"
    )


def _sm3() -> bool:
    digest = hashes.Hash(hashes.SM3())
    digest.update(b"abc")
    return digest.finalize().hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def _hkdf() -> bool:
    derived = HKDF(hashes.SHA256(), 42, bytes(range(13)), bytes(range(0xF0, 0xFA))).derive(b"\x0b" * 22)
    return derived.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"


def _hmac() -> bool:
    return KeyedDigest(b"Jefe").of(b"what do ya want for nothing?").hex() == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def _ed25519() -> bool:
    key = Ed25519Key.from_seed(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    signature = key.sign(b"")
    known = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    return signature.hex() == known and verify_ed25519(key.public_bytes, signature, b"") and not verify_ed25519(key.public_bytes, signature, b"x")


def _envelope() -> bool:
    key, where, subject = DataKey(1, bytes(range(32))), place("tenant-a", "customers", "id_card"), length_prefixed((bytes(range(16)),))
    text, nonce = b"11010519491231002X", bytes(range(12))
    return all(
        seal(key.under(algorithm), where, subject, text, nonce=nonce).hex() == blob
        and open_envelope(key.under(algorithm), where, subject, bytes.fromhex(blob)) == text
        for algorithm, blob in _ENVELOPES.items()
    )


def _blind_index() -> bool:
    index = BlindIndex.of_field(bytes(range(0x20, 0x40)), "tenant-a", "customers", "phone", "eq", bits=18)
    return index.of("+8613812345678") == 130998


CHECKS: Final[dict[str, Callable[[], bool]]] = {
    "AES-256-GCM": _aes_gcm,
    "AES-256-GCM-SIV": _aes_gcm_siv,
    "SM4-GCM": _sm4_gcm,
    "SM3": _sm3,
    "HKDF-SHA256": _hkdf,
    "HMAC-SHA256": _hmac,
    "Ed25519": _ed25519,
    "envelope v1": _envelope,
    "blind index": _blind_index,
}
