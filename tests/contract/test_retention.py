"""Retention on every kind of database, ours and the connected one: due dates, previews, sweeps, holds and the log say the same."""
# ruff: noqa: DTZ001 - columns without a zone

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest

from privacy.adapters.store.engine import SqlStore
from privacy.audit.events import Action, Outcome
from privacy.inventory.relations import Ownership
from privacy.jobs.model import JobState
from privacy.jobs.runner import run_now
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import AccessDenied, Conflict, InvalidInput, NotFound, StepUpRequired
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.terms import SubjectRef
from privacy.retention import sweeps
from privacy.retention.model import Consequence, Kept, NewHold, NewRule, Preview, Restart, Rule, RuleState, Sweep, SweepState
from privacy.retention.release import SWEEP
from privacy.retention.sweeps import Sweeper
from tests.cast import ALICE, CHARLIE, DAVE
from tests.retention.library import LINES, LOANS, LOG, MEMBERS, STAFF, TICKETS, Library, confirmed, loan, member, relation


@pytest.fixture
def library(store: SqlStore, empty_url: str, fixed_clock: FixedClock, tmp_path: Path) -> Iterator[Library]:
    """Sunday 22 November 2026, 15:30 in Shanghai."""
    made = Library(empty_url, store, fixed_clock, tmp_path)
    made.create()
    yield made
    made.close()


def in_force(library: Library, rule: NewRule) -> Rule:
    """Propose, look, have another person approve."""
    library.retention.propose(ALICE, rule)
    (seen,) = library.retention.preview(ALICE, rule=rule.id)
    return library.retention.approve(DAVE, rule.id, seen.hash)


def swept(library: Library, rule: str) -> Sweep:
    job = library.retention.ask(ALICE, rule)
    (done,) = run_now(library.jobs, library.handlers)
    assert (done.id, done.state, done.error_detail) == (job.id, JobState.DONE, "")
    return library.retention.sweeps(ALICE, rule=rule).sweeps[0]


def look(library: Library, rule: str, on: date | None = None) -> Preview:
    (seen,) = library.retention.preview(ALICE, rule=rule, on=on)
    return seen


LOANS_5Y = NewRule("loans", "library.loans", "returned", "P5Y", Consequence.DELETE)
MEMBERS_3Y = NewRule("members", "library.members", "joined", "P3Y", Consequence.DELETE, restarts=(Restart("library.loans", "returned"),))
LOG_6M = NewRule("log", "library.door_log", "at", "P6M", Consequence.DELETE, statutes=("cn.network_logs",), clock_zone="UTC")


def test_due_dates_preview_sweep_and_log_agree(library: Library) -> None:
    """A five-year rule, a legal hold on one reader, lines that go with their loans: counted before, done, counted after, and the log says the same."""
    library.fill(MEMBERS, [member(n, date(2010, 1, 1)) for n in (1, 2)])
    returned = {n: datetime(2016 + n % 10, 3, 1, 12) for n in range(1, 41)}
    library.fill(LOANS, [loan(n, 1 + n % 2, at) for n, at in returned.items()])
    library.fill(LINES, [{"loan_id": n, "line": line, "title": "Kites"} for n in returned for line in (1, 2)])
    rule = in_force(library, LOANS_5Y)
    held = library.holds.place(ALICE, NewHold("library", "claim pending", "Court of Wuhan", subject=SubjectRef("library", "member", "2")))
    gone = [n for n, at in returned.items() if at.year <= 2021]
    kept = [n for n in gone if n % 2]

    seen = look(library, "loans")
    assert (seen.due, seen.kept) == (len(gone) - len(kept), (Kept("hold", held.id, len(kept)),))
    assert (seen.earliest, seen.next) == (date(2026, 11, 22), date(2027, 3, 2))
    assert seen.dependants == {"library.loan_lines": 2 * seen.due} and seen.effect.removes == ("library.loan_lines", "library.loans")

    sweep = swept(library, "loans")
    assert sweep.state is SweepState.DONE and sweep.left == 0
    assert sweep.counts == {"library.loan_lines": 2 * seen.due, "library.loans": seen.due} and sweep.kept == {"hold": len(kept)}
    assert library.ids(LOANS) == [n for n in returned if n not in gone or n in kept]
    assert {row[0] for row in library.rows(LINES)} == set(library.ids(LOANS))

    attempted, done = [event for event in library.audit.events if event.object_ref == sweep.id]
    assert (attempted.action, attempted.outcome) == (Action.SWEEP_ATTEMPTED, Outcome.ATTEMPTED)
    assert (done.action, done.counts["rows"], done.counts["kept"], done.counts["left"]) == (Action.SWEEP_DONE, 3 * seen.due, len(kept), 0)
    assert f"library.loans: {seen.due}" in done.fields and rule.hash in done.related


