"""A connected database opened for writing: the same words mean the same rows on SQLite, PostgreSQL and MariaDB, and nothing is ever half done."""

import base64
import json
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from privacy.adapters.databases import open_connector
from privacy.adapters.databases.quoting import MARKER
from privacy.adapters.databases.target import SqlTarget, open_target
from privacy.disposal.target import (
    Before,
    Between,
    Both,
    ChildOf,
    Delete,
    Equals,
    IsNull,
    KeysIn,
    Not,
    Update,
    Where,
)
from privacy.kernel.errors import Conflict, InvalidInput, NotFound
from privacy.kernel.plaintext import Plaintext
from tests.discovery.building import run

PROJECT = Path(__file__).resolve().parents[2]
PERSON, ORDER, NOTE = "客户 100%", "order:?", "note"
EVERY = Both()


@pytest.fixture
def q(empty_url: str) -> Callable[[str], str]:
    mark = "`" if empty_url.startswith(("mysql", "mariadb")) else '"'
    return lambda name: mark + name + mark


@pytest.fixture
def shop(empty_url: str, q: Callable[[str], str]) -> Iterator[SqlTarget]:
    """People with awkward names, their orders by a composite key that goes with them, notes without any key, a boss among the people."""
    run(
        empty_url,
        f"CREATE TABLE {q(PERSON)} (id INTEGER NOT NULL PRIMARY KEY, {q('姓名')} VARCHAR(40) NOT NULL, {q('select')} VARCHAR(20) UNIQUE, boss INTEGER,"
        f" age INTEGER CHECK (age >= 0), FOREIGN KEY (boss) REFERENCES {q(PERSON)} (id) ON DELETE SET NULL)",
        f"CREATE TABLE {q(ORDER)} (shop VARCHAR(10) NOT NULL, no INTEGER NOT NULL, person INTEGER NOT NULL, made DATE, PRIMARY KEY (shop, no),"
        f" FOREIGN KEY (person) REFERENCES {q(PERSON)} (id) ON DELETE CASCADE)",
        f"CREATE INDEX order_person ON {q(ORDER)} (person)",
        f"CREATE TABLE {NOTE} (about VARCHAR(20), body TEXT)",
        f"INSERT INTO {q(PERSON)} VALUES (1, 'Bob', 'a', NULL, 30), (2, 'bob', 'b', 1, 40), (3, 'Bob ', 'c', 1, NULL), (4, 'ＢＯＢ', 'd', 2, 1),"
        " (5, '李小明', 'e', NULL, 2), (6, 'Böb', NULL, NULL, 3)",
        f"INSERT INTO {q(ORDER)} VALUES ('A', 1, 1, '2020-01-01'), ('A', 2, 1, '2021-06-01'), ('B', 1, 2, NULL), ('B', 2, 5, '2019-12-31')",
        f"INSERT INTO {NOTE} VALUES ('1', 'called 138 0013 8000'), ('5', '李小明 came'), ('7', NULL), ('01', 'x')",
    )
    with closing(open_target(empty_url)) as target:
        yield target


def ids(target: SqlTarget, where: Where, table: str = PERSON, column: str = "id") -> list[object]:
    return [cells.values[0] for cells in target.select(table, [column], where)]


# --- what is there -----------------------------------------------------------------------------------------------------------------------


def test_shapes_bear_the_names_of_the_data_map_and_tell_what_the_database_enforces(shop: SqlTarget, empty_url: str) -> None:
    shapes = shop.shapes()
    with closing(open_connector(empty_url)) as connector:
        mapped = {table.name: table for table in connector.tables()}
    assert set(shapes) == set(mapped)
    for name, shape in shapes.items():
        assert {column.name: column.family for column in shape.columns.values()} == {column.name: column.family.value for column in mapped[name].columns}
    person, order = shapes[PERSON], shapes[ORDER]
    assert person.primary_key == ("id",) and order.primary_key == ("shop", "no")
    assert not person.columns["姓名"].nullable and person.columns["age"].nullable
    assert ("select",) in person.unique and person.checks
    (boss,), (owner,) = person.foreign_keys, order.foreign_keys
    assert (boss.columns, boss.parent, boss.parent_columns, boss.on_delete) == (("boss",), PERSON, ("id",), "set null")
    assert owner.on_delete == "cascade"
    assert ("person",) in order.indexes and ("shop", "no") in order.indexes
    assert shapes[NOTE].primary_key == (("rowid",) if shop.kind == "sqlite" else ())


