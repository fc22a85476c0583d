"""An erasure end to end on SQLite, PostgreSQL and MariaDB: exactly the truth's rows go, everything else stays, and it is proven."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from privacy.adapters.database_urls import parse_address
from privacy.audit.verifier import Tampered
from privacy.cli.session import operator
from privacy.crypto.signatures import verify_ed25519
from privacy.disposal.certificate import verify
from privacy.disposal.model import PlanState
from privacy.jobs.model import JobState
from privacy.kernel.errors import AccessDenied, Conflict, StepUpRequired
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.terms import SubjectRef
from tests.cast import ALICE, CAROL, DAVE
from tests.company import tables
from tests.company.confirming import confirm_shop, connect
from tests.disposal import shop
from tests.disposal.erasing import Case, Dump


def expected(before: Dump, person: str) -> Dump:
    truth = shop.TRUTH["people"][person]
    after = {table: {key: dict(row) for key, row in rows.items()} for table, rows in before.items()}
    for table, keys in truth["erased"].items():
        for key in keys:
            del after[table][_key(before, table, key)]
    for place in truth["cleared"]:
        table, key, column = place.split("/")
        after[table][_key(before, table, key)][column] = None
    return after


def _key(dump: Dump, table: str, written: str) -> tuple[Any, ...]:
    return next(key for key in dump[table] if "/".join(map(str, key)) == written)


def do(url: str, statement: str) -> None:
    address = parse_address(url, setting="the shop's address")
    engine = create_engine(address.url, connect_args=address.arguments)
    with engine.begin() as opened:
        opened.execute(text(statement))
    engine.dispose()


def test_exactly_the_rows_of_the_truth_go_and_the_certificate_counts_them(case: Case) -> None:
    before = tables.dump(case.url)

    done = case.erase(shop.subject("xiaoming"))

    assert done.state is PlanState.DONE and not done.problems
    assert tables.dump(case.url) == expected(before, "xiaoming")
    note = case.application.disposal.certificate(CAROL, done.id).decode()
    said = verify(note, case.application.trail.vkey(CAROL), verify_ed25519)
    (system,) = said["systems"]
    gone = {each["dataset"].removeprefix("shop."): each["deleted"] for each in system["datasets"] if each["deleted"]}
    after = tables.dump(case.url)
    assert gone == {table: len(rows) - len(after[table]) for table, rows in before.items() if len(rows) != len(after[table])}
    assert sum(each["unlinked"] for each in system["datasets"]) == 3
    assert system["checked"]["left"] == system["checked"]["behind"] == [] and system["checked"]["again"] == 0
    assert said["keys"]["subjects"] == 1 and "xiaoming" not in note and "KH0001" not in note


def test_the_residual_search_names_the_places_where_others_mention_the_person(case: Case) -> None:
    do(case.url, "UPDATE gd_info SET nr = '联系 xiaoming.li.0417@tongxin.example 即可' WHERE gd_bh = 'GD004'")

    done = case.erase(shop.subject("xiaoming"))

    residue = done.results["shop"]["checked"]["residue"]
    assert any(each["table"] == "gd_info" and each["column"] == "nr" for each in residue)
    assert done.state is PlanState.DONE


def test_a_colleague_who_leaves_takes_nobodys_rows_along(case: Case) -> None:
    before = tables.dump(case.url)

    case.erase(shop.subject("staff_zhangwei"))

    assert tables.dump(case.url) == expected(before, "staff_zhangwei")


def test_the_persons_keys_die_and_no_new_one_is_made(case: Case) -> None:
    who = shop.subject("xiaoming")
    ((ref,), keys) = case.application.subject_keys.audit_refs(DEFAULT_TENANT, [who]), case.application.subject_keys
    assert len(ref) == 32

    case.erase(who)

    assert keys.audit_refs(DEFAULT_TENANT, [who]) == [b""]


def test_nobody_approves_their_own_plan_nor_without_a_second_factor_nor_another_hash(case: Case) -> None:
    plan = case.plan(shop.subject("chenjing"))
    disposal = case.application.disposal

    with pytest.raises(AccessDenied):
        disposal.approve(ALICE, plan.id, plan.hash)
    with pytest.raises(StepUpRequired):
        disposal.approve(type(DAVE)(**{**{name: getattr(DAVE, name) for name in DAVE.__dataclass_fields__}, "assurance": 1}), plan.id, plan.hash)
    with pytest.raises(Conflict) as other:
        disposal.approve(case.approver, plan.id, "0" * 64)
    assert other.value.code == "plan_changed"
    with pytest.raises(AccessDenied):
        disposal.approve(case.approver, plan.id, plan.hash, not_by=[case.approver.ref])


@pytest.mark.parametrize(
    "meanwhile",
    ["INSERT INTO sp_pl (pl_bh, sp_bh, zh_mc, nr) VALUES (99, 'SP001', 'xiaoming', 'x')", "ALTER TABLE kh_info ADD COLUMN neu varchar(10)"],
    ids=["row", "schema"],
)
def test_what_moves_on_after_the_approval_voids_the_plan_and_nothing_is_done(case: Case, meanwhile: str) -> None:
    plan = case.plan(shop.subject("xiaoming"))
    case.approve(plan)
    do(case.url, meanwhile)
    before = tables.dump(case.url)

    case.run()

    assert case.now(plan).state is PlanState.VOID and "make a new plan" in case.now(plan).problems["plan"]
    assert tables.dump(case.url) == before and case.application.ledger.head() is None


def test_a_second_plan_after_the_first_finds_nothing_and_changes_nothing(case: Case) -> None:
    case.erase(shop.subject("xiaoming"))
    before = tables.dump(case.url)

    again = case.erase(shop.subject("xiaoming"), case="case-2")

    assert again.state is PlanState.DONE and tables.dump(case.url) == before and not again.rows


def test_an_altered_certificate_does_not_verify_and_its_hash_is_in_the_log(case: Case) -> None:
    done = case.erase(shop.subject("chenjing"))
    note = case.application.disposal.certificate(CAROL, done.id).decode()
    digest = hashlib.sha256(note.encode()).hexdigest()
    case.application.sequencer.drain()

    with pytest.raises(Tampered):
        verify(note.replace('"deleted":1', '"deleted":2', 1), case.application.trail.vkey(CAROL), verify_ed25519)
    events = [json.loads(entry.entry) for entry in _entries(case)]
    assert any(event["action"] == "disposal:certificate:issued" and f"sha256:{digest}" in event["related"] for event in events)


def _entries(case: Case) -> list[Any]:
    store, events = case.application.store, case.application.trail._repository

    def read(tx: Any) -> list[Any]:
        log = events.newest_log(tx, DEFAULT_TENANT)
        assert log is not None
        return events.entries(tx, log.log_id, 0, 10_000)

    return store.read(read)


def test_a_system_that_fails_is_told_and_finished_when_the_job_comes_back(case: Case) -> None:
    plan = case.plan(shop.subject("xiaoming"))
    case.approve(plan)
    handler = case.application.handlers["disposal"]
    tools = handler._tools  # type: ignore[attr-defined]
    real = tools.targets
    calls = []

    def flaky(tenant: Any, system: str, *, write: bool = True) -> Any:
        calls.append(system)
        opened = real(tenant, system, write=write)
        if len(calls) == 2:  # the first is the look for drift
            opened.apply = _refuses
        return opened

    object.__setattr__(tools, "targets", flaky)
    (job,) = case.run()

    assert case.now(plan).state is PlanState.NEEDS_ATTENTION and "shop" in case.now(plan).problems
    assert job.state in (JobState.READY, JobState.NEEDS_ATTENTION)
    case.application.jobs.retry(ALICE, job.id)
    case.run()
    assert case.now(plan).state is PlanState.DONE and not case.now(plan).problems


def _refuses(*_arguments: object) -> None:
    from privacy.kernel.errors import ConnectorUnavailable

    raise ConnectorUnavailable("The system does not answer.")


def test_a_system_that_does_not_answer_hides_no_other_and_stays_open(case: Case, tmp_path: Path) -> None:
    other = f"sqlite:///{tmp_path / 'other.sqlite'}"
    tables.build(other)
    connect(case.application, operator(case.application), "branch", other)
    confirm_shop(case.application, operator(case.application), "branch")
    here, there = shop.subject("xiaoming"), SubjectRef("branch", "customer", "KH0001")
    case.application.subject_keys.audit_refs(DEFAULT_TENANT, [here, there])
    (tmp_path / "other.sqlite").rename(tmp_path / "away")

    plan = case.plan(here, there)
    assert [(each.code, each.where, each.blocks) for each in plan.obstacles if each.code == "unreachable"] == [("unreachable", "branch", False)]
    case.approve(plan)
    case.run()

    assert case.now(plan).state is PlanState.NEEDS_ATTENTION and set(case.now(plan).problems) == {"branch"}
    assert case.application.subject_keys.audit_refs(DEFAULT_TENANT, [here]) == [b""]
    assert case.application.subject_keys.audit_refs(DEFAULT_TENANT, [there]) != [b""]
    said = json.loads(case.application.disposal.certificate(CAROL, plan.id).decode().partition("\n")[0])
    assert [each["system"] for each in said["open"]] == ["branch"] and [each["system"] for each in said["systems"]] == ["shop"]

    (tmp_path / "away").rename(tmp_path / "other.sqlite")
    rest = case.erase(here, there)
    assert rest.state is PlanState.DONE and case.application.subject_keys.audit_refs(DEFAULT_TENANT, [there]) == [b""]


def test_a_constraint_in_the_middle_undoes_its_batch_and_names_itself(case: Case) -> None:
    plan = case.plan(shop.subject("xiaoming"))
    case.approve(plan)
    before = tables.dump(case.url)
    tools = case.application.handlers["disposal"]._tools  # type: ignore[attr-defined]
    real, survey = tools.targets, tools.surveyor.survey

    def late(*arguments: Any) -> Any:
        found = survey(*arguments)
        kind = case.url.split(":")[0]
        clause = "CREATE TRIGGER no_go BEFORE DELETE ON hy_card"
        body = {
            "sqlite": f"{clause} BEGIN SELECT RAISE(ABORT, 'kept'); END",
            "postgresql": "CREATE FUNCTION no_go() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'kept'; END $$; "
            f"{clause} FOR EACH ROW EXECUTE FUNCTION no_go()",
        }.get(kind, f"{clause} FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'kept'")
        do(case.url, body)
        return found

    object.__setattr__(tools.surveyor, "survey", late)
    (job,) = case.run()

    assert real is tools.targets and job.state is JobState.NEEDS_ATTENTION and job.error_code == "constraint_violated"
    assert case.now(plan).state is PlanState.NEEDS_ATTENTION and "shop" in case.now(plan).problems
    assert tables.dump(case.url) == before
