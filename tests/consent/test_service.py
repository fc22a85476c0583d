"""What consent refuses, and what a receipt says."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from privacy.adapters.key_file import FileKeyProvider
from privacy.adapters.store.catalogue import SqlCatalogueRepository
from privacy.adapters.store.consent import SqlConsentRepository
from privacy.adapters.store.engine import SqlStore
from privacy.adapters.store.keys import SqlKeyRepository
from privacy.consent.documents import digest
from privacy.consent.model import Evidence, State
from privacy.consent.notice_file import load_notices
from privacy.consent.periods import after
from privacy.consent.service import ConsentService
from privacy.crypto.keyring import KeyRing
from privacy.crypto.subject_keys import SubjectKeys
from privacy.inventory.catalogue import Catalogue
from privacy.inventory.catalogue_file import load_catalogue
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import AccessDenied, InvalidInput, Misconfigured
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.terms import SubjectRef
from tests.cast import ALICE, BOB, CHARLIE
from tests.consent.builders import ENTRIES, LI, NOTICE, MemoryKeys, audit_refs, giving, withdrawing
from tests.remembering import RememberingLog

POLICIES = Path(__file__).parents[2] / "policies"


@pytest.fixture
def catalogue(sqlite_store: SqlStore, fixed_clock: FixedClock) -> Catalogue:
    return Catalogue(sqlite_store, SqlCatalogueRepository(), RememberingLog(), fixed_clock)


@pytest.fixture
def consent(sqlite_store: SqlStore, catalogue: Catalogue, fixed_clock: FixedClock) -> ConsentService:
    catalogue.load(ALICE, ENTRIES)
    service = ConsentService(sqlite_store, SqlConsentRepository(), catalogue, RememberingLog(), MemoryKeys(), audit_refs, fixed_clock)
    service.publish(ALICE, NOTICE)
    fixed_clock.advance(timedelta(hours=1))
    return service


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"purpose": "nothing"}, "/purpose"),
        ({"purpose": "old"}, "/purpose"),
        ({"notice": "nothing"}, "/notice_version"),
        ({"notice_version": 9}, "/notice_version"),
        ({"notice_version": 0}, "/notice_version"),
        ({"language": "fr"}, "/language"),
        ({"language": "no tag"}, "/language"),
        ({"recipient": "nobody"}, "/recipient"),
        ({"recipient": "adtech"}, "/recipient"),
        ({"channel": "pigeon"}, "/channel"),
        ({"method": "guess"}, "/method"),
        ({"method": "paper"}, "/evidence"),
        ({"evidence": Evidence("hearsay", "x")}, "/evidence/kind"),
        ({"evidence": Evidence("form", " ")}, "/evidence/reference"),
        ({"subject": SubjectRef("crm", "customer", "a\nb")}, "/subject"),
        ({"subject": SubjectRef("crm", "customer", "\ud800")}, "/subject"),
        ({"reference": "x" * 513}, "/reference"),
    ],
)
def test_a_consent_that_could_not_be_shown_later_is_refused(consent: ConsentService, change: dict[str, object], pointer: str) -> None:
    """Unknown words, a notice that does not fit, missing evidence: refused by place, and nothing is recorded."""
    with pytest.raises(InvalidInput) as refused:
        consent.give(BOB, giving(**change))
    assert pointer in [flaw.pointer for flaw in refused.value.flaws]
    assert consent.statuses(DEFAULT_TENANT, [LI], "marketing", None)[0].state is State.NEVER


def test_nobody_agrees_in_the_future_nor_for_a_time_that_is_over(consent: ConsentService, fixed_clock: FixedClock) -> None:
    """A caller's clock may be minutes ahead, not an hour; a consent ends after it begins."""
    now = fixed_clock.now()
    for change in ({"at": now + timedelta(hours=1)}, {"expires_at": now}):
        with pytest.raises(InvalidInput):
            consent.give(BOB, giving(**change))
    assert consent.give(BOB, giving(at=now + timedelta(minutes=2)))["at"] == "2026-11-22T08:30:00.000000Z"


def test_withdrawing_takes_no_more_than_subject_and_purpose(consent: ConsentService) -> None:
    """No notice, no evidence, no reason; also for a retired purpose and where nothing was given."""
    for purpose in ("marketing", "old"):
        assert consent.withdraw(BOB, withdrawing(purpose=purpose))["act"] == "withdrawn"


def test_withdrawing_for_a_purpose_that_does_not_exist_is_refused(consent: ConsentService) -> None:
    """A typing error must not leave the person in the belief of having withdrawn."""
    with pytest.raises(InvalidInput, match="privacy purposes list"):
        consent.withdraw(BOB, withdrawing(purpose="marketting"))


