"""A tenant's own keys: derived for ever, sealed secrets, and nothing without the root key."""

from datetime import timedelta
from pathlib import Path

import pytest

from privacy.adapters.key_file import FileKeyProvider
from privacy.adapters.store.engine import SqlStore
from privacy.adapters.store.keys import SqlKeyRepository
from privacy.crypto.ciphers import Algorithm
from privacy.crypto.envelope import SealingKey, key_of, open_envelope, place, seal, subject_part
from privacy.crypto.flaws import UnknownKey
from privacy.crypto.keyring import KeyRing
from privacy.crypto.rotation import rotate
from privacy.crypto.subject_keys import SubjectKeys, WantedKey
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import CiphertextInvalid, InvalidInput, KeyDestroyed, Misconfigured, TooBusy
from privacy.kernel.ids import DEFAULT_TENANT, TenantId
from privacy.kernel.terms import SubjectRef
from tests.cast import LI_XIAOMING, MARGUERITE, OTHER_TENANT


def test_derived_keys_differ_per_tenant_and_label_and_stay(ring: KeyRing, subject_keys: SubjectKeys) -> None:
    """Pseudonyms and cursors survive a rotation and are no use in another tenant."""
    first = ring.derive(DEFAULT_TENANT, "cursor")
    assert len(first) == 32
    assert first not in (ring.derive(DEFAULT_TENANT, "pseudonym"), ring.derive(OTHER_TENANT, "cursor"))
    rotate(ring, subject_keys, DEFAULT_TENANT)
    assert ring.derive(DEFAULT_TENANT, "cursor") == first


@pytest.mark.parametrize("tenant", [DEFAULT_TENANT, OTHER_TENANT])
def test_a_sealed_secret_opens_only_where_it_belongs(ring: KeyRing, tenant: TenantId) -> None:
    """Another tenant, label or context does not open it; the right one does."""
    sealed = ring.seal(tenant, "totp", b"seed", b"user:alice")
    assert ring.unseal(tenant, "totp", sealed, b"user:alice") == b"seed"
    stranger = OTHER_TENANT if tenant == DEFAULT_TENANT else DEFAULT_TENANT
    for wrong in ((stranger, "totp", b"user:alice"), (tenant, "consent", b"user:alice"), (tenant, "totp", b"user:bob"), (tenant, "totp", b"")):
        with pytest.raises(CiphertextInvalid):
            ring.unseal(wrong[0], wrong[1], sealed, wrong[2])


def test_sealed_secrets_survive_rotation_and_a_change_of_cipher(ring: KeyRing, subject_keys: SubjectKeys) -> None:
    """What lies sealed in the main database need not be touched."""
    sealed = ring.seal(DEFAULT_TENANT, "totp", b"seed")
    rotate(ring, subject_keys, DEFAULT_TENANT)
    ring.set_algorithm(DEFAULT_TENANT, "sm4-gcm")
    assert ring.unseal(DEFAULT_TENANT, "totp", sealed) == b"seed"
    assert key_of(ring.seal(DEFAULT_TENANT, "totp", b"seed"))[1] == Algorithm.SM4_GCM


@pytest.mark.parametrize("blob", [b"", b"seed", bytes(80)])
def test_what_was_never_sealed_is_refused(ring: KeyRing, blob: bytes) -> None:
    """A garbled secret is an invalid ciphertext, not a crash."""
    with pytest.raises(CiphertextInvalid):
        ring.unseal(DEFAULT_TENANT, "totp", blob)


def test_a_subjects_ciphertext_is_no_sealed_secret(ring: KeyRing, subject_keys: SubjectKeys) -> None:
    """The two uses of the envelope do not mix."""
    key = subject_keys.for_writing(DEFAULT_TENANT, [LI_XIAOMING.ref])[0]
    assert isinstance(key, SealingKey)
    with pytest.raises(UnknownKey):
        ring.unseal(DEFAULT_TENANT, "totp", seal(key, place("default", "sealed", "totp"), subject_part("a", "b", "c"), b"x"))


def test_a_tenant_without_keys_is_told_how_to_get_them(ring: KeyRing) -> None:
    """The remedy is in the error."""
    with pytest.raises(Misconfigured, match="privacy init"):
        ring.derive(TenantId("nobody"), "x")


def test_an_unknown_cipher_is_refused_with_the_choice(ring: KeyRing) -> None:
    """A typing error does not fall back to a default."""
    with pytest.raises(InvalidInput, match="aes-256-gcm, aes-256-gcm-siv, sm4-gcm"):
        ring.create_tenant(TenantId("third"), "aes-128-cbc")


def test_a_tenant_of_national_algorithms_writes_sm4(subject_keys: SubjectKeys) -> None:
    """The tenant's setting decides what new values are written with."""
    key = subject_keys.for_writing(OTHER_TENANT, [LI_XIAOMING.ref])[0]
    assert isinstance(key, SealingKey)
    assert key.header[1] == Algorithm.SM4_GCM


