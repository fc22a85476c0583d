"""What a driver's error means, in words of ours: never its text, which may quote rows or the address, and never the name of a library's class.

Sources: PostgreSQL's SQLSTATE classes, MariaDB's and MySQL's error numbers, SQLite's result codes. A connection that libpq could not make
carries no code, so there the text is searched for what libpq and OpenSSL are known to say; in another language it stays unexplained.
"""

import csv
import socket
import sqlite3
import ssl
from collections.abc import Iterator

NO_DATABASE = "the server knows no database of this name"
REFUSED = "the server refuses this user or password"
NO_RIGHT = "this user has no right to read it"
NOT_REACHED = "the host cannot be reached there: nothing listens at this host and port, or no network leads to it"
NO_HOST = "no host of this name is known"
TIMEOUT = "no answer came in time"
TLS = "TLS verification failed: the server's certificate is not trusted, is of another host, or there is none"
BUSY = "it is busy or locked; try again"
GONE = "it refers to something that is gone"
BROKEN = "the file is damaged, encrypted, or no database"

_STATES = {
    "3D000": NO_DATABASE, "28P01": REFUSED, "28000": REFUSED, "42501": NO_RIGHT, "57014": TIMEOUT, "55P03": BUSY, "53300": BUSY, "57P03": BUSY, "42P01": GONE,
    "42703": GONE,
}  # fmt: skip
_NUMBERS = {
    1049: NO_DATABASE, 1045: REFUSED, 1698: REFUSED, 1251: REFUSED, 1130: REFUSED, 1044: NO_RIGHT, 1142: NO_RIGHT, 1143: NO_RIGHT, 1356: GONE, 1146: GONE,
    1040: BUSY, 1205: BUSY, 1969: TIMEOUT, 3024: TIMEOUT, 2005: NO_HOST,
}  # fmt: skip
_FILE_CODES = {
    sqlite3.SQLITE_BUSY: BUSY, sqlite3.SQLITE_LOCKED: BUSY, sqlite3.SQLITE_NOTADB: BROKEN, sqlite3.SQLITE_CORRUPT: BROKEN, sqlite3.SQLITE_INTERRUPT: TIMEOUT,
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened", sqlite3.SQLITE_PERM: NO_RIGHT, sqlite3.SQLITE_AUTH: NO_RIGHT,
    sqlite3.SQLITE_READONLY: "it would have to be written to", sqlite3.SQLITE_ERROR: "it refers to something that is gone or not known here",
}  # fmt: skip
# in this order: a refused certificate is told before the connection that broke over it
_TEXTS = (
    (TLS, ("certificate", "ssl error", "does not support ssl")),
    (NO_HOST, ("could not translate host name", "failed to resolve host", "name or service not known", "nodename nor servname", "getaddrinfo")),
    (REFUSED, ("authentication failed", "no password supplied", "no pg_hba.conf entry", "role \"")),
    (NO_DATABASE, ("database \"",)),
    (TIMEOUT, ("timeout", "timed out")),
    (BUSY, ("too many clients", "too many connections", "starting up")),
    (NOT_REACHED, ("connection refused", "no route to host", "network is unreachable", "no such file or directory", "closed the connection")),
)  # fmt: skip


def in_words(error: BaseException) -> str:
    """Return what went wrong; the database's own code where there are no words for it."""
    chain = list(_chain(error))
    known = (word for cause in chain for word in (_by_code(cause), _by_type(cause)) if word)
    text = " ".join(str(cause) for cause in chain).lower()
    by_text = next((word for word, marks in _TEXTS if any(mark in text for mark in marks)), "")
    return next(known, "") or by_text or _unknown(chain)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what it came from: SQLAlchemy and PyMySQL keep it in attributes, others as the cause."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        current = waiting.pop(0)
        if id(current) not in seen:
            seen.add(id(current))
            yield current
            related = (getattr(current, "orig", None), getattr(current, "original_exception", None), current.__cause__, current.__context__)
            waiting += [cause for cause in related if isinstance(cause, BaseException)]


def _by_code(error: BaseException) -> str:
    if isinstance(error, sqlite3.Error):
        return _FILE_CODES.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, "")
    if (state := getattr(error, "sqlstate", None)) in _STATES:
        return _STATES[state]
    # an OSError's first argument is a number of its own kind
    return "" if isinstance(error, OSError) or not error.args else _NUMBERS.get(error.args[0], "") if isinstance(error.args[0], int) else ""


def _by_type(error: BaseException) -> str:
    for kind, word in (
        (ssl.SSLError, TLS), (socket.gaierror, NO_HOST), (TimeoutError, TIMEOUT), (PermissionError, NO_RIGHT),
        (FileNotFoundError, "it is not there (any more)"), (ConnectionError, NOT_REACHED),
        (UnicodeError, "its text is in an unknown encoding"),
        (OverflowError, "it holds a number that is too large"),
        (csv.Error, "it is no well-formed CSV"),
    ):  # fmt: skip
        if isinstance(error, kind):
            return word
    return ""


def _unknown(chain: list[BaseException]) -> str:
    for error in chain:
        code = getattr(error, "sqlstate", None) or (error.args[0] if error.args and type(error.args[0]) is int else "")
        if code:
            return f"the database reports error {code}"
    return "the reason is not known"
