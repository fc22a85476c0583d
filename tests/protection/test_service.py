"""Protect, reveal, index: what comes back, what never opens, and batches that one bad item does not spoil."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from privacy.adapters.key_file import FileKeyProvider
from privacy.adapters.store.engine import SqlStore
from privacy.adapters.store.keys import SqlKeyRepository
from privacy.crypto.keyring import KeyRing
from privacy.crypto.subject_keys import SubjectKeys
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import CiphertextInvalid, InvalidInput, KeyDestroyed, Misconfigured, PayloadTooLarge, PrivacyError
from privacy.kernel.ids import DEFAULT_TENANT, DatasetId, TenantId
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import SubjectRef
from privacy.protection.items import IndexItem, ProtectItem, RevealItem
from privacy.protection.service import Protection, ProtectionSettings
from tests.cast import LI_XIAOMING, MARGUERITE, OTHER_TENANT

DATASET, ANOTHER = DatasetId("dataset-1"), DatasetId("dataset-2")
LI, MARGARET = LI_XIAOMING.ref, MARGUERITE.ref
both_tenants = pytest.mark.parametrize("tenant", [DEFAULT_TENANT, OTHER_TENANT])


def wanted(value: str, subject: SubjectRef = LI, field: str = "phone", category: str = "") -> ProtectItem:
    return ProtectItem(subject, field, Plaintext(value), category)


def protected(protection: Protection, value: str, tenant: TenantId = DEFAULT_TENANT) -> str:
    return protection.protect_one(tenant, DATASET, wanted(value))


def revealed(answers: list[Plaintext | PrivacyError]) -> list[str]:
    return [answer.reveal() if isinstance(answer, Plaintext) else answer.code for answer in answers]


@both_tenants
def test_a_protected_value_comes_back(protection: Protection, tenant: TenantId) -> None:
    """Under either cipher, and shows nothing of itself meanwhile."""
    text = protected(protection, LI_XIAOMING.phone, tenant)
    assert text.startswith("pv1:") and LI_XIAOMING.phone not in text
    assert protection.reveal_one(tenant, DATASET, RevealItem(LI, "phone", text)).reveal() == LI_XIAOMING.phone


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40), max_size=8))
def test_any_batch_of_texts_comes_back_in_order(protection: Protection, texts: list[str]) -> None:
    """Empty texts, astral characters, control characters, duplicates."""
    subjects = [(LI, MARGARET)[number % 2] for number in range(len(texts))]
    items = [ProtectItem(subject, f"f{number % 3}", Plaintext(text)) for number, (subject, text) in enumerate(zip(subjects, texts, strict=True))]
    blobs = protection.protect(DEFAULT_TENANT, DATASET, items)
    back = protection.reveal(DEFAULT_TENANT, DATASET, [RevealItem(item.subject, item.field, str(blob)) for item, blob in zip(items, blobs, strict=True)])
    assert [answer.reveal() for answer in back if isinstance(answer, Plaintext)] == texts


@pytest.mark.parametrize("value", ["", "\x00", "👨‍👩‍👧‍👦 𠮷田", "李小明" * 7000, "x" * 65_536])
def test_unusual_values_come_back(protection: Protection, value: str) -> None:
    """From nothing to the largest value that is taken."""
    text = protected(protection, value)
    assert protection.reveal_one(DEFAULT_TENANT, DATASET, RevealItem(LI, "phone", text)).reveal() == value


@both_tenants
def test_a_ciphertext_opens_nowhere_else(protection: Protection, tenant: TenantId) -> None:
    """Moved to another field, subject, dataset or tenant it is invalid, with one and the same answer."""
    text = protected(protection, LI_XIAOMING.phone, tenant)
    protection.protect(tenant, DATASET, [wanted("x", MARGARET)])
    stranger = OTHER_TENANT if tenant == DEFAULT_TENANT else DEFAULT_TENANT
    moves = [
        (tenant, DATASET, RevealItem(LI, "fax", text)),
        (tenant, DATASET, RevealItem(MARGARET, "phone", text)),
        (tenant, ANOTHER, RevealItem(LI, "phone", text)),
        (stranger, DATASET, RevealItem(LI, "phone", text)),
    ]
    answers = [protection.reveal(*move[:2], [move[2]])[0] for move in moves]
    assert {type(answer) for answer in answers} == {CiphertextInvalid}
    assert len({str(answer) for answer in answers}) == 1


def test_every_changed_character_is_rejected(protection: Protection) -> None:
    """Through the service as through the envelope: no character of the text form is free."""
    text = protected(protection, "男")
    changed = [text[:n] + ("B" if text[n] == "A" else "A") + text[n + 1 :] for n in range(len(text))] + [text[:n] for n in range(len(text))]
    answers = protection.reveal(DEFAULT_TENANT, DATASET, [RevealItem(LI, "phone", each) for each in changed])
    assert {type(answer) for answer in answers} == {CiphertextInvalid}


@pytest.mark.parametrize("value", ["", "pv1:", "13904172263", "pv1:" + "A" * 200, "pv1:中文", "\ud800", "pv1:" + "A" * 200_000, None, 7, ["pv1:"]])
def test_what_is_no_ciphertext_is_invalid_and_spoils_nothing(protection: Protection, value: object) -> None:
    """Plain values, rubbish and other types give the one error, the others their value."""
    good = protected(protection, "ok")
    items = [RevealItem(LI, "phone", good), RevealItem(LI, "phone", value), RevealItem(LI, "phone", good)]  # type: ignore[arg-type]
    assert revealed(protection.reveal(DEFAULT_TENANT, DATASET, items)) == ["ok", "ciphertext_invalid", "ok"]


def test_one_bad_item_does_not_spoil_a_batch(protection: Protection) -> None:
    """Each flaw stands in its item's place, with its pointer and without the value."""
    long, half, number = "李" * 21_846, "abc\ud800", Plaintext(7)  # type: ignore[arg-type]
    items = [
        wanted("a"),
        wanted(long),
        wanted(half),
        wanted("b", field=""),
        wanted("c", subject=SubjectRef("crm", "", "1")),
        ProtectItem(LI, "phone", number),
        wanted("d", subject=SubjectRef("crm", "customer", "k" * 600)),
        wanted("e"),
    ]
    answers = protection.protect(DEFAULT_TENANT, DATASET, items)
    kinds = [type(answer) for answer in answers]
    assert kinds == [str, PayloadTooLarge, InvalidInput, InvalidInput, InvalidInput, InvalidInput, InvalidInput, str]
    flaws = [answer for answer in answers if isinstance(answer, PrivacyError)]
    pointers = ["/items/1/value", "/items/2/value", "/items/3/field", "/items/4/subject", "/items/5/value", "/items/6/subject"]
    assert [flaw.flaws[0].pointer for flaw in flaws] == pointers
    assert not [flaw for flaw in flaws if "李" in str(flaw) or "abc" in str(flaw) or flaw.__cause__ or flaw.__context__]


