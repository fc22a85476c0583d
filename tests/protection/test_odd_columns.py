"""Columns nobody here has designed: types, NOT NULL, names that need quoting, composite keys, times that change by themselves; and what stands in the way."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from privacy.adapters.databases.shadow import SqlShadow
from privacy.inventory.deciding import FieldDecision
from privacy.protection.column_model import Phase, Step
from tests.cast import ALICE
from tests.protection.inplace import Place, outside
from tests.web.steward import Steward, install, open_steward

COPY, SWITCH, FINALISE, UNDO = Step.COPY, Step.SWITCH, Step.FINALISE, Step.UNDO
_TYPES = {
    "sqlite": {"moment": "DATETIME", "double": "DOUBLE", "clock": "TIME", "touched": "DATETIME DEFAULT '2020-01-01 00:00:00'"},
    "postgresql": {"moment": "timestamptz", "double": "double precision", "clock": "time", "touched": "timestamp DEFAULT '2020-01-01 00:00:00'"},
    "mariadb": {
        "moment": "DATETIME(6)",
        "double": "INT",
        "clock": "TIME",
        "touched": "TIMESTAMP NOT NULL DEFAULT '2020-01-01 00:00:00' ON UPDATE CURRENT_TIMESTAMP",
    },
}
VALUES: dict[str, list[Any]] = {
    "fest": ["a", "b ", "", "O'Brien %s %% \\ \" `"],
    "zahl": [0, -1, 9007199254740993, None],
    "geld": [None, "0.10", "-12345.67", "99999999.99"],
    "tag": ["1969-12-31", None, "2000-02-29", "1900-01-01"],
    "zeit": ["2021-06-18 12:30:00", "1999-12-31 23:59:59", None, "2038-01-19 03:14:08"],
    "uhr": ["00:00:00", "23:59:59", "12:30:00", None],
    "lang": ["字" * 3000, "é́ 𠮷", None, " x "],
    "wert": [1, None, -5, 1234567],
    "kurz": ["ab", "c", None, ""],
}


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("odd") / "state")


@pytest.fixture
def steward(template: Path, tmp_path: Path) -> Iterator[Steward]:
    opened = open_steward(template, tmp_path / "office")
    yield opened
    opened.application.close()


def dialect(url: str) -> str:
    return url.partition(":")[0].partition("+")[0]


def connect(steward: Steward, url: str, statements: list[str], fields: list[str], table: str = "leute", subject: str = "nr") -> Place:
    with outside(url) as opened:
        for statement in statements:
            opened.exec_driver_sql(statement.replace("%", "%%") if dialect(url) != "sqlite" else statement)
    application, actor = steward.application, steward.actor()
    application.discovery.add(actor, "shop", url)
    application.discovery.scan(actor, "shop")
    application.inventory.set_subject(actor, f"shop.{table}", "person", subject)
    application.inventory.decide(actor, [FieldDecision(f"shop.{table}", field, "confirm", "personal_text") for field in fields])
    return Place(application, url)


def leute(url: str) -> list[str]:
    types = _TYPES[dialect(url)]
    columns = (
        "nr INTEGER NOT NULL, art VARCHAR(5) NOT NULL, fest VARCHAR(60) NOT NULL, zahl BIGINT, geld DECIMAL(10,2), tag DATE,"
        f" zeit {types['moment']}, uhr {types['clock']}, lang TEXT, wert {types['double']}, kurz CHAR(4), beruehrt {types['touched']}, PRIMARY KEY (nr, art)"
    )
    return [f"CREATE TABLE leute ({columns})"]


def filled(url: str) -> list[tuple[Any, ...]]:
    names = list(VALUES)
    with outside(url) as opened:
        for number, row in enumerate(zip(*VALUES.values(), strict=True)):
            marks = ", ".join(f":{name}" for name in names)
            values = dict(zip(names, row, strict=True))
            opened.execute(text(f"INSERT INTO leute (nr, art, {', '.join(names)}) VALUES ({number}, 'x{number}', {marks})"), values)
    return dump(url)


def dump(url: str) -> list[tuple[Any, ...]]:
    with outside(url) as opened:
        return [tuple(row) for row in opened.execute(text(f"SELECT nr, art, {', '.join(VALUES)}, beruehrt FROM leute ORDER BY nr"))]


def test_every_type_comes_back_exactly(steward: Steward, empty_url: str) -> None:
    """Texts, numbers, money, days, times; NULL and empty; NOT NULL; a composite key; a time that changes by itself does not."""
    place = connect(steward, empty_url, leute(empty_url), list(VALUES))
    before, columns = filled(empty_url), place.columns("leute")
    planned = place.plan(*VALUES, table="leute")
    for column in planned:
        done = place.do(column, COPY, SWITCH)
        assert done.phase is Phase.SWITCHED, column.field
    emptied = dump(empty_url)
    assert [row[-1] for row in emptied] == [row[-1] for row in before]
    assert {row[3] for row in emptied} == {None} and {row[2] for row in emptied} <= {None, ""}
    for column in planned:
        place.do(column, UNDO)
    assert dump(empty_url) == before
    assert place.columns("leute") == columns
    with pytest.raises(Exception, match=r"(?i)null"):
        place.run("UPDATE leute SET fest = NULL")


def test_names_that_need_quoting_and_more_columns_with_the_same_ending(steward: Steward, empty_url: str) -> None:
    """Spaces, percent signs, quotes, Chinese, a name of 60 characters, and a column that already bears the name ours would have."""
    kind = dialect(empty_url)
    quote = (lambda name: f"`{name}`") if kind == "mariadb" else (lambda name: '"' + name.replace('"', '""') + '"')
    long, odd = "x" * 60, "e mail %s '邮箱" + ("" if kind == "mariadb" else '"')
    names = [odd, long, "tel"]
    texts = ", ".join(f"{quote(name)} VARCHAR(50)" for name in names)
    created = f"CREATE TABLE {quote('Per son')} ({quote('N r')} VARCHAR(20) PRIMARY KEY, {texts}, tel_enc INTEGER)"
    cells = ", ".join(f"'{'v' * n}'" for n in (1, 2, 3))
    place = connect(steward, empty_url, [created, f"INSERT INTO {quote('Per son')} VALUES ('a:b', {cells}, 7)"], names, "Per son", "N r")
    planned = place.plan(*names, table="Per son")
    assert planned[2].layout.shadow == "tel_enc2"
    assert all(len(column.layout.shadow) <= 63 for column in planned)
    for column in planned:
        place.do(column, COPY, SWITCH)
    with outside(empty_url) as opened:
        (row,) = opened.exec_driver_sql(f"SELECT * FROM {quote('Per son')}".replace("%", "%%" if kind != "sqlite" else "%"))
        assert tuple(row)[:5] == ("a:b", None, None, None, 7)
    for column in planned:
        place.do(column, UNDO)
    with outside(empty_url) as opened:
        (row,) = opened.exec_driver_sql(f"SELECT * FROM {quote('Per son')}".replace("%", "%%" if kind != "sqlite" else "%"))
        assert tuple(row) == ("a:b", "v", "vv", "vvv", 7)


def test_what_stands_in_the_way_is_named_with_a_remedy(steward: Steward, empty_url: str) -> None:
    statements = [
        "CREATE TABLE leute (nr INTEGER PRIMARY KEY, mail VARCHAR(50) UNIQUE, gezeigt VARCHAR(50), bild BLOB, frei VARCHAR(50), ohne VARCHAR(50))",
        "CREATE VIEW sicht AS SELECT nr, gezeigt FROM leute",
    ]
    if dialect(empty_url) == "postgresql":
        statements[0] = statements[0].replace("BLOB", "bytea")
    place = connect(steward, empty_url, statements, ["mail", "gezeigt", "bild", "frei"])
    asked = ["mail", "gezeigt", "bild", "frei", "ohne", "nr"]
    drafts = place.application.columns.plan(ALICE, [("shop.leute", field) for field in asked], keep=False)
    codes = {draft.field: {obstacle.code for obstacle in draft.obstacles if not obstacle.note} for draft in drafts}
    assert codes["mail"] == {"unique"} and codes["gezeigt"] == {"view"} and codes["frei"] == set()
    assert "type" in codes["bild"] and "undecided" in codes["ohne"] and {"key", "subject_key"} <= codes["nr"]
    assert all(obstacle.remedy for draft in drafts for obstacle in draft.obstacles if not obstacle.note)
    assert place.application.columns.all(ALICE) == []


def test_a_busy_application_loses_nothing(steward: Steward, empty_url: str) -> None:
    """A thread inserts, changes and deletes during copy and switch; in the end the shadows say what it knows, and nothing is left in plaintext."""
    place = connect(steward, empty_url, ["CREATE TABLE leute (nr INTEGER PRIMARY KEY, mail VARCHAR(80))"], ["mail"])
    with outside(empty_url) as opened:
        opened.execute(text("INSERT INTO leute VALUES (:nr, :mail)"), [{"nr": n, "mail": f"m{n}@x.example"} for n in range(3000)])
    knows = {str(n): f"m{n}@x.example" for n in range(3000)}
    stopping, refused = threading.Event(), []
    writer = threading.Thread(target=_write, args=(empty_url, knows, stopping, refused))
    (column,) = place.plan("mail", table="leute")
    writer.start()
    try:
        column = place.do(column, COPY)
        column = place.do(column, SWITCH)
    finally:
        stopping.set()
        writer.join()
    assert [each for each in refused if each.startswith("?")] == []
    assert refused, "the writer was never refused: it ended before the switch"
    assert place.values(column) == knows
    assert place.rows("leute WHERE mail IS NOT NULL", "nr") == []
    place.do(column, UNDO)
    assert {str(nr): mail for nr, mail in place.rows("leute", "nr", "mail")} == knows


def test_without_the_right_to_make_triggers_passes_find_what_changed(steward: Steward, empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed value whose index is the same, a value that became NULL, and plaintext written after the switch, which the next switch takes up."""
    monkeypatch.setattr(SqlShadow, "_watch", lambda *_: False)
    statements = ["CREATE TABLE leute (nr INTEGER PRIMARY KEY, mail VARCHAR(80))", "INSERT INTO leute VALUES (1, 'a@x.example'), (2, 'b@x.example'), (3, NULL)"]
    place = connect(steward, empty_url, statements, ["mail"])
    (column,) = place.plan("mail", table="leute")
    column = place.do(column, COPY)
    assert not column.layout.guarded
    place.run("UPDATE leute SET mail = 'A@X.example' WHERE nr = 1")
    place.run("UPDATE leute SET mail = NULL WHERE nr = 2")
    column = place.do(column, COPY)
    assert place.values(column) == {"1": "A@X.example", "2": None, "3": None}
    place.run("UPDATE leute SET mail = 'a@X.example' WHERE nr = 1")
    column = place.do(column, SWITCH)
    assert place.values(column) == {"1": "a@X.example", "2": None, "3": None}
    place.run("UPDATE leute SET mail = 'spaet@x.example' WHERE nr = 1")
    place.run("INSERT INTO leute (nr, mail) VALUES (4, 'neu@x.example')")
    place.do(column, SWITCH)
    assert place.rows("leute WHERE mail IS NOT NULL", "nr") == []
    assert place.values(column) == {"1": "spaet@x.example", "2": None, "3": None, "4": "neu@x.example"}
    place.do(column, UNDO)
    assert place.rows("leute", "nr", "mail") == [(1, "spaet@x.example"), (2, None), (3, None), (4, "neu@x.example")]


def _write(url: str, knows: dict[str, str], stopping: threading.Event, refused: list[str]) -> None:
    number = 3000
    while not stopping.is_set():
        number += 1
        changed, gone = number * 7 % 3000, number * 11 % 3000
        steps = [
            ("INSERT INTO leute (nr, mail) VALUES (:nr, :mail)", number, f"n{number}@x.example"),
            ("UPDATE leute SET mail = :mail WHERE nr = :nr", changed, f"c{number}@x.example"),
            ("DELETE FROM leute WHERE nr = :nr", gone, None),
        ]
        for statement, key, mail in steps:
            if mail is not None and statement.startswith("UPDATE") and str(key) not in knows:
                continue
            try:
                with outside(url) as opened:
                    opened.execute(text(statement), {"nr": key} | ({"mail": mail} if mail else {}))
            except Exception as error:
                if "encrypted in place" in str(error):
                    refused.append(statement)
                elif not any(word in str(error).lower() for word in ("locked", "deadlock", "lock wait")):
                    refused.append(f"?{error}")
            else:
                if mail is None:
                    knows.pop(str(key), None)
                else:
                    knows[str(key)] = mail
