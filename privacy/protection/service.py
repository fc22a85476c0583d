"""Protect, reveal and index: batch first; a single value is a batch of one.

Guarantee: the answers stand in the order of the items, each the result or the error of its item. A value opens only for the tenant,
dataset (its id, never its name), field and subject it was protected for. Limit: a value has at most 64 KiB of UTF-8; what the database
or the root key refuses fails the whole batch; an index shows which rows are equal.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from privacy.crypto.blind_index import BlindIndex
from privacy.crypto.envelope import SealingKey, from_text, key_of, open_envelope, place, seal, seal_rows, subject_part, to_text
from privacy.crypto.flaws import Flaw
from privacy.crypto.keyring import KeyRing
from privacy.crypto.subject_keys import SubjectKeys, WantedKey
from privacy.kernel.errors import CiphertextInvalid, InvalidInput, PayloadTooLarge, PrivacyError
from privacy.kernel.ids import DatasetId, TenantId
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import SubjectRef
from privacy.protection.items import IndexItem, ProtectItem, RevealItem
from privacy.protection.normalise import Normaliser, Normalisers

T = TypeVar("T")
_CHUNK: Final = 1000  # new subjects in one transaction at most: it stays well within the bounded wait
_INDEXES_AT_MOST: Final = 4096


@dataclass(frozen=True, slots=True)
class ProtectionSettings:
    """Limits and rules of values.

    `max_value_bytes`: UTF-8 bytes of one value. `region`: where phone numbers without a country code are at home.
    `padded`: categories whose values are so few that their length would tell them; they are filled up to 32 bytes.
    """

    max_value_bytes: int = 65_536
    region: str = "CN"
    padded: frozenset[str] = frozenset({"gender", "marital_status", "education", "nationality", "ethnicity", "religion", "political", "age"})


class Protection:
    """The door to keys and values. Access decides and records before it calls."""

    def __init__(self, subject_keys: SubjectKeys, keyring: KeyRing, settings: ProtectionSettings | None = None) -> None:
        self._keys = subject_keys
        self._ring = keyring
        self._settings = settings or ProtectionSettings()
        self._normalisers = Normalisers(self._settings.region)
        self._indexes: dict[tuple[str, str, str, str], BlindIndex] = {}
        # the text form is four characters for three bytes
        self._longest_text = (self._settings.max_value_bytes + 128) * 4 // 3

    def protect(self, tenant: TenantId, dataset: DatasetId, items: Sequence[ProtectItem]) -> list[str | PrivacyError]:
        """Return each value's ciphertext in text form, or why there is none: InvalidInput, PayloadTooLarge, KeyDestroyed."""
        return [answer for start, chunk in _chunks(items) for answer in self._protect(tenant, dataset, chunk, start)]

    def reveal(self, tenant: TenantId, dataset: DatasetId, items: Sequence[RevealItem]) -> list[Plaintext | PrivacyError]:
        """Return each ciphertext's value, or CiphertextInvalid (one for every way of not opening) or KeyDestroyed."""
        return [answer for _, chunk in _chunks(items) for answer in self._reveal(tenant, dataset, chunk)]

    def index(self, tenant: TenantId, dataset: DatasetId, items: Sequence[IndexItem]) -> list[str | PrivacyError]:
        """Return each value's exact blind index: a decimal number below 2^63, for a signed 64-bit column or a text one."""
        answers: list[str | PrivacyError] = []
        for number, item in enumerate(items):
            value = self._bytes(item.value, number)
            normaliser = self._normalisers.of(item.category)
            if flaw := _flaw_of_field(item.field, number):
                answers.append(flaw)
            elif isinstance(value, PrivacyError):
                answers.append(value)
            else:
                answers.append(str(self._index(tenant, dataset, item.field, normaliser).of(normaliser.apply(value.decode()))))
        return answers

    def protect_one(self, tenant: TenantId, dataset: DatasetId, item: ProtectItem) -> str:
        return _or_raise(self.protect(tenant, dataset, [item])[0])

    def reveal_one(self, tenant: TenantId, dataset: DatasetId, item: RevealItem) -> Plaintext:
        return _or_raise(self.reveal(tenant, dataset, [item])[0])

    def index_one(self, tenant: TenantId, dataset: DatasetId, item: IndexItem) -> str:
        return _or_raise(self.index(tenant, dataset, [item])[0])

    def _protect(self, tenant: TenantId, dataset: DatasetId, items: Sequence[ProtectItem], start: int) -> list[str | PrivacyError]:
        answers: list[str | PrivacyError] = []
        values: dict[int, bytes] = {}
        for number, item in enumerate(items):
            value = _flaw_of_field(item.field, start + number) or _flaw_of_subject(item.subject, start + number) or self._bytes(item.value, start + number)
            if isinstance(value, bytes):
                values[number] = value
            answers.append(value if isinstance(value, PrivacyError) else "")
        keys = self._keys.for_writing(tenant, [items[number].subject for number in values])
        ready: list[tuple[int, SealingKey]] = []
        for number, key in zip(values, keys, strict=True):
            if isinstance(key, SealingKey):
                ready.append((number, key))
            else:
                answers[number] = key
        for number, blob in self._sealed(tenant, dataset, items, values, ready):
            answers[number] = to_text(blob)
        return answers

    def _sealed(
        self, tenant: TenantId, dataset: DatasetId, items: Sequence[ProtectItem], values: dict[int, bytes], ready: list[tuple[int, SealingKey]]
    ) -> Iterator[tuple[int, bytes]]:
        wheres = {item.field: place(tenant, dataset, item.field) for item in {items[number].field: items[number] for number, _ in ready}.values()}
        subjects = _subject_parts(items[number].subject for number, _ in ready)
        padded = self._settings.padded
        plain = [(number, key) for number, key in ready if items[number].category not in padded]
        rows = [items[number] for number, _ in plain]
        blobs = seal_rows(
            [key for _, key in plain], [wheres[row.field] for row in rows], [subjects[row.subject] for row in rows], [values[number] for number, _ in plain]
        )
        yield from zip((number for number, _ in plain), blobs, strict=True)
        for number, key in ready:
            if (item := items[number]).category in padded:
                yield number, seal(key, wheres[item.field], subjects[item.subject], values[number], padded=True)

    def _reveal(self, tenant: TenantId, dataset: DatasetId, items: Sequence[RevealItem]) -> list[Plaintext | PrivacyError]:
        answers: list[Plaintext | PrivacyError] = [CiphertextInvalid() for _ in items]
        blobs = {number: blob for number, item in enumerate(items) if (blob := self._blob(item, number)) is not None}
        wanted = [WantedKey(items[number].subject, *key_of(blob)) for number, blob in blobs.items()]
        subjects = _subject_parts(each.subject for each in wanted)
        wheres = {items[number].field: place(tenant, dataset, items[number].field) for number in blobs}
        for (number, blob), key in zip(blobs.items(), self._keys.for_reading(tenant, wanted), strict=True):
            item = items[number]
            answers[number] = _opened(key, wheres[item.field], subjects[item.subject], blob)
        return answers

    def _blob(self, item: RevealItem, number: int) -> bytes | None:
        if _flaw_of_field(item.field, number) or _flaw_of_subject(item.subject, number):
            return None
        text: object = item.value  # may come straight out of a caller's JSON
        if not isinstance(text, str) or len(text) > self._longest_text:
            return None
        try:
            blob = from_text(text)
            key_of(blob)
        except Flaw:
            return None
        return blob

    def _bytes(self, value: Plaintext, number: int) -> bytes | PrivacyError:
        text: object = value.reveal()  # may come straight out of a caller's JSON
        if not isinstance(text, str):
            return InvalidInput("A value is a text.", pointer=f"/items/{number}/value")
        try:
            encoded = text.encode()
        except UnicodeEncodeError:  # its text holds the value, so it goes no further
            return InvalidInput("The value is not valid Unicode: it holds half of a surrogate pair.", pointer=f"/items/{number}/value")
        if len(encoded) > self._settings.max_value_bytes:
            return PayloadTooLarge(f"A value has at most {self._settings.max_value_bytes} bytes in UTF-8.", pointer=f"/items/{number}/value")
        return encoded

    def _index(self, tenant: TenantId, dataset: DatasetId, field: str, normaliser: Normaliser) -> BlindIndex:
        name = (tenant, dataset, field, normaliser.index_name)
        known = self._indexes.get(name)
        if known is None:
            if len(self._indexes) >= _INDEXES_AT_MOST:
                self._indexes.clear()
            keys = self._ring.keys(tenant)
            known = self._indexes[name] = BlindIndex.of_field(keys.index_key, *name, digest=keys.digest)
        return known


