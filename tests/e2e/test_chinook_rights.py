"""A stranger's database, all its keys declared: what one customer and one employee of Chinook get, and what their erasure leaves, on three databases."""

import csv
import io
import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text

from privacy.adapters.database_urls import parse_address
from privacy.application import Application
from privacy.crypto.signatures import verify_ed25519
from privacy.disposal.certificate import verify
from privacy.jobs.runner import run_now
from privacy.kernel.plaintext import Plaintext
from privacy.rights.model import NewRequest, RequestKind
from privacy.subjects.model import Identifier, IdentifierKind
from tests.cast import ALICE, CAROL, DAVE
from tests.company.confirming import confirm_chinook, connect
from tests.databases import DIALECTS, Kind
from tests.discovery.building import run_script
from tests.servers import ServerMissing
from tests.web.steward import install, open_steward

_FOLDER = Path(os.environ.get("PRIVACY_TEST_DATA", ""), "chinook")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not os.environ.get("PRIVACY_TEST_DATA"), reason="PRIVACY_TEST_DATA is not set: rights on the Chinook database were not tried"),
]
_DUMPS = {"postgresql": "Chinook_PostgreSql.sql", "mariadb": "Chinook_MySql.sql"}
_MARKER = "privacy_steward_marker"
_LUIS = "luisg@embraer.com.br"
Rows = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Shop:
    """Chinook, connected and confirmed, in an installation of its own."""

    application: Application
    url: str
    spell: Callable[[str], str]

    def rows(self) -> Rows:
        """Return every row of every table in key order."""
        address = parse_address(self.url, setting="the address of Chinook")
        engine = create_engine(address.url, connect_args=address.arguments)
        try:
            with engine.connect() as opened:
                quote = engine.dialect.identifier_preparer.quote_identifier
                names = [name for name in inspect(opened).get_table_names() if name != _MARKER]
                return {name: sorted((tuple(row) for row in opened.execute(text(f"SELECT * FROM {quote(name)}"))), key=repr) for name in names}
        finally:
            engine.dispose()

    def verified(self, kind: RequestKind, *identifiers: Identifier) -> str:
        """Take a request in and prove who asks by the code that went to the contact on file."""
        requests = self.application.requests
        id = requests.receive(ALICE, NewRequest(kind, "main", identifiers, regimes=("gdpr",))).shown.request.id
        requests.identity.ask(ALICE, id)
        sent = (self.application.config.state_dir / "messages.jsonl").read_text("utf-8").splitlines()[-1]
        code = re.search(r"\b\d{8}\b", json.loads(sent)["text"])
        assert code and json.loads(sent)["to"] == identifiers[0].value.reveal()
        requests.identity.verify(ALICE, id, Plaintext(code.group()))
        return id

    def package(self, id: str) -> dict[str, list[dict[str, str]]]:
        """Return the package's tables by name in Chinook's own spelling."""
        self.application.requests.packages.make(ALICE, id)
        run_now(self.application.jobs, self.application.handlers)
        _, pieces = self.application.requests.packages.read(ALICE, id)
        with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as found:
            sheets = {name: found.read(name).decode("utf-8-sig") for name in found.namelist() if name.endswith(".csv")}
        return {Path(name).stem: list(csv.DictReader(io.StringIO(sheet))) for name, sheet in sheets.items()}

    def erase(self, id: str) -> dict[str, Any]:
        """Plan, have it approved by another person, carry it out; return the verified certificate."""
        erasing = self.application.requests.erasing
        planned = erasing.plan(ALICE, id)
        assert not planned.plan.blocked, planned.plan.obstacles
        erasing.approve(replace(DAVE, authenticated_at=datetime.now(UTC)), id, planned.plan.hash)
        run_now(self.application.jobs, self.application.handlers)
        assert self.application.requests.get(ALICE, id).request.state.value in ("done", "ready")
        return verify(erasing.certificate(CAROL, id).decode(), self.application.trail.vkey(CAROL), verify_ed25519)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("chinook-rights") / "state")


@pytest.fixture(params=DIALECTS)
def shop(request: pytest.FixtureRequest, kind_of: Callable[[str], Kind], template: Path, tmp_path: Path) -> Iterator[Shop]:
    try:
        kind = kind_of(request.param)
    except ServerMissing as missing:
        pytest.skip(f"no {request.param}: {missing}")
    with kind.empty() as url:
        if request.param == "sqlite":
            shutil.copy(_FOLDER / "Chinook_Sqlite.sqlite", url.removeprefix("sqlite:///"))
        else:
            run_script(url, (_FOLDER / _DUMPS[request.param]).read_text(encoding="utf-8-sig"))
        steward = open_steward(template, tmp_path / "var", PRIVACY_MESSENGER="file")
        spell = _snake if request.param == "postgresql" else str
        try:
            connect(steward.application, ALICE, "chinook", url)
            confirm_chinook(steward.application, ALICE, "chinook", spell)
            yield Shop(steward.application, url, spell)
        finally:
            steward.application.close()


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def email(value: str) -> Identifier:
    return Identifier(IdentifierKind.EMAIL, Plaintext(value))