def test_what_a_hold_kept_goes_as_soon_as_it_is_released(library: Library) -> None:
    """Releasing enqueues the sweeps of the system in the same transaction."""
    library.fill(MEMBERS, [member(1, date(2010, 1, 1))])
    library.fill(LOANS, [loan(1, 1, datetime(2015, 1, 1)), loan(2, 1, datetime(2015, 1, 1))])
    in_force(library, LOANS_5Y)
    held = library.holds.place(ALICE, NewHold("library", "audit", "DPO", dataset="library.loans", keys=("2",)))
    swept(library, "loans")
    assert library.ids(LOANS) == [2]
    library.holds.release(ALICE, held.id)
    (job,) = run_now(library.jobs, library.handlers)
    assert job.state is JobState.DONE and library.ids(LOANS) == []
    with pytest.raises(Conflict):
        library.holds.release(ALICE, held.id)


@pytest.mark.parametrize(
    ("hold", "left"),
    [
        (NewHold("library", "why", "who"), [1, 2, 3]),
        (NewHold("library", "why", "who", dataset="library.loans"), [1, 2, 3]),
        (NewHold("library", "why", "who", dataset="library.loan_lines"), [1, 2]),
        (NewHold("library", "why", "who", dataset="library.loans", keys=("2",)), [2]),
        (NewHold("library", "why", "who", dataset="library.loan_lines", keys=("1", "1")), [1]),
        (NewHold("library", "why", "who", dataset="library.loans", keys=("2",), until=datetime(2026, 11, 22, 8, tzinfo=UTC)), []),
        (NewHold("library", "why", "who", since=datetime(2026, 12, 1, tzinfo=UTC)), []),
        (NewHold("library", "why", "who", dataset="library.tickets"), []),
    ],
)
def test_a_hold_reaches_what_it_names_and_what_belongs_to_it(library: Library, hold: NewHold, left: list[int], fixed_clock: FixedClock) -> None:
    """System, dataset, row, dependant; one that has ended or not begun reaches nothing."""
    library.fill(MEMBERS, [member(1, date(2010, 1, 1))])
    library.fill(LOANS, [loan(n, 1, datetime(2015, 1, 1)) for n in (1, 2, 3)])
    library.fill(LINES, [{"loan_id": n, "line": 1} for n in (1, 2)])
    in_force(library, LOANS_5Y)
    library.holds.place(ALICE, hold)
    fixed_clock.advance(timedelta(hours=1))
    swept(library, "loans")
    assert library.ids(LOANS) == left


def test_a_new_loan_restarts_the_clock_and_an_open_one_stops_it(library: Library) -> None:
    """Joined long ago: gone unless a loan came back within three years, or is still out; keys and ledger follow whose own row went."""
    library.fill(MEMBERS, [member(n, date(2015, 5, 5)) for n in (1, 2, 3, 4)] + [member(5, date(2025, 5, 5))])
    library.fill(LOANS, [loan(1, 1, datetime(2016, 1, 1)), loan(2, 2, datetime(2025, 1, 1)), loan(3, 2, datetime(2016, 1, 1)), loan(4, 3, None)])
    rule = in_force(library, MEMBERS_3Y)
    seen = look(library, "members")
    assert (seen.due, seen.next) == (2, date(2028, 1, 2)) and seen.effect.restarts == ("library.loans.member_id",)
    sweep = swept(library, "members")
    assert library.ids(MEMBERS) == [2, 3, 5] and library.ids(LOANS) == [2, 3, 4]
    assert sweep.counts["library.members"] == 2 and sweep.counts["library.loans"] == 1
    assert library.gone.subjects == {"1", "4"} and library.gone.begun == library.gone.finished
    assert rule.effect is not None and "library.members.sponsor_id" in rule.effect.clears


