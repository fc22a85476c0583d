"""Proposed relations: keys of schemas that declare none, whose the rows are, and what must never be taken for a key."""

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from privacy.discovery.proposals import TableReport
from privacy.discovery.relations.proposing import RelationProposal
from privacy.discovery.relations.words import RelationWords
from privacy.discovery.shapes import Column, Family, ForeignKey, Table
from privacy.inventory.relation_rules import SURE
from privacy.inventory.relations import Ownership
from privacy.kernel.errors import Misconfigured
from tests.discovery import relation_schemas as schemas
from tests.discovery.building import POLICIES, run_script
from tests.discovery.relation_scores import proposed, proposed_by_names, proposer, score, tables_at

_DATA = Path(os.environ.get("PRIVACY_TEST_DATA", "/nonexistent"), "chinook")
_SCRIPTS = {"postgresql": "Chinook_PostgreSql.sql", "mysql": "Chinook_MySql.sql", "mariadb": "Chinook_MySql.sql"}
BY_NAME = {schema.name: schema for schema in schemas.ALL}


@pytest.mark.parametrize("name", BY_NAME)
def test_a_schema_without_one_declared_key_is_read_from_names_and_values(empty_url: str, name: str) -> None:
    """On every database, in English, pinyin and Chinese: F1 of keys at least .95, of roles at least .90, and no row wrongly said to be somebody's own.

    These schemas are our own, so their scores are an upper bound.
    """
    schema = BY_NAME[name]
    schemas.build(empty_url, schema)
    result = score(proposed(empty_url), schema.truth)
    assert result.f1 >= 0.95, result
    assert result.roles >= 0.9, result
    assert [edge for edge, told, _ in result.wrong_roles if told == "owned_by"] == []


@pytest.mark.parametrize("name", [name for name in BY_NAME if "composite" not in name])
def test_names_alone_tell_most_and_little_that_is_wrong(tmp_path: Path, name: str) -> None:
    """Without one value: recall and precision at least .80 each (composite keys that nobody declares cannot be told from names)."""
    url = f"sqlite:///{tmp_path / 'names.sqlite'}"
    schemas.build(url, BY_NAME[name])
    result = score(proposed_by_names(tables_at(url)), BY_NAME[name].truth)
    assert result.precision >= 0.8, result
    assert result.recall >= 0.8, result


def test_what_a_name_alone_says_is_never_confirmed_in_bulk_where_rows_would_be_deleted(tmp_path: Path) -> None:
    """`owned_by` deletes: from names alone its confidence stays below the bound, on every schema."""
    for schema in schemas.ALL:
        url = f"sqlite:///{tmp_path / f'{len(schema.name)}.sqlite'}"
        schemas.build(url, schema)
        found = proposed_by_names(tables_at(url))
        assert [p for p in found if p.role is Ownership.OWNED_BY and p.confidence >= SURE] == []


def test_no_evidence_holds_a_value(tmp_path: Path) -> None:
    """Evidence is numbers and words of the schema: not one value of any text column stands in it."""
    url = f"sqlite:///{tmp_path / 'issues.sqlite'}"
    schemas.build(url, schemas.ISSUES)
    told = json.dumps([proposal.plain()["evidence"] for proposal in proposed(url)], ensure_ascii=False)
    values = {value for rows in schemas.ISSUES.rows.values() for row in rows for value in row.values() if isinstance(value, str) and len(value) > 3}
    names = {name for table in schemas.ISSUES.tables for name in (table.name, *table.columns)}
    assert [value for value in values - names if value in told] == []


def test_every_proposal_says_why(tmp_path: Path) -> None:
    """A name rule or a declaration, the types, what the values said with counts, and the reason for the role."""
    url = f"sqlite:///{tmp_path / 'issues.sqlite'}"
    schemas.build(url, schemas.ISSUES)
    for proposal in proposed(url):
        kinds = {evidence.kind for evidence in proposal.evidence}
        assert {"type", "values", "role"} <= kinds, proposal
        assert kinds & {"name", "comment"}, proposal


def test_a_pair_of_type_and_key_leads_to_each_table_it_names(tmp_path: Path) -> None:
    """Three relations for three kinds, each only for its rows; type words that name no table lead nowhere."""
    url = f"sqlite:///{tmp_path / 'issues.sqlite'}"
    schemas.build(url, schemas.ISSUES)
    kinds = {p.parent: dict(p.when) for p in proposed(url) if p.child == "Attachment" and p.child_columns == ("ownerId",)}
    assert kinds == {kind: {"ownerType": kind} for kind in ("Ticket", "Customer", "TicketMessage")}


# --- small schemas, one question each ----------------------------------------------------------------------------------------------------


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'small.sqlite'}"


