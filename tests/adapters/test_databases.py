"""Connectors: read-only, bounded, and not to be upset by what a database may hold."""

import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pymysql
import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from privacy.adapters.databases import locate, open_connector
from privacy.adapters.databases.connector import SqlConnector
from privacy.adapters.databases.sampling import CELL, Unreadable
from privacy.adapters.databases.sqlite import SqliteConnector
from privacy.adapters.databases.words import in_words
from privacy.discovery.ports import Connector
from privacy.discovery.shapes import Family, Sample, Table
from privacy.kernel.errors import ConnectorUnavailable, InvalidInput
from tests.discovery.building import run
from tests.discovery.building import scan as scan_whole

SECRET = "hunter2secret"


@pytest.fixture
def quote(empty_url: str) -> Callable[[str], str]:
    """Quote an identifier as the database under test does."""
    mark = "`" if empty_url.startswith(("mysql", "mariadb")) else '"'
    return lambda name: mark + name.replace(mark, mark * 2) + mark


def tables_of(connector: Connector) -> dict[str, Table]:
    return {table.name: table for table in connector.tables()}


def sample_of(url: str, table: str) -> dict[str, Sample]:
    connector = open_connector(url)
    try:
        return dict(connector.sample(tables_of(connector)[table], 500))
    finally:
        connector.close()


def test_keys_types_and_row_counts_are_read(empty_url: str) -> None:
    """A connector tells primary and foreign keys, families of types and about how many rows there are."""
    run(
        empty_url,
        "CREATE TABLE person (id INTEGER NOT NULL PRIMARY KEY, born DATE, height DECIMAL(5,2), note TEXT, seen TIMESTAMP NULL)",
        "CREATE TABLE visit (id INTEGER NOT NULL, person_id INTEGER, PRIMARY KEY (id), FOREIGN KEY (person_id) REFERENCES person (id))",
        "INSERT INTO person (id, note) VALUES (1, 'x')",
    )
    connector = open_connector(empty_url)
    tables = tables_of(connector)
    connector.close()
    assert tables["person"].primary_key == ("id",)
    assert [column.family for column in tables["person"].columns] == [Family.INTEGER, Family.DATE, Family.DECIMAL, Family.TEXT, Family.DATETIME]
    assert tables["visit"].foreign_keys[0].parent == "person"
    assert tables["visit"].foreign_keys[0].columns == ("person_id",)
    assert tables["visit"].foreign_keys[0].parent_columns == ("id",)


@pytest.mark.parametrize("name", ["select", "a b", "100%", "x:y", "it's", 'say "hi"', "back`tick", "列名", "; DROP TABLE person; --", "%(a)s", "?", "a\\b"])
def test_any_name_a_database_allows_can_be_read(empty_url: str, quote: Callable[[str], str], name: str) -> None:
    """Tables and columns called like SQL, with quotes, percent signs, colons or Chinese, are sampled like others."""
    run(empty_url, f"CREATE TABLE {quote(name)} ({quote(name)} VARCHAR(50), plain INTEGER)")
    run(empty_url, f"INSERT INTO {quote(name)} VALUES ('kept', 1)")
    assert sample_of(empty_url, name)[name].values == ("kept",)


def test_a_connector_cannot_write(empty_url: str) -> None:
    """The session refuses to change anything, whatever SQL reaches it."""
    run(empty_url, "CREATE TABLE person (id INTEGER)", "INSERT INTO person VALUES (1)")
    connector = open_connector(empty_url)
    assert isinstance(connector, SqlConnector | SqliteConnector)
    connector.tables()
    with pytest.raises(Unreadable):
        list(connector._rows("DELETE FROM person"))
    with pytest.raises(Unreadable):
        list(connector._rows("CREATE TABLE other (id INTEGER)"))
    connector.close()
    assert sample_of(empty_url, "person")["id"].values == ("1",)


def test_empty_tables_and_empty_columns_are_no_trouble(empty_url: str) -> None:
    """No rows, only nulls, empty texts: nothing is sampled, the columns are listed, names still tell."""
    run(
        empty_url,
        "CREATE TABLE customer (email VARCHAR(80), phone VARCHAR(20))",
        "CREATE TABLE guest (phone VARCHAR(20))",
        "INSERT INTO guest VALUES (NULL), ('')",
    )
    assert sample_of(empty_url, "customer")["email"].values == ()
    assert sample_of(empty_url, "guest")["phone"].seen == 2
    assert {proposal.column for proposal in scan_whole(empty_url)["customer"].proposals} == {"email", "phone"}