def test_a_dependant_under_its_own_longer_rule_keeps_its_parent(library: Library) -> None:
    """Loans under a five-year rule keep readers whose three years are over, and only until they are gone."""
    library.fill(MEMBERS, [member(n, date(2010, 1, 1)) for n in (1, 2)])
    library.fill(LOANS, [loan(1, 1, datetime(2022, 6, 1)), loan(2, 2, datetime(2019, 1, 1))])
    in_force(library, LOANS_5Y)
    in_force(library, replace(MEMBERS_3Y, restarts=()))
    seen = look(library, "members")
    assert (seen.due, seen.kept) == (1, (Kept("dependant_rule", "loans", 1),))
    swept(library, "members")
    assert library.ids(MEMBERS) == [1] and library.ids(LOANS) == [1]
    assert look(library, "members", date(2027, 6, 2)).due == 1


def test_references_of_rows_that_stay_are_emptied_where_somebody_confirmed_them_and_keep_the_row_where_nobody_did(library: Library) -> None:
    """A sponsor goes and those they sponsored stay; a foreign key that nobody confirmed is never broken."""
    library.fill(MEMBERS, [member(1, date(2010, 1, 1)), member(2, date(2025, 1, 1), sponsor_id=1), member(3, date(2010, 1, 1))])
    library.fill(STAFF, [{"id": 1, "name": "Gao"}])
    library.fill(TICKETS, [{"id": 1, "member_id": 3, "agent_id": 1, "opened": date(2010, 1, 1)}])
    library.map.relations = [each for each in confirmed() if each.id != "tickets.member_id"]
    in_force(library, replace(MEMBERS_3Y, restarts=()))
    assert look(library, "members").kept == (Kept("referenced", "library.tickets", 1),)
    sweep = swept(library, "members")
    assert [(row[0], row[6]) for row in library.rows(MEMBERS)] == [(2, None), (3, None)]
    assert sweep.counts["library.members.sponsor_id"] == 1


def test_a_row_that_also_belongs_to_somebody_who_stays_keeps_its_owner(library: Library) -> None:
    """A ticket of two people: nothing of it is taken while one of them stays; when both are due it goes with them."""
    library.map.relations.append(relation("tickets", "agent_id", "staff", Ownership.OWNED_BY, id="second"))
    library.map.relations = [each for each in library.map.relations if each.id != "tickets.agent_id"]
    library.fill(STAFF, [{"id": 1, "name": "Gao"}])
    library.fill(MEMBERS, [member(n, date(2010, 1, 1)) for n in (1, 2)])
    library.fill(TICKETS, [{"id": 1, "member_id": 1, "agent_id": 1}, {"id": 2, "member_id": 2, "agent_id": None}])
    in_force(library, replace(MEMBERS_3Y, restarts=()))
    assert look(library, "members").kept == (Kept("shared", "library.tickets", 1),)
    swept(library, "members")
    assert library.ids(MEMBERS) == [1] and library.ids(TICKETS) == [1]


def test_a_chain_of_rows_that_own_each_other_goes_leaf_by_leaf(library: Library) -> None:
    """Whoever stays keeps everybody above; the rest goes in passes, deeper than any condition looks."""
    library.map.relations = [each for each in confirmed() if each.id != "members.sponsor_id"]
    library.map.relations.append(relation("members", "sponsor_id", "members"))
    chain = [member(n, date(2010, 1, 1), sponsor_id=n - 1 or None) for n in range(1, 13)]
    above = [member(n, date(2010, 1, 1), sponsor_id=n - 1 if n > 20 else None) for n in range(20, 32)]
    library.fill(MEMBERS, [*chain, *above, member(40, date(2026, 1, 1), sponsor_id=31), member(41, None)])
    in_force(library, replace(MEMBERS_3Y, restarts=()))
    seen = look(library, "members")
    assert (seen.due, seen.kept, seen.undated) == (12, (Kept("referenced", "library.members", 12),), 1)
    assert swept(library, "members").counts["library.members"] == 12
    assert library.ids(MEMBERS) == [*range(20, 32), 40, 41]


