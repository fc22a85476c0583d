"""A whole installation, made once per run and copied per test, with the shop of tests/company connected in a database of each kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.company import tables
from tests.company.confirming import confirm_shop, connect
from tests.disposal.erasing import Case
from tests.web.steward import Steward, install, open_steward


@pytest.fixture(scope="session")
def disposal_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("disposal") / "state")


@pytest.fixture
def office(disposal_template: Path, tmp_path: Path) -> Iterator[Steward]:
    opened = open_steward(disposal_template, tmp_path / "office")
    yield opened
    opened.application.close()


@pytest.fixture
def case(office: Steward, empty_url: str) -> Case:
    """The shop, connected and confirmed."""
    tables.build(empty_url)
    connect(office.application, office.actor(), "shop", empty_url)
    confirm_shop(office.application, office.actor())
    return Case(office.application, empty_url)
