"""The log over HTTP: pages, proofs, tiles and bundles that verify, for those who may."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from privacy.adapters.store.engine import SqlStore
from privacy.audit import merkle
from privacy.audit.events import Action
from privacy.audit.export import Exporter
from privacy.audit.trail import Trail
from privacy.audit.verifier import Checkpoint, LogKey, check_consistency, check_inclusion, commitment, from_base64, subject_hash, verify_proof
from privacy.crypto.signatures import verify_ed25519
from privacy.kernel.clock import FixedClock
from privacy.web import create_app
from tests.audit.builders import World, event, verify, world
from tests.cast import ALICE, LI_XIAOMING, MARGUERITE
from tests.web.browser import Browser
from tests.web.conftest import Company, token_for

LOG = "/api/v1/audit"


@dataclass(frozen=True, slots=True)
class WithLog:
    """What the edge needs for these routes."""

    company: Company
    trail: Trail
    exporter: Exporter

    @property
    def actors(self) -> Any:
        return self.company.actors

    @property
    def checks(self) -> dict[str, Callable[[], object]]:
        return {}


@pytest.fixture
def audit(sqlite_store: SqlStore, fixed_clock: FixedClock, tmp_path: Path) -> Iterator[World]:
    state = tmp_path / "log"
    state.mkdir()
    made = world(sqlite_store, fixed_clock, state)
    made.write(3)
    made.write(2, action=Action.VALUES_REVEALED, actor=ALICE, object_ref="crm.orders", subjects=[LI_XIAOMING.ref])
    yield made
    made.log.close()


@pytest.fixture
def web(company: Company, audit: World) -> Flask:
    from privacy.web.api import audit as audit_api
    from privacy.web.api import sessions

    return create_app(WithLog(company, audit.trail, audit.exporter), max_bytes=1024 * 1024, rooms=[sessions.routes, audit_api.routes])


@pytest.fixture
def carol(web: Flask, company: Company, audit: World, fixed_clock: FixedClock) -> Browser:
    browser = Browser(web, token_for(web, company, "auditor", "default", fixed_clock))
    audit.sequencer.drain()
    return browser


def test_events_come_in_pages_newest_first(carol: Browser) -> None:
    """Filters narrow, `next` goes on, the last page says so."""
    found = carol.get(f"{LOG}/events", query_string={"action": "access:decision:made", "limit": "2"}).get_json()
    assert [one["request_id"] for one in found["events"]] == ["r2", "r1"]
    rest = carol.get(f"{LOG}/events", query_string={"action": "access:decision:made", "before": found["next"]}).get_json()
    assert ([one["request_id"] for one in rest["events"]], rest["next"]) == (["r0"], None)
    by_actor = carol.get(f"{LOG}/events", query_string={"actor": "user:alice", "since": "2026-01-01T00:00:00Z", "outcome": "success"}).get_json()
    assert len(by_actor["events"]) == 2


def test_a_subject_is_asked_for_in_a_body_and_never_in_an_address(carol: Browser, audit: World) -> None:
    """Addresses end up in logs; the question itself ends up in ours, with the subject committed to."""
    found = carol.post(f"{LOG}/events/search", {"subject": str(LI_XIAOMING.ref)}).get_json()
    assert [one["object"]["ref"] for one in found["events"]] == ["crm.orders", "crm.orders"]
    assert carol.get(f"{LOG}/events", query_string={"subject": str(LI_XIAOMING.ref)}).status_code == 422
    audit.sequencer.drain()
    (asked,) = carol.get(f"{LOG}/events", query_string={"action": "audit:log:read"}).get_json()["events"]
    assert list(asked["_sd"]) == ["subject"]
    assert str(LI_XIAOMING.ref) not in json.dumps(asked)


def test_a_bundle_from_the_service_verifies(carol: Browser, audit: World) -> None:
    """What is downloaded is what the verifier takes, filtered or not, and the view has the same rows."""
    whole = carol.post(f"{LOG}/exports", {})
    assert whole.headers["Content-Disposition"] == 'attachment; filename="audit.bundle"'
    assert verify(whole.data, audit.vkey).first == 0
    part = carol.post(f"{LOG}/exports", {"first": 2, "end": 5, "actions": ["protection:values:revealed"], "subject": str(LI_XIAOMING.ref)})
    assert verify(part.data, audit.vkey).disclosed == 2
    view = carol.post(f"{LOG}/exports", {"format": "csv", "end": 5})
    assert view.data.decode().count("\n") == 6
    assert carol.post(f"{LOG}/exports", {"first": 10_000}).status_code == 422


def test_checkpoint_key_and_proofs_fit_each_other(carol: Browser, audit: World) -> None:
    """Everything a foreign verifier needs comes from here, but for the trust in the key."""
    vkey = carol.get(f"{LOG}/key").get_json()["vkey"]
    assert vkey == audit.vkey
    note = carol.get(f"{LOG}/checkpoint").get_data(as_text=True)
    newest = Checkpoint.open(note, LogKey.parse(vkey), verify_ed25519)
    one = carol.get(f"{LOG}/events", query_string={"limit": "1"}).get_json()["events"][0]
    proof = carol.get(f"{LOG}/proof", query_string={"event": one["id"]}).get_json()
    assert verify_proof(proof["proof"], proof["entry"].encode(), vkey, verify_ed25519).first == one["index"]
    entries = audit.store.read(lambda tx: audit.repository.entries(tx, "default/1", 0, newest.size))
    old_root = merkle.tree_root([entry.leaf_hash for entry in entries[:3]])
    grown = carol.get(f"{LOG}/consistency", query_string={"old": "3"}).get_json()
    check_consistency(3, old_root, newest.size, newest.root, [from_base64(item, 32) for item in grown["hashes"]])
    assert carol.get(f"{LOG}/consistency", query_string={"old": str(newest.size + 1)}).status_code == 422


def test_tiles_lie_where_c2sp_looks_for_them(carol: Browser, audit: World) -> None:
    """Hashes and entries of a tree that was signed; nothing beyond it."""
    size = Checkpoint.parse(carol.get(f"{LOG}/checkpoint").get_data(as_text=True).partition("\n\n")[0] + "\n").size
    tile = carol.get(f"{LOG}/tile/0/000.p/{size}").data
    assert len(tile) == 32 * size
    assert carol.get(f"{LOG}/tile/0/000.p/3").data == tile[:96]
    entries = carol.get(f"{LOG}/tile/entries/000.p/2").data
    length = int.from_bytes(entries[:2], "big")
    assert merkle.leaf_hash(entries[2 : 2 + length]) == tile[:32]
    for path, status in ((f"0/000.p/{size + 1}", 404), ("0/000", 404), ("0/001.p/1", 404), ("entries/000", 404), ("0/1", 422), ("a/../b", 422)):
        assert carol.get(f"{LOG}/tile/{path}").status_code == status


def test_what_stands_beside_an_entry_is_shown_so_that_it_can_be_checked(carol: Browser, audit: World) -> None:
    """Free text opens its commitment, a subject's row leads to the root in the entry; both questions are events."""
    (written,) = audit.write(1, free={"reason": "客户来电"}, subjects=[MARGUERITE.ref, LI_XIAOMING.ref])
    entry = json.loads(carol.get(f"{LOG}/proof", query_string={"event": written}).get_json()["entry"])
    (opened,) = carol.get(f"{LOG}/disclosures", query_string={"event": written}).get_json()["disclosures"]
    assert opened["value"] == "客户来电"
    assert entry["_sd"]["reason"] == commitment("reason", opened["value"], from_base64(opened["salt"], 32))
    (row,) = carol.post(f"{LOG}/subject-proof", {"event": written, "subject": str(LI_XIAOMING.ref)}).get_json()["rows"]
    leaf = subject_hash(written, from_base64(row["audit_ref"]), row["fields"], row["effect"], from_base64(row["salt"]))
    path = [from_base64(item, 32) for item in row["path"]]
    check_inclusion(leaf, row["n"], entry["subjects_size"], path, bytes.fromhex(entry["subjects_root"]))
    audit.sequencer.drain()
    assert len(carol.get(f"{LOG}/events", query_string={"action": "audit:log:read"}).get_json()["events"]) == 2