def test_another_rule_on_a_statute_keeps_the_same_row(library: Library) -> None:
    """Several rules on one row: the longest lawful minimum wins, and a rule about other fields does not mind."""
    library.fill(MEMBERS, [member(1, date(2010, 1, 1))])
    library.fill(LOANS, [loan(1, 1, datetime(2025, 1, 1)), loan(2, 1, datetime(2020, 1, 1))])
    library.retention.propose(ALICE, NewRule("law", "library.loans", "returned", "P3Y", Consequence.REVIEW, statutes=("cn.ecommerce.31",)))
    in_force(library, replace(LOANS_5Y, id="short", period="P1Y"))
    assert (look(library, "short").due, look(library, "short").kept) == (1, (Kept("rule", "law", 1),))
    swept(library, "short")
    assert library.ids(LOANS) == [1]


def test_anonymising_replaces_what_is_personal_and_nothing_else(library: Library) -> None:
    """Unique fields get a value each, others nothing or a fixed word; keys, clocks, references and what is not personal stay; again changes nothing."""
    library.fill(MEMBERS, [member(n, date(2010, 1, 1), sponsor_id=1) for n in (1, 2)] + [member(3, date(2026, 1, 1))])
    in_force(library, replace(MEMBERS_3Y, restarts=(), consequence=Consequence.ANONYMISE))
    seen = look(library, "members")
    assert seen.due == 2 and set(seen.effect.sets) == {f"library.members.{name}" for name in ("login", "name", "born")}
    assert swept(library, "members").counts == {"library.members": 2}
    one, two, three = library.rows(MEMBERS)
    assert one[2:] == two[2:] == ("[erased]", None, date(2010, 1, 1), "north", 1) and three[2] == "Reader 3"
    assert one[1].startswith("erased-") and two[1].startswith("erased-") and one[1] != two[1]
    assert swept(library, "members").counts == {"library.members": 0} and library.gone.begun == {}


def test_what_nobody_decided_about_is_not_anonymised_by_a_rule(library: Library) -> None:
    """A rule runs for years: an undecided field stops its approval, with the remedy."""
    library.map.undecided.add("members.branch")
    library.retention.propose(ALICE, replace(MEMBERS_3Y, restarts=(), consequence=Consequence.ANONYMISE))
    seen = look(library, "members")
    assert "library.members.branch" in seen.obstacles[0]
    with pytest.raises(Conflict, match="confirm the field") as refused:
        library.retention.approve(DAVE, "members", seen.hash)
    assert refused.value.code == "rule_blocked"


def test_an_archived_row_leaves_a_masked_copy_readable_by_nobody_else(library: Library) -> None:
    """The copy holds what is not personal, masked forms of what is, a stand-in for the subject; then the rows go."""
    library.fill(MEMBERS, [member(1, date(2010, 1, 1), name="Marguerite Okonkwo"), member(2, date(2026, 1, 1))])
    library.fill(LOANS, [loan(1, 1, datetime(2012, 1, 1))])
    in_force(library, replace(MEMBERS_3Y, consequence=Consequence.ARCHIVE))
    sweep = swept(library, "members")
    assert library.ids(MEMBERS) == [2] and library.ids(LOANS) == [] and library.gone.subjects == {"1"}
    (file,) = (library.folder / "archives" / DEFAULT_TENANT / sweep.id).iterdir()
    assert file.stat().st_mode & 0o077 == 0 and file.parent.stat().st_mode & 0o077 == 0
    text = file.read_text("utf-8")
    rows = {line["dataset"]: line["row"] for line in map(json.loads, text.splitlines())}
    assert set(rows) == {"library.loans", "library.members"} and "Marguerite" not in text and "m1" not in text
    assert rows["library.members"]["joined"] == "2010-01-01" and rows["library.members"]["id"] not in (1, "1", None)