def test_a_huge_cell_is_cut_where_it_is_read(empty_url: str) -> None:
    """Five megabytes in one cell cost the sample a few kilobytes."""
    size = 5_000_000
    wide = "LONGTEXT" if empty_url.startswith(("mysql", "mariadb")) else "TEXT"
    filler = f"printf('%.*c', {size}, 'x')" if empty_url.startswith("sqlite") else f"repeat('x', {size})"
    run(empty_url, f"CREATE TABLE big (body {wide})", f"INSERT INTO big SELECT {filler}")
    (value,) = sample_of(empty_url, "big")["body"].values
    assert len(value) == CELL


def test_old_rows_and_new_rows_are_both_in_the_sample(empty_url: str) -> None:
    """Of a large table the head, the tail and what lies between are sampled: old rows are often unlike new ones."""
    run(empty_url, "CREATE TABLE entry (id INTEGER NOT NULL PRIMARY KEY, era VARCHAR(20), rare VARCHAR(20))")
    rows = [f"({n}, '{'old' if n < 2000 else 'new' if n > 7000 else 'middle'}{n % 300}', {repr('seldom') if n == 4444 else 'NULL'})" for n in range(9000)]
    for start in range(0, 9000, 3000):
        run(empty_url, "INSERT INTO entry VALUES " + ", ".join(rows[start : start + 3000]))
    sample = sample_of(empty_url, "entry")
    eras = {value.rstrip("0123456789") for value in sample["era"].values}
    assert eras == {"old", "middle", "new"}
    assert len(sample["era"].values) <= 500
    assert sample["rare"].values == ("seldom",)


def test_one_broken_view_does_not_stop_the_rest(empty_url: str) -> None:
    """A view that fails when it is read is reported with its name; the table beside it is scanned."""
    failing = "CAST(name AS INTEGER)" if empty_url.startswith("postgresql") else "name"
    run(
        empty_url,
        "CREATE TABLE customer (name VARCHAR(40), email VARCHAR(80))",
        "INSERT INTO customer VALUES ('x', 'somebody@example.com')",
        "CREATE TABLE gone (name VARCHAR(40))",
        f"CREATE VIEW broken AS SELECT {failing} AS name FROM {'customer' if empty_url.startswith('postgresql') else 'gone'}",
    )
    if not empty_url.startswith("postgresql"):
        run(empty_url, "DROP TABLE gone")
    reports = scan_whole(empty_url)
    assert reports["broken"].table.problem
    assert {proposal.column for proposal in reports["customer"].proposals} == {"name", "email"}


def test_bytes_are_named_and_never_sampled(empty_url: str) -> None:
    """A picture is an image carrier by its first bytes; none of its content is in the sample."""
    binary = "BYTEA" if empty_url.startswith("postgresql") else "BLOB"
    literal = "'\\x89504e470d0a1a0a00'" if empty_url.startswith("postgresql") else "x'89504e470d0a1a0a00'"
    run(empty_url, f"CREATE TABLE person (name VARCHAR(40), email VARCHAR(40), photo {binary})", f"INSERT INTO person VALUES ('x', 'a@example.com', {literal})")
    sample = sample_of(empty_url, "person")["photo"]
    assert (sample.values, sample.media, sample.binary) == ((), "image", 1)
    assert scan_whole(empty_url)["person"].carriers == {"photo": "image"}


def test_json_is_read_key_by_key(empty_url: str) -> None:
    """What stands behind known keys of a JSON column makes a proposal; the column stays listed as a carrier."""
    kind = "TEXT" if empty_url.startswith("sqlite") else "JSON"
    run(empty_url, f"CREATE TABLE purchase (id INTEGER, extra {kind})")
    run(empty_url, """INSERT INTO purchase VALUES (1, '{"contact": {"phone": "+44 20 7946 0958", "email": "a@example.com"}, "items": [1, 2]}')""")
    report = scan_whole(empty_url)["purchase"]
    assert report.carriers == {"extra": "json"}
    assert [(proposal.column, proposal.category, proposal.level) for proposal in report.proposals] == [("extra", "personal_text", 3)]


def test_attribute_and_value_tables_are_read_by_their_attributes(empty_url: str) -> None:
    """A table of names and values is told by the names: the value column holds what they say."""
    run(empty_url, "CREATE TABLE user_attribute (user_id INTEGER, attr_name VARCHAR(40), attr_value VARCHAR(200))")
    run(empty_url, "INSERT INTO user_attribute VALUES (1, 'mobile_phone', '1'), (1, 'home_address', '2'), (2, 'theme', 'dark')")
    (proposal,) = scan_whole(empty_url)["user_attribute"].proposals
    assert (proposal.column, proposal.category) == ("attr_value", "personal_text")
    assert "phone" in proposal.evidence[0].detail