def test_a_fingerprint_changes_with_a_table_and_with_what_refers_to_it_only(shop: SqlTarget, empty_url: str, q: Callable[[str], str]) -> None:
    before = shop.fingerprint([PERSON])
    assert before == shop.fingerprint([PERSON])
    run(empty_url, "CREATE TABLE other (id INTEGER)", f"ALTER TABLE {NOTE} ADD COLUMN more INTEGER")
    assert shop.fingerprint([PERSON]) == before
    run(empty_url, f"ALTER TABLE {q(ORDER)} ADD COLUMN more INTEGER")
    assert shop.fingerprint([PERSON]) != before


def test_views_triggers_and_generated_columns_are_told(empty_url: str, q: Callable[[str], str]) -> None:
    run(
        empty_url,
        "CREATE TABLE a (id INTEGER NOT NULL PRIMARY KEY, n INTEGER, twice INTEGER GENERATED ALWAYS AS (n * 2) STORED)",
        "CREATE VIEW v AS SELECT id FROM a",
    )
    run(empty_url, *_trigger(empty_url, "a", "DELETE", "UPDATE b SET n = n + 1"))
    run(empty_url, "CREATE TABLE b (n INTEGER)")
    with closing(open_target(empty_url)) as target:
        shapes = target.shapes()
        assert shapes["v"].kind == "view" and shapes["a"].triggers == ("on_change",)
        assert shapes["a"].columns["twice"].generated and not shapes["a"].columns["n"].generated
        assert target.rehearse([Delete("v", EVERY)]).violation is not None


def _trigger(url: str, table: str, event: str, does: str) -> list[str]:
    if url.startswith("postgresql"):
        return [
            f"CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {does}; RETURN OLD; END $$",
            f"CREATE TRIGGER on_change AFTER {event} ON {table} FOR EACH ROW EXECUTE FUNCTION change()",
        ]
    return [f"CREATE TRIGGER on_change AFTER {event} ON {table} FOR EACH ROW BEGIN {does}; END"]


# --- conditions --------------------------------------------------------------------------------------------------------------------------


def test_text_keys_are_compared_exactly(shop: SqlTarget) -> None:
    """`Bob`, `bob`, `Bob ` and `ＢＯＢ` are four people, whatever the database's collation thinks."""
    for number, name in enumerate(("Bob", "bob", "Bob ", "ＢＯＢ", "李小明", "Böb"), 1):
        assert ids(shop, KeysIn(("姓名",), ((name,),))) == [number]
    assert ids(shop, Not(Equals("姓名", "Bob"))) == [2, 3, 4, 5, 6]


def test_a_key_as_text_means_the_same_as_a_number_and_what_cannot_be_one_matches_nothing(shop: SqlTarget) -> None:
    assert ids(shop, KeysIn(("id",), (("2",), (3,), ("x",), ("04",), ("5 ",), (None,), ("1e0",), (10**30,)))) == [2, 3]
    assert ids(shop, KeysIn(("about",), ((1,), ("01",))), NOTE, "about") == ["1", "01"]
    assert ids(shop, KeysIn(("made",), (("2020-01-01",), (date(2019, 12, 31),), ("soon",))), ORDER, "no") == [1, 2]
    assert shop.count(PERSON, KeysIn(("id",), ())) == 0


def test_composite_keys_match_as_tuples(shop: SqlTarget) -> None:
    where = KeysIn(("shop", "no"), (("A", 2), ("B", "1"), ("b", 2), ("C", 1)))
    assert [cells.values for cells in shop.select(ORDER, ["shop", "no"], where)] == [("A", 2), ("B", 1)]