def test_restricting_enters_the_subjects_once(library: Library) -> None:
    """The register names them by hash; decisions find them; nothing in the system changes."""
    library.fill(MEMBERS, [member(n, date(2010, 1, 1)) for n in (1, 2)] + [member(3, date(2026, 1, 1))])
    in_force(library, replace(MEMBERS_3Y, restarts=(), consequence=Consequence.RESTRICT))
    assert swept(library, "members").counts == {"library.members": 2}
    assert swept(library, "members").counts == {"library.members": 0}
    asked = [SubjectRef("library", "member", str(n)) for n in (1, 2, 3)]
    assert library.restrictions.of(DEFAULT_TENANT, asked) == {asked[0]: "members", asked[1]: "members"}
    assert len(library.ids(MEMBERS)) == 3
    first = library.restrictions.page(ALICE).restrictions[0]
    library.restrictions.lift(ALICE, first.id)
    assert first.subject is not None and first.subject not in library.restrictions.of(DEFAULT_TENANT, asked)


def test_a_log_goes_by_ranges(library: Library) -> None:
    """Nothing hangs on a log entry: it goes by ranges of its key, and gaps in the key do no harm."""
    library.fill(LOG, [{"id": 3 * n, "at": datetime(2026, 1, 1) + timedelta(hours=6 * n), "card": "c"} for n in range(1, 801)])
    in_force(library, LOG_6M)
    seen = look(library, "log")
    cutoff = datetime(2026, 5, 21, 16)  # midnight of 22 May in Shanghai
    wanted = [3 * n for n in range(1, 801) if datetime(2026, 1, 1) + timedelta(hours=6 * n) >= cutoff]
    assert seen.due == 800 - len(wanted) and seen.cutoff == date(2026, 5, 22)
    assert swept(library, "log").counts == {"library.door_log": seen.due} and library.ids(LOG) == wanted


def test_times_without_a_zone_are_read_the_way_that_keeps_a_row_longer(library: Library) -> None:
    """Named UTC, named local, or unknown: near midnight that decides about a day."""
    edge = datetime(2026, 5, 21, 20)  # in UTC already 22 May in Shanghai; as local time still 21 May
    library.fill(LOG, [{"id": 1, "at": edge}, {"id": 2, "at": datetime(2026, 5, 21, 15)}])
    due = {}
    for zone in ("UTC", "Asia/Shanghai", "", "America/Los_Angeles"):
        library.retention.propose(ALICE, replace(LOG_6M, clock_zone=zone))
        due[zone] = look(library, "log").due
    assert due == {"UTC": 1, "Asia/Shanghai": 2, "": 1, "America/Los_Angeles": 0}


def test_rules_shorter_or_longer_than_their_statutes_are_refused(library: Library) -> None:
    """The refusal names the statute and the remedy; a law nobody verified needs somebody's acceptance by name."""
    with pytest.raises(Conflict, match=r"P6M that cn\.network_logs demands.*Set the period to P6M or longer") as refused:
        library.retention.propose(ALICE, replace(LOG_6M, period="P181D"))
    assert refused.value.code == "rule_too_short"
    credit = replace(LOANS_5Y, statutes=("cn.credit.negative",))
    with pytest.raises(Conflict, match=r"privacy retention accept cn\.credit\.negative"):
        library.retention.propose(ALICE, credit)
    library.retention.accept(ALICE, "cn.credit.negative")
    library.retention.propose(ALICE, credit)
    with pytest.raises(Conflict, match="or shorter"):
        library.retention.propose(ALICE, replace(credit, period="P61M"))
    with pytest.raises(InvalidInput, match="Known are"):
        library.retention.propose(ALICE, replace(LOANS_5Y, statutes=("cn.unheard_of",)))


