"""A person's rights when their e-mail, phone and birthday stand encrypted in place: found, packaged, erased as if they did not; nobody else's value suffers."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from privacy.application import Application
from privacy.jobs.runner import run_now
from privacy.protection.column_model import Step
from privacy.rights.model import RequestKind
from tests.cast import ALICE, DAVE
from tests.company import tables
from tests.e2e.test_shop_rights import PEOPLE, application, left, named, sheets, template, vouched
from tests.protection.inplace import Place

__all__ = ["application", "template"]
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
_FIELDS = ("yx", "sjh", "csrq")


def encrypted(application: Application, url: str) -> Place:
    place = Place(application, url)
    for column in place.plan(*_FIELDS):
        place.do(column, Step.COPY, Step.SWITCH)
    return place


def test_a_package_says_the_same_as_before_and_an_erasure_takes_exactly_the_persons_rows(application: Application, empty_url: str) -> None:
    truth, before = PEOPLE["xiaoming"], tables.dump(empty_url)
    asked = vouched(application, RequestKind.ACCESS, "xiaoming")
    open_package = sheets(application, asked)
    place = encrypted(application, empty_url)
    locked_package = sheets(application, asked)
    (whole,) = locked_package.pop("all")
    open_package.pop("all")
    assert locked_package == open_package
    assert named(locked_package["kh_info"], "kh_info") == ["KH0001"]
    assert not [value for value in truth["others"] if value in "\n".join(whole.values())]

    id = vouched(application, RequestKind.ERASURE, "xiaoming")
    planned = application.requests.erasing.plan(ALICE, id)
    application.requests.erasing.approve(replace(DAVE, authenticated_at=datetime.now(UTC)), id, planned.plan.hash)
    run_now(application.jobs, application.handlers)
    done = application.disposal.plan_of(ALICE.tenant, planned.plan.id)
    assert done is not None and done.state.value == "done", done
    residue = {each["table"] for each in done.results["shop"]["checked"]["residue"]}
    assert {copy.split("/")[0] for copy in truth["copies"]} <= residue  # searched for by values that stood encrypted

    for column in application.columns.all(ALICE):
        place.do(column, Step.UNDO)
    assert tables.dump(empty_url) == left(before, truth)