def test_children_are_found_by_reference_also_across_types(shop: SqlTarget) -> None:
    """A text column that holds numbers refers exactly: 1 is '1', never '01' or '1 '."""
    assert shop.count(ORDER, ChildOf(("person",), PERSON, ("id",), Equals("姓名", "Bob"))) == 2
    assert ids(shop, ChildOf(("about",), PERSON, ("id",), EVERY), NOTE, "about") == ["1", "5"]
    assert ids(shop, ChildOf(("boss",), PERSON, ("id",), Equals("select", "a"))) == [2, 3]
    assert ids(shop, Not(ChildOf(("boss",), PERSON, ("id",), EVERY))) == [1, 5, 6]


def test_null_makes_no_condition_true_and_not_is_the_rest(shop: SqlTarget) -> None:
    assert ids(shop, Equals("boss", 1)) == [2, 3]
    assert ids(shop, Not(Equals("boss", 1))) == [1, 4, 5, 6]
    assert ids(shop, IsNull("boss")) == [1, 5, 6] and ids(shop, IsNull("boss", negated=True)) == [2, 3, 4]
    assert ids(shop, Both((Between("id", 2, 4), Not(KeysIn(("id",), ((3,),)))))) == [2, 4]
    assert ids(shop, Between("id", "5", None)) == [5, 6]


def test_what_is_not_there_is_refused_and_not_taken_for_text(shop: SqlTarget) -> None:
    with pytest.raises(InvalidInput, match="no column"):
        shop.count(PERSON, Equals("nme", "nme"))
    with pytest.raises(NotFound):
        shop.count("nowhere", EVERY)


def test_large_lists_of_keys_are_one_condition(empty_url: str) -> None:
    run(empty_url, "CREATE TABLE big (id INTEGER NOT NULL PRIMARY KEY, code VARCHAR(20))")
    values = ", ".join(f"({n}, 'c{n}')" for n in range(2_000))
    run(empty_url, f"INSERT INTO big VALUES {values}")
    keys = tuple((n,) for n in range(0, 90_000, 2))
    with closing(open_target(empty_url)) as target:
        assert target.count("big", KeysIn(("id",), keys)) == 1_000
        assert target.count("big", KeysIn(("code", "id"), tuple((f"c{n}", n) for n in range(16_000)))) == 2_000
        assert target.count("big", Not(KeysIn(("id",), keys))) == 1_000
        assert target.apply("r", 0, 1, [Delete("big", KeysIn(("code",), tuple((f"c{n}",) for n in range(500, 9_000))))]).rows == (1_500,)


CELLS = st.one_of(st.integers(-3, 12), st.sampled_from(["a", "A", "a ", "à", "à", "", "0", "1", "01", "é%_", "李", "𠮷", "'\"`\\", None]))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(st.integers(-3, 12), st.text("aA àé%_李𠮷'\"\\01", max_size=3)), max_size=12, unique=True),
    keys=st.lists(st.tuples(CELLS, CELLS), max_size=6),
)
def test_selecting_by_keys_equals_a_filter_in_python(empty_url: str, rows: list[tuple[int, str]], keys: list[tuple[object, object]]) -> None:
    run(empty_url, "CREATE TABLE IF NOT EXISTS pair (n INTEGER, t VARCHAR(20))", "DELETE FROM pair")
    with closing(open_target(empty_url)) as target:
        if rows:
            mark = "?" if target.kind == "sqlite" else "%s"
            with target._database.begin() as opened:
                opened.exec_driver_sql(f"INSERT INTO pair VALUES ({mark}, {mark})", rows)
        wanted = {(str(n), str(t)) for n, t in keys if n is not None and t is not None}
        expected = sorted(row for row in rows if (str(row[0]), row[1]) in wanted)
        assert sorted(cells.values for cells in target.select("pair", ["n", "t"], KeysIn(("n", "t"), tuple(keys)))) == expected
        texts = {str(t) for _, t in keys if t is not None}
        assert target.count("pair", KeysIn(("t",), tuple((t,) for _, t in keys))) == sum(t in texts for _, t in rows)


