"""The envelope: what was sealed opens, and nothing else does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.crypto import envelope
from privacy.crypto.ciphers import Algorithm
from privacy.crypto.envelope import DataKey, from_text, key_of, open_column, open_envelope, place, seal, seal_column, seal_rows, subject_part, to_text
from privacy.crypto.flaws import CommitmentMismatch, Flaw, Malformed, TagMismatch
from privacy.kernel.errors import CiphertextInvalid

KEY = DataKey(7, bytes(range(32)))
OTHER = DataKey(7, bytes(range(1, 33)))
WHERE, SUBJECT = place("t", "d", "f"), subject_part("crm", "customer", "42")
every_algorithm = pytest.mark.parametrize("algorithm", list(Algorithm))
values = st.binary(max_size=200) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass"))


@settings(deadline=None)
@given(value=values, algorithm=st.sampled_from(Algorithm), padded=st.booleans())
def test_every_value_comes_back(value: bytes, algorithm: Algorithm, padded: bool) -> None:
    """Empty values, any script and any bytes survive the round trip, padded or not."""
    blob = seal(KEY.under(algorithm), WHERE, SUBJECT, value, padded=padded)
    assert open_envelope(KEY.under(algorithm), WHERE, SUBJECT, blob) == value
    assert key_of(blob) == (7, algorithm)
    assert from_text(to_text(blob)) == blob


@every_algorithm
def test_a_megabyte_comes_back(algorithm: Algorithm) -> None:
    """The format has no size limit of its own."""
    value = bytes(range(256)) * 4096
    assert open_envelope(KEY.under(algorithm), WHERE, SUBJECT, seal(KEY.under(algorithm), WHERE, SUBJECT, value)) == value


@every_algorithm
@pytest.mark.parametrize("padded", [False, True])
def test_every_flipped_bit_is_rejected(algorithm: Algorithm, padded: bool) -> None:
    """Header, commitment, nonce, ciphertext, tag: no bit is free."""
    key = KEY.under(algorithm)
    blob = seal(key, WHERE, SUBJECT, "李小明".encode(), padded=padded)
    for bit in range(len(blob) * 8):
        changed = bytearray(blob)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Flaw):
            open_envelope(key, WHERE, SUBJECT, bytes(changed))
        assert isinstance(open_column(key, WHERE, [SUBJECT], [bytes(changed)])[0], Flaw)


def test_every_changed_character_of_the_text_form_is_rejected() -> None:
    """Base64 has several spellings of the same bytes; only one is read."""
    key = KEY.under(1)
    for size in range(3):  # one, two and no filling characters
        text = to_text(seal(key, WHERE, SUBJECT, b"x" * size))
        for position in range(len(text)):
            for character in "AQgwb/+= \n":
                changed = text[:position] + character + text[position + 1 :]
                if changed != text:
                    with pytest.raises(Flaw):
                        open_envelope(key, WHERE, SUBJECT, from_text(changed))


@every_algorithm
def test_every_truncation_and_extension_is_rejected(algorithm: Algorithm) -> None:
    """A cut or prolonged ciphertext never opens, not even to a part."""
    key = KEY.under(algorithm)
    blob = seal(key, WHERE, SUBJECT, b"13904172263")
    for changed in [blob[:size] for size in range(len(blob))] + [blob + b"\x00", blob + blob]:
        with pytest.raises(Flaw):
            open_envelope(key, WHERE, SUBJECT, changed)


@every_algorithm
@pytest.mark.parametrize("elsewhere", [place("t2", "d", "f"), place("t", "d2", "f"), place("t", "d", "f2"), place("td", "", "f")])
def test_a_ciphertext_moved_to_another_place_is_rejected(algorithm: Algorithm, elsewhere: bytes) -> None:
    """Tenant, dataset and field are bound, and cannot be shifted into one another."""
    key = KEY.under(algorithm)
    with pytest.raises(TagMismatch):
        open_envelope(key, elsewhere, SUBJECT, seal(key, WHERE, SUBJECT, b"13904172263"))


@pytest.mark.parametrize("other", [("crm", "customer", "43"), ("crm", "customer4", "2"), ("cr", "mcustomer", "42"), ("shop", "customer", "42")])
def test_a_ciphertext_moved_to_another_subject_is_rejected(other: tuple[str, str, str]) -> None:
    """System, type and key of the subject are bound, even where two subjects shared a key."""
    key = KEY.under(2)
    with pytest.raises(TagMismatch):
        open_envelope(key, WHERE, subject_part(*other), seal(key, WHERE, SUBJECT, b"13904172263"))


@every_algorithm
def test_another_key_with_the_same_id_is_told_by_the_commitment(algorithm: Algorithm) -> None:
    """No ciphertext opens under two keys."""
    with pytest.raises(CommitmentMismatch):
        open_envelope(OTHER.under(algorithm), WHERE, SUBJECT, seal(KEY.under(algorithm), WHERE, SUBJECT, b"x"))


@pytest.mark.parametrize("start", [b"\x90\x01\x00", b"\x91\x00\x00", b"\x91\x04\x00", b"\x91\x81\x00", b"\x91\x01\x01", b"\x91\x01\x02", b"\x91\x01\x08"])
def test_unknown_versions_algorithms_and_flags_are_malformed(start: bytes) -> None:
    """What this version does not understand it refuses, instead of guessing."""
    with pytest.raises(Malformed):
        key_of(start + bytes(60))


def test_key_ids_beyond_a_databases_integers_are_malformed() -> None:
    """The largest signed 64-bit id is read, the next is not asked for."""
    ids = [(1 << 63) - 1, 1 << 63, (1 << 64) - 1]
    blobs = [seal(DataKey(key_id, bytes(32)).under(1), WHERE, SUBJECT, b"x") for key_id in ids]
    assert key_of(blobs[0]) == (ids[0], 1)
    for blob in blobs[1:]:
        with pytest.raises(Malformed):
            key_of(blob)


@pytest.mark.parametrize("text", ["", "pv1:", "pv2:AAAA", "PV1:AAAA", "pv1:%%%%", "pv1:AAA", "pv1:中文", "pv1:AAAA\n", "pv1:AA==AA=="])
def test_what_is_not_the_text_form_is_malformed(text: str) -> None:
    """The prefix and strict base64 are required."""
    with pytest.raises(Flaw):
        key_of(from_text(text))


def test_short_values_have_one_length_when_padded() -> None:
    """The ciphertext of 男 does not tell itself from that of female."""
    key = KEY.under(1)
    assert len({len(seal(key, WHERE, SUBJECT, word.encode(), padded=True)) for word in ("男", "女", "female", "male", "", "prefer not to say")}) == 1


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_padding_is_undone(value: bytes) -> None:
    """Any bytes, those that look like padding included."""
    assert envelope.unpad(envelope.pad(value)) == value


@pytest.mark.parametrize("value", [b"", b"\x80", bytes(32), b"\x80" + bytes(32), b"a" * 32, b"\x80" + bytes(30) + b"x"])
def test_wrong_padding_is_malformed(value: bytes) -> None:
    """Padding is checked whole, not cut off blindly."""
    with pytest.raises(Malformed):
        envelope.unpad(value)


@every_algorithm
def test_a_column_and_rows_open_in_order(algorithm: Algorithm) -> None:
    """The batch functions give the same envelopes as the single one, in the order of the values."""
    subjects = [subject_part("crm", "customer", str(number)) for number in range(50)]
    texts = [f"value {number}".encode() for number in range(50)]
    keys = [DataKey(number, bytes([number]) * 32).under(algorithm) for number in range(50)]
    assert open_column(keys[3], WHERE, subjects, seal_column(keys[3], WHERE, subjects, texts)) == texts
    rows = seal_rows(keys, [WHERE] * 50, subjects, texts)
    assert [open_envelope(key, WHERE, subject, blob) for key, subject, blob in zip(keys, subjects, rows, strict=True)] == texts


def test_one_bad_ciphertext_does_not_spoil_a_column() -> None:
    """Its flaw stands in its place."""
    key = KEY.under(1)
    blobs = seal_column(key, WHERE, [SUBJECT] * 3, [b"a", b"b", b"c"])
    blobs[1] = blobs[1][:-1] + bytes([blobs[1][-1] ^ 1])
    first, second, third = open_column(key, WHERE, [SUBJECT] * 3, blobs)
    assert (first, type(second), third) == (b"a", TagMismatch, b"c")


def test_a_batch_never_repeats_a_nonce() -> None:
    """Nonces come from the system's generator, each value its own."""
    blobs = seal_column(KEY.under(1), WHERE, [SUBJECT] * 5000, [b"same"] * 5000)
    assert len({blob[27:39] for blob in blobs}) == 5000


def test_all_flaws_look_the_same_from_outside() -> None:
    """A caller learns nothing from how a ciphertext fails."""
    flaws = [flaw() for flaw in (Malformed, CommitmentMismatch, TagMismatch)]
    assert {(flaw.code, flaw.detail) for flaw in flaws} == {(CiphertextInvalid().code, CiphertextInvalid().detail)}


def test_keys_do_not_print() -> None:
    """A key in a log line or traceback shows nothing."""
    assert repr(KEY) == "DataKey(***)"
