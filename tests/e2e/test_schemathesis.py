"""The whole HTTP surface against its own description: thousands of generated requests, good and bad, every check on."""

from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from privacy.web import create_app
from privacy.web.app import routes_of
from privacy.web.endpoint import PUBLIC, SELF
from privacy.web.openapi import document
from tests.web.steward import Steward, install, open_steward

# what a well-formed request may be told: it refers to something that is not there, is not allowed, is gone, or is more than the settings let through
_SEMANTIC = ["2xx", "401", "403", "404", "409", "410", "413", "422", "429", "503"]
_CONFIG = {
    "generation": {"mode": "all", "with-security-parameters": False},
    "checks": {
        "positive_data_acceptance": {"expected-statuses": _SEMANTIC},
        "negative_data_rejection": {"expected-statuses": ["400", "401", "403", "404", "405", "413", "415", "422", "429"]},
    },
}
_TRIED_IN_ORDER = ("dpo", "application", "admin", "agent", "auditor", "approver")


@pytest.fixture(scope="session")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steward]:
    folder = tmp_path_factory.mktemp("schemathesis")
    opened = open_steward(install(folder / "installed"), folder / "state")
    opened.application.start()
    stage.app = opened.app
    yield opened
    opened.application.close()


@pytest.fixture(scope="session")
def tokens(tried: Steward) -> dict[str, str]:
    """For every operation a token that may call it, so that bodies are reached."""
    roles = tried.application.actors.roles
    held = {role: tried.token(role) for role in _TRIED_IN_ORDER}
    self_service = tried.token("approver")
    chosen = {}
    for route in routes_of(tried.app):
        able = [role for role in _TRIED_IN_ORDER if route.scope in roles.scopes([role])]
        chosen[route.name.replace(".", "_")] = self_service if route.scope == SELF else "" if route.scope == PUBLIC else held[able[0]]
    return chosen


class _Stage:
    """The WSGI application of the run: named when tests are collected, built when the first one starts."""

    app: Flask | None = None

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        assert self.app is not None
        return self.app(environ, start_response)


def _described() -> Any:
    unbuilt = SimpleNamespace(actors=SimpleNamespace(applications=None, token_seconds=600))
    return schemathesis.openapi.from_dict(document(routes_of(create_app(unbuilt))), config=SchemathesisConfig.from_dict(_CONFIG))


stage = _Stage()
schema = _described()
schema.app = stage


@schema.parametrize()
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_what_the_description_says(case: schemathesis.Case, tokens: dict[str, str]) -> None:
    """Statuses, media types, bodies and headers conform; bad requests are refused, good ones are not; nothing is a server error."""
    token = tokens[case.operation.definition.raw["operationId"]]
    case.call_and_validate(headers={"Authorization": f"Bearer {token}"} if token else {})
