"""After a restore nothing is read or written before the ledger was followed again; afterwards nothing of the person is in main, keys or target."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import text

from privacy.adapters.store.disposal import KEYS_MARK, MARK
from privacy.application import Application, build
from privacy.consent.model import Withdrawing
from privacy.disposal.model import PlanState
from privacy.kernel.errors import Conflict, Misconfigured, StoreUnavailable
from privacy.kernel.ids import DEFAULT_TENANT
from tests.cast import ALICE
from tests.company import tables
from tests.disposal import crash_drill, shop
from tests.disposal.erasing import Case
from tests.disposal.test_erasure import expected
from tests.web.steward import config_in

XIAOMING = shop.subject("xiaoming")


def state_of(case: Case) -> Path:
    return case.application.config.state_dir


def saved(case: Case, folder: Path) -> Path:
    """Copy both databases, as a backup made before the erasure."""
    folder.mkdir()
    case.application.close()
    for name in ("main.db", "keys.db"):
        shutil.copyfile(state_of(case) / name, folder / name)
    return folder


def put_back(case: Case, folder: Path, *names: str) -> Application:
    """Restore databases and open the installation anew."""
    for name in names:
        for rest in ("-wal", "-shm"):
            (state_of(case) / f"{name}{rest}").unlink(missing_ok=True)
        shutil.copyfile(folder / name, state_of(case) / name)
    return build(config_in(state_of(case)))


def reopened(case: Case) -> Case:
    return Case(build(config_in(state_of(case))), case.url)


@pytest.fixture
def before(case: Case, tmp_path: Path) -> tuple[Case, Path]:
    """An installation in which the person has keys and a consent on file, with a backup of that."""
    case.application.subject_keys.audit_refs(DEFAULT_TENANT, [XIAOMING])
    purpose = next(iter(case.application.catalogue.purposes(DEFAULT_TENANT))).id
    case.application.consent.withdraw(ALICE, Withdrawing(XIAOMING, purpose))
    backup = saved(case, tmp_path / "backup")
    return reopened(case), backup


@pytest.mark.parametrize("lost", [("main.db",), ("keys.db",), ("main.db", "keys.db")], ids=["main", "keys", "both"])
def test_restored_stores_disclose_nothing_until_the_ledger_was_replayed(before: tuple[Case, Path], lost: tuple[str, ...]) -> None:
    case, backup = before
    case.erase(XIAOMING)
    erased = tables.dump(case.url)
    case.application.close()

    application = put_back(case, backup, *lost)
    try:
        with pytest.raises(StoreUnavailable) as refused:
            application.disposal.collect(DEFAULT_TENANT, [XIAOMING])
        assert refused.value.code == "replay_needed"
        with pytest.raises(StoreUnavailable):
            application.checks["ledger"]()

        done = application.replay.replay(application_actor(application))

        assert done.entries and not done.open
        application.checks["ledger"]()
        assert application.replay.state().followed
        assert XIAOMING not in [*application.consent.named(DEFAULT_TENANT), *application.subjects.named(DEFAULT_TENANT)]
        assert application.subject_keys.audit_refs(DEFAULT_TENANT, [XIAOMING]) == [b""]
        assert tables.dump(case.url) == erased
    finally:
        application.close()


def test_a_restored_system_is_shut_until_its_erasures_were_done_again(case: Case) -> None:
    others = tables.dump(case.url)
    done = case.erase(XIAOMING)
    assert done.state is PlanState.DONE
    crash_drill.rebuild(case.url)  # the shop's own administrator restores a dump from before

    with pytest.raises(Conflict) as refused:
        case.application.disposal.collect(DEFAULT_TENANT, [XIAOMING])
    assert refused.value.code == "needs_replay"

    replayed = case.application.replay.replay(application_actor(case.application))

    assert replayed.rows and not replayed.open
    assert tables.dump(case.url) == expected(others, "xiaoming")
    assert case.application.disposal.collect(DEFAULT_TENANT, [XIAOMING])[0].rows == ()
    assert case.application.replay.replay(application_actor(case.application)).entries == 0


def test_an_approved_erasure_whose_main_was_restored_half_way_is_carried_out(before: tuple[Case, Path]) -> None:
    case, backup = before
    others = tables.dump(case.url)
    plan = case.plan(XIAOMING)
    case.approve(plan)
    departures = case.application.departures
    departures.intend(DEFAULT_TENANT, plan.case, plan.id, [XIAOMING], ["shop"])  # then the machine is lost
    case.application.close()

    application = put_back(case, backup, "main.db")
    try:
        with pytest.raises(StoreUnavailable):
            application.following.gate(0)
        application.replay.replay(application_actor(application))
        assert tables.dump(case.url) == expected(others, "xiaoming")
        assert application.subject_keys.audit_refs(DEFAULT_TENANT, [XIAOMING]) == [b""]
        assert application.replay.state().followed
    finally:
        application.close()


def test_a_lost_ledger_is_refused_and_never_begun_anew(case: Case) -> None:
    case.erase(XIAOMING)
    (state_of(case) / "erasure.ledger").unlink()

    with pytest.raises(Misconfigured) as refused:
        case.application.following.gate(0)
    assert refused.value.code == "ledger_lost"


def test_a_crash_between_the_ledger_and_its_marks_closes_nothing(case: Case) -> None:
    case.erase(XIAOMING)
    case.application.store.run(lambda tx: tx.connection.execute(MARK.delete()))  # type: ignore[attr-defined]
    case.application.keys_store.run(lambda tx: tx.connection.execute(KEYS_MARK.delete()))  # type: ignore[attr-defined]

    case.application.following.gate(0)


def test_a_missing_keys_database_is_refused_and_no_new_one_is_made(case: Case) -> None:
    case.erase(XIAOMING)
    case.application.close()
    for name in ("keys.db", "keys.db-wal", "keys.db-shm"):
        (state_of(case) / name).unlink(missing_ok=True)

    application = build(config_in(state_of(case)))
    try:
        with pytest.raises((StoreUnavailable, Misconfigured)):
            application.disposal.collect(DEFAULT_TENANT, [XIAOMING])
        made = application.keys_store.read(lambda tx: tx.connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar())  # type: ignore[attr-defined]
        assert made == 0
    finally:
        application.close()


def application_actor(application: Application):  # type: ignore[no-untyped-def]
    from privacy.cli.session import operator

    return operator(application)