def test_a_statement_that_takes_too_long_is_ended(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A view that would run for minutes ends within the statement's time and is reported."""
    for module in ("sqlite", "postgresql", "mariadb"):
        monkeypatch.setattr(f"privacy.adapters.databases.{module}.STATEMENT_SECONDS", 1)
    endless = {
        "sqlite": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) AS x FROM n",
        "postgresql": "SELECT pg_sleep(120) IS NULL AS x",
        "mysql": "SELECT sleep(120) AS x",
        "mariadb": "SELECT sleep(120) AS x",
    }
    run(empty_url, f"CREATE VIEW slow AS {endless[empty_url.split(':')[0].split('+')[0]]}")
    assert scan_whole(empty_url)["slow"].table.problem


def test_texts_in_old_chinese_encoding_inside_sqlite_are_read() -> None:
    """TEXT cells that are no UTF-8 are read as GB 18030 instead of breaking the table."""
    from privacy.adapters.databases.sqlite import decode_text

    assert decode_text("手机号".encode("gb18030")) == "手机号"
    assert decode_text(b"\xff\xfe\xff") is not None


def test_wrong_passwords_and_addresses_never_show_the_address() -> None:
    """Whatever cannot be connected is told without the address, which may hold a password."""
    connector = open_connector(f"postgresql://someone:{SECRET}@127.0.0.1:1/nothing")
    with pytest.raises(ConnectorUnavailable) as refused:
        connector.tables()
    assert SECRET not in str(refused.value)
    assert "127.0.0.1" not in str(refused.value)


def test_a_database_that_is_not_there_is_called_so(empty_url: str) -> None:
    """Every server's own way of saying it, in the same words; of a file it is the address that is wrong."""
    url = make_url(empty_url).set(database="no_such_database_here").render_as_string(hide_password=False)
    with pytest.raises((ConnectorUnavailable, InvalidInput), match="There is no such file" if url.startswith("sqlite") else "no database of this name"):
        open_connector(url).check()


def test_a_connection_that_works_is_checked_without_a_word(empty_url: str) -> None:
    """The check connects, and reads nothing."""
    run(empty_url, "CREATE TABLE t (id INTEGER)")
    with closing(open_connector(empty_url)) as connector:
        connector.check()


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_a_port_where_nothing_listens_is_called_so(kind: str) -> None:
    """The commonest mistake, told alike by both drivers."""
    with pytest.raises(ConnectorUnavailable, match="nothing listens"):
        open_connector(f"{kind}://someone:{SECRET}@127.0.0.1:1/x").check()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (pymysql.err.OperationalError(1045, f"Access denied for user 'u'@'h' ({SECRET})"), "refuses this user or password"),
        (pymysql.err.OperationalError(1049, "Unknown database"), "no database of this name"),
        (pymysql.err.OperationalError(2003, "Can't connect ([SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed)"), "TLS verification failed"),
        (pymysql.err.OperationalError(2003, "Can't connect (timed out)"), "no answer came in time"),
        (pymysql.err.OperationalError(4711, SECRET), "error 4711"),
        (psycopg.OperationalError('connection failed: FATAL:  password authentication failed for user "u"'), "refuses this user or password"),
        (psycopg.OperationalError('connection failed: FATAL:  role "u" does not exist'), "refuses this user or password"),
        (psycopg.OperationalError("connection failed: SSL error: certificate verify failed"), "TLS verification failed"),
        (psycopg.OperationalError("server does not support SSL, but SSL was required"), "TLS verification failed"),
        (psycopg.errors.ConnectionTimeout("connection timeout expired"), "no answer came in time"),
        (psycopg.errors.InsufficientPrivilege(SECRET), "no right to read it"),
        (psycopg.OperationalError(f"etwas anderes {SECRET}"), "not known"),
        (socket.gaierror(-2, "Name or service not known"), "no host of this name"),
        (psycopg.OperationalError("failed to resolve host 'h.invalid'"), "no host of this name"),
        (OSError(5, SECRET), "error 5"),
    ],
)  # fmt: skip
def test_what_a_driver_reports_is_said_in_words(error: Exception, words: str) -> None:
    """No class name, no text of the driver: it may quote the address or a row."""
    wrapped = DBAPIError("SELECT 1", None, error)
    for told in (in_words(error), in_words(wrapped)):
        assert words in told
        assert SECRET not in told
        assert "Error" not in told


