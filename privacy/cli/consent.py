"""`privacy consent`: record, withdraw, check and show consents from a terminal."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click

from privacy.cli.output import json_option, show
from privacy.kernel.errors import InvalidInput, PrivacyError
from privacy.kernel.terms import SubjectRef

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def consent() -> None:
    """What people agreed to, and whether it still holds."""


def _what(command: F) -> F:
    """The options that giving and withdrawing share: whose consent, to what."""
    for option in (
        click.option("--at", help="When it happened (2026-11-22T10:00:00+08:00); without it, now."),
        click.option("--reference", default="", help="Your own mark: the same mark twice is one act."),
        click.option("--channel", default="", help="email, sms, phone, post, push or messenger; without it, all."),
        click.option("--recipient", default="", help="Who gets the data; without it, internal use (withdraw: all recipients)."),
        click.option("--purpose", required=True, help="`privacy purposes list` shows the purposes."),
        click.argument("subject"),
    ):
        command = option(command)
    return command


@consent.command()
@_what
@click.option("--notice", required=True, help="The notice the person was shown.")
@click.option("--notice-version", type=int, help="Its version; without it, the newest.")
@click.option("--language", required=True, help="The language it was shown in: en, zh.")
@click.option("--method", default="in_person", show_default=True, help="web_form, app, paper, phone, in_person, api or import.")
@click.option("--evidence", help="KIND:REFERENCE, for example form:F-2026-17 or recording:R-88; paper and phone need it.")
@click.option("--expires", help="When the consent ends; without it, as the notice says.")
@click.option("--guardian", is_flag=True, help="Given by a guardian.")
@json_option
def give(subject: str, purpose: str, as_json: bool, **given: Any) -> None:
    """Record that SUBJECT (system:type:key) agreed, and print the receipt."""
    from privacy.consent.model import Giving

    def act(application: Any, actor: Any) -> Any:
        version = given["notice_version"] or application.consent.notice(actor, given["notice"]).version
        giving = Giving(
            SubjectRef.parse(subject, "SUBJECT"),
            purpose,
            given["notice"],
            version,
            given["language"],
            given["method"],
            given["recipient"],
            given["channel"],
            _instant(given["at"], "--at"),
            _instant(given["expires"], "--expires"),
            _evidence(given["evidence"]),
            given["guardian"],
            given["reference"],
        )
        return application.consent.give(actor, giving)

    show(_with_application(act), as_json=as_json)


@consent.command()
@_what
@click.option("--method", default="in_person", show_default=True, help="How the person told us.")
@json_option
def withdraw(subject: str, purpose: str, as_json: bool, **given: Any) -> None:
    """Record that SUBJECT took consent back, and print the receipt."""
    from privacy.consent.model import Withdrawing

    def act(application: Any, actor: Any) -> Any:
        at = _instant(given["at"], "--at")
        words = (given["recipient"], given["channel"], given["method"], at, given["reference"])
        return application.consent.withdraw(actor, Withdrawing(SubjectRef.parse(subject, "SUBJECT"), purpose, *words))

    show(_with_application(act), as_json=as_json)


@consent.command()
@click.argument("subjects", nargs=-1, required=True)
@click.option("--purpose", required=True)
@click.option("--recipient", default="")
@click.option("--channel", default="")
@json_option
def check(subjects: tuple[str, ...], purpose: str, recipient: str, channel: str, as_json: bool) -> int:
    """Say for each of SUBJECTS whether consent holds. Exit 1 unless it holds for all of them."""
    from privacy.consent.model import Question

    questions = [Question(SubjectRef.parse(subject, "SUBJECTS"), purpose, recipient, channel) for subject in subjects]
    answers = _with_application(lambda application, actor: application.consent.check(actor, questions))
    rows = [{"subject": subject, **_row(answer)} for subject, answer in zip(subjects, answers, strict=True)]
    show(rows, as_json=as_json)
    return 0 if all(row["state"] == "given" for row in rows) else 1


@consent.command()
@click.argument("receipt")
@json_option
def receipt(receipt: str, as_json: bool) -> None:
    """Show a receipt."""
    show(_with_application(lambda application, actor: application.consent.receipt(actor, receipt)), as_json=as_json)


def _with_application(act: Callable[[Any, Any], Any]) -> Any:
    from privacy.cli.session import open_application

    application, actor = open_application()
    try:
        return act(application, actor)
    finally:
        application.close()


def _row(answer: Any) -> dict[str, object]:
    if isinstance(answer, PrivacyError):
        return {"state": "error", "reason": answer.detail, "at": None, "receipt": None}
    return {"state": answer.state.value, "reason": answer.reason, "at": answer.at, "receipt": answer.receipt}


def _instant(text: str | None, option: str) -> datetime | None:
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise InvalidInput("Write a time with its zone, for example 2026-11-22T10:00:00+08:00.", pointer=option)
    return instant


def _evidence(text: str | None) -> Any:
    from privacy.consent.model import Evidence

    if not text:
        return None
    kind, colon, reference = text.partition(":")
    if not colon:
        raise InvalidInput("Evidence is written KIND:REFERENCE, for example form:F-2026-17.", pointer="--evidence")
    return Evidence(kind, reference)