# --- clocks ------------------------------------------------------------------------------------------------------------------------------

NOON = datetime(2021, 3, 1, 12, 0, tzinfo=UTC)
TEXTS = {
    "2021-03-01T11:59:59Z": True, "2021-03-01 11:59:59": True, "2021-03-01": True, "2021-03-01T19:59:00+08:00": True, "2021-03-01T19:59:00+0800": True,
    "2021-03-01 06:30:00-05:00": True, "2021-03-01T11:59:59.998": True, "2020-02-29": True,
    "2021-03-01T12:00:00Z": False, "2021-03-01T20:00:00+08:00": False, "2021-03-01T11:00:00-05:00": False, "2021-03-02": False,
    "": False, "0000-00-00": False, "0001-01-01": False, "unknown": False, "10:30": False, "now": False, "1500000000": False, "2019": False,
}  # fmt: skip


def test_texts_count_as_instants_only_when_they_are_iso_dates(empty_url: str) -> None:
    run(empty_url, "CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY, at VARCHAR(40))")
    run(empty_url, *(f"INSERT INTO t VALUES ({at}, '{text}')" for at, text in enumerate(TEXTS)), "INSERT INTO t VALUES (99, NULL)")
    with closing(open_target(empty_url)) as target:
        early = [cells.values[0] for cells in target.select("t", ["at"], Before("at", NOON))]
        assert early == [text for text, expected in TEXTS.items() if expected]
        assert target.rehearse([Delete("t", Before("at", NOON))]).rows == (len(early),)


def test_dates_timestamps_and_numbers_count_as_instants(empty_url: str) -> None:
    kind = "timestamp with time zone" if empty_url.startswith("postgresql") else "DATETIME"
    run(empty_url, f"CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY, d DATE, s {kind} NULL, n BIGINT)")
    seconds = int(NOON.timestamp())
    rows = [
        ("2021-02-28", "2021-03-01 11:59:59", seconds - 1),
        ("2021-03-01", "2021-03-01 12:00:00", seconds),
        ("1999-12-31", "1999-12-31 00:00:00", (seconds - 1) * 1000),
    ]
    for at, (day, stamp, number) in enumerate([*rows, ("2021-03-02", "2021-03-02 00:00:00", 20200101)]):
        run(empty_url, f"INSERT INTO t VALUES ({at}, '{day}', '{stamp}', {number})")
    run(empty_url, "INSERT INTO t VALUES (9, NULL, NULL, 0)")
    with closing(open_target(empty_url)) as target:
        assert ids(target, Before("d", NOON), "t") == [0, 2]
        assert ids(target, Before("s", NOON), "t") == [0, 2]
        assert ids(target, Before("n", NOON), "t") == [0, 2]  # 20200101 is a day, not a second of 1970
        assert ids(target, Before("d", date(2021, 3, 1)), "t") == [0, 2]
        with pytest.raises(InvalidInput):
            target.count("t", Before("s", datetime(2021, 3, 1)))  # noqa: DTZ001 - the point of it


@pytest.mark.parametrize("database_kind", ["postgresql", "mariadb"], indirect=True)
def test_zero_and_infinite_dates_are_never_early_and_can_be_read(empty_url: str) -> None:
    never = "'-infinity'" if empty_url.startswith("postgresql") else "'0000-00-00'"
    run(empty_url, "CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY, d DATE)")
    if not empty_url.startswith("postgresql"):
        run(empty_url, "SET SESSION sql_mode = ''", f"INSERT INTO t VALUES (1, {never}), (2, '2001-01-01')")
    else:
        run(empty_url, f"INSERT INTO t VALUES (1, {never}), (2, '2001-01-01')")
    with closing(open_target(empty_url)) as target:
        assert ids(target, Before("d", NOON), "t") == [2]
        assert len(list(target.select("t", ["d"], EVERY))) == 2
        assert target.apply("r", 0, 1, [Delete("t", Before("d", NOON))]).rows == (1,)