@pytest.mark.parametrize(
    "address",
    ["", "nonsense", "oracle://host/db", f"postgresql://u:{SECRET}@host", "sqlite:///missing.db", "/etc/hostname", "csv:/missing", "postgresql://h/d?options=-c%20x",
     "postgresql://localhost/d?hostaddr=10.1.2.3", "mysql://h/d?init_command=x", "mysql://h/d?read_default_file=/etc/my.cnf", "a\x00b", "x" * 5000],
)  # fmt: skip
def test_addresses_that_are_none_are_refused_with_a_remedy(address: str) -> None:
    """Unknown kinds, missing files, files that are no database, and parameters that would lead elsewhere are refused."""
    with pytest.raises(InvalidInput) as refused:
        open_connector(address)
    assert SECRET not in str(refused.value)
    assert refused.value.flaws[0].pointer == "/url"


def test_an_address_is_shown_without_its_credentials() -> None:
    """User name and password stay out of what is shown; two spellings of one database are the same."""
    place = locate(f"postgresql://someone:{SECRET}@127.0.0.1/crm")
    assert place.shown == "postgresql://127.0.0.1/crm"
    assert place.identity == locate("postgres://localhost:5432/crm").identity


def test_other_hosts_must_show_a_certificate_unless_a_reason_is_written() -> None:
    """Beyond this machine TLS is verified; only a written reason in the address turns that off, and it is kept."""
    strict = locate("postgresql://db.example.com/crm")
    assert strict.address is not None
    assert strict.address.arguments["sslmode"] == "verify-full"
    waived = locate("postgresql://db.example.com/crm?unverified_tls_reason=same+rack")
    assert waived.address is not None
    assert "sslmode" not in waived.address.arguments
    assert waived.tls_waiver == "same rack"


@pytest.mark.parametrize(
    "query",
    ["zeroblob(900000000)", "hex(zeroblob(100000000))", "replace(hex(zeroblob(8000000)), '0', 'xxxxxxxx')", "upper(hex(zeroblob(9000000)))"],
)
def test_a_view_that_asks_for_much_memory_is_refused_it(tmp_path: Path, query: str) -> None:
    """A value larger than 16 MiB is never made; the table beside the view is read."""
    url = f"sqlite:///{tmp_path / 'hostile.sqlite'}"
    run(url, "CREATE TABLE customer (email TEXT)", "INSERT INTO customer VALUES ('a@example.com')", f"CREATE VIEW large AS SELECT {query} AS body")
    reports = scan_whole(url)
    assert reports["large"].table.problem
    assert reports["customer"].proposals[0].category == "email"


@pytest.mark.parametrize(
    "statement",
    ["ATTACH DATABASE ':memory:' AS other", "PRAGMA query_only = OFF", "PRAGMA writable_schema = ON", "SELECT load_extension('x')", "CREATE TEMP TABLE t (x)",
     "UPDATE sqlite_master SET sql = ''", "SELECT * FROM pragma_database_list", "BEGIN IMMEDIATE; DELETE FROM person"],
)  # fmt: skip
def test_an_sqlite_session_does_nothing_but_read(tmp_path: Path, statement: str) -> None:
    """Neither files nor settings nor extensions can be reached by SQL."""
    url = f"sqlite:///{tmp_path / 'plain.sqlite'}"
    run(url, "CREATE TABLE person (id INTEGER)")
    connector = open_connector(url)
    assert isinstance(connector, SqliteConnector)
    connector.tables()
    with pytest.raises((Unreadable, sqlite3.Warning)):
        list(connector._rows(statement))
    connector.close()


def test_full_text_tables_are_read_like_others(tmp_path: Path) -> None:
    """Their module keeps tables and a setting of its own, which the session may read."""
    url = f"sqlite:///{tmp_path / 'text.sqlite'}"
    run(url, "CREATE VIRTUAL TABLE letter USING fts5(email)", "INSERT INTO letter VALUES ('a@example.com')")
    assert sample_of(url, "letter")["email"].values == ("a@example.com",)


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "2852039166", "0xa9fea9fe", "169.254.43518", "100.100.100.200", "[fd00:ec2::254]",
     "Metadata.Google.Internal", "db1,db2", "localhost,169.254.169.254"],
)  # fmt: skip
def test_hosts_that_no_database_stands_on_are_refused(host: str) -> None:
    """Where machines ask for their own credentials, in any spelling, and lists of which one is shown and another connected."""
    with pytest.raises(InvalidInput):
        open_connector(f"postgresql://{host}/crm")


@pytest.mark.parametrize("parameter", ["host=/tmp,169.254.169.254", "host=/tmp&host=169.254.169.254", "unix_socket=/tmp,db1"])
def test_a_socket_path_hides_no_second_host(parameter: str) -> None:
    """The driver would read a list of hosts there."""
    with pytest.raises(InvalidInput):
        open_connector(f"postgresql:///crm?{parameter}")
    assert locate("postgresql:///crm?host=/run/postgresql").shown == "postgresql:///run/postgresql/crm"
