"""What every handler can rely on: bodies are what they say, errors point at the place, and no value ever comes back."""

import contextlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, JsonValue
from pydantic_core.core_schema import ErrorType

from privacy.kernel import errors
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import InvalidInput, Misconfigured, PrivacyError
from privacy.web import create_app, strict_json
from privacy.web.endpoint import PUBLIC, Answer, Binary, Body, Call, Day, JsonInt, Line, Name, Query, Reply, Routes, SubjectText, When
from privacy.web.problems import STATUSES, TITLES, status_of
from privacy.web.strict_json import Malformed, parse_body
from tests.cast import LI_XIAOMING
from tests.web.browser import Browser
from tests.web.conftest import Company, token_for

SECRET = "q7-marked-value-q7"


class Cat(Body):
    kind: Literal["cat"]
    lives: int


class Dog(Body):
    kind: Literal["dog"]
    name: str


class Everything(Body):
    """One field of each sort."""

    name: Name | None = None
    line: Line | None = None
    subject: SubjectText | None = None
    number: Annotated[JsonInt, Field(ge=1, le=10)] | None = None
    flag: bool | None = None
    day: Day | None = None
    at: When | None = None
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    records: Annotated[list[dict[str, JsonValue]], Field(max_length=3)] = Field(default_factory=list)
    fields: dict[str, int] = Field(default_factory=dict)


class Page(Query):
    limit: Annotated[int, Field(ge=1, le=100)] = 10
    kind: list[str] = Field(default_factory=list)


class Echo(Answer):
    seen: int


def rooms() -> Routes:
    routes = Routes("trial")

    @routes.post("/trial", scope="mask", body=Everything, answer=Echo)
    def trial(call: Call, body: Everything) -> Echo:
        return Echo(seen=len(body.records))

    @routes.get("/trial", scope="mask", query=Page, answer=Echo)
    def page(call: Call) -> Reply:
        return Reply(Echo(seen=call.query.limit), headers={"Link": '</api/v1/trial?limit=1>; rel="next"'})

    @routes.get("/trial/stream", scope="mask", produces="application/jsonl")
    def stream(call: Call) -> Binary:
        return Binary((f"{number}\n".encode() for number in range(3)), "application/jsonl", "numbers.jsonl")

    @routes.get("/trial/broken-stream", scope="mask", produces="application/jsonl")
    def broken_stream(call: Call) -> Binary:
        def chunks() -> Iterator[bytes]:
            yield b"1\n"
            raise ValueError(LI_XIAOMING.phone)

        return Binary(chunks(), "application/jsonl")

    @routes.get("/trial/raise/<kind>", scope="mask", answer=Echo)
    def raising(call: Call, kind: str) -> Echo:
        if kind == "bug":
            raise ValueError(f"cannot read {LI_XIAOMING.phone}")
        if kind == "driver":
            raise RuntimeError(LI_XIAOMING.id_number) from KeyError(LI_XIAOMING.name)
        made = getattr(errors, kind)
        raise made() if kind == "CiphertextInvalid" else made(7) if kind == "TooManyAttempts" else made(f"about {kind}")

    @routes.delete("/trial/<name>", scope="mask")
    def remove(call: Call, name: str) -> None:
        return None

    @routes.get("/open", scope=PUBLIC, answer=Echo)
    def open_door(call: Call) -> dict[str, int]:
        return {"seen": 1 if call.actor.ref == "anonymous" else 0}

    return routes


@pytest.fixture
def web(company: Company) -> Flask:
    return create_app(company, max_bytes=64 * 1024, rooms=[rooms()])


@pytest.fixture
def bob(web: Flask, company: Company, fixed_clock: FixedClock) -> Browser:
    return Browser(web, token_for(web, company, "application", "default", fixed_clock))


def sent(browser: Browser, raw: bytes, content_type: str = "application/json") -> Any:
    return browser.call("POST", "/api/v1/trial", data=raw, content_type=content_type)


