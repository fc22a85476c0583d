"""The erasure ledger: durable, chained, one writer at a time; a torn line was never acknowledged, a changed one is found."""

import json
import multiprocessing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from privacy.adapters.ledger_file import LedgerFile
from privacy.disposal.ports import LedgerEntry, LedgerKind
from privacy.kernel.errors import Misconfigured
from privacy.kernel.ids import DEFAULT_TENANT

AT = datetime(2026, 11, 22, tzinfo=UTC)


def append(path: Path, case: str, kind: str = LedgerKind.INTENT) -> LedgerEntry:
    return LedgerFile(path).append(kind, DEFAULT_TENANT, case, ["b", "a"], ["shop"], f"plan-{case}", AT)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "erasure.ledger"


def test_entries_are_numbered_and_each_names_the_one_before(path: Path) -> None:
    first, second = append(path, "1"), append(path, "2")

    assert (first.seq, second.seq) == (1, 2) and second.previous == first.hash
    assert list(LedgerFile(path).entries()) == [first, second] and list(LedgerFile(path).entries(1)) == [second]
    assert first.lookups == ("a", "b") and path.stat().st_mode & 0o777 == 0o600


def test_the_same_entry_is_written_once(path: Path) -> None:
    assert append(path, "1") == append(path, "1") and append(path, "1", LedgerKind.COMPLETED).seq == 2


def test_a_torn_last_line_is_passed_over_and_replaced(path: Path) -> None:
    first = append(path, "1")
    with path.open("ab") as file:
        file.write(b'{"seq":2,"prev')

    assert LedgerFile(path).head() == first
    assert append(path, "2").seq == 2 and len(path.read_bytes().splitlines()) == 2


@pytest.mark.parametrize("harm", ["change", "remove", "swap", "noise"])
def test_a_line_that_was_tampered_with_is_found_by_its_number(path: Path, harm: str) -> None:
    for case in "123":
        append(path, case)
    lines = path.read_bytes().splitlines(keepends=True)
    harmed = {
        "change": [lines[0], lines[1].replace(b'"case":"2"', b'"case":"9"'), lines[2]],
        "remove": [lines[0], lines[2]],
        "swap": [lines[0], lines[2], lines[1]],
        "noise": [lines[0], b"{}\n", lines[2]],
    }[harm]
    path.write_bytes(b"".join(harmed))

    with pytest.raises(Misconfigured, match="damaged at line 2"):
        LedgerFile(path).head()


def test_a_reader_follows_a_file_that_grows_and_one_that_is_put_back(path: Path) -> None:
    reader = LedgerFile(path)
    assert reader.head() is None
    append(path, "1")
    copy = path.read_bytes()
    append(path, "2")
    assert [entry.case for entry in reader.entries()] == ["1", "2"]
    path.write_bytes(copy)
    assert [entry.case for entry in reader.entries()] == ["1"]


def test_processes_take_turns(path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=_ten, args=(path, number)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(list(LedgerFile(path).entries())) == 40


def _ten(path: Path, worker: int) -> None:
    for number in range(10):
        append(path, f"{worker}.{number}")


def test_the_ledger_holds_no_names(path: Path) -> None:
    append(path, "1")
    assert set(json.loads(path.read_text())) == {"seq", "previous", "kind", "tenant", "case", "lookups", "systems", "plan", "at", "hash"}