# --- rehearsal ---------------------------------------------------------------------------------------------------------------------------


def everything(target: SqlTarget) -> dict[str, list[object]]:
    return {name: sorted((repr(cells.values) for cells in target.select(name, list(shape.columns), EVERY)), key=str) for name, shape in target.shapes().items()}


def test_a_rehearsal_counts_exactly_tells_cascades_and_changes_nothing(shop: SqlTarget) -> None:
    before = everything(shop)
    found = shop.rehearse([Delete(PERSON, KeysIn(("id",), ((1,),))), Update(PERSON, KeysIn(("id",), ((5,),)), {"姓名": "-"})])
    assert found.rows == (1, 1) and found.violation is None
    assert found.also_changed == {ORDER: 2, PERSON: 2}
    assert everything(shop) == before


@pytest.mark.parametrize(
    ("values", "kind"),
    [({"姓名": None}, "not_null"), ({"select": "s3cret"}, "unique"), ({"age": -1}, "check"), ({"boss": 99}, "foreign_key")],
)
def test_a_violation_is_told_in_words_with_its_statement_and_no_value(shop: SqlTarget, values: dict[str, object], kind: str) -> None:
    statements = [Update(PERSON, Equals("id", 1), {"age": 31}), Update(PERSON, EVERY, values)]
    before = everything(shop)
    violation = shop.rehearse(statements).violation
    assert violation is not None and (violation.statement, violation.kind) == (1, kind)
    assert violation.detail and "s3cret" not in violation.detail + violation.name
    with pytest.raises(Conflict, match="Nothing of this batch was done") as refused:
        shop.apply("r", 0, 1, statements)
    assert refused.value.code == "constraint_violated"
    assert everything(shop) == before and shop.applied("r") == []


def test_a_row_that_others_refer_to_is_named_by_the_constraint(empty_url: str) -> None:
    run(
        empty_url,
        "CREATE TABLE p (id INTEGER NOT NULL PRIMARY KEY)",
        "CREATE TABLE c (id INTEGER NOT NULL PRIMARY KEY, p INTEGER, CONSTRAINT c_p FOREIGN KEY (p) REFERENCES p (id))",
    )
    run(empty_url, "INSERT INTO p VALUES (1), (2)", "INSERT INTO c VALUES (1, 1)")
    with closing(open_target(empty_url)) as target:
        violation = target.rehearse([Delete("p", EVERY)]).violation
        assert violation is not None and violation.kind == "foreign_key" and "c" in violation.name
        assert target.rehearse([Delete("c", EVERY), Delete("p", EVERY)]).rows == (1, 2)


@pytest.mark.parametrize("database_kind", ["sqlite", "postgresql"], indirect=True)
def test_constraints_deferred_to_the_commit_stop_a_rehearsal_as_well(empty_url: str) -> None:
    deferred = "REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED"
    run(empty_url, "CREATE TABLE p (id INTEGER NOT NULL PRIMARY KEY)", f"CREATE TABLE c (id INTEGER NOT NULL PRIMARY KEY, p INTEGER {deferred})")
    run(empty_url, "INSERT INTO p VALUES (1)", "INSERT INTO c VALUES (1, 1)")
    with closing(open_target(empty_url)) as target:
        violation = target.rehearse([Delete("p", EVERY)]).violation
        assert violation is not None and violation.kind == "foreign_key"
        assert target.rehearse([Delete("p", EVERY), Delete("c", EVERY)]).rows == (1, 1)
        with pytest.raises(Conflict):
            target.apply("r", 0, 1, [Delete("p", EVERY)])
        assert target.count("p", EVERY) == 1


def test_what_triggers_do_is_counted(empty_url: str) -> None:
    run(empty_url, "CREATE TABLE a (id INTEGER NOT NULL PRIMARY KEY)", "CREATE TABLE log (n INTEGER)", "INSERT INTO a VALUES (1), (2), (3)")
    run(empty_url, *_trigger(empty_url, "a", "DELETE", "INSERT INTO log VALUES (OLD.id)"))
    with closing(open_target(empty_url)) as target:
        found = target.rehearse([Delete("a", Between("id", 2, None))])
        assert found.rows == (2,) and found.added == {"log": 2} and not found.also_changed
        assert target.count("log", EVERY) == 0