def test_charlie_can_do_nothing(consent: ConsentService) -> None:
    """Every use case asks for its scope, whoever calls it."""
    for act in (
        lambda: consent.give(CHARLIE, giving()),
        lambda: consent.withdraw(CHARLIE, withdrawing()),
        lambda: consent.check(CHARLIE, []),
        lambda: consent.receipt(CHARLIE, "x"),
        lambda: consent.notices(CHARLIE),
        lambda: consent.notice(CHARLIE, "offers"),
        lambda: consent.publish(CHARLIE, NOTICE),
    ):
        with pytest.raises(AccessDenied):
            act()


def test_a_receipt_says_who_what_why_and_how_to_take_it_back(consent: ConsentService) -> None:
    """It names controller, purpose, recipient, channel, notice and its digest, and its own digest can be computed again."""
    receipt = consent.give(BOB, giving(recipient="parcel", channel="email", guardian=True, method="paper", evidence=Evidence("form", "F-7")))
    assert receipt["controller"] == {"id": "main", "name": "听涛有限公司", "country": "CN", "contact": "dpo@company.example"}
    assert receipt["notice"]["digest"] == consent.notice(ALICE, "offers", 1).digest  # type: ignore[index]
    assert receipt["recipient"]["name"] == "Parcel Ltd"  # type: ignore[index]
    assert receipt["collection"] == {"method": "paper", "recorded_by": "client:bob", "evidence_kind": "form", "guardian": True}
    assert "withdrawal" in receipt
    document = {key: value for key, value in receipt.items() if key not in ("subject", "evidence_reference", "digest")}
    assert digest(document) == receipt["digest"]
    assert str(LI) not in str(document)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"id": "No"}, "/id"),
        ({"purposes": ()}, "/purposes"),
        ({"purposes": ("nothing",)}, "/purposes"),
        ({"controller": "nobody"}, "/controller"),
        ({"scope": ""}, "/scope"),
        ({"categories": ()}, "/categories"),
        ({"recipients": ("nobody",)}, "/recipients"),
        ({"valid_for": "2 years"}, "/valid_for"),
        ({"texts": {}}, "/texts"),
        ({"texts": {"fr": "Avis"}}, "/texts"),
        ({"texts": {"zh": " "}}, "/texts"),
    ],
)
def test_a_notice_that_leaves_something_out_is_not_published(consent: ConsentService, change: dict[str, object], pointer: str) -> None:
    """What people must be told, in a language the controller speaks, about things the catalogue has."""
    with pytest.raises(InvalidInput) as refused:
        consent.publish(ALICE, replace(NOTICE, **change))
    assert pointer in [flaw.pointer for flaw in refused.value.flaws]


def test_with_the_real_keys_the_same_subject_is_found_again(
    sqlite_store: SqlStore, sqlite_keys_store: SqlStore, catalogue: Catalogue, fixed_clock: FixedClock, tmp_path: Path
) -> None:
    """The shipped catalogue, the shipped notice and the key ring work together."""
    ring = KeyRing(sqlite_keys_store, SqlKeyRepository(), FileKeyProvider.create(tmp_path / "root.key"), fixed_clock)
    ring.create_tenant(DEFAULT_TENANT)
    subjects = SubjectKeys(ring, sqlite_keys_store, SqlKeyRepository(), fixed_clock)
    catalogue.load(ALICE, load_catalogue(POLICIES / "purposes.toml"))
    service = ConsentService(sqlite_store, SqlConsentRepository(), catalogue, RememberingLog(), ring, subjects.audit_refs, fixed_clock)
    assert service.load_notices(ALICE, load_notices(POLICIES / "notices")) == 1
    receipt = service.give(BOB, giving(notice="marketing"))
    assert receipt["subject"] == str(LI)
    assert [status.holds for status in service.statuses(DEFAULT_TENANT, [LI, SubjectRef("crm", "customer", "43")], "marketing", None)] == [True, False]


@pytest.mark.parametrize(
    ("start", "period", "end"), [("2024-02-29", "P1Y", "2025-02-28"), ("2026-01-31", "P1M", "2026-02-28"), ("2026-11-22", "P2Y1M10D", "2029-01-01")]
)
def test_a_period_follows_the_calendar(start: str, period: str, end: str) -> None:
    """A month is a month; a day that does not exist becomes the month's last."""
    assert after(datetime.fromisoformat(start), period) == datetime.fromisoformat(end)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("purposes =", "purpose ="), "unknown key"),
        (('["marketing"]', '"marketing"'), "list of texts"),
        (("[texts]", "[text]"), "unknown key"),
        (("scope =", "# scope ="), "missing"),
    ],
)
def test_a_flaw_in_a_notice_file_stops_the_start(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    """The answer names the file and the remedy."""
    good = (POLICIES / "notices" / "marketing.toml").read_text("utf-8")
    (tmp_path / "n.toml").write_text(good.replace(*change, 1), "utf-8")
    with pytest.raises(Misconfigured, match=says):
        load_notices(tmp_path)
