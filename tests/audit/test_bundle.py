"""A bundle verifies whole, and not in any other form: no byte, entry, order, key or range can be changed unseen."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from privacy.adapters.store.engine import SqlStore
from privacy.audit import notes, verifier
from privacy.audit.events import Action
from privacy.audit.export import ExportRequest
from privacy.audit.ports import EventFilter
from privacy.audit.verifier import Tampered, Unverifiable, ViewCheck, entry_line, hidden_line, leaf_hash
from privacy.crypto.signatures import verify_ed25519
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import InvalidInput, NotFound
from tests.audit.builders import LOG_KEY, OTHER_KEY, World, event, origin_of, verify, world
from tests.cast import ALICE, CAROL, LI_XIAOMING, MARGUERITE


@pytest.fixture
def audit(sqlite_store: SqlStore, fixed_clock: FixedClock, tmp_path: Path) -> Iterator[World]:
    made = world(sqlite_store, fixed_clock, tmp_path)
    yield made
    made.log.close()


def signed_again(lines: list[bytes], disclosed: int, key: object = LOG_KEY) -> bytes:
    """Give altered lines a manifest that fits them: what somebody with the signing key, or another, could do."""
    import hashlib

    body = b"".join(lines)
    text = verifier.manifest_text(origin_of("default/1"), hashlib.sha256(body).digest(), len(lines) - 1, disclosed)
    return body + verifier.canonical({"manifest": notes.sign(text, origin_of("default/1"), key)}) + b"\n"  # type: ignore[arg-type]


def test_every_flipped_byte_is_noticed(audit: World) -> None:
    """Every position of a bundle, three bits each: never verified, always as tampering or as unverifiable."""
    audit.write(3)
    bundle, vkey = audit.bundle(ExportRequest(first=1, wanted=EventFilter(request_id="r1"))), audit.vkey
    assert verify(bundle, vkey).disclosed == 1
    for position in range(len(bundle)):
        for bit in (0x01, 0x20, 0x80):
            altered = bundle[:position] + bytes([bundle[position] ^ bit]) + bundle[position + 1 :]
            with pytest.raises((Tampered, Unverifiable)):
                verify(altered, vkey)


def test_every_cut_and_every_addition_is_noticed(audit: World) -> None:
    """A bundle that ends early, or goes on, is not the one that was signed."""
    audit.write(2)
    bundle, vkey = audit.bundle(), audit.vkey
    for length in range(len(bundle)):
        with pytest.raises(Tampered):
            verify(bundle[:length], vkey)
    for more in (b"\n", b" ", bundle):
        with pytest.raises(Tampered):
            verify(bundle + more, vkey)


def test_dropped_added_and_reordered_entries_are_named_by_the_first_wrong_index(audit: World) -> None:
    """The message names the place and no value."""
    audit.write(6)
    lines = audit.bundle().splitlines(keepends=True)
    for altered, index in (
        ([*lines[:3], *lines[4:]], 2),
        ([*lines[:4], lines[3], *lines[4:]], 3),
        ([*lines[:2], lines[3], lines[2], *lines[4:]], 1),
    ):
        with pytest.raises(Tampered, match=f"Entry {index} ") as problem:
            verify(b"".join(altered), audit.vkey)
        assert "crm" not in str(problem.value)


def test_entries_altered_together_with_their_hashes_and_manifest_still_fail(audit: World) -> None:
    """Even with the log key in hand a bundle does not fit a root that was signed before: the tree decides, not the lines."""
    audit.write(6)
    lines = audit.bundle().splitlines(keepends=True)[:-1]
    other = entry_line(2, json.loads(lines[3])["entry"]["id"].encode())
    swapped = [entry_line(n, line[9 : line.rfind(b',"hash":"')]) for n, line in ((1, lines[3]), (2, lines[2]))]
    dropped = [lines[0].replace(b'"end":6', b'"end":5'), *lines[1:6]]
    for altered in ([*lines[:3], other, *lines[4:]], [*lines[:2], *swapped, *lines[4:]], dropped):
        with pytest.raises(Tampered):
            verify(signed_again(altered, len(altered) - 1), audit.vkey)
    assert verify(signed_again(lines, 6), audit.vkey).disclosed == 6


def test_hiding_an_entry_after_the_fact_is_noticed(audit: World) -> None:
    """Only the exporter may hide: the manifest counts what was disclosed."""
    audit.write(3)
    lines = audit.bundle().splitlines(keepends=True)
    entry = lines[2][9 : lines[2].rfind(b',"hash":"')]
    hidden = [*lines[:2], hidden_line(1, leaf_hash(entry)), *lines[3:]]
    with pytest.raises(Tampered):
        verify(b"".join(hidden), audit.vkey)
    with pytest.raises(Tampered):
        verify(signed_again(hidden[:-1], 2, OTHER_KEY), audit.vkey)


def test_a_log_signed_by_another_key_does_not_verify(audit: World, sqlite_store: SqlStore, fixed_clock: FixedClock, tmp_path: Path) -> None:
    """The pinned key decides: the same log under the same name and another key is another log."""
    audit.write(3)
    forged = world(sqlite_store, fixed_clock, tmp_path, key=OTHER_KEY)
    bundle = forged.bundle()
    with pytest.raises(Tampered):
        verify(bundle, audit.vkey)
    with pytest.raises(Tampered):
        verify(bundle, forged.vkey)  # its checkpoint is still the first key's
    forged.write(1)
    assert verify(forged.bundle(), forged.vkey).size == 5
    with pytest.raises(Tampered):
        verify(forged.bundle(), audit.vkey)


def test_without_the_pinned_key_nothing_is_verified(audit: World) -> None:
    """No key, no verdict: a bundle cannot vouch for itself."""
    audit.write(1)
    for nothing in (None, ""):
        with pytest.raises(Unverifiable):
            verifier.verify(io.BytesIO(audit.bundle()), nothing, verify_ed25519)


def test_a_bundle_from_before_the_checkpoint_is_no_accusation(audit: World) -> None:
    """An old bundle and a newer checkpoint of an honest log: not comparable that way; but whatever was altered in the bundle is told all the same."""
    audit.write(5)
    bundle = audit.bundle()
    audit.write(4)
    newer = audit.trail.checkpoint(CAROL)
    with pytest.raises(Unverifiable, match="older than the checkpoint"):
        verify(bundle, audit.vkey, newer)
    with pytest.raises(Tampered):
        verify(bundle.replace(b"client:bob", b"client:eve", 1), audit.vkey, newer)


def test_an_older_checkpoint_shows_that_the_log_only_grew(audit: World, fixed_clock: FixedClock) -> None:
    """Whoever kept a checkpoint sees a rewritten, forked or shortened log; a bundle that does not reach back says what to export."""
    audit.write(5)
    old = audit.trail.checkpoint(CAROL)
    audit.write(4)
    assert verify(audit.bundle(), audit.vkey, old).grown_from == 5
    assert verify(audit.bundle(ExportRequest(first=5)), audit.vkey, old).grown_from == 5
    assert verify(audit.bundle(ExportRequest(first=2, end=5)), audit.vkey, old).grown_from == 5
    with pytest.raises(Unverifiable, match="export from 5"):
        verify(audit.bundle(ExportRequest(first=6)), audit.vkey, old)
    ahead = notes.sign(notes.checkpoint_text(origin_of("default/1"), 99, bytes(32)), origin_of("default/1"), LOG_KEY)
    with pytest.raises(Unverifiable, match="a log of 9 entries, the checkpoint one of 99"):
        verify(audit.bundle(), audit.vkey, ahead)
    forked = notes.sign(notes.checkpoint_text(origin_of("default/1"), 5, bytes(32)), origin_of("default/1"), LOG_KEY)
    for request in (ExportRequest(), ExportRequest(first=5), ExportRequest(first=3, end=6)):
        with pytest.raises(Tampered, match="rewritten"):
            verify(audit.bundle(request), audit.vkey, forked)
    with pytest.raises(Tampered):
        verify(audit.bundle(), audit.vkey, old.replace("\n5\n", "\n4\n"))


@pytest.mark.parametrize(("first", "end"), [(0, 0), (0, 1), (3, 3), (7, 7), (0, 7), (2, 5), (6, 7)])
def test_any_range_makes_a_bundle(audit: World, first: int, end: int) -> None:
    """Empty ones too: they show that there was nothing."""
    audit.write(7)
    report = verify(audit.bundle(ExportRequest(first=first, end=end)), audit.vkey)
    assert (report.first, report.end, report.size) == (first, end, 7)


def test_a_filter_hides_entries_and_proves_that_none_is_missing(audit: World) -> None:
    """Every index of the range is there, disclosed or by its hash; the header says how it was filtered."""
    audit.write(3)
    audit.write(2, action=Action.VALUES_REVEALED, actor=ALICE, subjects=[LI_XIAOMING.ref])
    seen: list[int] = []
    wanted = ExportRequest(wanted=EventFilter(actions=(Action.VALUES_REVEALED,)), subject=LI_XIAOMING.ref)
    bundle = audit.bundle(wanted)
    verifier.verify(io.BytesIO(bundle), audit.vkey, verify_ed25519, on_entry=lambda index, _: seen.append(index))
    assert seen == [3, 4]
    header = json.loads(bundle.splitlines()[0])
    assert header["filter"] == {"actions": ["protection:values:revealed"], "subject": True}
    assert str(LI_XIAOMING.ref) not in bundle.decode()
    assert verify(audit.bundle(ExportRequest(subject=MARGUERITE.ref)), audit.vkey).disclosed == 0


def test_an_export_is_an_event_of_its_own(audit: World) -> None:
    """Who exported which range stands in the log before the first byte leaves."""
    audit.write(2)
    stream = audit.exporter.bundle(CAROL, ExportRequest(first=1), request_id="q7")
    audit.sequencer.drain()
    (exported,) = audit.trail.events(CAROL, EventFilter(actions=(Action.LOG_EXPORTED,))).events
    assert (exported["actor"]["ref"], exported["counts"], exported["request_id"]) == (CAROL.ref, {"first": 1, "end": 2}, "q7")
    assert verify(b"".join(stream), audit.vkey).end == 2


def test_what_cannot_be_exported_is_refused_before_anything_is_sent(audit: World) -> None:
    """A range outside the log, or a log that has nothing signed yet."""
    with pytest.raises(NotFound):
        audit.exporter.bundle(CAROL, ExportRequest())
    audit.log.record(event())
    with pytest.raises(NotFound):
        audit.exporter.bundle(CAROL, ExportRequest())
    audit.sequencer.drain()
    for wrong in (ExportRequest(first=2), ExportRequest(end=2), ExportRequest(first=-1), ExportRequest(first=1, end=0)):
        with pytest.raises(InvalidInput):
            audit.exporter.bundle(CAROL, wrong)


def test_a_header_of_other_types_or_sizes_is_refused_without_a_crash(audit: World) -> None:
    """The verifier is handed files by strangers: whatever stands in the header, the answer is a verdict."""
    audit.write(1)
    lines = audit.bundle().splitlines(keepends=True)
    header = json.loads(lines[0])
    for changed in (
        {"first": "0"}, {"first": True}, {"first": -1}, {"end": 1 << 70}, {"end": 0.5}, {"left": "x"}, {"left": [1]}, {"right": ["A" * 43 + "="] * 65},
        {"checkpoint": 5}, {"checkpoint": ""}, {"bundle": "other/1"}, {"more": 1}, {"filter": "\ud800"},
    ):  # fmt: skip
        altered = verifier.canonical({**header, **changed}) + b"\n"
        with pytest.raises((Tampered, Unverifiable)):
            verify(altered + b"".join(lines[1:]), audit.vkey)
    for junk in (b"", b"\n", b"{}\n", b"[" * 100_000 + b"\n", b"\xff\xfe\n", b"x" * 2_000_000):
        with pytest.raises(Tampered):
            verify(junk, audit.vkey)


# --- the view ---------------------------------------------------------------------------------------------------------------------


def test_the_csv_view_is_checked_against_the_bundle(audit: World) -> None:
    """Every row names its leaf; an edited, cut or lengthened view differs from what the bundle gives."""
    audit.write(3, fields=("phone", "email"), counts={"records": 2})
    bundle = audit.bundle()
    view = b"".join(audit.exporter.view(CAROL, ExportRequest(end=3))).decode()

    def check(text: str) -> None:
        views = ViewCheck(io.StringIO(text))
        verifier.verify(io.BytesIO(bundle), audit.vkey, verify_ed25519, on_entry=views.on_entry)
        views.finish()

    check(view)
    rows = list(csv.DictReader(io.StringIO(view)))
    assert [(row["leaf_index"], row["fields"], row["counts"]) for row in rows] == [(str(n), "phone email", "records=2") for n in range(3)]
    for wrong in (view.replace("client:bob", "client:eve", 1), view[:-5], view + "x", view.replace("leaf_index", "index"), ""):
        with pytest.raises(Tampered):
            check(wrong)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "＝1"])
def test_a_cell_never_becomes_a_formula(audit: World, cell: str) -> None:
    """A spreadsheet that opens the view runs nothing."""
    audit.write(1, object_ref=cell)
    view = b"".join(audit.exporter.view(CAROL, ExportRequest())).decode()
    (row,) = csv.DictReader(io.StringIO(view, newline=""))
    assert row["object_ref"] == "'" + cell


def test_rows_with_line_breaks_are_checked_as_well(audit: World) -> None:
    """A view is compared by its text, not by its lines."""
    audit.write(2, object_ref='a\n"b"\u2028c')
    view = io.StringIO(b"".join(audit.exporter.view(CAROL, ExportRequest(end=2))).decode(), newline="")
    views = ViewCheck(view)
    verifier.verify(io.BytesIO(audit.bundle()), audit.vkey, verify_ed25519, on_entry=views.on_entry)
    views.finish()