def test_a_good_body_reaches_the_handler(bob: Browser) -> None:
    """Every sort of field, whole floats as integers, dates as text."""
    body = {
        "name": "crm.customer",
        "line": "李小明 𠮷",
        "subject": "crm:customer:a:b",
        "number": 3.0,
        "flag": True,
        "day": "2026-11-22",
        "at": "2026-11-22T07:30:00+08:00",
        "pet": {"kind": "cat", "lives": 9},
        "records": [{"a": [1, {"b": None}]}, {}],
        "fields": {"x": 1},
    }
    answer = bob.post("/api/v1/trial", body)
    assert (answer.status_code, answer.get_json()) == (200, {"seen": 2})


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"{", "line 1, column 2"),
        (b'{"name": 1,}', "line 1"),
        (b'{\n "name": x}', "line 2, column 10"),
        (b"\xff{}", "not UTF-8 (byte 0)"),
        (b'{"name": "\xe6\x9d"}', "not UTF-8 (byte 10)"),
        (b"\xef\xbb\xbf{}", "line 1"),
        ('{"line": "x"}'.encode("utf-16"), "not UTF-8"),
        (b'{"number": NaN}', "NaN"),
        (b'{"number": -Infinity}', "NaN or Infinity"),
        (b'{"number": 1e999}', "too large"),
        (b'{"number": ' + b"9" * 5000 + b"}", "too many digits"),
        (b'{"name": "a", "name": "b"}', "same key twice"),
        (b'{"line": "\\ud800"}', "half of a surrogate"),
        (b'{"records": [{"\\udc00": 1}]}', "half of a surrogate"),
        (b"[" * 30_000, "64 levels"),
        (b'{"records": [{"a": ' + b"[" * 70 + b"]" * 70 + b"}]}", "64 levels"),
    ],
)
def test_what_is_not_strict_json_is_refused_with_the_place(bob: Browser, raw: bytes, says: str) -> None:
    """400, and a remedy instead of the parser's own words."""
    answer = sent(bob, raw)
    assert answer.status_code == 400
    assert says in answer.get_json()["detail"]


def test_a_surrogate_pair_is_a_character(bob: Browser) -> None:
    """Escaped as JSON escapes it; only a lone half is refused."""
    assert sent(bob, b'{"line": "\\ud842\\udfb7", "records": [{"\\ud83d\\ude00": "\\ud83d\\ude00"}]}').status_code == 200


def test_the_place_of_a_repeated_key_is_given_as_far_as_it_is_ours(bob: Browser) -> None:
    """The list index is told, the caller's own key is not."""
    flaw = sent(bob, f'{{"records": [{{}}, {{"{SECRET}": {{"a": 1, "a": 2}}}}]}}'.encode()).get_json()["errors"][0]
    assert flaw["pointer"] == "/records/1"


@pytest.mark.parametrize(
    ("body", "pointer", "says"),
    [
        ({"unknown": 1}, "/", "does not know. It knows name, line, "),
        ({"pet": {"kind": "cat", "lives": 9, SECRET: 1}}, "/pet", "does not know. It knows kind, lives"),
        ({"number": "3"}, "/number", "whole number"),
        ({"number": True}, "/number", "whole number"),
        ({"number": 3.5}, "/number", "whole number"),
        ({"number": 0}, "/number", "at least 1"),
        ({"number": 11}, "/number", "at most 10"),
        ({"flag": 1}, "/flag", "true or false"),
        ({"flag": "true"}, "/flag", "true or false"),
        ({"name": ""}, "/name", "At least 1 characters"),
        ({"name": "x" * 200}, "/name", "At most 128 characters"),
        ({"name": "a b"}, "/name", "without spaces, for example support"),
        ({"name": 5}, "/name", "text"),
        ({"line": "a\u0000b"}, "/line", "one line of text without control characters"),
        ({"subject": "crm:customer"}, "/subject", "system:type:key, for example crm:customer:42"),
        ({"day": "yesterday"}, "/day", "2026-11-22"),
        ({"day": "2026-13-01"}, "/day", "2026-11-22"),
        ({"day": "0"}, "/day", "2026-11-22"),
        ({"at": "0.5"}, "/at", "07:30:00Z"),
        ({"at": "2026-11-22T07:30:00"}, "/at", "zone"),
        ({"pet": {"kind": "bird"}}, "/pet", "'cat', 'dog'"),
        ({"pet": {"lives": 9}}, "/pet", "names the kind is missing"),
        ({"pet": {"kind": "cat", "lives": "9"}}, "/pet", "whole number"),
        ({"records": {}}, "/records", "list"),
        ({"records": [1]}, "/records/0", "object"),
        ({"records": [{}] * 4}, "/records", "At most 3 items"),
        ({"fields": {SECRET: "x"}}, "/fields", "whole number"),
        ({"records": [{}, {}], "number": None, "fields": {"a": 1, SECRET: None}}, "/fields", "whole number"),
        ([], "/", "object"),
        ("x", "/", "object"),
        (None, "/", "object"),
    ],
)
def test_an_unfit_body_is_refused_by_place_in_our_words(bob: Browser, body: object, pointer: str, says: str) -> None:
    """422; the pointer ends where the caller's own keys begin."""
    answer = sent(bob, json.dumps(body).encode())
    assert answer.status_code == 422
    told = answer.get_json()
    assert told["code"] == "invalid_input"
    assert told["errors"][0]["pointer"] == pointer
    assert says in told["errors"][0]["detail"]
    assert SECRET not in answer.text


def marked() -> st.SearchStrategy[Any]:
    """JSON whose every text and key carries a mark."""
    texts = st.text(max_size=8).map(lambda text: f"{SECRET}{text}")
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
    names = st.sampled_from(["name", "number", "flag", "day", "pet", "records", "fields", "kind", "subject", "lives"]) | texts
    return st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=5), max_leaves=20)


