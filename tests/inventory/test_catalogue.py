"""Purposes, recipients and controllers check themselves and each other; the shipped file is read strictly."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from privacy.adapters.store.catalogue import SqlCatalogueRepository
from privacy.adapters.store.engine import SqlStore
from privacy.inventory.catalogue import Catalogue
from privacy.inventory.catalogue_file import load_catalogue
from privacy.inventory.catalogue_model import Controller, Purpose, Recipient
from privacy.inventory.taxonomy import Taxonomy
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import AccessDenied, InvalidInput, Misconfigured
from privacy.kernel.ids import DEFAULT_TENANT
from tests.cast import ALICE, BOB
from tests.remembering import RememberingLog

POLICIES = Path(__file__).parents[2] / "policies"
COMPANY = Controller("main", "Company", "DE", "Europe/Berlin", regimes=("gdpr",))
SERVICE = Purpose("service", "Service", "main", "contract", ("name",))


@pytest.fixture
def catalogue(sqlite_store: SqlStore, fixed_clock: FixedClock) -> Catalogue:
    catalogue = Catalogue(sqlite_store, SqlCatalogueRepository(), RememberingLog(), fixed_clock, {"name", "email"})
    catalogue.save_controller(ALICE, COMPANY)
    return catalogue


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"id": "Has Blank"}, "/id"),
        ({"name": " "}, "/name"),
        ({"name": "two\nlines"}, "/name"),
        ({"lawful_basis": "because"}, "/lawful_basis"),
        ({"categories": ()}, "/categories"),
        ({"categories": ("shoe_size",)}, "/categories"),
        ({"controller": "nobody"}, "/controller"),
        ({"retention": "3 years"}, "/retention"),
        ({"retention": "P"}, "/retention"),
        ({"state": "running"}, "/state"),
        ({"lawful_basis": "consent"}, "/needs_consent"),
        ({"separate_consent": True}, "/separate_consent"),
    ],
)
def test_a_purpose_that_cannot_be_right_is_refused_by_the_place_of_the_flaw(catalogue: Catalogue, change: dict[str, object], pointer: str) -> None:
    """The answer points at the key and says what would be right, never what was sent."""
    with pytest.raises(InvalidInput) as refused:
        catalogue.save_purpose(ALICE, replace(SERVICE, **change))
    assert [flaw.pointer for flaw in refused.value.flaws] == [pointer]


@pytest.mark.parametrize(("key", "value"), [("country", "Germany"), ("time_zone", "Berlin"), ("regimes", ("dsgvo",)), ("languages", ())])
def test_a_controller_that_cannot_be_right_is_refused(catalogue: Catalogue, key: str, value: object) -> None:
    """Country, zone, regimes and languages are what clocks and notices rest on."""
    with pytest.raises(InvalidInput) as refused:
        catalogue.save_controller(ALICE, replace(COMPANY, **{key: value}))
    assert [flaw.pointer for flaw in refused.value.flaws] == [f"/{key}"]


def test_the_pipl_knows_no_legitimate_interest(catalogue: Catalogue) -> None:
    """A purpose of a controller under the PIPL needs one of its seven bases."""
    catalogue.save_controller(ALICE, replace(COMPANY, id="shanghai", regimes=("gdpr", "pipl")))
    with pytest.raises(InvalidInput, match="PIPL"):
        catalogue.save_purpose(ALICE, replace(SERVICE, controller="shanghai", lawful_basis="legitimate_interest"))
    assert catalogue.save_purpose(ALICE, replace(SERVICE, lawful_basis="legitimate_interest")).version == 1


def test_a_recipient_names_purposes_that_exist(catalogue: Catalogue) -> None:
    """A recipient for an unknown purpose would never be allowed anything, and nobody would know why."""
    with pytest.raises(InvalidInput, match="purpose"):
        catalogue.save_recipient(ALICE, Recipient("parcel", "Parcel", "processor", "DE", purposes=("nothing",)))


def test_an_agreement_counts_on_its_first_and_last_day_only_between() -> None:
    """Both days belong to the agreement; without a first day there is none."""
    recipient = Recipient("parcel", "Parcel", "processor", "DE", date(2026, 1, 1), date(2026, 12, 31))
    days = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 12, 31), date(2027, 1, 1)]
    assert [recipient.in_force(day) for day in days] == [False, True, True, False]
    assert not replace(recipient, agreement_from=None, agreement_to=None).in_force(date(2026, 6, 1))
    with pytest.raises(InvalidInput, match="ends on or after"):
        replace(recipient, agreement_to=date(2025, 1, 1)).check()


def test_only_who_may_write_the_catalogue_changes_it(catalogue: Catalogue) -> None:
    """Bob, an application, reads purposes and changes none."""
    with pytest.raises(AccessDenied, match="catalogue:write"):
        catalogue.save_purpose(BOB, SERVICE)
    assert catalogue.purpose(DEFAULT_TENANT, "service") is None


def test_an_unassessed_purpose_says_so() -> None:
    """A purpose that needs an assessment is not assessed before one is on file."""
    risky = replace(SERVICE, needs_assessment=True)
    assert not risky.assessed
    assert replace(risky, assessment="PIA-7").assessed


def test_the_shipped_file_fits_the_shipped_taxonomy(sqlite_store: SqlStore, fixed_clock: FixedClock) -> None:
    """What `privacy init` loads names only categories that exist, and the purposes the shipped policy is about."""
    categories = Taxonomy.load(POLICIES / "taxonomy.toml").categories
    catalogue = Catalogue(sqlite_store, SqlCatalogueRepository(), RememberingLog(), fixed_clock, categories)
    catalogue.load(ALICE, load_catalogue(POLICIES / "purposes.toml"))
    assert {purpose.id for purpose in catalogue.purposes(DEFAULT_TENANT)} == {"service", "support", "analytics", "marketing", "dsr", "security"}


_GOOD = """[[controller]]
id = "main"
name = "Company"
country = "DE"
time_zone = "Europe/Berlin"