def test_what_triggers_delete_elsewhere_is_no_copy(empty_url: str) -> None:
    run(empty_url, "CREATE TABLE a (id INTEGER NOT NULL PRIMARY KEY)", "CREATE TABLE log (n INTEGER)", "INSERT INTO a VALUES (1), (2), (3)")
    run(empty_url, "INSERT INTO log VALUES (1), (2), (3)", *_trigger(empty_url, "a", "DELETE", "DELETE FROM log WHERE n = OLD.id"))
    with closing(open_target(empty_url)) as target:
        found = target.rehearse([Delete("a", Between("id", 2, None))])
        assert found.rows == (2,) and found.also_changed == {"log": 2} and not found.added


# --- batches -----------------------------------------------------------------------------------------------------------------------------


def test_a_batch_is_done_once_and_remembered(shop: SqlTarget) -> None:
    statements = [Delete(ORDER, Equals("person", 1)), Update(PERSON, Equals("id", 1), {"姓名": "gone", "select": None})]
    assert shop.applied("run") == []
    first, second = shop.apply("run", 0, 1, statements), shop.apply("run", 0, 1, statements)
    assert (first.rows, first.again) == ((2, 1), False) and (second.rows, second.again) == ((2, 1), True)
    shop.apply("run", 2, 1, [])
    assert [(done.batch, done.rows) for done in shop.applied("run")] == [(0, (2, 1)), (2, ())]
    assert MARKER not in shop.shapes()


def test_a_worker_that_lost_its_lease_is_refused(shop: SqlTarget) -> None:
    shop.apply("run", 0, 5, [])
    shop.apply("run", 1, 6, [])
    with pytest.raises(Conflict) as refused:
        shop.apply("run", 2, 5, [Delete(NOTE, EVERY)])
    assert refused.value.code == "lease_lost" and shop.count(NOTE, EVERY) == 4
    assert shop.apply("another", 0, 1, []).again is False


def test_workers_at_one_batch_do_it_once(empty_url: str) -> None:
    """Four at a time, each with a connection of its own: the effect of every batch happens once, and all report the same counts."""
    run(empty_url, "CREATE TABLE n (id INTEGER NOT NULL PRIMARY KEY, times INTEGER NOT NULL)", "INSERT INTO n VALUES (1, 0), (2, 0), (3, 0)")
    run(empty_url, "CREATE TABLE counted (id INTEGER)", *_trigger(empty_url, "n", "UPDATE", "INSERT INTO counted VALUES (OLD.id)"))
    results: list[tuple[int, bool]] = []

    def work() -> None:
        with closing(open_target(empty_url)) as target:
            for batch in range(3):
                done = target.apply("run", batch, 1, [Update("n", Equals("id", batch + 1), {"times": 7})])
                results.append((batch, done.again))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 12 and sum(not again for _, again in results) == 3
    with closing(open_target(empty_url)) as target:
        assert target.count("counted", EVERY) == 3


def test_rows_get_values_of_their_own_beside_the_fixed_ones(shop: SqlTarget) -> None:
    per_row = {(1,): {"select": "x1"}, (2,): {"select": "x2"}, ("3",): {"select": None, "age": 9}, (99,): {"select": "nobody"}}
    statement = Update(PERSON, Between("id", 1, 4), {"姓名": "-"}, ("id",), per_row)
    assert shop.rehearse([statement]).rows == (4,)
    assert shop.apply("run", 0, 1, [statement]).rows == (4,)
    rows = [cells.values for cells in shop.select(PERSON, ["id", "姓名", "select", "age"], Between("id", None, 5))]
    assert rows == [(1, "-", "x1", 30), (2, "-", "x2", 40), (3, "-", None, 9), (4, "-", "d", 1), (5, "李小明", "e", 2)]


