"""The client in one file: a token when it needs one, patience within a bound, and no secret in sight."""

import ast
import json
import socket
import subprocess
import sys
import threading
import urllib.error
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from privacy.actors.accounts import ClientCredentials
from privacy.client import Answered, Client, Problem, Sent, Unreachable, _reason
from privacy.kernel.clock import FixedClock
from tests.cast import LI_XIAOMING
from tests.e2e.running import free_port
from tests.web.browser import Browser
from tests.web.conftest import Company
from tests.web.steward import Steward

FILE = Path(__file__).parents[2] / "privacy" / "client.py"


class InProcess(Client):
    """Sends to a WSGI application in this process, and remembers what was sent."""

    def __init__(self, app: Flask, *credentials: str, **options: object) -> None:
        super().__init__("http://localhost", *credentials, **options)  # type: ignore[arg-type]
        self._wsgi = app.test_client()
        self.paths: list[str] = []

    def _send(self, sent: Sent) -> Answered:
        self.paths.append(sent.path)
        answer = self._wsgi.open(sent.path, method=sent.method, headers=dict(sent.headers), data=sent.body)
        return Answered(answer.status_code, dict(answer.headers), answer.data)


@pytest.fixture
def credentials(company: Company) -> ClientCredentials:
    made: ClientCredentials = company.actors.applications.create(company.office.operator(), "billing", ["application"], ["service"])
    return made


@pytest.fixture
def client(web: Flask, credentials: ClientCredentials) -> InProcess:
    return InProcess(web, credentials.client.id, credentials.secret)


def test_a_token_is_fetched_once_and_used_again(client: InProcess) -> None:
    """Ten calls, one token."""
    for _ in range(10):
        with pytest.raises(Problem) as refused:
            client.call("GET", "/api/v1/users")
        assert (refused.value.status, refused.value.code) == (403, "access_denied")
    assert client.paths.count("/oauth/token") == 1


def test_a_token_that_ended_early_is_renewed_once(client: InProcess, fixed_clock: FixedClock) -> None:
    """The service's clock decides; a second refusal is the answer."""
    with pytest.raises(Problem):
        client.call("GET", "/api/v1/users")
    fixed_clock.advance(timedelta(hours=1))
    with pytest.raises(Problem) as refused:
        client.call("GET", "/api/v1/users")
    assert refused.value.code == "access_denied"
    assert client.paths.count("/oauth/token") == 2


def test_a_wrong_secret_is_a_problem_in_the_services_words(web: Flask, credentials: ClientCredentials) -> None:
    """Code and text of RFC 6749's answer."""
    with pytest.raises(Problem) as refused:
        InProcess(web, credentials.client.id, "wrong").purposes()
    assert (refused.value.status, refused.value.code) == (401, "invalid_client")


def test_a_person_can_use_it_with_a_session(web: Flask, browser_for: Callable[..., Browser]) -> None:
    """The token is taken as it is."""
    admin = InProcess(web, token=browser_for("admin").token)
    made = admin.call("POST", "/api/v1/clients", {"name": "theirs", "roles": ["analyst"]})
    assert made["client"]["name"] == "theirs"
    assert admin.call("DELETE", "/api/v1/sessions/current") == {}
    with pytest.raises(Problem) as refused:
        admin.call("GET", "/api/v1/clients")
    assert refused.value.code == "unauthenticated"
    assert "/oauth/token" not in admin.paths