def _opened(key: SealingKey | PrivacyError, where: bytes, subject: bytes, blob: bytes) -> Plaintext | PrivacyError:
    if isinstance(key, PrivacyError):
        return CiphertextInvalid() if isinstance(key, Flaw) else key
    try:
        return Plaintext(open_envelope(key, where, subject, blob).decode())
    except (Flaw, UnicodeDecodeError):
        return CiphertextInvalid()


def _subject_parts(subjects: Iterator[SubjectRef]) -> dict[SubjectRef, bytes]:
    return {subject: subject_part(subject.system, subject.type, subject.key) for subject in set(subjects)}


def _flaw_of_field(field: str, number: int) -> PrivacyError | None:
    if 0 < len(field) <= 255 and _is_unicode(field):
        return None
    return InvalidInput("A field is named by 1 to 255 characters.", pointer=f"/items/{number}/field")


def _flaw_of_subject(subject: SubjectRef, number: int) -> PrivacyError | None:
    if subject.system and subject.type and subject.key:
        text = f"{subject.system}{subject.type}{subject.key}"
        if len(text) <= 512 and _is_unicode(text):
            return None
    return InvalidInput("A subject is written system:type:key, for example crm:customer:42.", pointer=f"/items/{number}/subject")


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _chunks(items: Sequence[T]) -> Iterator[tuple[int, Sequence[T]]]:
    return ((start, items[start : start + _CHUNK]) for start in range(0, len(items), _CHUNK))


def _or_raise(answer: T | PrivacyError) -> T:
    if isinstance(answer, PrivacyError):
        raise answer
    return answer