def test_rows_without_a_key_are_changed_by_what_they_hold(shop: SqlTarget) -> None:
    assert shop.apply("run", 0, 1, [Update(NOTE, Equals("about", "5"), {"body": None}), Delete(NOTE, IsNull("body"))]).rows == (1, 2)


@pytest.mark.parametrize("database_kind", ["mariadb"], indirect=True)
def test_an_engine_without_transactions_is_refused(empty_url: str) -> None:
    run(empty_url, "CREATE TABLE old (id INTEGER NOT NULL PRIMARY KEY) ENGINE=MyISAM", "INSERT INTO old VALUES (1)")
    with closing(open_target(empty_url)) as target:
        violation = target.rehearse([Delete("old", EVERY)]).violation
        assert violation is not None and "MyISAM" in violation.detail
        with pytest.raises(Conflict) as refused:
            target.apply("r", 0, 1, [Delete("old", EVERY)])
        assert refused.value.code == "not_transactional" and target.count("old", EVERY) == 1


def test_killed_workers_leave_nothing_half_done(empty_url: str) -> None:
    """kill -9 in the middle of batches: rows gone equal what the markers say, and a successor ends at the same counts."""
    run(empty_url, "CREATE TABLE gone (id INTEGER NOT NULL PRIMARY KEY)", "CREATE TABLE kept (id INTEGER NOT NULL PRIMARY KEY, n INTEGER)")
    numbers = ", ".join(f"({n})" for n in range(1_000))
    run(empty_url, f"INSERT INTO gone VALUES {numbers}", "INSERT INTO kept SELECT id, 0 FROM gone")
    for kill in range(2):
        command = [sys.executable, "-m", "tests.contract.applying", empty_url, str(kill + 1)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as process:
            assert process.stdout
            for _ in range(3 + 9 * kill):
                process.stdout.readline()
            process.kill()
        with closing(open_target(empty_url)) as target:
            done = target.applied("run")
            assert [applied.batch for applied in done] == list(range(len(done)))
            assert 1_000 - target.count("gone", EVERY) == sum(applied.rows[0] for applied in done)
            assert target.count("kept", Equals("n", 1)) == sum(applied.rows[1] for applied in done)
    subprocess.run([sys.executable, "-m", "tests.contract.applying", empty_url, "9"], check=True, cwd=PROJECT, stdout=subprocess.DEVNULL)
    with closing(open_target(empty_url)) as target:
        assert target.count("gone", EVERY) == 0 and target.count("kept", Equals("n", 1)) == 1_000
        assert sum(applied.rows[0] for applied in target.applied("run")) == 1_000


# --- ranges, residue, the rest -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keyed", ["INTEGER", "VARCHAR(20)"])
def test_ranges_cover_every_matching_row_once(empty_url: str, keyed: str) -> None:
    run(empty_url, f"CREATE TABLE r (id {keyed} NOT NULL PRIMARY KEY, due INTEGER NOT NULL)")
    rows = ", ".join(f"('{n * 7 if keyed == 'INTEGER' else f'k{n % 13} {n}'}', {int(n % 3 == 0 or n > 900)})" for n in range(1_000))
    run(empty_url, f"INSERT INTO r VALUES {rows}")
    due = Equals("due", 1)
    with closing(open_target(empty_url)) as target:
        ranges = list(target.boundaries("r", due, 50))
        counts = [target.count("r", Both((due, Between("id", low, high)))) for low, high in ranges]
        assert sum(counts) == target.count("r", due) and min(counts) > 0 and max(counts) <= 100
        assert list(target.boundaries("r", Equals("due", 5), 50)) == []
        for batch, (low, high) in enumerate(target.boundaries("r", due, 50)):
            target.apply("run", batch, 1, [Delete("r", Both((due, Between("id", low, high))))])
        assert target.count("r", due) == 0


def test_tables_without_a_single_key_column_have_no_ranges(shop: SqlTarget) -> None:
    assert list(shop.boundaries(ORDER, EVERY, 10)) == []


def test_pages_are_one_answer_in_key_order(empty_url: str) -> None:
    run(empty_url, "CREATE TABLE r (a VARCHAR(5) NOT NULL, b INTEGER NOT NULL, PRIMARY KEY (a, b))")
    run(empty_url, "INSERT INTO r VALUES " + ", ".join(f"('{'xyz'[n % 3]}', {n})" for n in range(12_000)))
    with closing(open_target(empty_url)) as target:
        rows = [cells.values for cells in target.select("r", ["b", "a"], EVERY)]
        assert rows == sorted(rows, key=lambda row: (row[1], row[0])) and len(set(rows)) == 12_000
        assert len(list(target.select("r", ["a"], EVERY, limit=7_000))) == 7_000


EMAIL, PHONE, ID, NAME = "ming.li+shop@example.cn", "13800138000", "11010519491231002X", "李小明"


def _hidden(value: str) -> Iterator[str]:
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in value)
    yield from (value, f"记录：{value}。", value.upper(), wide, json.dumps({"deep": [{"v": value}]}), f'{{"v": "{value}"}}')
    yield base64.b64encode(f"note {value} end".encode()).decode()
    yield "".join(f"\\u{ord(c):04x}" for c in value)
    yield f"https://example.org/?q={urllib.parse.quote(value, safe='')}&x=1"
    if value in (PHONE, ID):
        yield from (" ".join((value[:3], value[3:7], value[7:])), "-".join(value), f"电话{value}号")
    if value == PHONE:
        yield from (f"+86 {value}", f"0086{value}", f"+86-{value}")