@settings(max_examples=400, deadline=None)
@given(marked())
def test_no_refusal_ever_repeats_what_was_sent(value: Any) -> None:
    """Neither a value nor a key, whatever is wrong with it."""
    try:
        parse_body(Everything, json.dumps(value).encode())
    except InvalidInput as error:
        told = problem_text(error)
        assert SECRET not in told


def problem_text(error: PrivacyError) -> str:
    return error.detail + "".join(flaw.pointer + flaw.detail for flaw in error.flaws)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_body_or_a_refusal(raw: bytes) -> None:
    """Never another exception, which would be a 500."""
    with contextlib.suppress(InvalidInput):
        assert isinstance(parse_body(Everything, raw), Everything)


def test_every_error_type_of_the_parser_has_a_text_of_ours() -> None:
    """A new version of the library cannot bring its own words in: there is a default, and no text has a blank that only input could fill."""
    kinds = ErrorType.__args__  # type: ignore[attr-defined]
    assert set(strict_json._MESSAGES) <= {*kinds}
    for kind in kinds:
        context = {"error": SECRET, "tag": SECRET, "pattern": SECRET}
        text = strict_json._message(Everything, {"type": kind, "loc": (SECRET, 0, SECRET), "msg": SECRET, "input": SECRET, "ctx": context})
        assert text
        assert SECRET not in text


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "multipart/form-data"])
def test_a_body_that_is_not_called_json_is_refused(bob: Browser, content_type: str) -> None:
    """415, before it is read."""
    answer = sent(bob, b"{}", content_type)
    assert (answer.status_code, answer.get_json()["code"]) == (415, "unsupported_media_type")


def test_json_with_a_charset_is_json(bob: Browser) -> None:
    """As many clients send it."""
    assert sent(bob, b"{}", "application/json; charset=utf-8").status_code == 200


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("size", "status"), [(65_536, 200), (65_537, 413), (70_000, 413), (200_000, 413)])
def test_a_body_above_the_limit_is_refused(bob: Browser, chunked: bool, size: int, status: int) -> None:
    """413 with the limit, whether the size was declared or came in pieces, and never a body cut short."""
    raw = b'{"records": []}' + b" " * (size - 15)
    options: dict[str, Any] = {"environ_overrides": {"wsgi.input_terminated": True}, "headers": {"Content-Length": ""}} if chunked else {}
    answer = bob.call("POST", "/api/v1/trial", data=raw, content_type="application/json", **options)
    assert answer.status_code == status
    if status == 413:
        assert answer.get_json()["code"] == "payload_too_large"
        assert "65,536 bytes" in answer.get_json()["detail"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [("limit=0", "/limit"), ("limit=x", "/limit"), ("limit=1&limit=2", "/limit"), (f"{SECRET}=1", "/"), (f"limit={SECRET}", "/limit"), ("limit=%00", "/")],
)
def test_an_unfit_query_is_refused(bob: Browser, query: str, pointer: str) -> None:
    """Unknown names, doubled names, unfit values."""
    answer = bob.get(f"/api/v1/trial?{query}")
    assert (answer.status_code, answer.get_json()["errors"][0]["pointer"]) == (422, pointer)
    assert SECRET not in answer.text


def test_a_query_that_is_not_utf8_is_refused_and_a_good_one_is_read(bob: Browser) -> None:
    """Lists may repeat; numbers come as text; a handler adds its own headers."""
    assert bob.get("/api/v1/trial?limit=%ff").status_code == 400
    answer = bob.get("/api/v1/trial?limit=7&kind=a&kind=b")
    assert (answer.get_json(), answer.headers["Link"]) == ({"seen": 7}, '</api/v1/trial?limit=1>; rel="next"')


def test_a_call_without_query_parameters_refuses_them(bob: Browser) -> None:
    """A personal value in an address would end up in somebody's log."""
    assert bob.post("/api/v1/trial?debug=1", {}).status_code == 422


@pytest.mark.parametrize("name", ["%00", "%ff", "a%0ab", "x" * 600])
def test_an_unfit_path_part_is_nowhere(bob: Browser, name: str) -> None:
    """It never reaches a handler, let alone a database."""
    assert bob.delete(f"/api/v1/trial/{name}").status_code == 404


def test_no_content_is_no_content(bob: Browser) -> None:
    """204 without a body."""
    answer = bob.delete("/api/v1/trial/x")
    assert (answer.status_code, answer.data) == (204, b"")