def changed(before: Rows, after: Rows) -> dict[str, tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]]:
    """Return by table the rows that are gone and those that are new."""
    assert before.keys() == after.keys()
    found = {name: (_less(before[name], after[name]), _less(after[name], before[name])) for name in before}
    return {name: sides for name, sides in found.items() if any(sides)}


def _less(rows: list[tuple[Any, ...]], others: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    known = set(map(repr, others))
    return [row for row in rows if repr(row) not in known]


def test_a_customers_package_holds_exactly_their_rows(shop: Shop) -> None:
    """1 customer, 7 invoices, 38 lines; of the employee who serves them nothing."""
    sheets = shop.package(shop.verified(RequestKind.ACCESS, email("LuisG@Embraer.com.br".lower())))
    sizes = {name.split(".")[-1]: len(rows) for name, rows in sheets.items()}
    assert sizes == {shop.spell("Customer"): 1, shop.spell("Invoice"): 7, shop.spell("InvoiceLine"): 38}
    told = json.dumps(sheets, ensure_ascii=False)
    assert _LUIS in told
    of = {name.split(".")[-1]: rows for name, rows in sheets.items()}
    key = shop.spell("InvoiceId")
    assert {line[key] for line in of[shop.spell("InvoiceLine")]} == {invoice[key] for invoice in of[shop.spell("Invoice")]}
    assert all(line[key].isdecimal() for line in of[shop.spell("InvoiceLine")])
    # the agent is employee 3, Jane Peacock
    assert not any(word in told for word in ("Peacock", "jane@chinookcorp.com", "leonekohler@surfeu.de"))


def test_an_agent_with_the_customers_own_number_is_not_shown(shop: Shop) -> None:
    """Customer 3 is served by employee 3."""
    sheets = shop.package(shop.verified(RequestKind.ACCESS, email("ftremblay@gmail.com")))
    (customer,) = next(rows for name, rows in sheets.items() if name.split(".")[-1] == shop.spell("Customer"))
    assert (customer[shop.spell("CustomerId")], customer[shop.spell("SupportRepId")]) == ("3", "[staff]")


def test_a_customers_erasure_takes_exactly_their_rows(shop: Shop) -> None:
    """Every other row of every table stays equal; the certificate counts what a query of one's own finds missing."""
    before = shop.rows()
    certificate = shop.erase(shop.verified(RequestKind.ERASURE, email(_LUIS)))
    gone = {name: len(old) for name, (old, new) in changed(before, shop.rows()).items() if not new}
    assert gone == {shop.spell("Customer"): 1, shop.spell("Invoice"): 7, shop.spell("InvoiceLine"): 38}
    (system,) = certificate["systems"]
    assert {each["dataset"].split(".")[1]: each["deleted"] for each in system["datasets"] if each["deleted"]} == gone
    assert _LUIS not in json.dumps(certificate)


def test_an_employees_package_shows_no_customer(shop: Shop) -> None:
    """Those they served are counted, never listed."""
    sheets = shop.package(shop.verified(RequestKind.ACCESS, email("jane@chinookcorp.com")))
    assert {name.split(".")[-1]: len(rows) for name, rows in sheets.items()} == {shop.spell("Employee"): 1}
    assert not any(word in json.dumps(sheets, ensure_ascii=False) for word in (_LUIS, "Gonçalves", "nancy@chinookcorp.com"))


def test_an_employees_erasure_leaves_every_customer_and_colleague(shop: Shop) -> None:
    """At most the reference to the agent is cleared."""
    before = shop.rows()
    shop.erase(shop.verified(RequestKind.ERASURE, email("jane@chinookcorp.com")))
    found = changed(before, shop.rows())
    assert found.keys() == {shop.spell("Customer"), shop.spell("Employee")}
    old, new = found[shop.spell("Employee")]
    assert (len(old), len(new)) == (1, 0)
    old, new = found[shop.spell("Customer")]
    assert len(old) == len(new) == 21
    by_key = {row[0]: row for row in new}
    for row in old:
        assert [was for was, now in zip(row, by_key[row[0]], strict=True) if was != now] == [3]
        assert [now for was, now in zip(row, by_key[row[0]], strict=True) if was != now] == [None]