def test_what_is_not_there_is_not_found(carol: Browser) -> None:
    """Unknown events and generations answer alike, malformed ones are refused."""
    assert carol.get(f"{LOG}/proof", query_string={"event": "0198c0de-0000-7000-8000-00000000dead"}).status_code == 404
    assert carol.get(f"{LOG}/proof", query_string={"event": "x"}).status_code == 422
    assert carol.get(f"{LOG}/checkpoint", query_string={"generation": "2"}).status_code == 404
    assert carol.get(f"{LOG}/events", query_string={"action": "no:such:action"}).status_code == 422
    assert carol.post(f"{LOG}/exports", {"actions": ["no:such:action"]}).status_code == 422


@pytest.mark.parametrize("role", ["stranger", "application", "analyst", "agent"])
def test_who_has_no_business_with_the_log_sees_nothing_of_it(web: Flask, company: Company, fixed_clock: FixedClock, role: str) -> None:
    """Deny by default on every route of the log."""
    browser = Browser(web, token_for(web, company, role, "default", fixed_clock))
    for path in ("events", "checkpoint", "key", "proof", "disclosures", "consistency", "tile/0/000"):
        assert browser.get(f"{LOG}/{path}").status_code == 403
    for path in ("events/search", "exports", "subject-proof"):
        assert browser.post(f"{LOG}/{path}", {}).status_code == 403


def test_an_approver_may_read_and_not_export(web: Flask, company: Company, fixed_clock: FixedClock) -> None:
    """Two scopes: looking, and taking away."""
    browser = Browser(web, token_for(web, company, "approver", "default", fixed_clock))
    assert browser.get(f"{LOG}/events").status_code == 200
    assert browser.post(f"{LOG}/exports", {}).status_code == 403


def test_an_export_that_cannot_be_recorded_does_not_happen(carol: Browser, audit: World, fixed_clock: FixedClock) -> None:
    """While the sequencer is far behind nothing leaves, and the answer says when to come again."""
    audit.log.record(event())
    fixed_clock.advance(timedelta(minutes=6))
    answer = carol.post(f"{LOG}/exports", {})
    assert (answer.status_code, answer.get_json()["code"]) == (503, "audit_unavailable")
    assert "Retry-After" in answer.headers
