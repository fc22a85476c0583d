"""Database addresses: one spelling in, verified TLS for every host that is not this one."""

import ssl

import pytest

from privacy.adapters.database_urls import is_loopback, parse_address
from privacy.kernel.errors import Misconfigured


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("sqlite:///a.db", "sqlite"),
        ("postgresql://u@localhost/x", "postgresql"),
        ("postgres://u@localhost/x", "postgresql"),
        ("mysql://u@localhost/x", "mysql"),
        ("mariadb://u@localhost/x", "mysql"),
    ],
)
def test_the_usual_spellings_are_understood(text: str, kind: str) -> None:
    """Nobody needs to know our drivers' names."""
    assert parse_address(text, setting="X").kind == kind


@pytest.mark.parametrize("text", ["", "nonsense", "oracle://scott:tiger-417@db/x", "postgresql://u:p-417@db:port/x"])
def test_what_is_no_address_is_refused_and_not_repeated(text: str) -> None:
    """It may hold a password."""
    with pytest.raises(Misconfigured) as refused:
        parse_address(text, setting="PRIVACY_DATABASE_URL")
    assert "PRIVACY_DATABASE_URL" in refused.value.detail
    assert "417" not in refused.value.detail


def test_a_foreign_postgresql_is_verified_even_if_the_address_says_otherwise() -> None:
    """`sslmode=disable` in an address would undo the rule without a word."""
    assert parse_address("postgresql://u@db.example/x?sslmode=disable", setting="X").arguments["sslmode"] == "verify-full"


def test_a_foreign_mariadb_is_verified() -> None:
    """Certificate and host name."""
    context = parse_address("mariadb://u@db.example/x", setting="X").arguments["ssl"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize("scheme", ["postgresql", "mariadb"])
def test_going_without_verification_takes_a_written_reason(scheme: str) -> None:
    """Whoever reads the configuration later sees who decided it and why."""
    address = parse_address(f"{scheme}://u@db.example/x?unverified_tls_reason=inside+the+rack", setting="X")
    assert {"sslmode", "ssl"} & set(address.arguments) == set()
    assert address.unverified_tls_reason == "inside the rack"
    assert "unverified_tls_reason" not in str(address.url)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        (None, True),
        ("", True),
        ("localhost", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("/run/postgresql", True),
        ("10.0.0.1", False),
        ("localhost.example", False),
    ],
)
def test_only_this_machine_is_loopback(host: str | None, here: bool) -> None:
    """A private network is still a network."""
    assert is_loopback(host) is here