def test_old_values_stay_readable_after_a_change_of_cipher(ring: KeyRing, subject_keys: SubjectKeys) -> None:
    """Reading follows the header of each value, writing the tenant's present setting."""
    where, subject = place("default", "d", "f"), subject_part("crm", "customer", "42")
    blobs = []
    for algorithm in ("aes-256-gcm", "sm4-gcm", "aes-256-gcm-siv"):
        ring.set_algorithm(DEFAULT_TENANT, algorithm)
        key = subject_keys.for_writing(DEFAULT_TENANT, [LI_XIAOMING.ref])[0]
        assert isinstance(key, SealingKey)
        blobs.append(seal(key, where, subject, algorithm.encode()))
    keys = subject_keys.for_reading(DEFAULT_TENANT, [WantedKey(LI_XIAOMING.ref, *key_of(blob)) for blob in blobs])
    opened = [open_envelope(key, where, subject, blob) for key, blob in zip(keys, blobs, strict=True) if isinstance(key, SealingKey)]
    assert opened == [b"aes-256-gcm", b"sm4-gcm", b"aes-256-gcm-siv"]


def test_who_names_the_wrong_subject_does_not_learn_that_a_key_was_destroyed(subject_keys: SubjectKeys) -> None:
    """Key ids cannot be tried out to learn who was erased."""
    key = subject_keys.for_writing(DEFAULT_TENANT, [LI_XIAOMING.ref])[0]
    assert isinstance(key, SealingKey)
    number = int.from_bytes(key.header[3:11], "big")
    subject_keys.destroy(DEFAULT_TENANT, [LI_XIAOMING.ref], "case:1")
    asked = [WantedKey(LI_XIAOMING.ref, number, 1), WantedKey(MARGUERITE.ref, number, 1), WantedKey(LI_XIAOMING.ref, 12345, 1)]
    answers = subject_keys.for_reading(DEFAULT_TENANT, asked)
    assert [type(answer) for answer in answers] == [KeyDestroyed, UnknownKey, UnknownKey]


def test_subject_references_are_nowhere_in_the_keys_database(subject_keys: SubjectKeys, sqlite_keys_store: SqlStore) -> None:
    """A copy of the database does not even tell who has keys."""
    person = SubjectRef("crm", "customer", "xiaoming.li.0417@tongxin.example")
    subject_keys.for_writing(DEFAULT_TENANT, [person])
    subject_keys.audit_refs(DEFAULT_TENANT, [person])
    subject_keys.destroy(DEFAULT_TENANT, [person], "case:1")
    path = str(sqlite_keys_store.address.url.database)
    content = b"".join(file.read_bytes() for file in Path(path).parent.glob(Path(path).name + "*"))
    assert b"default" in content
    assert b"tongxin" not in content and b"customer" not in content


def test_an_altered_tenant_key_stops_the_service(ring: KeyRing, sqlite_keys_store: SqlStore, tmp_path: Path, fixed_clock: FixedClock) -> None:
    """A damaged database is told from a wrong root key."""
    repository = SqlKeyRepository()
    rows = sqlite_keys_store.read(lambda tx: repository.tenant_keys(tx, DEFAULT_TENANT))
    swapped = [type(row)(**{**{name: getattr(row, name) for name in row.__slots__}, "wrapped": rows[0].wrapped}) for row in rows[1:2]]
    sqlite_keys_store.run(lambda tx: repository.save_tenant_keys(tx, swapped))
    with pytest.raises(Misconfigured, match="altered or moved"):
        KeyRing(sqlite_keys_store, repository, FileKeyProvider(tmp_path / "root.key"), fixed_clock).derive(DEFAULT_TENANT, "x")


class OldMap(SqlKeyRepository):
    """A repository whose tenant row never shows the newest version, as a rotation that always overtakes would."""

    def of_subjects(self, *arguments: object) -> list[object]:  # type: ignore[override]
        rows = super().of_subjects(*arguments)  # type: ignore[arg-type]
        return [type(row)(**{**{name: getattr(row, name) for name in row.__slots__}, "kek_version": 99}) for row in rows]


def test_a_batch_that_is_always_overtaken_gives_up_and_says_so(ring: KeyRing, sqlite_keys_store: SqlStore, fixed_clock: FixedClock) -> None:
    """Retries are bounded, and the error tells that trying again helps."""
    with pytest.raises(TooBusy) as caught:
        SubjectKeys(ring, sqlite_keys_store, OldMap(), fixed_clock).for_writing(DEFAULT_TENANT, [LI_XIAOMING.ref])  # type: ignore[arg-type]
    assert caught.value.retryable


def test_a_key_is_asked_for_again_after_its_time(subject_keys: SubjectKeys, sqlite_keys_store: SqlStore, fixed_clock: FixedClock) -> None:
    """Even a store that does not count changes is believed for a minute at most."""
    first = subject_keys.for_writing(DEFAULT_TENANT, [LI_XIAOMING.ref])[0]
    assert subject_keys.for_writing(DEFAULT_TENANT, [LI_XIAOMING.ref])[0] is first
    fixed_clock.advance(timedelta(seconds=61))
    again = subject_keys.for_writing(DEFAULT_TENANT, [LI_XIAOMING.ref])[0]
    assert isinstance(first, SealingKey) and isinstance(again, SealingKey)
    assert again is not first and again.header == first.header
