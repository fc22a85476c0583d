"""Protect, reveal and index through the policy, over the real keys: decided, recorded, then done."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from privacy.access.requests import CipherBatch, CipherItem
from privacy.adapters.key_file import FileKeyProvider
from privacy.adapters.store.engine import SqlStore
from privacy.adapters.store.keys import SqlKeyRepository
from privacy.audit.events import Action, Outcome
from privacy.crypto.keyring import KeyRing
from privacy.crypto.subject_keys import SubjectKeys
from privacy.kernel.clock import SystemClock
from privacy.kernel.errors import (
    AccessDenied,
    AuditUnavailable,
    CiphertextInvalid,
    ConsentMissing,
    InvalidInput,
    NotFound,
    PrivacyError,
    StepUpRequired,
)
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import Actor, SubjectRef
from privacy.protection.service import Protection
from tests.access.builders import Company, as_role, open_company
from tests.cast import LI_XIAOMING, MARGUERITE

LI, MARGARET = LI_XIAOMING.ref, MARGUERITE.ref


@dataclass
class Vault:
    """A company with real keys."""

    company: Company
    keys: SubjectKeys

    def protect(self, actor: Actor, *items: tuple[SubjectRef | None, str, str], purpose: str | None = None) -> list[str | PrivacyError]:
        return self.company.access.protect(actor, _batch(items, purpose), "req-6")

    def reveal(self, actor: Actor, *items: tuple[SubjectRef | None, str, str], purpose: str | None = "service") -> list[Plaintext | PrivacyError]:
        return self.company.access.reveal(actor, _batch(items, purpose), "req-7")

    def cipher(self, subject: SubjectRef, field: str, value: str) -> str:
        (text,) = self.protect(as_role("application"), (subject, field, value))
        assert isinstance(text, str)
        return text


def _batch(items: tuple[tuple[SubjectRef | None, str, str], ...], purpose: str | None) -> CipherBatch:
    return CipherBatch("crm.customer", tuple(CipherItem(field, Plaintext(value), subject) for subject, field, value in items), purpose)


@pytest.fixture
def vault(sqlite_keys_store: SqlStore, tmp_path: Path) -> Vault:
    clock = SystemClock()
    ring = KeyRing(sqlite_keys_store, SqlKeyRepository(), FileKeyProvider.create(tmp_path / "root.key"), clock)
    ring.create_tenant(DEFAULT_TENANT)
    keys = SubjectKeys(ring, sqlite_keys_store, SqlKeyRepository(), clock)
    return Vault(open_company(protection=Protection(keys, ring), refs=keys), keys)


BOB = as_role("application")


def test_what_was_protected_is_revealed_to_whom_the_policy_allows(vault: Vault) -> None:
    """In order, for several subjects and fields; an application needs no purpose to protect and one to reveal."""
    items = ((LI, "phone", LI_XIAOMING.phone), (LI, "id_card", LI_XIAOMING.id_number), (MARGARET, "phone", MARGUERITE.phone))
    texts = vault.protect(BOB, *items)
    assert all(isinstance(text, str) and text.startswith("pv1:") for text in texts)
    shown = vault.reveal(BOB, *((subject, field, str(text)) for (subject, field, _), text in zip(items, texts, strict=True)))
    assert [value.reveal() for value in shown if isinstance(value, Plaintext)] == [value for _, _, value in items]
    with pytest.raises(InvalidInput, match="Name the purpose"):
        vault.reveal(BOB, (LI, "phone", "x"), purpose=None)


def test_a_moved_ciphertext_is_rejected_and_does_not_spoil_its_neighbours(vault: Vault) -> None:
    """Another field, another subject, an altered text: one answer for all of them."""
    text = vault.cipher(LI, "phone", LI_XIAOMING.phone)
    shown = vault.reveal(BOB, (LI, "email", text), (MARGARET, "phone", text), (LI, "phone", text[:-2] + "AA"), (LI, "phone", text))
    assert [type(answer) for answer in shown] == [CiphertextInvalid, CiphertextInvalid, CiphertextInvalid, Plaintext]


def test_a_reveal_needs_a_clear_decision(vault: Vault) -> None:
    """Analysts and agents decrypt nothing, nobody decrypts for analytics, the DPO only with a second factor."""
    text = vault.cipher(LI, "phone", LI_XIAOMING.phone)

    def answer(actor: Actor, purpose: str) -> Plaintext | PrivacyError:
        return vault.reveal(actor, (LI, "phone", text), purpose=purpose)[0]

    for actor, purpose in ((as_role("analyst"), "analytics"), (as_role("agent"), "support"), (BOB, "analytics"), (BOB, "fishing")):
        assert isinstance(answer(actor, purpose), AccessDenied)
    assert isinstance(answer(as_role("dpo"), "dsr"), StepUpRequired)
    assert isinstance(answer(as_role("dpo", mfa=True), "dsr"), Plaintext)


def test_a_reveal_follows_consent(vault: Vault) -> None:
    """A purpose that rests on consent shows nothing of who did not give it."""
    marketing = vault.company.catalogue.purposes_by_id["marketing"]
    vault.company.catalogue.purposes_by_id["service"] = type(marketing)(
        **{name: getattr(marketing, name) for name in marketing.__dataclass_fields__} | {"id": "service"}
    )
    li, margaret = vault.cipher(LI, "phone", LI_XIAOMING.phone), vault.cipher(MARGARET, "phone", MARGUERITE.phone)
    vault.company.consent(LI, "service", "given")
    shown = vault.reveal(BOB, (LI, "phone", li), (MARGARET, "phone", margaret))
    assert isinstance(shown[0], Plaintext) and isinstance(shown[1], ConsentMissing)


def test_faulty_items_get_their_own_errors(vault: Vault) -> None:
    """No subject, an unknown field, half a surrogate: each its error with its place, the rest protected."""
    texts = vault.protect(BOB, (None, "phone", "1"), (LI, "unheard", "1"), (LI, "phone", "\ud800"), (LI, "nickname", "Ming"))
    assert [type(answer) for answer in texts] == [InvalidInput, NotFound, InvalidInput, str]
    assert [answer.flaws[0].pointer for answer in texts[:2] if isinstance(answer, PrivacyError)] == ["/items/0/subject", "/items/1/field"]


def test_an_unknown_dataset_is_not_found(vault: Vault) -> None:
    """The dataset's id is bound into every ciphertext: without one there is nothing to do."""
    with pytest.raises(NotFound, match="data map"):
        vault.company.access.protect(BOB, CipherBatch("crm.nowhere", ()))