def test_days_beyond_every_calendar_are_refused(library: Library) -> None:
    """No zone and no period could be counted from them."""
    in_force(library, LOANS_5Y)
    first, far = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
    asked = {
        "/on": lambda: library.retention.preview(ALICE, on=date(1, 1, 1)),
        "/valid_from": lambda: library.retention.propose(ALICE, replace(LOANS_5Y, valid_from=date(9999, 12, 31))),
        "/period": lambda: library.retention.propose(ALICE, replace(LOANS_5Y, period="P999Y9999M")),
        "/since": lambda: library.holds.place(ALICE, NewHold("library", "why", "who", since=first)),
        "/until": lambda: library.holds.place(ALICE, NewHold("library", "why", "who", until=far)),
        "until": lambda: library.restrictions.set(ALICE, [SubjectRef("library", "member", "1")], "why", until=far),
    }
    for pointer, ask in asked.items():
        with pytest.raises(InvalidInput) as refused:
            ask()
        assert refused.value.flaws[0].pointer == f"/{pointer.lstrip('/')}"
    assert look(library, "loans", date(1900, 1, 1)).due == 0


def test_four_eyes(library: Library) -> None:
    """Nobody approves their own, without a second factor, without having looked, or what has changed since; a change is a new version under approval again."""
    library.retention.propose(ALICE, LOANS_5Y)
    with pytest.raises(Conflict, match="preview it first"):
        library.retention.approve(DAVE, "loans", "sha256:0")
    seen = look(library, "loans")
    with pytest.raises(AccessDenied):
        library.retention.approve(replace(ALICE, scopes=ALICE.scopes | {"retention:approve"}), "loans", seen.hash)
    with pytest.raises(StepUpRequired):
        library.retention.approve(replace(DAVE, assurance=1), "loans", seen.hash)
    with pytest.raises(AccessDenied):
        library.retention.approve(CHARLIE, "loans", seen.hash)
    with pytest.raises(Conflict, match="not in force"):
        library.retention.ask(ALICE, "loans")
    library.map.relations = [each for each in confirmed() if each.id != "loan_lines.loan_id"]
    with pytest.raises(Conflict, match="Preview it again"):
        library.retention.approve(DAVE, "loans", seen.hash)
    library.map.relations = confirmed()
    assert library.retention.approve(DAVE, "loans", seen.hash).active
    library.retention.propose(ALICE, replace(LOANS_5Y, period="P4Y"))
    states = [(rule.version, rule.state) for rule in library.retention.rules(ALICE)]
    assert states == [(1, RuleState.ACTIVE), (2, RuleState.PROPOSED)]
    library.retention.approve(DAVE, "loans", look_at_proposed(library).hash)
    states = [(rule.version, rule.state) for rule in library.retention.rules(ALICE, every=True)]
    assert states == [(1, RuleState.SUPERSEDED), (2, RuleState.ACTIVE)]


def test_a_second_approval_is_told_that_the_rule_is_approved(library: Library) -> None:
    rule = in_force(library, LOANS_5Y)
    with pytest.raises(Conflict) as refused:
        library.retention.approve(DAVE, "loans", rule.hash)
    assert refused.value.code == "already_approved"
    with pytest.raises(Conflict) as late:  # who had read it as proposed just before
        library.store.run(lambda tx: library.retention._activate(tx, DAVE, rule, ""))
    assert late.value.code == "already_approved"


def test_sweeps_asked_for_together_are_one(library: Library) -> None:
    """Until it has ended; then the next one can be asked for."""
    in_force(library, LOANS_5Y)
    assert len({library.retention.ask(ALICE, "loans").id for _ in range(3)}) == 1
    run_now(library.jobs, library.handlers)
    swept(library, "loans")
    assert len(library.retention.sweeps(ALICE, rule="loans").sweeps) == 2


def test_a_text_column_without_times_is_no_clock(library: Library) -> None:
    library.fill(MEMBERS, [member(1, date(2010, 1, 1))])
    with pytest.raises(InvalidInput) as refused:
        library.retention.propose(ALICE, replace(MEMBERS_3Y, clock="name"))
    assert (refused.value.code, refused.value.flaws[0].pointer) == ("no_clock", "/clock")
    assert library.retention.rules(ALICE) == []


