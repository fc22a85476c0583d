"""The main job on real input: the Chinook database, as the README tells it, against what is known about its columns, and over HTTP."""

import csv
import json
import os
import re
import shlex
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyotp
import pytest

from privacy.client import Client
from tests.databases import DIALECTS, Kind
from tests.discovery.building import run_script
from tests.e2e.office import Installation, Office, command
from tests.e2e.running import ROOT, Running, serving
from tests.servers import ServerMissing

_FOLDER = Path(os.environ.get("PRIVACY_TEST_DATA", ""), "chinook")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(360),  # a dozen commands, each a start of Python: half a minute on a machine that does nothing else
    pytest.mark.skipif(not os.environ.get("PRIVACY_TEST_DATA"), reason="PRIVACY_TEST_DATA is not set: the main job on the Chinook database was not tried"),
]
_DUMPS = {"postgresql": "Chinook_PostgreSql.sql", "mariadb": "Chinook_MySql.sql"}
_ROLES, _PURPOSES = ("agent", "analyst", "application"), ("support", "analytics")
_PERSONAL = ("FirstName", "LastName", "Address", "Phone", "Fax", "Email")
Row = dict[str, Any]


# --- the README -----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """The README's commands, run as they stand beside a running service."""

    office: Office
    folder: Path
    output: str
    made: Any

    def rows(self, name: str) -> list[Row]:
        with (self.folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def told(installed: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    copied = installed.copy(tmp_path_factory.mktemp("chinook") / "var")
    folder = tmp_path_factory.mktemp("working")
    with serving(copied.state) as service:
        done = paste(service, blocks("README.md"), folder)
        assert done.returncode == 0, done.stdout + done.stderr
        yield Told(Office(service, copied.made), folder, done.stdout, copied.made)


def blocks(readme: str, kind: str = "chinook") -> str:
    found = re.findall(rf"^```bash {kind}\n(.*?)^```", (ROOT / readme).read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found
    # a list of gaps is a finding, and exits with 1
    return re.sub(r"^(privacy systems gap \w+)", r"{ \1 || test $? = 1; }", "\n".join(found), flags=re.MULTILINE)


def paste(service: Running, lines: str, folder: Path) -> Any:
    copy = shutil.copy(_FOLDER / "Chinook_Sqlite.sqlite", folder / "Chinook.sqlite")
    return service.shell(f"CHINOOK={copy}\n{lines}", folder=folder, seconds=300)


def customers() -> list[Row]:
    with closing(sqlite3.connect(f"file:{_FOLDER / 'Chinook_Sqlite.sqlite'}?mode=ro", uri=True)) as opened:
        opened.row_factory = sqlite3.Row
        return [dict(row) for row in opened.execute("SELECT * FROM Customer")]


def test_the_readmes_main_job_keeps_its_promises(told: Told) -> None:
    """One test, not four: the commands take a while, and every worker that takes a part of this file runs them again."""
    numbers_are_those_of_the_scan(told)
    files_hold_what_the_table_promises(told)
    no_file_holds_a_customers_own_value(told)
    the_readmes_request_erases_exactly_one_customer(told)


def numbers_are_those_of_the_scan(told: Told) -> None:
    """How many columns look personal is promised in both languages."""
    promised = re.search(r"(\d+) of (\d+) columns look personal", blocks("README.md"))
    assert promised
    found, columns = promised.groups()
    assert f"{found} of {columns} columns in" in told.output
    assert f"{columns} 列中有 {found} 列" in blocks("README.zh-CN.md")


def files_hold_what_the_table_promises(told: Told) -> None:
    """Three roles, two purposes: masked, pseudonymous, or nothing, and then there is no file."""
    written = {path.stem for path in told.folder.glob("*-*.csv")}
    assert written == {"agent-support", "application-support", "analyst-analytics"}
    for asked in ("agent may see nothing for analytics", "analyst may see nothing for support", "application may see nothing for analytics"):
        assert asked in told.output
    first = told.rows("agent-support")[0]
    promised = re.search(r"\| agent \| `(.+?)` \|", (ROOT / "README.md").read_text("utf-8"))
    assert promised
    cells = [cell.removeprefix("'") for cell in first.values()]
    assert [part for part in promised.group(1).split(",") if part != "…" and part not in cells] == []
    assert told.rows("application-support") == told.rows("agent-support")
    analytics = told.rows("analyst-analytics")
    assert (analytics[0]["City"], analytics[0]["Country"]) == ("São José dos Campos", "Brazil")
    assert len({row["CustomerId"] for row in analytics}) == len(customers()) == 59
    assert {row["CustomerId"] for row in analytics}.isdisjoint(row["CustomerId"] for row in told.rows("customers"))
    assert {row[field] for row in analytics for field in ("FirstName", "LastName", "Phone", "Fax", "Email")} == {""}


def no_file_holds_a_customers_own_value(told: Told) -> None:
    """All 59, every file: no e-mail, phone, street or longer name."""
    values = {str(row[field]) for row in customers() for field in _PERSONAL if row[field] and len(str(row[field])) > 6}
    assert len(values) > 200
    masked = {path.stem: path.read_text("utf-8") for path in told.folder.glob("*-*.csv")}
    assert [(name, value) for name, content in masked.items() for value in values if value in content] == []


def the_readmes_request_erases_exactly_one_customer(told: Told) -> None:
    """As it stands in either README, signing in as a person would."""
    for readme in ("README.md", "README.zh-CN.md"):
        assert steps(blocks(readme, "rights")) == steps(blocks("README.md", "rights"))
    service, copy = told.office.service, told.folder / "Chinook.sqlite"
    done = service.shell(sign_ins(told.made) + blocks("README.md", "rights"), folder=told.folder, seconds=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "verified: True" in done.stdout
    with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as opened:
        assert [opened.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("Customer", "Invoice", "InvoiceLine")] == [58, 405, 2202]


def steps(block: str) -> list[str]:
    """Return the commands without what is said about them."""
    return [re.sub(r"\s+#.*|'[^']*登记簿[^']*'|'passport[^']*'", "", line) for line in block.splitlines()]


def sign_ins(made: Any) -> str:
    """Return a shell function that answers what `privacy sign-in` asks, and the log's key."""
    given = {user["username"]: (user["password"], pyotp.TOTP(user["totp_secret"]).now()) for user in made["users"]}
    cases = "\n".join(f"    {name}) printf '%s\\n%s\\n' {shlex.quote(password)} {code} ;;" for name, (password, code) in given.items())
    answers = f'answers() {{ case "$1" in\n{cases}\nesac; }}\n'
    function = 'privacy() { if [ "$1" = sign-in ]; then answers "$2" | command privacy "$@"; else command privacy "$@"; fi; }\n'
    return f"LOG_VKEY={shlex.quote(made['log_vkey'])}\n{answers}{function}"


# --- against what is known ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=DIALECTS)
def chinook(request: pytest.FixtureRequest, kind_of: Callable[[str], Kind]) -> Iterator[tuple[str, str]]:
    """The kind of database, and the address of the sample in one of it."""
    dialect = request.param
    if dialect == "sqlite":
        yield dialect, f"sqlite:///{_FOLDER / 'Chinook_Sqlite.sqlite'}"
        return
    try:
        kind = kind_of(dialect)
    except ServerMissing as missing:
        pytest.skip(f"no {dialect}: {missing}")
    with kind.empty() as url:
        run_script(url, (_FOLDER / _DUMPS[dialect]).read_text(encoding="utf-8-sig"))
        yield dialect, url


def test_proposals_meet_the_truth(chinook: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`privacy systems scan --json` with nothing else installed: any-personal F1 at least .90, no hard negative taken for sure."""
    dialect, url = chinook
    done = command("systems", "scan", url, "--json", state=tmp_path / "none")
    assert done.returncode == 0, done.stderr
    outcomes = {(plain(item["table"]), plain(item["column"])): item["outcome"] for item in json.loads(done.stdout)["proposals"]}
    known = json.loads((_FOLDER / "truth.json").read_text("utf-8"))
    truth = {(plain(table), plain(column)) for table, columns in known["pii_columns"].items() for column in columns}
    ambiguous, negatives = (places(known[name]) for name in ("ambiguous_columns", "hard_negatives"))
    found = outcomes.keys() - ambiguous
    score = 2 * len(found & truth) / (len(found) + len(truth))
    with capsys.disabled():
        print(f"\nChinook on {dialect}: any-personal F1 {score:.3f} ({len(found & truth)} of {len(truth)} found, {len(found - truth)} too many)")
    assert score >= 0.90
    assert {place for place in negatives if outcomes.get(place) == "auto"} == set()


def places(names: list[str]) -> set[tuple[str, str]]:
    return {(plain(table), plain(column)) for table, column in (name.split(".") for name in names)}


def plain(name: str) -> str:
    """PostgreSQL's edition writes first_name where the others write FirstName."""
    return name.lower().replace("_", "")


# --- over HTTP ---------------------------------------------------------------------------------------------------------------------------


def callers(told: Told) -> dict[str, Client]:
    """Return real tokens: a person of the front office with a one-time code, and two applications."""
    office = told.office
    return {"agent": office.employ("agent"), "analyst": office.register("analyst", *_PURPOSES), "application": office.register("application", *_PURPOSES)}


def test_over_http_every_field_of_every_customer_has_effect_technique_and_reason(told: Told) -> None:
    """And the values are those that the command line wrote for the same role and purpose, nothing where it wrote nothing."""
    for role, client in callers(told).items():
        for purpose in _PURPOSES:
            answer = client.mask(dataset="chinook.Customer", purpose=purpose, records=customers())
            assert answer["errors"] == []
            complete(answer)
            shown = [{field: "" if value is None else str(value) for field, value in record.items()} for record in answer["records"]]
            if (told.folder / f"{role}-{purpose}.csv").exists():
                assert shown == [{field: cell.removeprefix("'") for field, cell in row.items()} for row in told.rows(f"{role}-{purpose}")]
            else:
                assert {cell for record in shown for cell in record.values()} == {""}


def complete(answer: Row) -> None:
    """See that nothing is left undecided or unexplained."""
    for record, decisions in zip(customers(), answer["decisions"], strict=True):
        assert record.keys() == decisions.keys()
        assert {decision["effect"] for decision in decisions.values()} <= {"clear", "masked", "withheld"}
        for decision in decisions.values():
            reason = answer["reasons"][decision["reason"]]
            assert decision["technique"] and reason["code"] and reason["text"]
            assert decision["effect"] == "withheld" or reason["rule"]
