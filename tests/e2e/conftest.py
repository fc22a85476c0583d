"""Fixtures of the tests against the real service: one installation per worker, copied; one service for all who leave it as it is."""

from collections.abc import Iterator

import pytest

from tests.e2e.office import Installation, Office, install
from tests.e2e.running import serving


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation to copy; nothing runs on it."""
    return install(tmp_path_factory.mktemp("installed") / "var")


@pytest.fixture(scope="session")
def office(installed: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A service that nobody breaks or stops; who changes it takes names of their own."""
    copied = installed.copy(tmp_path_factory.mktemp("office") / "var")
    with serving(copied.state) as service:
        yield Office(service, copied.made)
