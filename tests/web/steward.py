"""The whole product, wired as it is served, in a folder of its own: initialised once per run, copied per test."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyotp
from flask import Flask

from privacy.application import Application, build
from privacy.cli.init import _populate, prepare
from privacy.cli.session import operator
from privacy.config import Config, load
from privacy.kernel.ids import DEFAULT_TENANT, TenantId
from privacy.kernel.terms import Actor
from privacy.web import create_app
from tests.web.browser import Browser

_PEOPLE = ("dpo", "approver", "admin")  # the roles that only people hold


@dataclass(frozen=True, slots=True)
class Steward:
    """A built application, its WSGI face, and a way in for every role."""

    application: Application
    app: Flask

    def actor(self, tenant: TenantId = DEFAULT_TENANT) -> Actor:
        """The operator of a tenant, at the shell."""
        here = operator(self.application)
        return Actor(here.ref, tenant, here.roles, here.scopes, here.auth)

    def browser(self, role: str, tenant: TenantId = DEFAULT_TENANT, purposes: tuple[str, ...] = ()) -> Browser:
        """Return a browser with a real token of an account with this role."""
        return Browser(self.app, self.token(role, tenant, purposes))

    def token(self, role: str, tenant: TenantId = DEFAULT_TENANT, purposes: tuple[str, ...] = ()) -> str:
        actors, actor = self.application.actors, self.actor(tenant)
        if role in _PEOPLE:
            made = actors.people.create(actor, f"{role}-{tenant}-{len(actors.people.all(actor))}", [role], with_totp=True)
            body = {"username": made.user.username, "password": made.password, "totp": pyotp.TOTP(made.totp_secret).now()}
            return str(self._answer("/api/v1/sessions", json=body)["access_token"])
        client = actors.applications.create(actor, role, [role], purposes)
        form = {"grant_type": "client_credentials", "client_id": client.client.id, "client_secret": client.secret}
        return str(self._answer("/oauth/token", data=form)["access_token"])

    def add_tenant(self, tenant: TenantId) -> None:
        self.application.keyring.create_tenant(tenant)
        self.application.actors.bootstrap_tenant(self.actor(tenant), str(tenant))
        self.application.load_shipped(self.actor(tenant))

    def _answer(self, path: str, **options: Any) -> dict[str, Any]:
        answer = self.app.test_client().post(path, **options)
        assert answer.status_code in (200, 201), answer.text
        told: dict[str, Any] = answer.get_json()
        return told


def config_in(folder: Path, **settings: str) -> Config:
    """The settings of an installation whose everything is in `folder`; patient, since other tests keep the disk busy."""
    return load({"PRIVACY_STATE_DIR": str(folder), "PRIVACY_STORE_TIMEOUT": "10", **settings})


def install(folder: Path) -> Path:
    """Do what `privacy init` does, in `folder`."""
    config = config_in(folder)
    prepare(config)
    _populate(config, "Trial")
    return folder


def open_steward(template: Path, folder: Path, **settings: str) -> Steward:
    """Copy an installation and open it; the caller closes `application`."""
    shutil.copytree(template, folder)
    application = build(config_in(folder, **settings))
    return Steward(application, create_app(application))