def test_large_batches_keep_their_order(protection: Protection) -> None:
    """Beyond one chunk, with many subjects and fields."""
    subjects = [SubjectRef("crm", "customer", str(number % 1200)) for number in range(2500)]
    items = [ProtectItem(subject, f"f{number % 7}", Plaintext(f"value {number}")) for number, subject in enumerate(subjects)]
    items[2400] = ProtectItem(subjects[2400], "", Plaintext("x"))
    blobs = protection.protect(DEFAULT_TENANT, DATASET, items)
    flaw = blobs[2400]
    assert isinstance(flaw, InvalidInput) and flaw.flaws[0].pointer == "/items/2400/field"
    back = protection.reveal(DEFAULT_TENANT, DATASET, [RevealItem(item.subject, item.field, str(blob)) for item, blob in zip(items, blobs, strict=True)])
    assert revealed(back) == [f"value {number}" if number != 2400 else "ciphertext_invalid" for number in range(2500)]


def test_a_destroyed_subject_is_told_and_the_others_answered(protection: Protection, subject_keys: SubjectKeys) -> None:
    """After destruction neither reading nor writing works, and the caller learns why."""
    items = [wanted("a", LI), wanted("b", MARGARET)]
    blobs = [str(blob) for blob in protection.protect(DEFAULT_TENANT, DATASET, items)]
    subject_keys.destroy(DEFAULT_TENANT, [LI], "case:1")
    reading = protection.reveal(DEFAULT_TENANT, DATASET, [RevealItem(item.subject, "phone", blob) for item, blob in zip(items, blobs, strict=True)])
    assert revealed(reading) == ["key_destroyed", "b"]
    writing = protection.protect(DEFAULT_TENANT, DATASET, items)
    assert isinstance(writing[0], KeyDestroyed) and isinstance(writing[1], str)


def test_equal_values_have_different_ciphertexts(protection: Protection) -> None:
    """Only the index, where somebody asked for one, shows equality."""
    answers = protection.protect(DEFAULT_TENANT, DATASET, [wanted("same")] * 100)
    assert len({str(answer) for answer in answers}) == 100


