"""From an address to a connector: what kind of system it is, what of the address may be shown, and which parameters it may carry."""

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from privacy.adapters.database_urls import Address, parse_address
from privacy.adapters.databases.connector import Dialect, SqlConnector
from privacy.adapters.databases.hosts import refuse_host
from privacy.adapters.databases.mariadb import MARIADB
from privacy.adapters.databases.postgresql import POSTGRESQL
from privacy.adapters.databases.reserved import NOTHING, Reserved
from privacy.adapters.databases.sqlite import SqliteConnector
from privacy.adapters.files.csv_system import CsvConnector, is_csv
from privacy.discovery.ports import Connector
from privacy.kernel.errors import InvalidInput, Misconfigured

_SERVERS: dict[str, Dialect] = {"postgresql": POSTGRESQL, "mysql": MARIADB}
# others could point elsewhere than the address shows (hostaddr, service) or run something on connect (init_command, options)
_PARAMETERS = frozenset({"sslrootcert", "sslmode", "charset", "unverified_tls_reason", "application_name"})
_HOW = "Write sqlite:///path, postgresql://user@host/name, mariadb://user@host/name, csv:/path, or the path of an SQLite or CSV file."


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address points. `shown` carries no user name and no password; `identity` is equal for two addresses of one database."""

    kind: str
    shown: str
    identity: tuple[str, ...]
    path: Path | None = None
    address: Address | None = None

    @property
    def tls_waiver(self) -> str:
        return self.address.unverified_tls_reason if self.address else ""


def locate(url: str, *, existing: bool = True, reserved: Reserved = NOTHING) -> Place:
    """Read an address without opening anything. Raises InvalidInput, never with the address in its text: it may hold a password.

    `existing` false accepts a file that is not there yet, and files of ours (one of our own databases before its first start).
    """
    text = url
    if "\x00" in text or len(text) > 2048 or not text.strip():
        raise InvalidInput(f"This is no address of a system. {_HOW}", pointer="/url")
    try:
        place = _located(text, existing)
        if existing and place.path is not None:
            reserved.refuse(place.path)
        return place
    except (OSError, RuntimeError):  # a part longer than file names are, a ~name without a home, a folder we may not look into
        raise InvalidInput(f"This is no address of a system. {_HOW}", pointer="/url") from None


def _located(text: str, existing: bool) -> Place:
    if text.startswith("csv:"):
        return _csv(text.removeprefix("csv:").removeprefix("//"))
    if "://" not in text:
        path = Path(text).expanduser()
        return _csv(text) if path.is_dir() or is_csv(path) else _sqlite(path, existing)
    try:
        parsed = make_url(text)
    except (ArgumentError, ValueError):
        raise InvalidInput(f"This is no address of a system. {_HOW}", pointer="/url") from None
    if parsed.drivername.split("+")[0] == "sqlite":
        return _sqlite(Path(parsed.database or ""), existing)
    return _server(text, parsed, existing)


def open_connector(url: str, *, reserved: Reserved = NOTHING) -> Connector:
    """Open a system read-only. Raises InvalidInput for what cannot be opened at all, ConnectorUnavailable when nobody answers."""
    place = locate(url, reserved=reserved)
    if place.path is not None:
        return CsvConnector(place.path, reserved.refuse) if place.kind == "csv" else _sqlite_connector(place.path)
    assert place.address is not None
    return SqlConnector(_SERVERS[place.kind], place.address)


def _csv(text: str) -> Place:
    whole = Path(text).expanduser().resolve()
    if not text or whole == Path(whole.anchor):
        raise InvalidInput("The address names no file and no folder of CSV files.", pointer="/url")
    if not whole.exists():
        raise InvalidInput("There is no such file or folder.", pointer="/url")
    # what a link is called says nothing about what it leads to
    if not whole.is_dir() and not (whole.is_file() and is_csv(whole)):
        raise InvalidInput("A CSV system is a .csv or .tsv file, or a folder of them.", pointer="/url")
    return Place("csv", f"csv:{whole}", ("file", str(whole)), whole)


def _sqlite(path: Path, existing: bool) -> Place:
    whole = path.resolve()
    if existing:
        if not whole.is_file():
            raise InvalidInput(f"There is no such file. {_HOW}", pointer="/url")
        if not os.access(whole, os.R_OK):
            raise InvalidInput("The file cannot be read by this user.", pointer="/url")
    return Place("sqlite", f"sqlite:///{whole}", ("file", str(whole)), whole)


def _sqlite_connector(path: Path) -> SqliteConnector:
    connector = SqliteConnector(path)
    if path.stat().st_size == 0 or not connector.is_database():
        connector.close()
        raise InvalidInput("The file is no SQLite database (or it is encrypted, or empty).", pointer="/url")
    return connector


def _server(text: str, url: URL, strict: bool) -> Place:
    unknown = sorted(name for name in url.query if name not in _PARAMETERS and not (name in ("host", "unix_socket") and str(url.query[name]).startswith("/")))
    if unknown and strict:
        raise InvalidInput(f"The address carries a parameter that is not allowed; allowed are {', '.join(sorted(_PARAMETERS))}.", pointer="/url")
    try:
        address = parse_address(text, setting="The system's address", timeout=5.0)
    except Misconfigured as error:
        raise InvalidInput(error.detail, pointer="/url") from None
    if not address.url.database:
        raise InvalidInput("The address names no database; add /name.", pointer="/url")
    host = address.url.host or str(address.url.query.get("host") or address.url.query.get("unix_socket") or "localhost")
    if strict:
        refuse_host(host)
    port = f":{address.url.port}" if address.url.port else ""
    shown = f"{address.kind}://{host}{port}/{address.url.database}"
    default = 5432 if address.kind == "postgresql" else 3306
    identity = (address.kind, _plain(host), str(address.url.port or default), address.url.database)
    return Place(address.kind, shown, identity, None, address)


def _plain(host: str) -> str:
    return "localhost" if host in ("127.0.0.1", "::1", "localhost") or host.startswith("/") else host.lower()