def made(url: str, script: str, rows: Mapping[str, list[tuple[object, ...]]] | None = None) -> list[RelationProposal]:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as opened:
        opened.executescript(script)
        for table, values in (rows or {}).items():
            opened.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(values[0]))})", values)
    opened.close()
    return proposed(url)


def pairs(found: list[RelationProposal]) -> set[tuple[str, str]]:
    return {(f"{p.child}.{','.join(p.child_columns)}", f"{p.parent}.{','.join(p.parent_columns)}") for p in found if not p.weak}


def test_counted_numbers_only_refute(url: str) -> None:
    """Small numbers are among any counted keys: a quantity, a rank and a state are no references, however well they fit; a key that does not fit is refuted."""
    script = """
        CREATE TABLE orders (id INTEGER PRIMARY KEY, status INT, priority INT);
        CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INT, quantity INT, line_no INT, sort INT, product_id INT);
        CREATE TABLE products (id INTEGER PRIMARY KEY, weight INT);
    """
    rows = {
        "orders": [(n, n % 4, n % 3) for n in range(1, 101)],
        "lines": [(n, n % 100 + 1, n % 7 + 1, n % 5 + 1, n % 9, n + 5000) for n in range(1, 301)],
        "products": [(n, n * 3) for n in range(1, 61)],
    }
    assert pairs(made(url, script, rows)) == {("lines.order_id", "orders.id")}


def test_sentinels_are_nobodys_key(url: str) -> None:
    """0, -1 and empty texts stand for none in old systems: they refute nothing."""
    script = "CREATE TABLE categories (id INTEGER PRIMARY KEY, parent_id INT, name TEXT); CREATE TABLE goods (id INTEGER PRIMARY KEY, category_id INT);"
    rows = {"categories": [(n + 10, 0 if n < 15 else n % 15 + 10, "x") for n in range(30)], "goods": [(n, -1 if n % 3 else n % 30 + 10) for n in range(90)]}
    assert pairs(made(url, script, rows)) == {("categories.parent_id", "categories.id"), ("goods.category_id", "categories.id")}


def test_values_prove_what_no_name_tells(url: str) -> None:
    """A login kept under another name is found by its values; the same column full of other texts is not."""
    script = """
        CREATE TABLE members (id INTEGER PRIMARY KEY, login TEXT, full_name TEXT);
        CREATE TABLE loans (id INTEGER PRIMARY KEY, taken TEXT, shelf TEXT);
    """
    rows = {
        "members": [(n, f"user{n * 7919:05d}", f"Ada Miller{n}") for n in range(60)],
        "loans": [(n, f"user{n % 50 * 7919:05d}", f"shelf{n:04d}") for n in range(200)],
    }
    assert pairs(made(url, script, rows)) == {("loans.taken", "members.login")}


def test_equal_phones_are_weak_and_stand_apart(url: str) -> None:
    """An address book repeats telephone numbers: that is for a person's review, with little confidence, and never a key."""
    script = """
        CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, phone TEXT);
        CREATE TABLE deliveries (id INTEGER PRIMARY KEY, contact_phone TEXT, note TEXT);
    """
    numbers = [f"1390417{n:04d}" for n in range(2263, 2323)]
    rows = {
        "customers": [(n, f"Ada Miller{n}", number) for n, number in enumerate(numbers)],
        "deliveries": [(n, numbers[n % 50], "ok") for n in range(150)],
    }
    (only,) = made(url, script, rows)
    assert (only.weak, only.child_columns, only.parent_columns) == (True, ("contact_phone",), ("phone",))
    assert only.confidence <= 0.5


def test_declared_keys_are_taken_as_they_are(url: str) -> None:
    """Composite, to a unique column, in another case, in a cycle, to itself: all of the database's own keys, and nothing beside them for the same columns."""
    script = """
        CREATE TABLE Staff (id INTEGER PRIMARY KEY, dept INT REFERENCES dept(ID), boss INT REFERENCES staff);
        CREATE TABLE dept (id INTEGER PRIMARY KEY, head INT REFERENCES staff(id), code TEXT UNIQUE);
        CREATE TABLE seat (row_no INT, seat_no INT, PRIMARY KEY (row_no, seat_no));
        CREATE TABLE ticket (id INTEGER PRIMARY KEY, r INT, s INT, dept_code TEXT REFERENCES dept(code), FOREIGN KEY (r, s) REFERENCES seat(row_no, seat_no));
    """
    found = made(url, script)
    assert pairs(found) == {
        ("Staff.dept", "dept.id"), ("Staff.boss", "Staff.id"), ("dept.head", "Staff.id"), ("ticket.dept_code", "dept.code"),
        ("ticket.r,s", "seat.row_no,seat_no"),
    }  # fmt: skip
    assert all(proposal.declared for proposal in found)


