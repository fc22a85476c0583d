"""Callers who stop in mid-sentence, and callers who do not speak HTTP: neither costs others anything nor shows in the log."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.e2e.office import Office, ask

pytestmark = pytest.mark.e2e

_MANY = 40  # more than the 16 threads of a service as it comes
_SECRET = "pss_SECRET7c1f"


def connected(office: Office) -> socket.socket:
    place = urlsplit(office.url)
    assert place.hostname
    assert place.port
    return socket.create_connection((place.hostname, place.port), timeout=30)


@contextlib.contextmanager
def half_sent(office: Office, sent: bytes) -> Iterator[list[socket.socket]]:
    """Lend many connections that sent this much and nothing more."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connected(office)) for _ in range(_MANY)]
        for client in clients:
            client.sendall(sent)
        yield clients


def spoken(office: Office, sent: bytes) -> tuple[int, str, dict[str, object]]:
    """Send bytes; return status, head and problem of what is answered until the service hangs up."""
    with connected(office) as client:
        client.sendall(sent)
        return understood(client)


def understood(client: socket.socket) -> tuple[int, str, dict[str, object]]:
    answer = b"".join(iter(lambda: client.recv(65536), b""))
    head, _, body = answer.decode().partition("\r\n\r\n")
    return int(head.split(" ", 2)[1]), head, json.loads(body)


def line_with(office: Office, mark: str) -> str:
    """Return the one line of the service with `mark`; it comes through a pipe, a moment after the answer."""
    for _ in range(100):
        if found := [line for line in office.service.terminal.splitlines() if mark in line]:
            assert len(found) == 1
            return found[0]
        time.sleep(0.05)
    raise AssertionError("the service said nothing of it")


def post(path: str, *headers: str, body: str = "x") -> bytes:
    lines = (f"POST {path} HTTP/1.1", "Host: x", "Connection: close", *headers)
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


FORM = "Content-Type: application/x-www-form-urlencoded"
JSON = "Content-Type: application/json"


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Half",
        post("/api/v1/detect", JSON, "Content-Length: 1000"),
        post("/nowhere", JSON, "Content-Length: 1000"),
        post("/oauth/token", FORM, "Content-Length: 1000"),
        post("/oauth/token", FORM, "Transfer-Encoding: chunked", body="5\r\nab"),
    ],
    ids=["nothing", "header", "body without token", "body to nowhere", "form", "chunk"],
)
def test_callers_who_stop_sending_keep_nobody_waiting(office: Office, sent: bytes) -> None:
    """Health answers while they hang on, without waiting for their end."""
    with half_sent(office, sent):
        for _ in range(3):
            assert ask(office.url, "GET", "/health/live").status == 200
        assert ask(office.url, "POST", "/api/v1/detect", office.token("application"), {"texts": ["x"]}).status == 200


def test_who_stops_sending_is_told_and_cut(office: Office) -> None:
    """408 and the end of the connection, for half a header and half a body."""
    with connected(office) as header, connected(office) as body:
        header.sendall(b"GET /health/live HTTP/1.1\r\nX-Half")
        body.sendall(post("/oauth/token", FORM, "Content-Length: 1000"))
        told = [understood(client) for client in (header, body)]
    assert [(status, problem["code"]) for status, _, problem in told] == [(408, "request_timeout")] * 2


def test_a_body_refused_is_answered_without_waiting_for_its_end(office: Office) -> None:
    """Nobody has to be known to be told that they are not."""
    status, _, problem = spoken(office, post("/api/v1/detect", JSON, "Content-Length: 1000"))
    assert (status, problem["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (f"GET / HTTP/1.1\r\nAuthorization Bearer {_SECRET}\r\n\r\n", 400),
        (f"GET / HTTP/1.1\r\n{_SECRET}{{}}: x\r\n\r\n", 400),
        (f"GET / HTTP/1.1\r\nA: b\r\n {_SECRET}\r\n\r\n", 400),
        (f"GET / HTTP/{_SECRET}\r\n\r\n", 400),
        (f"GET /{_SECRET}\r\n\r\n", 400),
        (f"{_SECRET} / HTTP/1.1\r\n\r\n", 400),
        (f"POST / HTTP/1.1\r\nTransfer-Encoding: {_SECRET}\r\n\r\n", 501),
        (f"POST / HTTP/1.1\r\nExpect: {_SECRET}\r\n\r\n", 417),
        (f"POST / HTTP/1.1\r\nContent-Length: {_SECRET}\r\n\r\n", 400),
        (f"GET /{_SECRET * 400} HTTP/1.1\r\n\r\n", 414),
        (f"GET / HTTP/1.1\r\nA: {_SECRET * 800}\r\n\r\n", 431),
    ],
    ids=["no colon", "header name", "folding", "version", "no version", "method", "coding", "expectation", "length", "line", "headers"],
)
def test_what_is_not_http_is_refused_without_a_word_of_it(office: Office, sent: str, status: int) -> None:
    """A problem as everywhere else; its id leads to a JSON line that names the mistake and nothing of the request."""
    answered, head, problem = spoken(office, sent.encode())
    assert (answered, problem["status"], problem["code"]) == (status, status, "bad_request")
    assert "application/problem+json" in head
    assert _SECRET not in head + json.dumps(problem)
    assert json.loads(line_with(office, str(problem["request_id"])))["error"]
    assert _SECRET not in office.service.terminal


def test_every_line_of_the_service_is_json(office: Office) -> None:
    """Except its greeting, which is for a person."""
    _, _, problem = spoken(office, b"nonsense\r\n\r\n")
    line_with(office, str(problem["request_id"]))
    lines = [line for line in office.service.terminal.splitlines() if "Privacy Steward listens on" not in line and line.strip()]
    assert lines
    for line in lines:
        assert json.loads(line)["level"]


@pytest.mark.parametrize(
    "chunks", ["ZZ\r\n", "-5\r\nabc", "5;\x01\r\nabcde\r\n0\r\n\r\n", "3\r\nabcdef\r\n0\r\n\r\n"], ids=["letters", "negative", "extension", "overlong"]
)
@pytest.mark.parametrize("path", ["/oauth/token", "/api/v1/detect"])
def test_a_body_in_broken_chunks_is_a_bad_request(office: Office, path: str, chunks: str) -> None:
    """The caller's mistake, not ours."""
    headers = (FORM,) if path == "/oauth/token" else (JSON, f"Authorization: Bearer {office.token('application')}")
    status, _, problem = spoken(office, post(path, *headers, "Transfer-Encoding: chunked", body=chunks))
    assert (status, problem["code"]) == (400, "bad_request")


@pytest.mark.parametrize("framing", ["Content-Length: 50", "Transfer-Encoding: chunked"])
def test_a_body_that_ends_early_is_a_bad_request(office: Office, framing: str) -> None:
    """Half a body is never taken for a whole one."""
    with connected(office) as client:
        client.sendall(post("/api/v1/detect", JSON, f"Authorization: Bearer {office.token('application')}", framing, body="9\r\nabc"))
        client.shutdown(socket.SHUT_WR)
        status, _, problem = understood(client)
    assert (status, problem["code"]) == (400, "bad_request")
