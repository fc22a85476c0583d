"""A shop without declared keys, with Chinese names and comments, against the truth about whose its rows are: found, disclosed, refused, erased."""

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from privacy.application import Application
from privacy.jobs.runner import run_now
from privacy.kernel.errors import Conflict, PrivacyError
from privacy.kernel.plaintext import Plaintext
from privacy.rights.model import NewRequest, RequestKind
from privacy.subjects.model import Identifier, IdentifierKind
from tests.cast import ALICE, DAVE
from tests.company import tables
from tests.company.confirming import TRUTH, confirm_shop, connect
from tests.web.steward import install, open_steward

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
PEOPLE: Mapping[str, Any] = TRUTH["people"]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("shop-rights") / "state")


@pytest.fixture
def application(template: Path, tmp_path: Path, empty_url: str) -> Iterator[Application]:
    tables.build(empty_url)
    steward = open_steward(template, tmp_path / "var", PRIVACY_MESSENGER="file")
    try:
        connect(steward.application, ALICE, "shop", empty_url)
        confirm_shop(steward.application, ALICE)
        yield steward.application
    finally:
        steward.application.close()


def request(application: Application, kind: RequestKind, identify: Mapping[str, str]) -> str:
    identifiers = tuple(Identifier(IdentifierKind(what), Plaintext(value)) for what, value in identify.items())
    return application.requests.receive(ALICE, NewRequest(kind, "main", identifiers, regimes=("pipl",), language="zh")).shown.request.id


def vouched(application: Application, kind: RequestKind, person: str) -> str:
    id = request(application, kind, PEOPLE[person]["identify"])
    application.requests.identity.attest(ALICE, id, "in_person", Plaintext("登记簿 17"))
    return id


def sheets(application: Application, id: str) -> dict[str, list[dict[str, str]]]:
    application.requests.packages.make(ALICE, id)
    run_now(application.jobs, application.handlers)
    _, pieces = application.requests.packages.read(ALICE, id)
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as found:
        whole = {name: found.read(name).decode("utf-8-sig") for name in found.namelist()}
    tabled: dict[str, list[dict[str, str]]] = {"all": [whole]}
    for name, text in whole.items():
        if name.endswith(".csv"):  # shop.xx_jl.csv; where rows came in several ways also shop.xx_jl-2.csv
            table = Path(name).stem.split(".")[-1].partition("-")[0]
            tabled.setdefault(table, []).extend(csv.DictReader(io.StringIO(text)))
    return tabled


def named(rows: list[dict[str, str]], table: str) -> list[str]:
    # a cell that looks like a formula carries a mark in front
    return sorted("/".join(row[name].removeprefix("'") for name in tables.BY_NAME[table].key) for row in rows)


def test_packages_hold_the_persons_rows_and_nothing_of_anybody_else(application: Application) -> None:
    """All six people of the truth: rows found are the truth's, other people's values disclosed are none."""
    for person, truth in PEOPLE.items():
        found = sheets(application, vouched(application, RequestKind.ACCESS, person))
        (whole,) = found.pop("all")
        expected = {table: sorted(keys) for part in ("own", "shared") for table, keys in truth[part].items()}
        assert {table: named(rows, table) for table, rows in found.items()} == expected, person
        told = "\n".join(whole.values())
        assert [value for value in truth["others"] if value in told] == [], person
        assert [carrier for carrier in truth["carriers"] if carrier.split(".")[1] not in whole["carriers.json"]] == [], person
        own = next(row for row in found[next(iter(truth["own"]))])
        assert own["xm"], person


@pytest.mark.parametrize("who", sorted(TRUTH["refused"]))
def test_a_weak_identity_is_refused_with_the_reason(application: Application, who: str) -> None:
    """A name, a switchboard, nobody, or two people's identifiers: no code is sent, nobody can vouch, nothing is planned."""
    id = request(application, RequestKind.ERASURE, TRUTH["refused"][who])
    with pytest.raises(PrivacyError) as asked:
        application.requests.identity.ask(ALICE, id)
    assert asked.value.code == "identity_unclear" and len(asked.value.detail) > 20
    with pytest.raises(Conflict):
        application.requests.identity.attest(ALICE, id, "in_person", Plaintext("登记簿 18"))
    with pytest.raises(Conflict):
        application.requests.erasing.plan(ALICE, id)
    assert not (application.config.state_dir / "messages.jsonl").exists()


@pytest.mark.parametrize("person", ["wangfang", "zhangwei", "chenjing", "aygul"])
def test_erasures_leave_exactly_what_the_truth_says(template: Path, tmp_path: Path, person: str) -> None:
    """Two others are erased on all three databases in tests/disposal."""
    url = f"sqlite:///{tmp_path / 'shop.sqlite'}"
    tables.build(url)
    steward = open_steward(template, tmp_path / "var")
    application = steward.application
    try:
        connect(application, ALICE, "shop", url)
        confirm_shop(application, ALICE)
        before = tables.dump(url)
        id = vouched(application, RequestKind.ERASURE, person)
        planned = application.requests.erasing.plan(ALICE, id)
        application.requests.erasing.approve(replace(DAVE, authenticated_at=datetime.now(UTC)), id, planned.plan.hash)
        run_now(application.jobs, application.handlers)
        done = application.disposal.plan_of(ALICE.tenant, planned.plan.id)
        assert done is not None and done.state.value == "done", done
        assert tables.dump(url) == left(before, PEOPLE[person])
        residue = {each["table"] for each in done.results["shop"]["checked"]["residue"]}
        assert {copy.split("/")[0] for copy in PEOPLE[person]["copies"]} <= residue
    finally:
        application.close()


def left(before: dict[str, Any], truth: Mapping[str, Any]) -> dict[str, Any]:
    after = {table: {"/".join(map(str, key)): (key, dict(row)) for key, row in rows.items()} for table, rows in before.items()}
    for table, keys in truth["erased"].items():
        for key in keys:
            del after[table][key]
    for place in truth["cleared"]:
        table, key, column = place.split("/")
        after[table][key][1][column] = None
    return {table: dict(rows.values()) for table, rows in after.items()}
