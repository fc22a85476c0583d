"""The catalogue on every kind of database."""

from dataclasses import replace
from datetime import date
from threading import Barrier, Thread

import pytest

from privacy.adapters.store.catalogue import SqlCatalogueRepository
from privacy.adapters.store.engine import SqlStore
from privacy.audit.events import Action
from privacy.inventory.catalogue import Catalogue
from privacy.inventory.catalogue_model import Controller, Purpose, Recipient
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import AuditUnavailable, Conflict
from privacy.kernel.ids import DEFAULT_TENANT
from tests.cast import ALICE, OTHER_TENANT
from tests.remembering import RememberingLog

COMPANY = Controller("main", "听涛有限公司", "CN", "Asia/Shanghai", regimes=("pipl",), languages=("zh", "en"), contact="dpo@company.example")
MARKETING = Purpose(
    "marketing", "Offers", "main", "consent", ("email", "phone"), retention="P2Y", needs_consent=True, name_zh="营销", dpv="dpv:DirectMarketing"
)
PARCEL = Recipient("parcel", "Parcel Ltd", "processor", "DE", date(2026, 1, 1), date(2026, 12, 31), ("marketing",))


@pytest.fixture
def audit() -> RememberingLog:
    return RememberingLog()


@pytest.fixture
def catalogue(store: SqlStore, audit: RememberingLog, fixed_clock: FixedClock) -> Catalogue:
    return Catalogue(store, SqlCatalogueRepository(), audit, fixed_clock, poll_seconds=0)


def test_what_is_saved_is_read_back_whole(catalogue: Catalogue) -> None:
    """Every attribute of the three kinds survives the database, in Chinese and with dates."""
    catalogue.save_controller(ALICE, COMPANY)
    catalogue.save_purpose(ALICE, MARKETING)
    catalogue.save_recipient(ALICE, PARCEL)
    assert catalogue.controller(DEFAULT_TENANT, "main") == replace(COMPANY, version=1)
    assert catalogue.purpose(DEFAULT_TENANT, "marketing") == replace(MARKETING, version=1)
    assert catalogue.recipient(DEFAULT_TENANT, "parcel") == replace(PARCEL, version=1)
    assert catalogue.version(DEFAULT_TENANT) == 3


def test_every_version_stays_in_the_history(catalogue: Catalogue) -> None:
    """A changed purpose keeps what it was, who changed it and when."""
    catalogue.save_controller(ALICE, COMPANY)
    catalogue.save_purpose(ALICE, MARKETING)
    catalogue.save_purpose(ALICE, replace(MARKETING, state="retired"))
    history = catalogue.history(ALICE, "purpose", "marketing")
    assert [(version, entry["state"], by) for version, entry, by, _ in history] == [(2, "retired", "user:alice"), (1, "live", "user:alice")]


def test_an_id_that_nobody_gave_has_no_history_in_any_script(catalogue: Catalogue) -> None:
    """Ids of ours are ASCII; asking for others is no failure of the database."""
    assert [catalogue.history(ALICE, "purpose", id) for id in ("目的", "𠮷" * 300, "x" * 5000)] == [[], [], []]


def test_a_change_of_an_older_version_is_refused(catalogue: Catalogue) -> None:
    """Two people who edit the same purpose do not overwrite each other unknowingly."""
    catalogue.save_controller(ALICE, COMPANY)
    first = catalogue.save_purpose(ALICE, MARKETING, expected=0)
    catalogue.save_purpose(ALICE, replace(MARKETING, name="News"), expected=first.version)
    with pytest.raises(Conflict, match="version 2"):
        catalogue.save_purpose(ALICE, replace(MARKETING, name="Other"), expected=first.version)


def test_of_two_that_add_the_same_entry_at_once_one_wins(catalogue: Catalogue, audit: RememberingLog) -> None:
    """The same new id at the same moment gives one entry with one version of each number."""
    barrier, conflicts = Barrier(2), []

    def add(name: str) -> None:
        barrier.wait()
        try:
            catalogue.save_controller(ALICE, replace(COMPANY, name=name))
        except Conflict as conflict:
            conflicts.append(conflict)

    threads = [Thread(target=add, args=(name,)) for name in ("One", "Two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    versions = [version for version, *_ in catalogue.history(ALICE, "controller", "main")]
    assert versions == list(range(2 - len(conflicts), 0, -1))
    assert catalogue.version(DEFAULT_TENANT) == len(versions)


def test_tenants_do_not_see_each_other(catalogue: Catalogue) -> None:
    """A purpose of one tenant is unknown in another."""
    catalogue.save_controller(ALICE, COMPANY)
    catalogue.save_purpose(ALICE, MARKETING)
    assert catalogue.purpose(OTHER_TENANT, "marketing") is None
    assert catalogue.version(OTHER_TENANT) == 0


def test_without_its_event_nothing_changes(catalogue: Catalogue, audit: RememberingLog) -> None:
    """Entry and event are one transaction: a log that refuses rolls the change back."""
    catalogue.save_controller(ALICE, COMPANY)
    audit.refuse = True
    with pytest.raises(AuditUnavailable):
        catalogue.save_purpose(ALICE, MARKETING)
    assert catalogue.purpose(DEFAULT_TENANT, "marketing") is None
    assert catalogue.version(DEFAULT_TENANT) == 1


def test_loading_adds_what_is_missing_and_leaves_what_is_there(catalogue: Catalogue, audit: RememberingLog) -> None:
    """The files of an installation never overwrite what its people decided."""
    catalogue.save_controller(ALICE, COMPANY)
    catalogue.save_purpose(ALICE, replace(MARKETING, name="Ours"))
    assert catalogue.load(ALICE, [PARCEL, MARKETING, COMPANY]) == 1
    assert catalogue.load(ALICE, [PARCEL, MARKETING, COMPANY]) == 0
    purpose = catalogue.purpose(DEFAULT_TENANT, "marketing")
    assert purpose is not None
    assert purpose.name == "Ours"
    assert [event.action for event in audit.events] == [Action.CONTROLLER_SAVED, Action.PURPOSE_SAVED, Action.RECIPIENT_SAVED]