def test_a_busy_service_is_asked_again_within_the_bound(client: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused calls had no effect, so repeating them is safe; patience ends."""
    answers: list[int] = [503, 503, 200]
    slept: list[float] = []
    monkeypatch.setattr("privacy.client.time.sleep", slept.append)
    busy = lambda sent: Answered(answers.pop(0), {"Retry-After": "1"}, b'{"purposes": []}')  # noqa: E731
    client._token, client._token_until = "t", float("inf")
    monkeypatch.setattr(client, "_send", busy)
    assert client.purposes() == []
    assert slept == [1.0, 1.0]
    answers[:] = [503]
    client._patience = 0.5
    with pytest.raises(Problem) as refused:
        client.purposes()
    assert refused.value.status == 503


def test_the_calls_of_the_contract_send_what_the_service_reads(client: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and places of the public interface."""
    seen: list[tuple[str, object]] = []
    client._token, client._token_until = "t", float("inf")

    def answer(sent: Sent) -> Answered:
        seen.append((f"{sent.method} {sent.path}", json.loads(sent.body or b"null")))
        return Answered(200, {}, b'{"results": [[]], "items": [], "records": []}')

    monkeypatch.setattr(client, "_send", answer)
    client.detect(["text"])
    client.mask(dataset="crm.customer", purpose="support", records=[{"a": 1}])
    client.decide([{"field": "phone"}, {"field": "email", "purpose": "service"}], dataset="crm.customer", purpose="support")
    client.protect("crm.customer", [{"subject": "crm:customer:42", "field": "phone", "value": "x"}])
    client.reveal("crm.customer", [], purpose="service")
    client.index("crm.customer", [])
    client.give_consent(subject="crm:customer:42", purpose="marketing")
    client.withdraw_consent(subject="crm:customer:42", purpose="marketing")
    client.check_consents([])
    assert [path for path, _ in seen] == [
        f"POST /api/v1/{name}" for name in ("detect", "mask", "decisions", "protect", "reveal", "index", "consents", "consents/withdraw", "consents/check")
    ]
    assert seen[0][1] == {"texts": ["text"], "language": "auto", "min_confidence": 0.5}
    assert seen[1][1] == {"dataset": "crm.customer", "purpose": "support", "records": [{"a": 1}]}
    common = {"dataset": "crm.customer", "purpose": "support"}
    assert seen[2][1] == {"items": [{**common, "field": "phone"}, {**common, "field": "email", "purpose": "service"}]}


def test_the_service_accepts_what_the_client_sends(steward: Steward) -> None:
    """Over the real rooms, for a call of every kind; what the client adds to a call is known there."""
    bob = InProcess(steward.app, token=steward.token("application"))
    asked = [{"field": "phone"}, {"field": "email", "purpose": "support"}, {"field": "phone", "subject": str(LI_XIAOMING.ref)}]
    decided = bob.decide(asked, dataset="crm.customer", purpose="service")
    assert [item["effect"] for item in decided["items"]] == ["withheld"] * 3  # nobody has confirmed this dataset yet
    assert decided == bob.decide([{"dataset": "crm.customer", "purpose": "service"} | item for item in asked])
    texts = ["手机13800138000", {"text": "手机13800138000", "subject": str(LI_XIAOMING.ref)}]
    assert len(bob.mask(texts=texts, purpose="support")["texts"]) == 2
    assert len(bob.detect(["邮箱 li@example.com"], language="zh", entities=["EMAIL_ADDRESS"])[0]) == 1
    assert bob.check_consents([{"subject": str(LI_XIAOMING.ref), "purpose": "marketing"}])[0]["state"] == "never"
    dpo = InProcess(steward.app, token=steward.token("dpo"))
    assert {purpose["id"] for purpose in bob.purposes()} >= {"service", "marketing"}
    assert {notice["id"] for notice in bob.notices()} >= {"marketing"}
    assert (bob.recipients(), dpo.systems()) == ([], [])


@pytest.mark.parametrize("url", ["http://privacy.example", "ftp://localhost", "localhost:8000", ""])
def test_data_never_leaves_the_machine_unencrypted(url: str) -> None:
    """Plain http is for a service on this machine."""
    with pytest.raises(ValueError, match="https"):
        Client(url)


def test_nothing_printable_holds_a_secret_or_a_value(client: InProcess) -> None:
    """Clients, requests and answers end up in other people's logs."""
    shown = repr(client) + repr(Sent("POST", "/x", {"Authorization": "Bearer s3cret"}, LI_XIAOMING.phone.encode())) + repr(Answered(200, {}, b"s3cret"))
    assert "s3cret" not in shown
    assert LI_XIAOMING.phone not in shown
    assert client._credentials[1] not in shown


@pytest.fixture
def served(web: Flask) -> Iterator[str]:
    """The same application behind a real socket."""
    server = make_server("127.0.0.1", 0, web, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_it_works_over_a_socket(served: str, credentials: ClientCredentials) -> None:
    """The real `_send`: answers and refusals alike."""
    client = Client(served, credentials.client.id, credentials.secret)
    with pytest.raises(Problem) as refused:
        client.call("GET", "/api/v1/users")
    assert refused.value.code == "access_denied"
    assert b"openapi" in client.download("/openapi.json")


class AsJson(Client):
    """Calls the token endpoint with whatever it is given, as a form."""

    def _send(self, sent: Sent) -> Answered:
        headers = dict(sent.headers) | ({"Content-Type": "application/x-www-form-urlencoded"} if sent.path == "/oauth/token" else {})
        return super()._send(Sent(sent.method, sent.path, headers, sent.body))


def test_a_body_of_fifty_megabytes_gets_its_answer(served: str, credentials: ClientCredentials) -> None:
    """413 arrives as an answer, not as a broken connection, although most of the body was never kept."""
    client = Client(served, credentials.client.id, credentials.secret)
    with pytest.raises(Problem) as refused:
        client.call("PUT", "/api/v1/sessions/current/password", {"current": "x", "new": "y" * 50_000_000})
    assert refused.value.code == "access_denied"
    for token in ("", "pss_invented"):
        with pytest.raises(Problem) as nobody:
            Client(served, token=token or "x").call("PUT", "/api/v1/sessions/current/password", {"current": "x", "new": "y" * 50_000_000})
        assert nobody.value.code == "unauthenticated"
    for path in ("/api/v1/sessions", "/oauth/token"):
        with pytest.raises(Problem) as too_large:
            AsJson(served, token="x").call("POST", path, {"username": "x", "password": "y" * 50_000_000})
        assert too_large.value.code == "payload_too_large"


def unreachable(url: str) -> Unreachable:
    with pytest.raises(Unreachable) as failed:
        Client(url, token="t", timeout=0.5).call("POST", "/x", {"phone": LI_XIAOMING.phone})
    assert LI_XIAOMING.phone not in str(failed.value)
    assert url in str(failed.value)
    assert failed.value.reason.replace("_", " ") in str(failed.value)
    return failed.value


def test_a_service_that_is_not_there_is_unreachable_in_a_word_that_says_why() -> None:
    """Who reads it knows whether to look at the port, the name, the load, the certificate or the line."""
    assert unreachable(f"http://127.0.0.1:{free_port()}").reason == "refused"
    assert _reason(urllib.error.URLError(socket.gaierror())) == "name_not_found"  # tests may look up no name
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert unreachable(f"http://127.0.0.1:{silent.getsockname()[1]}").reason == "timed_out"
    assert unreachable_after(b"") == "broken_off"
    assert unreachable_after(b"SSH-2.0-OpenSSH_9.2\r\n") == "broken_off"
    assert unreachable_after(b"not TLS at all, and long enough to be read", scheme="https") == "tls"


def unreachable_after(said: bytes, scheme: str = "http") -> str:
    """Return the reason when something answers `said` and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        reason = unreachable(f"{scheme}://127.0.0.1:{server.getsockname()[1]}").reason
        thread.join()
    return reason


def test_it_is_one_file_of_the_standard_library() -> None:
    """An application copies it and needs nothing else."""
    imported = {
        (node.module or "").split(".")[0] if isinstance(node, ast.ImportFrom) else alias.name.split(".")[0]
        for node in ast.walk(ast.parse(FILE.read_text("utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported <= sys.stdlib_module_names
    subprocess.run([sys.executable, "-I", "-c", f"import runpy; runpy.run_path({str(FILE)!r})"], check=True)