def test_identifiers_are_found_in_every_form_and_others_are_not(empty_url: str) -> None:
    seeded = [text for value in (EMAIL, PHONE, ID, NAME) for text in _hidden(value)]
    others = [
        "138001380001",
        "2213800138000",
        "xming.li+shop@example.cn",
        f"{EMAIL}.hk",
        "ming.li@example.cn",
        "小明",
        "1101051949123100",
        "ORDER0000000000001",
        "",
        "100% \\u 中文",
    ]
    run(empty_url, "CREATE TABLE r (id INTEGER NOT NULL PRIMARY KEY, a TEXT, b TEXT)")
    with closing(open_target(empty_url)) as target:
        mark = "?" if target.kind == "sqlite" else "%s"
        rows = [(at, text, None) for at, text in enumerate(seeded)] + [(1_000 + at, None, text) for at, text in enumerate(others)]
        with target._database.begin() as opened:
            opened.exec_driver_sql(f"INSERT INTO r VALUES ({mark}, {mark}, {mark})", rows)
        needles = [Plaintext(value) for value in (EMAIL, PHONE, ID, NAME)]
        hits = list(target.residue("r", ["a", "b"], needles))
        assert {hit.key[0] for hit in hits} == set(range(len(seeded)))
        assert {hit.column for hit in hits} == {"a"} and {"exact", "digits", "base64", "url", "json"} <= {hit.form for hit in hits}
        assert len(list(target.residue("r", ["a"], needles, limit=5))) == 5
        assert list(target.residue("r", ["a", "b"], [Plaintext("x"), Plaintext("12")])) == []


def test_tidying_after_a_run_asks_the_database_to_let_go(shop: SqlTarget, empty_url: str) -> None:
    shop.apply("run", 0, 1, [Delete(NOTE, EVERY)])
    shop.tidy([NOTE, "nowhere"])
    if shop.kind == "sqlite":
        path = Path(empty_url.removeprefix("sqlite:///"))
        assert "李小明 came".encode() not in path.read_bytes()
    assert shop.count(NOTE, EVERY) == 0


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_read_only_system_is_refused_on_opening_and_can_still_be_read(empty_url: str) -> None:
    run(empty_url, "CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    name = make_url(empty_url).database
    run(empty_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with pytest.raises(Conflict) as refused:
        open_target(empty_url)
    assert refused.value.code == "read_only"
    with closing(open_target(empty_url, write=False)) as target:
        assert target.count("t", EVERY) == 1
        with pytest.raises(Conflict):
            target.apply("run", 0, 1, [Delete("t", EVERY)])
