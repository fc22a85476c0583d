"""Database addresses: one spelling in, the driver's spelling out, and verified TLS for every host that is not this one.

Decision 31: a connection to a non-loopback database verifies the server's certificate, unless its operator wrote down why not
(`?unverified_tls_reason=…` in the address). Error texts never show the address: it may hold a password.
"""

import ipaddress
import ssl
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from privacy.kernel.errors import Misconfigured

_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
}
_REASON = "unverified_tls_reason"


@dataclass(frozen=True, slots=True)
class Address:
    """A database address ready for `create_engine`: `url` without our own parameters, `arguments` for the driver."""

    url: URL
    arguments: dict[str, Any]
    unverified_tls_reason: str = ""

    @property
    def kind(self) -> str:
        """Return `sqlite`, `postgresql` or `mysql` (MariaDB included)."""
        return self.url.get_backend_name()


def parse_address(text: str, *, setting: str, timeout: float = 2.0) -> Address:
    """Read a database address.

    Args:
        setting: what the address is called in error texts, for example `PRIVACY_DATABASE_URL`.
        timeout: seconds to wait for the connection.
    Raises Misconfigured for an unknown kind or malformed text.
    """
    try:
        url = make_url(text)
        kind = url.drivername.split("+")[0]
    except (ArgumentError, ValueError):
        raise Misconfigured(f"{setting} is no database address; write sqlite:///path, postgresql://user@host/name or mariadb://user@host/name.") from None
    if kind not in _DRIVERS:
        raise Misconfigured(f"{setting} names an unknown kind of database; known are sqlite, postgresql, mariadb and mysql.")
    reason = str(url.query.get(_REASON, ""))
    url = url.set(drivername=_DRIVERS[kind]).difference_update_query([_REASON])
    return Address(url, _connect_arguments(url, reason, timeout), reason)


def is_loopback(host: str | None) -> bool:
    """Tell whether `host` is this machine: no host or a socket path, `localhost`, or a loopback address."""
    if not host or host.startswith("/") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _connect_arguments(url: URL, reason: str, timeout: float) -> dict[str, Any]:
    host = url.host or _first(url.query.get("host"))
    verify = not (is_loopback(host) or reason)
    seconds = max(1, round(timeout))
    if url.get_backend_name() == "postgresql":
        # an explicit weaker sslmode in the address would silently undo the rule, so ours wins
        return {"connect_timeout": max(2, seconds)} | ({"sslmode": "verify-full", "sslrootcert": "system"} if verify and "sslrootcert" not in url.query else {})
    if url.get_backend_name() == "mysql":
        return {"connect_timeout": seconds, "charset": "utf8mb4"} | ({"ssl": ssl.create_default_context()} if verify else {})
    return {}


def _first(value: str | tuple[str, ...] | None) -> str | None:
    return value[0] if isinstance(value, tuple) else value
