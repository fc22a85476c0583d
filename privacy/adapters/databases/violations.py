"""What a database means when it stops a change: the kind of constraint and its name, in words of ours, never with a value.

Sources: PostgreSQL's SQLSTATEs (appendix A), MariaDB's and MySQL's error numbers, SQLite's extended result codes. Names are taken from places of
the message where only names stand; a trigger's own message may hold anything and is not shown.
"""

import re
import sqlite3
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from privacy.disposal.target import Violation

_STATES = {
    "23503": "foreign_key", "23001": "foreign_key", "23502": "not_null", "23505": "unique", "23P01": "unique", "23514": "check", "44000": "check",
    "42501": "permission", "P0001": "trigger", "09000": "trigger", "27000": "trigger",
}  # fmt: skip
_NUMBERS = {
    1451: "foreign_key", 1452: "foreign_key", 1216: "foreign_key", 1217: "foreign_key", 1048: "not_null", 1364: "not_null", 1263: "not_null", 1062: "unique",
    1586: "unique", 4025: "check", 3819: "check", 1369: "check", 1644: "trigger", 1044: "permission", 1142: "permission", 1143: "permission",
    1227: "permission", 1370: "permission",
}  # fmt: skip
_CODES = {
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: "foreign_key", sqlite3.SQLITE_CONSTRAINT_NOTNULL: "not_null", sqlite3.SQLITE_CONSTRAINT_UNIQUE: "unique",
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: "unique", sqlite3.SQLITE_CONSTRAINT_ROWID: "unique", sqlite3.SQLITE_CONSTRAINT_CHECK: "check",
    sqlite3.SQLITE_CONSTRAINT_TRIGGER: "trigger", sqlite3.SQLITE_AUTH: "permission",
}  # fmt: skip
_DATA_NUMBERS = frozenset({1264, 1265, 1292, 1366, 1406, 1411, 3140, 3780, 1906, 3105})
_READ_ONLY_STATES, _READ_ONLY_NUMBERS = frozenset({"25006"}), frozenset({1290, 1792, 1836, 1036})
_RETRY_STATES, _RETRY_NUMBERS = frozenset({"40001", "40P01", "55P03"}), frozenset({1205, 1213, 1020})

_WORDS = {
    "foreign_key": "other rows still refer to these, or these would refer to rows that are gone",
    "not_null": "the column must hold a value",
    "unique": "two rows would hold the same value where each must be unique",
    "check": "the value breaks a check",
    "trigger": "a trigger of the database refuses it",
    "permission": "this user has no right to do it",
    "other": "the database refuses the value: its type or length does not allow it",
}
_MYSQL_KEY = re.compile(r"CONSTRAINT `((?:[^`]|``)+)`")
_MYSQL_UNIQUE = re.compile(r"for key '([^']+)'\Z")
_MYSQL_COLUMN = re.compile(r"\A(?:Column|Field) '([^']+)' (?:cannot be null|doesn't have a default value|specified twice)")
_MYSQL_DATA = re.compile(r"for column (?:`[^`]+`\.`[^`]+`\.)?[`']([^`']+)[`'] at row \d+\Z")
_SQLITE_NAMED = re.compile(r"\A(?:NOT NULL|UNIQUE|CHECK) constraint failed: (.+)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the database stopped a statement. `kind` is empty when no constraint of its schema did."""

    kind: str = ""
    name: str = ""
    read_only: bool = False
    retry: bool = False

    @property
    def detail(self) -> str:
        return _WORDS.get(self.kind, "")

    def violation(self, statement: int) -> Violation:
        return Violation(statement, self.kind, self.name, self.detail)


def refusal(error: DBAPIError) -> Refusal:
    """Read a driver's error; an empty Refusal for whatever is neither constraint, right, lock nor lost connection."""
    if error.connection_invalidated:
        return Refusal(retry=True)
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return _sqlite(cause)
    # PyMySQL tells a state as well, but a coarse one; `diag` is psycopg's alone
    if hasattr(cause, "diag") and (state := getattr(cause, "sqlstate", None)) is not None:
        return _postgresql(cause, str(state))
    arguments = cause.args if cause is not None else ()
    return _mariadb(arguments[0], str(arguments[-1])) if arguments and isinstance(arguments[0], int) else Refusal()


def _sqlite(cause: sqlite3.Error) -> Refusal:
    code = getattr(cause, "sqlite_errorcode", 0)
    named = _SQLITE_NAMED.match(str(cause))
    if code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Refusal(retry=True)
    if code & 0xFF in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
        return Refusal(read_only=True)
    kind = _CODES.get(code, "other" if code & 0xFF in (sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG) else "")
    return Refusal(kind, named[1] if named else "")


def _postgresql(cause: BaseException | None, state: str) -> Refusal:
    if state in _READ_ONLY_STATES:
        return Refusal(read_only=True)
    if state in _RETRY_STATES:
        return Refusal(retry=True)
    told = getattr(cause, "diag", None)
    names = (getattr(told, field, None) for field in ("constraint_name", "column_name"))
    kind = _STATES.get(state, "other" if state[:2] in ("22", "23") or state == "428C9" else "")
    return Refusal(kind, next((name for name in names if name), ""))


def _mariadb(number: int, message: str) -> Refusal:
    if number in _READ_ONLY_NUMBERS:
        return Refusal(read_only=True)
    if number in _RETRY_NUMBERS:
        return Refusal(retry=True)
    kind = _NUMBERS.get(number, "other" if number in _DATA_NUMBERS else "")
    pattern = {"foreign_key": _MYSQL_KEY, "check": _MYSQL_KEY, "unique": _MYSQL_UNIQUE, "not_null": _MYSQL_COLUMN, "other": _MYSQL_DATA}.get(kind)
    named = pattern.search(message) if pattern else None
    return Refusal(kind, named[1].replace("``", "`") if named else "")