[[purpose]]
id = "service"
name = "Service"
controller = "main"
lawful_basis = "contract"
categories = ["name"]
"""


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        (_GOOD.replace("lawful_basis", "lawfull_basis"), ":11:", "unknown key"),
        (_GOOD.replace('categories = ["name"]\n', ""), ":7:", "categories is missing"),
        (_GOOD.replace('["name"]', '"name"'), ":12:", "list of texts"),
        (_GOOD.replace('"contract"', '"because"'), ":11:", "Known are consent"),
        (_GOOD.replace("[[purpose]]", "[[purposes]]"), ":7:", "only [[controller]]"),
        (_GOOD.replace("[[purpose]]", "[purpose]"), ":7:", "two brackets"),
        (_GOOD + 'needs_consent = "no"\n', ":13:", "true or false"),
        (_GOOD + "version = 7\n", ":13:", "unknown key"),
        (_GOOD + _GOOD[_GOOD.index("[[purpose]]") :], "purpose service", "twice"),
        ("[[controller]", "not TOML", "not TOML"),
    ],
)
def test_a_flaw_in_the_file_is_refused_with_its_line(tmp_path: Path, text: str, place: str, says: str) -> None:
    """A start stops with file, line and remedy; a byte order mark is no flaw."""
    path = tmp_path / "purposes.toml"
    path.write_text("\ufeff" + text if place != "not TOML" else text, "utf-8")
    with pytest.raises(Misconfigured) as refused:
        load_catalogue(path)
    assert place in refused.value.detail
    assert says in refused.value.detail


def test_a_missing_file_is_refused_with_the_remedy(tmp_path: Path) -> None:
    """Without the file nobody knows any purpose: say which setting names the folder."""
    with pytest.raises(Misconfigured, match="PRIVACY_POLICIES"):
        load_catalogue(tmp_path / "none.toml")
