"""A small company behind the web edge: real accounts and tokens, no other room."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from privacy.adapters.store.engine import SqlStore
from privacy.kernel.clock import FixedClock
from privacy.web import create_app
from tests.actors.builders import Office, code_of, open_office
from tests.cast import OTHER_TENANT
from tests.web.browser import Browser
from tests.web.steward import Steward, install, open_steward

PEOPLE = ("dpo", "approver", "admin")  # the other roles come as applications here


@dataclass(frozen=True, slots=True)
class Company:
    """What the web edge needs of an application."""

    office: Office
    checks: dict[str, Callable[[], object]] = field(default_factory=dict)

    @property
    def actors(self) -> Any:
        return self.office.actors


@pytest.fixture
def company(sqlite_store: SqlStore, sqlite_keys_store: SqlStore, tmp_path: Path, fixed_clock: FixedClock) -> Company:
    return Company(open_office(sqlite_store, sqlite_keys_store, tmp_path, fixed_clock, ("default", OTHER_TENANT)))


@pytest.fixture
def web(company: Company) -> Flask:
    """The accounts' own routes, without the rooms that need more."""
    from privacy.web.api import clients, sessions, users

    return create_app(company, max_bytes=1024 * 1024, rooms=[sessions.routes, users.routes, clients.routes])


@pytest.fixture
def nobody(web: Flask) -> Browser:
    return Browser(web)


@pytest.fixture
def browser_for(web: Flask, company: Company, fixed_clock: FixedClock) -> Callable[..., Browser]:
    """Return a browser that holds a real token of a new account with this role."""

    def make(role: str, tenant: str = "default") -> Browser:
        return Browser(web, token_for(web, company, role, tenant, fixed_clock))

    return make


def token_for(web: Flask, company: Company, role: str, tenant: str, clock: FixedClock) -> str:
    operator = company.office.operator(tenant)  # type: ignore[arg-type]
    if role in PEOPLE:
        made = company.actors.people.create(operator, f"{role}.{tenant}", [role], with_totp=True)
        body = {"username": made.user.username, "password": made.password, "totp": code_of(made.totp_secret, clock)}
        answer: TestResponse = web.test_client().post("/api/v1/sessions", json=body)
    else:
        client = company.actors.applications.create(operator, role, [role], ["service"])
        form = {"grant_type": "client_credentials", "client_id": client.client.id, "client_secret": client.secret}
        answer = web.test_client().post("/oauth/token", data=form)
    assert answer.status_code in (200, 201), answer.get_json()
    return str(answer.get_json()["access_token"])


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `privacy init` leaves behind, made once."""
    return install(tmp_path_factory.mktemp("installed") / "state")


@pytest.fixture
def steward(installation: Path, tmp_path: Path) -> Iterator[Steward]:
    """The whole product on SQLite, as it is served; background threads are not started."""
    opened = open_steward(installation, tmp_path / "steward")
    yield opened
    opened.application.close()


@pytest.fixture
def client_for(steward: Steward) -> Callable[..., Browser]:
    """Return a thin test client with a real token of a new account with this role."""
    return steward.browser
