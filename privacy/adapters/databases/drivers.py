"""What drivers refuse to read and databases hold all the same: text in no encoding, infinite dates. It comes as text instead of an error."""

from collections.abc import Callable
from typing import Any

from psycopg import DataError
from psycopg.types import datetime as loaders

from privacy.adapters.databases.sqlite import decode_text


class _Date(loaders.DateLoader):
    def load(self, data: Any) -> Any:
        return _lenient(super().load, data)


class _Timestamp(loaders.TimestampLoader):
    def load(self, data: Any) -> Any:
        return _lenient(super().load, data)


class _Timestamptz(loaders.TimestamptzLoader):
    def load(self, data: Any) -> Any:
        return _lenient(super().load, data)


def _lenient(load: Callable[[Any], Any], data: Any) -> Any:
    try:
        return load(data)
    except DataError:
        return bytes(data).decode("ascii", "replace")


def read_leniently(kind: str) -> Callable[[Any, Any], None]:
    """Return a listener for a new connection of `kind`."""

    def listen(opened: Any, _record: Any) -> None:
        if kind == "sqlite":
            opened.text_factory = decode_text
            # batches follow each other: the log is copied into the file every 32 MB instead of after each of them
            opened.execute("PRAGMA wal_autocheckpoint = 8000")
        elif kind == "postgresql":
            for name, loader in (("date", _Date), ("timestamp", _Timestamp), ("timestamptz", _Timestamptz)):
                opened.adapters.register_loader(name, loader)

    return listen