def test_a_table_and_its_archive_do_not_refer_to_each_other(url: str) -> None:
    """Partitions and copies hold the same keys under the same names: that is no reference."""
    columns = "(payment_id INT, customer_id INT, amount REAL, paid_at TEXT)"
    script = f"CREATE TABLE customers (customer_id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE payments {columns}; CREATE TABLE payments_2025 {columns};"
    rows = {
        "customers": [(n, f"Ada Miller{n}") for n in range(1, 40)],
        "payments": [(n, n % 39 + 1, 1.5, "2026-01-01") for n in range(1, 200)],
        "payments_2025": [(n, n % 39 + 1, 1.5, "2025-01-01") for n in range(1, 150)],
    }
    assert pairs(made(url, script, rows)) == {("payments.customer_id", "customers.customer_id"), ("payments_2025.customer_id", "customers.customer_id")}


def test_staff_handle_and_people_own(url: str) -> None:
    """A customer's agent is no owner; salaries are the employee's; a company's contact does not own the company; who referred a customer does not own them."""
    script = """
        CREATE TABLE employees (id INTEGER PRIMARY KEY, full_name TEXT, email TEXT, hire_date TEXT, manager_id INT);
        CREATE TABLE salaries (id INTEGER PRIMARY KEY, employee_id INT, amount REAL);
        CREATE TABLE companies (id INTEGER PRIMARY KEY, company_name TEXT, contact_customer_id INT);
        CREATE TABLE customers (id INTEGER PRIMARY KEY, first_name TEXT, last_name TEXT, email TEXT, company_id INT, agent_id INT, referred_by INT);
        CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INT, employee_id INT, country_id INT);
        CREATE TABLE countries (id INTEGER PRIMARY KEY, name TEXT);
    """
    roles = {f"{p.child}.{p.child_columns[0]}": p.role.value for p in made(url, script)}
    assert roles == {
        "employees.manager_id": "handled_by", "salaries.employee_id": "owned_by", "companies.contact_customer_id": "handled_by", "customers.company_id": "ref",
        "customers.agent_id": "handled_by", "customers.referred_by": "handled_by", "orders.customer_id": "owned_by", "orders.employee_id": "handled_by",
        "orders.country_id": "ref",
    }  # fmt: skip


def test_a_thousand_tables_are_read_quickly() -> None:
    """Names are looked up, not compared pair by pair: 1,000 tables with 12,000 columns in seconds, and each of the 2,000 references found."""

    def table(n: int) -> Table:
        rest = [Column(f"field_{c}", "varchar(40)", Family.TEXT) for c in range(8)]
        keys = [Column(name, "bigint", Family.INTEGER) for name in ("id", f"entity{(n * 7 + 1) % 1000}_id", f"entity{(n * 13 + 5) % 1000}_id", "sort_no")]
        return Table(f"t_entity{n}", (*keys, *rest), primary_key=("id",))

    tables = [table(n) for n in range(1000)]
    reports = [TableReport(table, "neutral") for table in tables]
    started = time.monotonic()
    found = proposer().propose([(table, {}) for table in tables], reports)
    assert time.monotonic() - started < 20
    wanted = {(f"t_entity{n}", f"t_entity{(n * by + plus) % 1000}") for n in range(1000) for by, plus in ((7, 1), (13, 5)) if (n * by + plus) % 1000 != n}
    told = {(proposal.child, proposal.parent) for proposal in found}
    assert len(told & wanted) >= 0.99 * len(wanted)
    assert len(told - wanted) <= 0.01 * len(wanted)


def test_declared_keys_of_a_table_that_is_not_there_are_left_out() -> None:
    """A key to a table of another schema, or one that may not be read, names nothing that could be followed."""
    lonely = Table("orders", (Column("customer_id", "bigint", Family.INTEGER),), foreign_keys=(ForeignKey(("customer_id",), "elsewhere", ("id",)),))
    assert proposed_by_names([lonely]) == []


@pytest.mark.parametrize("wrong", ["unknown", "missing", "kind"])
def test_the_word_file_is_read_strictly(tmp_path: Path, wrong: str) -> None:
    """A key that nobody knows, one that is missing and one that is no list stop the command, with the file's name."""
    text = (POLICIES / "relations.toml").read_text(encoding="utf-8")
    changes = {"unknown": ("[tables]", '[tables]\nmiddle = ["x"]'), "missing": ("still = ", "silent = "), "kind": ("[concepts]", '[concepts]\nodd = "word"')}
    path = tmp_path / "relations.toml"
    path.write_text(text.replace(*changes[wrong], 1), encoding="utf-8")
    with pytest.raises(Misconfigured, match=r"relations\.toml"):
        RelationWords.load(path)


