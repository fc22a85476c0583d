"""The whole application over SQLite, for tests that go through the web edge to the real log."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from privacy.adapters import log_key_file
from privacy.adapters.files import yaml_file
from privacy.adapters.key_file import FileKeyProvider
from privacy.adapters.tokens import create_keys
from privacy.application import Application, build
from privacy.cli.session import operator
from privacy.config import load
from privacy.web import create_app
from tests.conftest import DatabaseUrls
from tests.web.browser import Browser

MAP = """
system: crm
controller: main
datasets:
  customer:
    subject: {type: customer, field: id}
    fields:
      id: {category: subject_key, status: confirmed}
      name: {category: name, status: confirmed}
      phone: {category: phone, status: confirmed}
      email: {category: email, status: confirmed}
      id_card: {category: national_id, status: confirmed}
      birthday: {category: birth_date, status: confirmed}
      notes: {category: personal_text, status: confirmed}
      created: {status: not_personal}
"""


@pytest.fixture
def steward(sqlite_urls: DatabaseUrls, tmp_path: Path) -> Iterator[Application]:
    """An initialised installation with the shipped catalogue and policy and one mapped dataset, crm.customer."""
    settings = {"PRIVACY_STATE_DIR": str(tmp_path), "PRIVACY_DATABASE_URL": sqlite_urls.main, "PRIVACY_KEYS_DATABASE_URL": sqlite_urls.keys}
    FileKeyProvider.create(tmp_path / "root.key")
    log_key_file.create(tmp_path / "log.key", "test.example/audit")
    create_keys(tmp_path / "token.keys")
    application = build(load(settings))
    try:
        actor = operator(application)
        application.keyring.create_tenant(actor.tenant)
        application.actors.bootstrap_tenant(actor, "Test company")
        application.load_shipped(actor)
        application.inventory.import_map(actor, yaml_file.load(MAP))
        yield application
    finally:
        application.close()


@pytest.fixture
def client_for(steward: Application) -> Callable[..., Browser]:
    """Return a browser with the real token of a new client in this role."""
    web: Flask = create_app(steward)

    def make(role: str, *purposes: str) -> Browser:
        made = steward.actors.applications.create(operator(steward), f"{role} {len(purposes)}", [role], list(purposes))
        form = {"grant_type": "client_credentials", "client_id": made.client.id, "client_secret": made.secret}
        answer = web.test_client().post("/oauth/token", data=form)
        return Browser(web, str(answer.get_json()["access_token"]))

    return make
