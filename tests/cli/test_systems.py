# ruff: noqa: E501 - tables of calls, one line a case
"""`privacy systems` from a terminal: connect, scan, decide, take the map out and in."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from privacy.adapters.databases import locate, open_connector
from privacy.adapters.store.engine import SqlStore
from privacy.cli import main, session
from privacy.discovery.service import Discovery
from privacy.kernel.clock import FixedClock
from privacy.kernel.terms import Actor
from tests.cast import ALICE, BOB, CAROL
from tests.discovery.building import classifier
from tests.inventory.builders import inventory_on
from tests.remembering import RememberingLog

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as opened:
        opened.executescript("""
            CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, email TEXT, nick_handle TEXT, vip BOOLEAN, remark TEXT);
            CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT);
        """)
        opened.executemany(
            "INSERT INTO customers VALUES (?, ?, ?, ?, 1, ?)",
            [(n, f"Ada Miller{'abcdefghij'[n % 10]}", f"a{n}@example.com", "x", "please call back soon, the parcel has not arrived yet") for n in range(30)],
        )
    opened.close()
    return path


@pytest.fixture
def run(sqlite_store: SqlStore, fixed_clock: FixedClock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    inventory = inventory_on(sqlite_store, RememberingLog(), fixed_clock)
    discovery = Discovery(inventory, open_connector, locate, classifier(), lambda tenant, label: b"k" * 32, fixed_clock)
    application = SimpleNamespace(inventory=inventory, discovery=discovery, close=lambda: None)

    def call(*arguments: str, actor: Actor = ALICE) -> tuple[int, str]:
        monkeypatch.setattr(session, "open_application", lambda: (application, actor))
        with pytest.raises(SystemExit) as ended:
            main(["systems", *arguments])
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out + printed.err

    return call


def test_a_bare_address_is_scanned_without_any_set_up(shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """No init, no state, no database: the proposals come, and nothing is written anywhere."""
    monkeypatch.setenv("PRIVACY_STATE_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(SystemExit) as ended:
        main(["systems", "scan", str(shop), "--json"])
    report = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0
    assert {(p["table"], p["column"], p["category"], p["level"]) for p in report["proposals"]} >= {
        ("customers", "email", "email", 3),
        ("customers", "name", "name", 3),
    }
    assert all(set(p) == {"table", "column", "entity", "category", "level", "confidence", "outcome", "evidence"} for p in report["proposals"])
    assert report["subjects"][0]["field"] == "id"
    assert {"table": "customers", "column": "remark", "carrier": "free_text"} in report["carriers"]
    assert not (tmp_path / "nowhere").exists()


def test_a_system_is_connected_scanned_and_decided(run: Run, shop: Path) -> None:
    """The whole way of a newcomer: add, scan, findings, confirm, declare, show, gap."""
    assert run("add", "shop", str(shop))[0] == 0
    code, text = run("scan", "shop", "--json")
    assert (code, json.loads(text)["drift"]) == (0, {"new": [], "changed": [], "gone": []})
    undecided = json.loads(run("findings", "shop", "--json")[1])
    assert {"name", "email"} <= {row["field"] for row in undecided}
    assert json.loads(run("confirm", "shop", "--all-auto", "--json")[1])["confirmed"] >= 2
    assert run("not-personal", "shop", "customers.vip", "products.name")[0] == 0
    assert run("reject", "shop", "customers.nick_handle")[0] == 0
    fields = {row["field"]: row for row in json.loads(run("show", "shop", "--json")[1])["fields"] if row["dataset"] == "shop.customers"}
    assert [fields[name]["status"] for name in ("id", "email", "vip", "nick_handle", "remark")] == [
        "confirmed",
        "confirmed",
        "not_personal",
        "rejected",
        fields["remark"]["status"],
    ]
    code, text = run("gap", "shop", "--json")
    gaps = {row["field"]: row["remedy"] for row in json.loads(text)}
    assert (code, {"nick_handle", "remark"} <= gaps.keys(), "email" in gaps) == (1, True, False)
    assert "privacy systems not-personal shop customers.remark" in gaps["remark"]
    assert "privacy systems confirm shop customers.nick_handle" in run("gap", "shop")[1]


def test_the_rest_is_declared_at_once_but_not_the_carriers(run: Run, shop: Path) -> None:
    """`--all-none` takes undecided fields without a proposal; free text and subject keys wait for a person."""
    run("add", "shop", str(shop))
    run("scan", "shop")
    run("not-personal", "shop", "--all-none")
    fields = {f"{row['dataset']}.{row['field']}": row["status"] for row in json.loads(run("show", "shop", "--json")[1])["fields"]}
    assert fields["shop.products.name"] == "not_personal"
    assert fields["shop.customers.remark"] != "not_personal"
    assert fields["shop.customers.id"] == "unknown"


def test_the_map_goes_out_and_in_as_yaml(run: Run, shop: Path, tmp_path: Path) -> None:
    """An exported file is applied again; a flaw in it is told with its line and exit code 2."""
    run("add", "shop", str(shop))
    run("scan", "shop")
    target = tmp_path / "map.yaml"
    assert run("map", "shop", "--out", str(target))[0] == 0
    text = target.read_text(encoding="utf-8")
    target.write_text(text.replace("status: proposed", "status: confirmed\n        category: email", 1), encoding="utf-8")
    code, told = run("map", "shop", "--import", str(target))
    assert (code, "changed" in told) == (0, True)
    target.write_text(text.replace("status:", "statos:", 1), encoding="utf-8")
    code, told = run("map", "shop", "--import", str(target))
    assert code == 2
    assert "line " in told


def test_fields_that_are_not_in_the_map_are_told_by_their_position(run: Run, shop: Path) -> None:
    """Which one, and what of it is unknown; words that are not in the map are not repeated, and nothing is decided."""
    run("add", "shop", str(shop))
    run("scan", "shop")
    code, said = run("confirm", "shop", "customers.email", "Nope.secretword", "customers.secretword", "secretword")
    assert code == 1
    assert "field 2 of 4: The map has no such table." in said
    assert "field 3 of 4: The table customers has no such field." in said
    assert "field 4 of 4: There is no dot: write table.field." in said
    assert "field 1" not in said
    assert "secretword" not in said
    assert "email" in {row["field"] for row in json.loads(run("findings", "shop", "--json")[1])}


def test_a_connection_is_tried_before_a_system_is_kept(run: Run) -> None:
    """What is wrong is said in words, without class names and credentials, and nothing is kept; `--no-check` keeps it all the same."""
    url = "postgresql://someone:hunter2secret@127.0.0.1:1/crm"
    code, said = run("add", "far", url)
    assert (code, "nothing listens" in said) == (3, True)
    assert not [word for word in ("hunter2secret", "someone", "Error", "127.0.0.1") if word in said]
    assert "far" not in run("list")[1]
    assert run("add", "far", url, "--no-check")[0] == 0
    assert run("change", "far", url.replace(":1/", ":2/"))[0] == 3
    assert run("change", "far", url.replace(":1/", ":2/"), "--no-check")[0] == 0
    assert "postgresql://127.0.0.1:2/crm" in run("list")[1]


def test_a_system_is_moved_and_removed(run: Run, shop: Path, tmp_path: Path) -> None:
    """Decisions survive a change of the address; a removed system is an archive, its name is free, and its map still there to read."""
    run("add", "shop", str(shop))
    run("scan", "shop")
    run("confirm", "shop", "--all-auto")
    moved = shop.rename(tmp_path / "moved.sqlite")
    assert run("change", "shop", str(moved))[0] == 0
    assert json.loads(run("scan", "shop", "--json")[1])["drift"] == {"new": [], "changed": [], "gone": []}
    assert run("change", "nothing", str(moved))[0] == 1
    assert run("remove", "shop", "--yes", actor=CAROL)[0] == 1
    assert json.loads(run("remove", "shop", "--yes", "--json")[1]) == {"removed": "shop", "archive": "shop~1"}
    assert run("gap")[0] == 0
    assert run("scan", "shop")[0] == 1
    assert run("scan", "shop~1")[0] == 2
    assert run("add", "shop", str(moved))[0] == 0
    assert [row["name"] for row in json.loads(run("list", "--json")[1])] == ["shop"]
    assert run("remove", "shop", "--yes")[0] == 0
    assert [row["name"] for row in json.loads(run("list", "--removed", "--json")[1])] == ["shop~1", "shop~2"]
    assert "confirmed" in run("show", "shop~1")[1]
    assert run("remove", "shop~1", "--yes")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("scan", "nothing"), 1), (("scan", "/nowhere.sqlite"), 2), (("confirm", "shop"), 2), (("confirm", "shop", "a.b", "--all-auto"), 2), (("confirm", "shop", "customers.nothing"), 1),
        (("confirm", "shop", "customers.vip"), 1), (("add", "shop", "/nowhere.sqlite"), 2), (("add", "a.b", "SHOP"), 2), (("add", "shop", "SHOP"), 1), (("map",), 2),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_with_its_code(run: Run, shop: Path, arguments: tuple[str, ...], code: int) -> None:
    """1 for a refusal, 2 for a mistake in the call."""
    run("add", "shop", str(shop))
    run("scan", "shop")
    assert run(*(str(shop) if word == "SHOP" else word for word in arguments))[0] == code


def test_those_without_the_scope_are_refused(run: Run, shop: Path) -> None:
    """An application connects nothing and sees nothing; an auditor reads and changes nothing."""
    run("add", "shop", str(shop))
    run("scan", "shop")
    for words in (("list",), ("show", "shop"), ("findings", "shop"), ("gap",), ("map", "shop"), ("add", "x", str(shop)), ("scan", "shop")):
        assert run(*words, actor=BOB)[0] == 1
    assert run("findings", "shop", actor=CAROL)[0] == 0
    assert run("confirm", "shop", "--all-auto", actor=CAROL)[0] == 1