def look_at_proposed(library: Library) -> Preview:
    return library.retention.preview(ALICE, rule="loans")[-1]


def test_a_sweep_whose_effect_is_no_longer_the_approved_one_does_nothing(library: Library) -> None:
    """A newly confirmed relation would take more rows along than anybody approved."""
    library.map.relations = [each for each in confirmed() if each.id != "loan_lines.loan_id"]
    library.fill(MEMBERS, [member(1, date(2010, 1, 1))])
    library.fill(LOANS, [loan(1, 1, datetime(2012, 1, 1))])
    in_force(library, LOANS_5Y)
    library.map.relations = confirmed()
    library.retention.ask(ALICE, "loans")
    (job,) = run_now(library.jobs, library.handlers)
    assert (job.state, job.error_code) == (JobState.NEEDS_ATTENTION, "effect_changed") and library.ids(LOANS) == [1]
    (sweep,) = library.retention.sweeps(ALICE).sweeps
    assert sweep.state is SweepState.NEEDS_ATTENTION and "approved" in sweep.problem


def test_a_restart_that_nobody_confirmed_and_columns_that_are_gone_are_said(library: Library) -> None:
    library.map.relations = []
    library.retention.propose(ALICE, MEMBERS_3Y)
    with pytest.raises(Conflict, match="confirm it with"):
        look(library, "members")
    with pytest.raises(InvalidInput, match="no field of that name"):
        library.retention.propose(ALICE, replace(LOANS_5Y, clock="gone"))
    with pytest.raises(NotFound):
        library.retention.propose(ALICE, replace(LOANS_5Y, dataset="library.unknown"))
    with pytest.raises(AccessDenied):
        library.retention.propose(CHARLIE, LOANS_5Y)


def test_a_day_missed_in_a_downtime_is_swept_once(library: Library, fixed_clock: FixedClock) -> None:
    """03:00 in the controller's zone passed more than once while nobody ran: one sweep, of the last day, however many rounds ask for it."""
    library.fill(LOG, [{"id": 1, "at": datetime(2020, 1, 1)}])
    in_force(library, LOG_6M)
    schedule = library.retention.schedule()
    assert schedule.make(DEFAULT_TENANT, fixed_clock.now()) is None
    fixed_clock.advance(timedelta(days=3))
    for _ in range(2):
        job = schedule.make(DEFAULT_TENANT, fixed_clock.now())
        assert job is not None
        library.store.run(lambda tx, job=job: library.jobs.enqueue(tx, DEFAULT_TENANT, job))
    done = run_now(library.jobs, library.handlers)
    assert [job.kind for job in done] == ["retention_round", "sweep"]
    assert [(sweep.slot, sweep.on) for sweep in library.retention.sweeps(ALICE).sweeps] == [("2026-11-25", date(2026, 11, 25))]
    assert schedule.make(DEFAULT_TENANT, fixed_clock.now()) is None and library.ids(LOG) == []


