"""Argon2id for passwords, TOTP for second factors: argon2-cffi and pyotp behind the ports of `actors`.

A verification takes about 64 MiB and some tenths of a second on purpose, so that only a few run at once; who waits too long is told to retry.
"""

import threading
from datetime import datetime

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from privacy.kernel.errors import TooBusy

_PERIOD = 30


class Argon2Passwords:
    """Implements `actors.ports.Passwords`.

    Args:
        concurrent: hashes at once; memory use is this times `memory_kib`.
        patience: seconds a sign-in waits for its turn before it is refused with TooBusy.
        time_cost, memory_kib, parallelism: RFC 9106's second choice by default; tests take less.
    """

    def __init__(self, *, concurrent: int = 2, patience: float = 5.0, time_cost: int = 3, memory_kib: int = 65536, parallelism: int = 4) -> None:
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=parallelism)
        self._turns = threading.BoundedSemaphore(concurrent)
        self._patience = patience
        self._nobody = ""

    def hash(self, password: str) -> str:
        self._take_turn()
        try:
            return self._hasher.hash(_bytes(password))
        finally:
            self._turns.release()

    def verify(self, hashed: str | None, password: str) -> bool:
        nobody = self._hash_of_nobody()
        return self._verify(hashed or nobody, password) and hashed is not None

    def outdated(self, hashed: str) -> bool:
        return self._hasher.check_needs_rehash(hashed)

    def _verify(self, hashed: str, password: str) -> bool:
        self._take_turn()
        try:
            return self._hasher.verify(hashed, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False
        finally:
            self._turns.release()

    def _hash_of_nobody(self) -> str:
        # made on first use and kept: an unknown name then costs one verification, like a known one
        if not self._nobody:
            self._nobody = self.hash("nobody has this password")
        return self._nobody

    def _take_turn(self) -> None:
        if not self._turns.acquire(timeout=self._patience):
            raise TooBusy("Too many people sign in at this moment. Try again in a few seconds.")


class TotpCodes:
    """Implements `actors.ports.OneTimeCodes`: six digits, SHA-1, 30 seconds, as every authenticator application expects."""

    def new_seed(self) -> str:
        return pyotp.random_base32()

    def step(self, seed: str, code: str, now: datetime) -> int | None:
        if len(code) != 6 or not (code.isascii() and code.isdigit()):
            return None
        made = pyotp.TOTP(seed, interval=_PERIOD)
        current = int(now.timestamp()) // _PERIOD
        # all three are compared whatever the result, newest first, so that time tells nothing
        matching = [step for step in (current + 1, current, current - 1) if pyotp.utils.strings_equal(code, made.generate_otp(step))]
        return matching[0] if matching else None

    def address(self, seed: str, account: str) -> str:
        return pyotp.TOTP(seed, interval=_PERIOD).provisioning_uri(name=account, issuer_name="Privacy Steward")


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