# --- the Chinook shop ------------------------------------------------------------------------------------------------------------------------

if _DATA.exists():

    @pytest.fixture
    def chinook(empty_url: str) -> str:
        kind = empty_url.split(":")[0].split("+")[0]
        if kind == "sqlite":
            with sqlite3.connect(_DATA / "Chinook_Sqlite.sqlite") as source, sqlite3.connect(empty_url.removeprefix("sqlite:///")) as copy:
                source.backup(copy)
            return empty_url
        run_script(empty_url, (_DATA / _SCRIPTS[kind]).read_text(encoding="utf-8-sig"))
        return empty_url

    _ROLES = {
        "album.artistid": "ref", "customer.supportrepid": "handled_by", "employee.reportsto": "handled_by", "invoice.customerid": "owned_by",
        "invoiceline.invoiceid": "owned_by", "invoiceline.trackid": "ref", "playlisttrack.playlistid": "ref", "playlisttrack.trackid": "ref",
        "track.albumid": "ref", "track.genreid": "ref", "track.mediatypeid": "ref",
    }  # fmt: skip

    def test_chinook_with_its_keys_declared(chinook: str) -> None:
        """Eleven keys, eleven proposals, each with its role, on every database."""
        assert dict(_roles(proposed(chinook))) == _ROLES

    def test_chinook_without_its_keys(chinook: str, tmp_path: Path) -> None:
        """The same eleven from names and values when no key is declared: precision and recall 1.00; and from names alone as well."""
        bare = tmp_path / "bare.sqlite"
        _copy_without_keys(chinook, bare)
        url = f"sqlite:///{bare}"
        assert dict(_roles(proposed(url))) == _ROLES
        assert dict(_roles(proposed_by_names(tables_at(url)))) == _ROLES

    def _roles(found: list[RelationProposal]) -> Iterator[tuple[str, str]]:
        for p in found:
            yield f"{p.child}.{p.child_columns[0]}".lower().replace("_", ""), p.role.value

    def _copy_without_keys(url: str, target: Path) -> None:
        from sqlalchemy import create_engine, inspect, text

        from privacy.adapters.database_urls import parse_address

        address = parse_address(url, setting="test")
        engine = create_engine(address.url, connect_args=address.arguments)
        with engine.connect() as opened, sqlite3.connect(target) as copy:
            for name in inspect(opened).get_table_names():
                columns = [(column["name"], str(column["type"]).split(" COLLATE")[0]) for column in inspect(opened).get_columns(name)]
                copy.execute(f'CREATE TABLE "{name}" ({", ".join(f"{chr(34)}{n}{chr(34)} {t}" for n, t in columns)})')
                quoted = opened.dialect.identifier_preparer.quote_identifier
                rows = opened.execute(text(f"SELECT {', '.join(quoted(n) for n, _ in columns)} FROM {quoted(name)}"))
                copy.executemany(f'INSERT INTO "{name}" VALUES ({",".join("?" * len(columns))})', [[_plain(cell) for cell in row] for row in rows])
        engine.dispose()

    def _plain(cell: object) -> object:
        return cell if isinstance(cell, int | str | None) else str(cell)


@pytest.mark.parametrize(
    ("people", "table", "sender", "receiver"),
    [
        ("患者", "消息", "发送患者编号", "接收患者编号"),
        ("客户", "转账", "转出客户编号", "转入客户编号"),
        ("patients", "messages", "sender_patient_id", "receiver_patient_id"),
    ],
)
def test_what_is_sent_is_its_senders_and_its_receiver_may_see_it(url: str, people: str, table: str, sender: str, receiver: str) -> None:
    """In either order of columns, whoever the people are: never two owners, and never the receiver alone."""
    names = "王小明 李丽 张伟 刘洋 陈静 杨磊 赵敏 黄强 周杰 吴芳".split()
    rows = {
        people: [(f"P{n:04d}", names[n % 10], f"1380013{n:04d}") for n in range(40)],
        table: [(f"M{n}", f"P{n * 7 % 40:04d}", f"P{n * 3 % 8:04d}", "您好") for n in range(60)],
    }
    key = "id" if people.isascii() else "编号"
    script = f"""
        CREATE TABLE {people} ({key} TEXT PRIMARY KEY, 姓名 TEXT, 手机号 TEXT);
        CREATE TABLE {table} (nr TEXT PRIMARY KEY, {receiver} TEXT, {sender} TEXT, 正文 TEXT);
    """
    roles = {p.child_columns[0]: p.role for p in made(url, script, rows) if p.child == table and not p.weak}
    assert roles == {sender: Ownership.OWNED_BY, receiver: Ownership.ACCESSED_BY}