def test_a_stream_arrives_whole_and_a_broken_one_breaks(bob: Browser, caplog: pytest.LogCaptureFixture) -> None:
    """Half an export must not look like a whole one, and its error text stays inside."""
    answer = bob.get("/api/v1/trial/stream")
    assert (answer.data, answer.headers["Content-Disposition"]) == (b"0\n1\n2\n", 'attachment; filename="numbers.jsonl"')
    with caplog.at_level(logging.ERROR), pytest.raises(ConnectionAbortedError):
        _ = bob.get("/api/v1/trial/broken-stream").data
    assert "ValueError" in caplog.text
    assert LI_XIAOMING.phone not in caplog.text


def every_error() -> list[type[PrivacyError]]:
    found, waiting = [], [PrivacyError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting += kind.__subclasses__()
    return [kind for kind in found if kind.__module__ == "privacy.kernel.errors"]


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: str(kind.__name__))
def test_every_error_has_a_status_a_title_and_its_headers(bob: Browser, kind: type[PrivacyError]) -> None:
    """Walks the whole tree, so that a new error cannot be forgotten."""
    answer = bob.get(f"/api/v1/trial/raise/{kind.__name__}")
    told = answer.get_json()
    assert answer.status_code == told["status"] == STATUSES[kind]
    assert answer.content_type == "application/problem+json"
    assert told["request_id"] == answer.headers["X-Request-Id"]
    if answer.status_code == 500:
        assert (told["code"], "about" in told["detail"]) == ("internal", False)
    else:
        assert (told["code"], told["type"], told["title"]) == (kind.code, f"/docs#{kind.code}", TITLES[kind.code])
    assert ("Retry-After" in answer.headers) == (kind.retryable and answer.status_code != 500)
    assert ("WWW-Authenticate" in answer.headers) == (answer.status_code in (401, 403) and kind is not errors.ConsentMissing)


def test_a_step_up_names_what_is_missing(bob: Browser) -> None:
    """RFC 9470: 401 with the error and the assurance that is wanted."""
    challenge = bob.get("/api/v1/trial/raise/StepUpRequired").headers["WWW-Authenticate"]
    assert challenge == 'Bearer error="insufficient_user_authentication", acr_values="2"'


@pytest.mark.parametrize("kind", ["bug", "driver"])
def test_an_unforeseen_error_tells_a_request_id_and_logs_only_its_place(bob: Browser, caplog: pytest.LogCaptureFixture, kind: str) -> None:
    """Exceptions quote values; neither answer nor log may."""
    with caplog.at_level(logging.DEBUG):
        answer = bob.get(f"/api/v1/trial/raise/{kind}")
    assert (answer.status_code, answer.get_json()["code"]) == (500, "internal")
    assert answer.get_json()["request_id"] in caplog.text
    assert "test_door.py:" in caplog.text
    for value in LI_XIAOMING.personal_values().values():
        assert value not in answer.text + caplog.text


def test_every_answer_forbids_storing_sniffing_and_framing(bob: Browser, nobody: Browser) -> None:
    """Answers hold personal data, errors included."""
    for answer in (
        bob.get("/api/v1/trial"),
        nobody.get("/api/v1/trial"),
        nobody.get("/nowhere"),
        bob.get("/api/v1/trial/raise/bug"),
        nobody.get("/api/v1/open"),
    ):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert len(answer.headers["X-Request-Id"]) == 36


def test_over_tls_an_answer_binds_browsers_to_it(bob: Browser) -> None:
    """A later visit by plain http would send its token in clear; over plain http the header means nothing and is left out."""
    assert "Strict-Transport-Security" not in bob.get("/api/v1/trial").headers
    for path in ("/api/v1/trial", "/nowhere"):
        assert bob.get(path, base_url="https://localhost").headers["Strict-Transport-Security"] == "max-age=31536000"


def test_a_public_route_knows_nobody_even_with_a_token(bob: Browser) -> None:
    """A token sent along is not looked at."""
    assert bob.get("/api/v1/open").get_json() == {"seen": 1}


def test_two_routes_of_one_name_stop_the_start(company: Company) -> None:
    """One would silently take the other's place."""
    with pytest.raises(Misconfigured):
        create_app(company, max_bytes=1, rooms=[rooms(), rooms()])


def test_a_route_cannot_be_declared_without_a_scope() -> None:
    """Deny by default begins where the route is written."""
    with pytest.raises(TypeError):
        Routes("trial").get("/x")(lambda call: None)  # type: ignore[call-arg]


def test_the_status_of_an_error_of_the_edge_goes_by_its_code() -> None:
    """Malformed JSON is 400 although it is an InvalidInput."""
    assert status_of(Malformed("x")) == 400
    assert status_of(Malformed("x", code="too_deep")) == 400


def test_every_code_is_in_the_document_of_errors() -> None:
    """A caller finds each code with its meaning and remedy."""
    text = (Path(__file__).parents[2] / "docs" / "errors.md").read_text("utf-8")
    assert [code for code in TITLES if f"`{code}`" not in text] == []
