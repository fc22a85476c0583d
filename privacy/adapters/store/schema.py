"""The words all our tables are written with: two databases, and column types that mean the same on SQLite, PostgreSQL and MariaDB."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, MetaData, String, Table, Text
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
MAIN = MetaData(naming_convention=_NAMES)
KEYS = MetaData(naming_convention=_NAMES)

# "nopad": MariaDB's other collations hold 'a' and 'a ' for equal, so that two names could pass for one
_BINARY = "utf8mb4_nopad_bin"
_MARIADB = ("mysql", "mariadb")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def key() -> TypeEngine[str]:
    """An id of ours or of a caller, at most 64 characters, compared byte by byte.

    Not an ASCII column: MariaDB refuses to compare one with text that is not ASCII, where "no such id" is the answer.
    """
    return name(64)


def name(length: int) -> TypeEngine[str]:
    """A name in any script, compared byte by byte; indexable up to 768 characters on MariaDB."""
    return String(length).with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation=_BINARY), *_MARIADB)


def text() -> TypeEngine[str]:
    """Text of any length, not indexed."""
    return Text().with_variant(mysql.LONGTEXT(charset="utf8mb4", collation=_BINARY), *_MARIADB)


def blob(length: int) -> TypeEngine[bytes]:
    """At most `length` bytes; up to 1,024 they can be indexed and be a key."""
    large: TypeEngine[bytes] = mysql.VARBINARY(length) if length <= 1024 else mysql.LONGBLOB()
    return LargeBinary(length).with_variant(large, *_MARIADB)


def serial() -> TypeEngine[int]:
    """A 64-bit integer key; as a lone primary key the database counts it."""
    return BigInteger().with_variant(Integer(), "sqlite")


class _Instant(TypeDecorator[datetime]):
    """An aware datetime as microseconds since 1970 in UTC: sorts and compares alike everywhere, no server zone can touch it."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class _JsonText(TypeDecorator[Any]):
    """JSON kept as text: no database rewrites, reorders or rounds it."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


def instant() -> TypeEngine[datetime]:
    return _Instant()


def json_text() -> TypeEngine[Any]:
    return _JsonText()


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], keys: Collection[str], update: Collection[str]) -> None:
    """Insert `rows`; where `keys` (a primary or unique key) exists already, set the columns in `update`, or nothing when it is empty."""
    if not rows:
        return
    dialect = connection.dialect.name
    if dialect in _MARIADB:
        into = mysql.insert(table)
        # with nothing to update, a key column set to itself: INSERT IGNORE would also swallow every other error
        changed = {column: into.inserted[column] for column in update} or {next(iter(keys)): table.c[next(iter(keys))]}
        connection.execute(into.on_duplicate_key_update(changed), list(rows))
        return
    statement = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    if update:
        conflict = statement.on_conflict_do_update(index_elements=list(keys), set_={column: statement.excluded[column] for column in update})
    else:
        conflict = statement.on_conflict_do_nothing(index_elements=list(keys))
    connection.execute(conflict, list(rows))


__all__ = ["KEYS", "MAIN", "Column", "Table", "blob", "instant", "json_text", "key", "name", "serial", "text", "upsert"]
