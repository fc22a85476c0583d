"""Puts made-up schemas into real databases, and scores what the classifier says about them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from privacy.adapters.database_urls import parse_address
from privacy.adapters.databases import open_connector
from privacy.discovery.columns import ColumnClassifier
from privacy.discovery.proposals import Outcome, TableReport
from privacy.discovery.service import look
from privacy.discovery.text import Detector
from privacy.inventory.taxonomy import Taxonomy
from tests.discovery.schemas import ANY, Tab, rows

POLICIES = Path(__file__).parents[2] / "policies"


@cache
def taxonomy() -> Taxonomy:
    return Taxonomy.load(POLICIES / "taxonomy.toml")


@cache
def classifier() -> ColumnClassifier:
    return ColumnClassifier.load(POLICIES, taxonomy(), Detector())


def scan(url: str) -> dict[str, TableReport]:
    reports, _ = look(open_connector, classifier(), url)
    return {report.table.name: report for report in reports}


def run(url: str, *statements: str) -> None:
    """Execute statements as they stand in the database at `url`."""
    with _writing(url) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def run_script(url: str, script: str) -> None:
    """Execute a dump statement by statement, without its lines about creating and choosing a database."""
    kept = "\n".join(line for line in script.splitlines() if not re.match(r"(DROP|CREATE) DATABASE|USE |\\c ", line))
    run(url, *(statement for statement in re.split(r";\s*\n", kept) if re.sub(r"/\*.*?\*/|\s", "", statement, flags=re.DOTALL)))


def build(url: str, tables: Iterable[Tab]) -> None:
    """Create and fill the tables, with comments in the database's own manner."""
    with _writing(url) as connection:
        for table in tables:
            _create(connection, table)


def _writing(url: str):  # type: ignore[no-untyped-def]
    address = parse_address(url, setting="test")
    return create_engine(address.url, connect_args=address.arguments, poolclass=NullPool).begin()


def _create(connection: Connection, table: Tab) -> None:
    dialect, quote = connection.dialect.name, connection.dialect.identifier_preparer.quote_identifier
    columns = []
    for number, column in enumerate(table.columns):
        kind = "DATETIME" if column.type == "TIMESTAMP" and dialect == "mysql" else column.type
        comma = "," if number < len(table.columns) - 1 or table.primary else ""
        inline = f" COMMENT '{column.comment}'" if dialect == "mysql" and column.comment else ""
        trailing = f" -- {column.comment}" if dialect == "sqlite" and column.comment else ""
        columns.append(f"  {quote(column.name)} {kind}{inline}{comma}{trailing}")
    key = f"  PRIMARY KEY ({quote(table.primary)})" if table.primary else ""
    end = f" COMMENT='{table.comment}'" if dialect == "mysql" and table.comment else ""
    top = f" -- {table.comment}" if dialect == "sqlite" and table.comment else ""
    connection.exec_driver_sql(f"CREATE TABLE {quote(table.name)} ({top}\n" + "\n".join([*columns, key]) + f"\n){end}")
    if dialect == "postgresql":
        _comment(connection, table, quote)
    names = {f"p{number}": value for number, value in enumerate(table.columns)}
    insert = f"INSERT INTO {quote(table.name)} VALUES ({', '.join(f':{name}' for name in names)})"
    connection.execute(text(insert), [dict(zip(names, row, strict=True)) for row in rows(table)])


def _comment(connection: Connection, table: Tab, quote) -> None:  # type: ignore[no-untyped-def]
    if table.comment:
        connection.exec_driver_sql(f"COMMENT ON TABLE {quote(table.name)} IS '{table.comment}'")
    for column in table.columns:
        if column.comment:
            connection.exec_driver_sql(f"COMMENT ON COLUMN {quote(table.name)}.{quote(column.name)} IS '{column.comment}'")


@dataclass(frozen=True)
class Score:
    """Against a truth: any personal data, and the right category; `review` counts right ones that wait for a person."""

    hits: int
    typed: int
    false: tuple[str, ...]
    missed: tuple[str, ...]
    wrong: tuple[str, ...]
    review: int

    @property
    def any_personal(self) -> float:
        return 2 * self.hits / (2 * self.hits + len(self.false) + len(self.missed))

    @property
    def typed_score(self) -> float:
        return 2 * self.typed / (2 * self.hits + len(self.false) + len(self.missed))


def score(reports: Mapping[str, TableReport], truth: Mapping[tuple[str, str], str]) -> Score:
    found = {(proposal.table, proposal.column): proposal for report in reports.values() for proposal in report.proposals}
    judged = {place: category for place, category in truth.items() if category != ANY}
    hits = [place for place, category in judged.items() if category and place in found]
    wrong = [place for place in hits if found[place].category != judged[place]]
    return Score(
        len(hits),
        len(hits) - len(wrong),
        _names(place for place, category in judged.items() if not category and place in found),
        _names(place for place, category in judged.items() if category and place not in found),
        _names(wrong),
        sum(found[place].outcome is Outcome.REVIEW for place in hits),
    )


def _names(places: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(".".join(place) for place in places)