@pytest.mark.parametrize("category", sorted(ProtectionSettings().padded))
def test_short_categorical_values_do_not_show_by_their_length(protection: Protection, category: str) -> None:
    """男 and prefer not to say have ciphertexts of one length, and both come back."""
    words = ["男", "", "female", "prefer not to say"]
    blobs = protection.protect(DEFAULT_TENANT, DATASET, [wanted(word, category=category) for word in words])
    assert len({len(str(blob)) for blob in blobs}) == 1
    assert revealed(protection.reveal(DEFAULT_TENANT, DATASET, [RevealItem(LI, "phone", str(blob)) for blob in blobs])) == words


def test_padded_and_plain_items_mix_in_one_batch(protection: Protection) -> None:
    """The order stays."""
    items = [wanted("a"), wanted("男", category="gender"), wanted("b"), wanted("", field=""), wanted("女", category="gender")]
    blobs = protection.protect(DEFAULT_TENANT, DATASET, items)
    back = protection.reveal(DEFAULT_TENANT, DATASET, [RevealItem(LI, "phone", str(blob)) for blob in blobs])
    assert revealed(back) == ["a", "男", "b", "ciphertext_invalid", "女"]


def test_the_databases_without_the_root_key_give_nothing(protection: Protection, sqlite_keys_store: SqlStore, tmp_path: Path, fixed_clock: FixedClock) -> None:
    """On another machine, with a root key of its own, no value opens and none is written."""
    text = protected(protection, LI_XIAOMING.phone)
    ring = KeyRing(sqlite_keys_store, SqlKeyRepository(), FileKeyProvider.create(tmp_path / "elsewhere.key"), fixed_clock)
    elsewhere = Protection(SubjectKeys(ring, sqlite_keys_store, SqlKeyRepository(), fixed_clock), ring)
    with pytest.raises(Misconfigured):
        elsewhere.reveal(DEFAULT_TENANT, DATASET, [RevealItem(LI, "phone", text)])
    with pytest.raises(Misconfigured):
        elsewhere.protect(DEFAULT_TENANT, DATASET, [wanted("x")])
    with pytest.raises(Misconfigured):
        elsewhere.index(DEFAULT_TENANT, DATASET, [IndexItem("phone", Plaintext("x"))])


@both_tenants
def test_an_index_finds_every_spelling_of_a_value(protection: Protection, tenant: TenantId) -> None:
    """One person's phone, however written, has one index; it is a number that fits a signed column."""
    spellings = ["13904172263", "+86 139-0417-2263", "１３９０４１７２２６３", "0086 139 0417 2263", "86-13904172263"]
    answers = protection.index(tenant, DATASET, [IndexItem("phone", Plaintext(each), "phone") for each in spellings])
    assert len(set(map(str, answers))) == 1
    assert 0 <= int(str(answers[0])) < 2**63


def test_indexes_cannot_be_joined(protection: Protection) -> None:
    """Another field, dataset, tenant or category of the same value has another index."""
    item = IndexItem("phone", Plaintext(LI_XIAOMING.phone), "phone")
    answers = {
        protection.index_one(DEFAULT_TENANT, DATASET, item),
        protection.index_one(DEFAULT_TENANT, ANOTHER, item),
        protection.index_one(OTHER_TENANT, DATASET, item),
        protection.index_one(DEFAULT_TENANT, DATASET, IndexItem("mobile", item.value, "phone")),
        protection.index_one(DEFAULT_TENANT, DATASET, IndexItem("phone", item.value, "name")),
    }
    assert len(answers) == 5


def test_a_bad_value_in_an_index_batch_spoils_nothing(protection: Protection) -> None:
    """Its flaw stands in its place."""
    items = [IndexItem("phone", Plaintext("a")), IndexItem("phone", Plaintext("\udc00")), IndexItem("", Plaintext("a")), IndexItem("phone", Plaintext("A "))]
    first, second, third, fourth = protection.index(DEFAULT_TENANT, DATASET, items)
    assert first == fourth
    assert isinstance(second, InvalidInput) and isinstance(third, InvalidInput)


def test_single_calls_raise_what_batches_answer(protection: Protection) -> None:
    """A single value is a batch of one."""
    with pytest.raises(PayloadTooLarge):
        protected(protection, "x" * 65_537)
    with pytest.raises(CiphertextInvalid):
        protection.reveal_one(DEFAULT_TENANT, DATASET, RevealItem(LI, "phone", "rubbish"))
    with pytest.raises(InvalidInput):
        protection.index_one(DEFAULT_TENANT, DATASET, IndexItem("", Plaintext("x")))


def test_empty_batches_are_answered_empty(protection: Protection) -> None:
    """Nothing in, nothing out."""
    assert protection.protect(DEFAULT_TENANT, DATASET, []) == []
    assert protection.reveal(DEFAULT_TENANT, DATASET, []) == []
    assert protection.index(DEFAULT_TENANT, DATASET, []) == []