def test_equal_values_have_equal_indexes_in_one_field_only(vault: Vault) -> None:
    """A phone is compared as a phone; a subject is not needed; another field gives another index."""
    items = tuple(CipherItem(field, Plaintext(value)) for field, value in (("phone", "139 0417 2263"), ("phone", "+8613904172263"), ("email", "13904172263")))
    indexes = vault.company.access.index(BOB, CipherBatch("crm.customer", items))
    assert indexes[0] == indexes[1] != indexes[2]
    assert isinstance(vault.company.access.index(as_role("agent"), CipherBatch("crm.customer", items))[0], AccessDenied)


def test_the_event_comes_before_the_value(vault: Vault) -> None:
    """One event a call with counts, fields and traces; when it cannot be written nothing is revealed."""
    text = vault.cipher(LI, "phone", LI_XIAOMING.phone)
    log = vault.company.audit
    vault.reveal(BOB, (LI, "phone", text), (LI, "password", text))
    event = log.events[-1]
    assert (event.action, event.outcome, event.fields) == (Action.VALUES_REVEALED, Outcome.SUCCESS, ("phone",))
    assert event.counts["clear"] == 1 and event.counts["withheld"] == 1 and len(event.subjects) == 1
    vault.reveal(as_role("agent"), (LI, "phone", text), purpose="support")
    assert log.events[-1].outcome is Outcome.DENIED and log.events[-1].subjects == ()
    log.refuse = True
    with pytest.raises(AuditUnavailable):
        vault.reveal(BOB, (LI, "phone", text))


def test_events_hold_no_value(vault: Vault) -> None:
    """Neither plaintext nor ciphertext."""
    text = vault.cipher(LI, "phone", LI_XIAOMING.phone)
    vault.reveal(BOB, (LI, "phone", text))
    assert LI_XIAOMING.phone not in repr(vault.company.audit.events) and text not in repr(vault.company.audit.events)


def test_what_could_not_be_opened_is_no_disclosure(vault: Vault) -> None:
    """Nobody plants disclosures of a person in the log with ciphertexts that open nothing; the try itself is recorded."""
    text = vault.cipher(MARGARET, "phone", MARGUERITE.phone)
    (answer,) = vault.reveal(BOB, (LI, "phone", text))
    assert isinstance(answer, CiphertextInvalid)
    event = vault.company.audit.events[-1]
    assert (event.outcome, event.counts["clear"], event.counts["failed"], event.subjects) == (Outcome.FAILED, 0, 1, ())
    vault.reveal(BOB, (LI, "phone", "nonsense"), (MARGARET, "phone", text))
    event = vault.company.audit.events[-1]
    assert (event.outcome, event.counts["clear"], event.counts["failed"], len(event.subjects)) == (Outcome.SUCCESS, 1, 1, 1)