def test_two_workers_started_together_after_a_downtime_sweep_once(library: Library, fixed_clock: FixedClock) -> None:
    """Both look at the schedule, both enqueue, both run what they find: one sweep, every row gone once, counted once."""
    library.fill(LOG, [{"id": n, "at": datetime(2020, 1, 1)} for n in range(1, 4001)])
    in_force(library, LOG_6M)
    fixed_clock.advance(timedelta(days=2))
    started = Barrier(2)

    def worker() -> None:
        job = library.retention.schedule().make(DEFAULT_TENANT, fixed_clock.now())
        started.wait()
        if job is not None:
            library.store.run(lambda tx: library.jobs.enqueue(tx, DEFAULT_TENANT, job))
        for _ in range(20):
            run_now(library.jobs, library.handlers)
            time.sleep(0.02)

    workers = [Thread(target=worker) for _ in range(2)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    (sweep,) = library.retention.sweeps(ALICE).sweeps
    assert (sweep.state, sweep.counts, sweep.left) == (SweepState.DONE, {"library.door_log": 4000}, 0) and library.ids(LOG) == []
    done = [event for event in library.audit.events if event.action is Action.SWEEP_DONE]
    assert len(done) == 1


def test_a_paused_sweep_goes_on_where_it_stopped(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody asks for a pause between two batches; resumed, it ends with the counts of all of them."""
    monkeypatch.setattr(sweeps, "_RANGE", dict.fromkeys(sweeps._RANGE, 100))
    library.fill(LOG, [{"id": n, "at": datetime(2020, 1, 1)} for n in range(1, 1001)])
    in_force(library, LOG_6M)
    job = library.retention.ask(ALICE, "log")
    rested: list[float] = []

    def rest(seconds: float) -> None:
        rested.append(seconds)
        if len(rested) == 3:
            library.jobs.pause(ALICE, job.id)
            time.sleep(1.1)  # a worker looks once a second

    handlers = {SWEEP: Sweeper(library.tools, pace=0.5, sleep=rest)}
    run_now(library.jobs, handlers)
    assert library.jobs.get(ALICE, job.id).state is JobState.PAUSED and 0 < len(library.ids(LOG)) < 1000
    library.jobs.resume(ALICE, job.id)
    run_now(library.jobs, handlers)
    (sweep,) = library.retention.sweeps(ALICE).sweeps
    assert (sweep.state, sweep.counts) == (SweepState.DONE, {"library.door_log": 1000}) and library.ids(LOG) == []


def test_erasures_learn_the_statutory_minimum_and_the_holds(library: Library) -> None:
    """Disposal asks what keeps rows for now: the statute's own period, not a longer one of the rule, and when a row may go."""
    in_force(library, replace(LOANS_5Y, statutes=("cn.ecommerce.31",)))
    now = library.clock.now()
    (keep,) = library.retention.keeps(DEFAULT_TENANT, "library", now)
    assert (keep.dataset, keep.rule, keep.clock) == ("library.loans", "cn.ecommerce.31", "returned")
    assert keep.instant == datetime(2023, 11, 21, 16, tzinfo=UTC) and keep.release is not None
    assert keep.release(datetime(2024, 2, 29, 5, tzinfo=UTC)) == datetime(2027, 2, 28, 16, tzinfo=UTC)
    person = SubjectRef("library", "member", "1")
    placed = library.holds.place(ALICE, NewHold("library", "claim", "court", subject=person))
    assert [each.id for each in library.holds(DEFAULT_TENANT, "library", [person], now)] == [placed.id]
    assert list(library.holds(DEFAULT_TENANT, "library", [SubjectRef("library", "member", "2")], now)) == []


def test_what_names_a_person_is_sealed(library: Library) -> None:
    """Neither a hold's subject, row and reason nor a restricted subject stands in our tables in clear."""
    library.holds.place(ALICE, NewHold("library", "claim of Okonkwo", "court at Adeyemi's suit", subject=SubjectRef("library", "member", "secret-77")))
    library.restrictions.set(ALICE, [SubjectRef("library", "member", "secret-78")], "contested by Abiola")
    stored = library.store.read(lambda tx: (library.repository.holds(tx, DEFAULT_TENANT, None), library.repository.restrictions(tx, DEFAULT_TENANT, "", 9)))
    text = repr(stored) + "".join(repr(row.sealed) + repr(getattr(row, "lookup", b"")) for rows in stored for row in rows)
    text += library.in_clear("retention_hold") + library.in_clear("retention_restriction")
    assert not any(trace in text for trace in ("secret-7", "Okonkwo", "Adeyemi", "Abiola"))
    assert [each.reason for each in library.restrictions.page(ALICE).restrictions] == ["contested by Abiola"]
    assert [hold.reason for hold in library.holds.all(ALICE)] == ["claim of Okonkwo"]
    at_the_shell = replace(ALICE, ref="operator:root")
    assert [(hold.reason, hold.authority, hold.subject, hold.scope) for hold in library.holds.all(at_the_shell)] == [("", "", None, "subject")]
    assert [(each.subject, each.reason) for each in library.restrictions.page(at_the_shell).restrictions] == [(None, "")]
