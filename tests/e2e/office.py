"""An office with the real service in it: the accounts of `privacy init`, a way in for every role over HTTP, a data map to ask about."""

import json
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyotp

from privacy.client import Client
from tests.e2e.running import Running, surroundings


@dataclass(frozen=True, slots=True)
class Installation:
    """What `privacy init` made: the folder, and what it printed once."""

    state: Path
    made: Mapping[str, Any]

    def copy(self, state: Path) -> "Installation":
        shutil.copytree(self.state, state)
        return Installation(state, self.made)


def install(state: Path, **settings: str) -> Installation:
    """Run `privacy init` for an installation in `state`."""
    done = command("init", "--json", state=state, **settings)
    assert done.returncode == 0, done.stderr
    return Installation(state, json.loads(done.stdout))


def command(*arguments: str, state: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of ours to its end."""
    environment = surroundings(state, **settings)
    program = shutil.which("privacy", path=environment["PATH"]) or "privacy"
    return subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=90)


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    @property
    def code(self) -> str:
        return str(json.loads(self.body).get("code", ""))


def ask(url: str, method: str, path: str, token: str = "", body: object = None, context: ssl.SSLContext | None = None) -> Answer:
    """Send one request, without the retries of the shipped client. An answer has to come: no wait of the service is longer than a few seconds."""
    raw = None if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8")
    request = urllib.request.Request(f"{url}{path}", data=raw, method=method, headers={"Content-Type": "application/json"} if raw else {})
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=15, context=context) as answer:
            return Answer(answer.status, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return Answer(refused.code, dict(refused.headers), refused.read())


class Office:
    """A running service and its people. Every account signs in once: a one-time code is good for one use."""

    def __init__(self, service: Running, made: Mapping[str, Any]) -> None:
        self.service = service
        self.url = service.url
        self._made = made
        self._tokens: dict[str, str] = {}
        self._serial = 0

    def token(self, role: str) -> str:
        """Return the token of the first account with this role; the DPO's, admin's and auditor's come with a second factor."""
        if role not in self._tokens:
            self._tokens[role] = self._enter(role)
        return self._tokens[role]

    def as_(self, role: str) -> Client:
        return Client(self.url, token=self.token(role), patience=0)

    def employ(self, role: str) -> Client:
        """Make a person with this role and an authenticator, and sign in."""
        self._serial += 1
        account = {"username": f"{role}-{self._serial}", "roles": [role], "with_totp": True}
        person = self.as_("admin").call("POST", "/api/v1/users", account)
        return Client(self.url, token=self._session(person["user"]["username"], person["password"], person["totp_secret"]), patience=0)

    def register(self, role: str, *purposes: str) -> Client:
        """Register an application with this role for the purposes (none: for any)."""
        self._serial += 1
        made = self.as_("admin").call("POST", "/api/v1/clients", {"name": f"{role}-{self._serial}", "roles": [role], "purposes": list(purposes)})
        return Client(self.url, made["client_id"], made["client_secret"], patience=0)

    def connect(self, system: str, url: str, table: str, subject: tuple[str, str], fields: Mapping[str, str]) -> None:
        """Connect and scan a system, then let the DPO say what `table` holds: field to category, `not_personal` or "" for undecided."""
        dpo, dataset = self.as_("dpo"), f"{system}.{table}"
        if system in {each["name"] for each in dpo.call("GET", "/api/v1/systems")["systems"]}:
            return  # tests may come back to a module after others ran
        dpo.call("POST", "/api/v1/systems", {"name": system, "url": url})
        dpo.call("POST", f"/api/v1/systems/{system}/scan", {})
        decided = dpo.call("POST", "/api/v1/findings", {"decisions": list(_decisions(dataset, fields))})
        assert [item for item in decided["items"] if item.get("error")] == []
        dpo.call("PUT", f"/api/v1/datasets/{dataset}/subject", {"subject_type": subject[0], "subject_field": subject[1]})

    def _enter(self, role: str) -> str:
        for user in self._made["users"]:
            if user["role"] == role:
                return self._session(user["username"], user["password"], user["totp_secret"])
        account = next(client for client in self._made["clients"] if client["role"] == role)
        return Client(self.url, account["client_id"], account["client_secret"])._fresh_token()

    def _session(self, username: str, password: str, secret: str) -> str:
        answer = ask(self.url, "POST", "/api/v1/sessions", body={"username": username, "password": password, "totp": pyotp.TOTP(secret).now()})
        assert answer.status == 201, answer.text
        opened = json.loads(answer.body)
        assert opened["assurance"] == 2
        return str(opened["access_token"])


def _decisions(dataset: str, fields: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
    settled = {field: category for field, category in fields.items() if category}
    return [
        {"dataset": dataset, "field": field, "decision": "not_personal"}
        if category == "not_personal"
        else {"dataset": dataset, "field": field, "decision": "confirm", "category": category}
        for field, category in settled.items()
    ]
