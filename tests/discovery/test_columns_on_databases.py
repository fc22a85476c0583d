"""Whole schemas in real databases: SQLite, PostgreSQL and MariaDB say the same, in English, Chinese, pinyin and without words."""

import json
import os
from pathlib import Path

import pytest

from privacy.adapters.databases import marker
from privacy.discovery.proposals import Outcome
from tests.discovery import schemas
from tests.discovery.building import build, run, run_script, scan, score

_DATA = Path(os.environ.get("PRIVACY_TEST_DATA", "/nonexistent"), "chinook")
_SCRIPTS = {"postgresql": "Chinook_PostgreSql.sql", "mysql": "Chinook_MySql.sql", "mariadb": "Chinook_MySql.sql"}


@pytest.mark.parametrize("name", [name for name in schemas.ALL if name != "opaque"])
def test_schemas_with_words_are_classified_on_every_database(empty_url: str, name: str) -> None:
    """Names, comments and values together: any-personal F1 at least .95, typed at least .90, on our own development schemas (same author: an upper bound)."""
    tables = schemas.ALL[name]
    build(empty_url, tables)
    result = score(scan(empty_url), schemas.truth(tables))
    assert result.any_personal >= 0.95, result
    assert result.typed_score >= 0.90, result


def test_columns_without_names_are_known_by_their_values(empty_url: str) -> None:
    """c1 … c9 tell nothing: values alone reach .90, and nothing that is not personal is proposed."""
    build(empty_url, schemas.OPAQUE)
    result = score(scan(empty_url), schemas.truth(schemas.OPAQUE))
    assert result.any_personal >= 0.90, result
    assert result.false == ()


def test_comments_name_what_the_columns_do_not(empty_url: str) -> None:
    """A table f1 … f8 whose comments are Chinese is read by its comments on each database, SQLite's being in the text of CREATE TABLE."""
    build(empty_url, [table for table in schemas.ADMIN if table.name == "biz_yw"])
    report = scan(empty_url)["biz_yw"]
    told = {proposal.column: proposal.category for proposal in report.proposals}
    assert told == {"f1": "name", "f2": "national_id", "f4": "address", "f6": "phone", "f8": "vehicle"}
    assert {evidence.kind for proposal in report.proposals for evidence in proposal.evidence} >= {"comment", "values"}


if _DATA.exists():

    @pytest.fixture
    def chinook(empty_url: str, database_kind: object) -> str:
        kind = empty_url.split(":")[0].split("+")[0]
        if kind == "sqlite":
            return str(_DATA / "Chinook_Sqlite.sqlite")
        run_script(empty_url, (_DATA / _SCRIPTS[kind]).read_text(encoding="utf-8-sig"))
        return empty_url

    def test_chinook_is_found_whole_and_its_hard_negatives_are_left_alone(chinook: str) -> None:
        """Against the truth file: any-personal F1 ≥ .95, typed ≥ .90, no hard negative at all, ambiguous columns in review at most."""
        known = json.loads((_DATA / "truth.json").read_text(encoding="utf-8"))
        reports = {report.table.name.lower().replace("_", ""): report for report in scan(chinook).values()}
        found = {(t, p.column.lower().replace("_", "")): p for t, report in reports.items() for p in report.proposals}
        truth = {(table.lower(), column.lower()): category for table, columns in known["pii_columns"].items() for column, category in columns.items()}
        ambiguous = {tuple(name.lower().split(".")) for name in known["ambiguous_columns"]}
        negatives = {tuple(name.lower().split(".")) for name in known["hard_negatives"]}
        hits = found.keys() & truth.keys()
        false = found.keys() - truth.keys() - ambiguous
        assert 2 * len(hits) / (len(hits) + len(false) + len(truth)) >= 0.95
        assert sum(found[place].category == truth[place] for place in hits) >= 0.90 * len(truth)
        assert not negatives & found.keys()
        assert all(found[place].outcome is Outcome.REVIEW for place in ambiguous & found.keys())
        subjects = {name: report.subject.type for name, report in reports.items() if report.subject}
        assert subjects == {"customer": "customer", "employee": "employee", "invoice": "customer"}


def test_our_own_marker_table_is_no_table_of_theirs(empty_url: str) -> None:
    """Where an erasure ran the system holds our marks: a scan of it lists the system's tables alone."""
    kind = "mysql" if empty_url.startswith(("mysql", "mariadb")) else empty_url.split(":")[0].split("+")[0]
    run(empty_url, "CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(80))", marker.ddl(kind))
    assert list(scan(empty_url)) == ["people"]
