"""The shape of a route: what other rooms write against. One declaration gives routing, the scope check, strict parsing, the answer and OpenAPI.

    routes = Routes("consent")

    @routes.post("/consents", scope="consent:write", body=ConsentBody, answer=ReceiptAnswer, status=201, summary="Record a consent")
    def give(call: Call, body: ConsentBody) -> ReceiptAnswer: ...

A handler gets `call`, then `body` when a body model is declared, then the path parameters by name. The query model, if any, is `call.query`.
It returns an `Answer`, plain JSON data (hot paths), a `Reply` (other status or headers), a `Binary` (bytes or a stream) or None (204).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Required, TypedDict, TypeVar, Unpack, cast

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, Strict, StringConstraints
from pydantic_core import PydanticCustomError

from privacy.kernel.errors import PrivacyError
from privacy.kernel.terms import Actor

if TYPE_CHECKING:
    from privacy.application import Application

PUBLIC = "public"  # no token: health, metrics, documents, and the two doors where tokens are given out
SELF = "self"  # any signed-in person, for their own session only; never an application


def _whole_float_to_int(value: object) -> object:
    # JSON Schema calls 1.0 an integer, strict pydantic does not; a bool never becomes a number
    return int(value) if isinstance(value, float) and value.is_integer() else value


JsonInt = Annotated[int, BeforeValidator(_whole_float_to_int)]


def _written_as(form: str) -> BeforeValidator:
    # pydantic alone takes "0.5" for half a second after 1970
    pattern = re.compile(form)

    def check(value: object) -> object:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise PydanticCustomError("datetime_parsing" if "T" in form else "date_parsing", "not written out")
        return value

    return BeforeValidator(check)


def form(text: str) -> Any:
    """Say the form of a type: in the description of every field that has it, and in the error when a text does not fit its pattern."""
    return Field(description=text)


ONE_LINE = "one line of text without control characters"
ONE_WORD = "one word or name in any script, without control characters"
IDENTIFIER = "1 to 64 small letters, digits and _ . - with a letter or digit first, for example support"
When = Annotated[
    AwareDatetime,
    Strict(False),
    _written_as(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?"),
    form("a time with its zone, for example 2026-11-22T07:30:00Z"),
]
"""A time with its zone as RFC 3339 writes it, 2026-11-22T07:30:00Z."""

Day = Annotated[
    date,
    Strict(False),
    _written_as(r"\d{4}-\d\d-\d\d"),
    form("a date, for example 2026-11-22"),
]
"""A date, 2026-11-22."""

Name = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.:-]*$", min_length=1, max_length=128),
    form("letters, digits and _ . : - without spaces, for example support"),
]
"""An identifier we or an operator gave: a purpose, a recipient, a dataset in ASCII."""

Line = Annotated[
    str,
    StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=512),
    form(ONE_LINE),
]
"""One line of text in any language, without control characters (PostgreSQL refuses NUL in text)."""

SubjectText = Annotated[
    str,
    StringConstraints(pattern=r"^[^:\x00-\x1f\x7f]+:[^:\x00-\x1f\x7f]+:[^\x00-\x1f\x7f]+$", max_length=512),
    form("system:type:key, for example crm:customer:42"),
]
"""`system:type:key`, for example crm:customer:42."""


class Body(BaseModel):
    """A JSON body: strict types, no unknown fields, and no value in any error text."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True, frozen=True)


class Query(BaseModel):
    """The query string: everything arrives as text, so types are lax, but unknown names are refused all the same."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)


class Answer(BaseModel):
    """A JSON answer; its schema is the published one."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request: the application's services, who calls, the request id, and the parsed query."""

    app: "Application"
    actor: Actor
    request_id: str
    query: Any = None
    token: str = field(default="", repr=False)
    source: str = field(default="", repr=False)
    """The address the call comes from."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with a status or headers of its own (`Location`, `ETag`, `Link`)."""

    answer: object
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Binary:
    """Bytes, or a stream of them, that are not JSON: a bundle, a CSV file, a page.

    Everything that can be refused must be refused before this is returned: once the first bytes are out the status is out too.
    """

    content: bytes | Iterable[bytes]
    media_type: str
    filename: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """One declared route. `scope` is checked before the body is read; there is no route without one."""

    room: str
    method: str
    path: str
    scope: str
    handler: Callable[..., object]
    body: type[Body] | None = None
    form: type[Query] | None = None
    query: type[Query] | None = None
    answer: type[BaseModel] | None = None
    status: int = 200
    other_status: int | None = None
    summary: str = ""
    errors: tuple[type[PrivacyError], ...] = ()
    produces: str | tuple[str, ...] = "application/json"
    max_bytes: int | None = None
    replay: bool = False
    once: bool = False

    @property
    def media_types(self) -> tuple[str, ...]:
        return (self.produces,) if isinstance(self.produces, str) else self.produces

    @property
    def name(self) -> str:
        return f"{self.room}.{self.handler.__name__}"


class Options(TypedDict, total=False):
    """What a route may declare.

    `other_status` is a second success with the same answer: it was there already (200 beside 201), or a job does it (202);
    `produces` names the media type of a `Binary`, or the choice of them; `max_bytes` narrows the service's body limit; `form` only documents a form
    that the handler reads; `replay` says that the answer holds neither personal data nor a secret, so that it may be kept for a request sent again.
    `once` says that reading takes the thing away: HEAD, which answers without a body, is then no method of the address.
    """

    scope: Required[str]
    body: type[Body]
    form: type[Query]
    query: type[Query]
    answer: type[BaseModel]
    status: int
    other_status: int
    summary: str
    errors: tuple[type[PrivacyError], ...]
    produces: str | tuple[str, ...]
    max_bytes: int
    replay: bool
    once: bool


Handler = TypeVar("Handler", bound=Callable[..., object])


class Routes:
    """The routes of one room, under one prefix. Path parameters are written `<name>` (or `<path:name>` with slashes)."""

    def __init__(self, name: str, prefix: str = "/api/v1") -> None:
        self.name = name
        self.prefix = prefix
        self.all: list[Route] = []

    def get(self, path: str, **options: Unpack[Options]) -> Callable[[Handler], Handler]:
        return self._declare("GET", path, options)

    def post(self, path: str, **options: Unpack[Options]) -> Callable[[Handler], Handler]:
        return self._declare("POST", path, options)

    def put(self, path: str, **options: Unpack[Options]) -> Callable[[Handler], Handler]:
        return self._declare("PUT", path, options)

    def delete(self, path: str, **options: Unpack[Options]) -> Callable[[Handler], Handler]:
        return self._declare("DELETE", path, options)

    def _declare(self, method: str, path: str, options: Options) -> Callable[[Handler], Handler]:
        given = cast(dict[str, Any], options)
        if "answer" not in given and "produces" not in given:
            given = {"status": 204, **given}

        def register(handler: Handler) -> Handler:
            self.all.append(Route(self.name, method, self.prefix + path, handler=handler, **given))
            return handler

        return register
