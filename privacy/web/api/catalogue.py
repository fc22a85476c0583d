"""Purposes, recipients and controllers. POST adds an entry, or its next version where the id is there; nothing is deleted, purposes are retired."""

from dataclasses import fields
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from privacy.inventory.catalogue_model import Controller, Purpose, Recipient
from privacy.kernel.errors import Conflict
from privacy.web.endpoint import IDENTIFIER, ONE_LINE, Answer, Body, Call, Day, JsonInt, Line, Routes, form

routes = Routes("catalogue")

Id = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$"),
    form(IDENTIFIER),
]
ShortLine = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=200), form(ONE_LINE)]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$"), form("two capital letters (ISO 3166), for example CN or DE")]
Ids = Annotated[list[Id], Field(max_length=200)]
Expected = Annotated[JsonInt, Field(ge=0, le=2**31 - 1)]


class ControllerBody(Body):
    """The legal entity that decides. `expected_version` refuses the change when somebody else made one meanwhile (0: must be new)."""

    id: Id
    name: ShortLine
    country: Country
    time_zone: Line
    calendar: ShortLine = ""
    regimes: Annotated[list[ShortLine], Field(max_length=10)] = Field(default_factory=list)
    languages: Annotated[list[ShortLine], Field(max_length=20)] = Field(default_factory=lambda: ["en"])
    contact: ShortLine = ""
    expected_version: Expected | None = None


class RecipientBody(Body):
    """Who gets the data. The agreement covers both its days; without a first day nothing may be sent."""

    id: Id
    name: ShortLine
    kind: ShortLine
    country: Country
    agreement_from: Day | None = None
    agreement_to: Day | None = None
    purposes: Ids = Field(default_factory=list)
    contact: ShortLine = ""
    expected_version: Expected | None = None


class PurposeBody(Body):
    """What data is processed for, on which basis, about which categories. `state` is draft, live or retired."""

    id: Id
    name: ShortLine
    controller: Id
    lawful_basis: ShortLine
    categories: Ids
    retention: ShortLine = ""
    needs_consent: bool = False
    separate_consent: bool = False
    needs_assessment: bool = False
    assessment: ShortLine | None = None
    state: ShortLine = "live"
    name_zh: ShortLine = ""
    dpv: ShortLine = ""
    expected_version: Expected | None = None


class ControllerAnswer(Answer):
    id: str
    name: str
    country: str
    time_zone: str
    calendar: str
    regimes: list[str]
    languages: list[str]
    contact: str
    version: int


class RecipientAnswer(Answer):
    id: str
    name: str
    kind: str
    country: str
    agreement_from: date | None
    agreement_to: date | None
    purposes: list[str]
    contact: str
    version: int


class PurposeAnswer(Answer):
    id: str
    name: str
    controller: str
    lawful_basis: str
    categories: list[str]
    retention: str
    needs_consent: bool
    separate_consent: bool
    needs_assessment: bool
    assessment: str | None
    state: str
    name_zh: str
    dpv: str
    version: int


class ControllersAnswer(Answer):
    controllers: list[ControllerAnswer]


class RecipientsAnswer(Answer):
    recipients: list[RecipientAnswer]


class PurposesAnswer(Answer):
    purposes: list[PurposeAnswer]


class VersionAnswer(Answer):
    version: int
    entry: dict[str, Any]
    saved_by: str
    saved_at: datetime


class HistoryAnswer(Answer):
    versions: list[VersionAnswer]


@routes.get("/controllers", scope="catalogue:read", answer=ControllersAnswer, summary="All controllers")
def list_controllers(call: Call) -> ControllersAnswer:
    return ControllersAnswer(controllers=[ControllerAnswer(**_plain(entry)) for entry in call.app.catalogue.controllers(call.actor.tenant)])


@routes.post(
    "/controllers",
    scope="catalogue:write",
    body=ControllerBody,
    answer=ControllerAnswer,
    status=201,
    summary="Add or change a controller",
    replay=True,
    errors=(Conflict,),
)
def save_controller(call: Call, body: ControllerBody) -> ControllerAnswer:
    saved = call.app.catalogue.save_controller(call.actor, Controller(**_given(body)), expected=body.expected_version, request_id=call.request_id)
    return ControllerAnswer(**_plain(saved))


@routes.get("/recipients", scope="catalogue:read", answer=RecipientsAnswer, summary="All recipients")
def list_recipients(call: Call) -> RecipientsAnswer:
    return RecipientsAnswer(recipients=[RecipientAnswer(**_plain(entry)) for entry in call.app.catalogue.recipients(call.actor.tenant)])


@routes.post(
    "/recipients",
    scope="catalogue:write",
    body=RecipientBody,
    answer=RecipientAnswer,
    status=201,
    summary="Add or change a recipient",
    replay=True,
    errors=(Conflict,),
)
def save_recipient(call: Call, body: RecipientBody) -> RecipientAnswer:
    saved = call.app.catalogue.save_recipient(call.actor, Recipient(**_given(body)), expected=body.expected_version, request_id=call.request_id)
    return RecipientAnswer(**_plain(saved))


@routes.get("/purposes", scope="catalogue:read", answer=PurposesAnswer, summary="All purposes")
def list_purposes(call: Call) -> PurposesAnswer:
    return PurposesAnswer(purposes=[PurposeAnswer(**_plain(entry)) for entry in call.app.catalogue.purposes(call.actor.tenant)])


@routes.post(
    "/purposes", scope="catalogue:write", body=PurposeBody, answer=PurposeAnswer, status=201, summary="Add or change a purpose", replay=True, errors=(Conflict,)
)
def save_purpose(call: Call, body: PurposeBody) -> PurposeAnswer:
    saved = call.app.catalogue.save_purpose(call.actor, Purpose(**_given(body)), expected=body.expected_version, request_id=call.request_id)
    return PurposeAnswer(**_plain(saved))


@routes.get("/purposes/<purpose>/versions", scope="catalogue:read", answer=HistoryAnswer, summary="Every version of a purpose, newest first")
def purpose_versions(call: Call, purpose: str) -> HistoryAnswer:
    history = call.app.catalogue.history(call.actor, "purpose", purpose)
    return HistoryAnswer(versions=[VersionAnswer(version=number, entry=dict(entry), saved_by=by, saved_at=at) for number, entry, by, at in history])


def _given(body: Body) -> dict[str, Any]:
    values = body.model_dump(exclude={"expected_version"})
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def _plain(entry: Controller | Purpose | Recipient) -> dict[str, Any]:
    values = {field.name: getattr(entry, field.name) for field in fields(entry)}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
