"""An erasure through an ordinary history trigger is approved and done; a reader in the keys database is told on the certificate."""

import sqlite3

import pytest

from privacy.crypto.signatures import verify_ed25519
from privacy.disposal.certificate import KEYS_IN_LOG, verify
from privacy.disposal.model import PlanState
from tests.cast import CAROL
from tests.disposal import shop
from tests.disposal.erasing import Case
from tests.disposal.test_erasure import do


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_history_trigger_is_told_and_blocks_nothing_and_a_held_log_is_in_the_limits(case: Case) -> None:
    subject = shop.TRUTH["subjects"]
    table = next(name for name, each in subject.items() if each["type"] == shop.subject("xiaoming").type)
    do(case.url, "CREATE TABLE history (id INTEGER PRIMARY KEY, what TEXT)")
    do(case.url, f"CREATE TRIGGER keep AFTER DELETE ON \"{table}\" BEGIN INSERT INTO history (what) VALUES ('gone'); END")
    reader = sqlite3.connect(case.application.keys_store.address.url.database or "", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM key_event").fetchall()

    plan = case.plan(shop.subject("xiaoming"))
    told = [each for each in plan.obstacles if each.code == "trigger_adds_rows"]
    assert [(each.where, each.blocks) for each in told] == [("shop.history", False)] and not plan.blocked
    case.approve(plan)
    case.run()
    reader.close()

    done = case.now(plan)
    assert done.state is PlanState.DONE, dict(done.problems)
    said = verify(case.application.disposal.certificate(CAROL, done.id).decode(), case.application.trail.vkey(CAROL), verify_ed25519)
    assert KEYS_IN_LOG in said["limits"]
