"""Signed notes, checkpoints, keys and tlog-proofs: what we write others read, and what others wrote we read."""

import base64

import pytest

from privacy.audit import merkle, notes
from privacy.audit.verifier import Checkpoint, LogKey, Tampered, Unverifiable, commitment, open_note, parse_proof, verify_proof
from privacy.crypto.signatures import Ed25519Key, verify_ed25519
from privacy.kernel.errors import Misconfigured
from tests.audit.builders import LOG_KEY, OTHER_KEY, vectors

VECTORS = vectors("audit")
ORIGIN = VECTORS["log"]["origin"]
KEY = LogKey.parse(VECTORS["log"]["vkey"])
LEAVES = [merkle.leaf_hash(f"entry {n}".encode()) for n in range(7)]
NOTE = notes.sign(notes.checkpoint_text(ORIGIN, 7, merkle.tree_root(LEAVES)), ORIGIN, LOG_KEY)


def test_key_and_signature_are_the_known_ones() -> None:
    """The vkey and the signed checkpoint come out byte for byte."""
    known = VECTORS["log"]
    assert notes.vkey(ORIGIN, Ed25519Key.from_seed(bytes.fromhex(known["seed"])).public_bytes) == known["vkey"]
    assert NOTE.endswith(f"\n\n\u2014 {ORIGIN} {known['signature']}\n")


def test_a_note_signed_by_a_foreign_program_is_read() -> None:
    """The published example of the Go implementation verifies."""
    published = VECTORS["published"]
    assert "cryptography" in open_note(published["note"], LogKey.parse(published["vkey"]), verify_ed25519)


def test_a_checkpoint_is_read_back() -> None:
    """Origin, size and root survive."""
    assert Checkpoint.open(NOTE, KEY, verify_ed25519) == Checkpoint(ORIGIN, 7, merkle.tree_root(LEAVES))


def test_signatures_of_unknown_keys_are_ignored() -> None:
    """A witness may have cosigned; whoever does not know it still reads the note."""
    witness = VECTORS["cosignature"]
    cosigned = f"{NOTE}\u2014 {witness['name']} {witness['line']}\n"
    assert Checkpoint.open(cosigned, KEY, verify_ed25519).size == 7


def test_a_wrong_signature_of_a_known_key_spoils_the_note() -> None:
    """Same name and key ID, other signature: refused, wherever it stands."""
    data = bytearray(base64.b64decode(VECTORS["log"]["signature"]))
    data[-1] ^= 1
    forged = NOTE.partition("\n\n")[0] + f"\n\n\u2014 {ORIGIN} {base64.b64encode(data).decode()}\n"
    for note in (forged, NOTE + forged.partition("\n\n")[2], NOTE + NOTE.partition("\n\n")[2]):
        with pytest.raises(Tampered):
            Checkpoint.open(note, KEY, verify_ed25519)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n\n",
        NOTE[:-1],
        NOTE.replace("\n\n", "\n"),
        NOTE.replace("\u2014", "-"),
        NOTE.replace("\n7\n", "\n07\n"),
        NOTE.replace("\n7\n", "\n8\n"),
        NOTE.replace("\u2014 ", "\u2014  "),
        NOTE + "\n",
        NOTE.replace("gQ=\n", "gR=\n"),
        "\t" + NOTE,
        NOTE.replace(ORIGIN, ORIGIN + "2"),
    ],
)
def test_any_other_spelling_of_a_note_is_refused(note: str) -> None:
    """Nothing in a note is without meaning."""
    with pytest.raises(Tampered):
        Checkpoint.open(note, KEY, verify_ed25519)


@pytest.mark.parametrize(
    "text", ["o\n1\n", "o\n-1\nAAAA\n", "o\n1\nAAAA\n", "\n1\n" + "A" * 43 + "=\n", "o\n01\n" + "A" * 43 + "=\n", "o\n1\n" + "A" * 43 + "=", "o\n\n"]
)
def test_a_malformed_checkpoint_is_refused(text: str) -> None:
    """Size in plain decimals, root of 32 bytes, whole lines."""
    with pytest.raises(Tampered):
        Checkpoint.parse(text)


def test_a_checkpoint_of_another_log_does_not_pass_under_this_key() -> None:
    """The same key may sign for several logs; the name in the text must be the key's."""
    text = notes.checkpoint_text("audit.example.com/privacy/2", 7, merkle.tree_root(LEAVES))
    with pytest.raises(Tampered):
        Checkpoint.open(notes.sign(text, ORIGIN, LOG_KEY), KEY, verify_ed25519)


@pytest.mark.parametrize(
    "vkey", ["", "name", "name+zz+AAAA", "name+00000000+AAAA", VECTORS["log"]["vkey"].replace("ad64", "ad65"), VECTORS["log"]["vkey"] + "A"]
)
def test_a_key_that_contradicts_itself_cannot_be_used(vkey: str) -> None:
    """A mistyped vkey is said to be one; the log is not accused."""
    with pytest.raises(Unverifiable):
        LogKey.parse(vkey)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u3000b"])
def test_a_log_cannot_be_called_what_a_note_cannot_carry(name: str) -> None:
    """No spaces of any script, no plus."""
    with pytest.raises(Misconfigured):
        notes.vkey(name, LOG_KEY.public_bytes)


def test_a_proof_of_one_entry_is_written_and_read() -> None:
    """A tlog-proof shows its entry and no other; the version line, extra data and every hash are checked."""
    proof = notes.tlog_proof(4, merkle.inclusion_proof(merkle.of_leaves(LEAVES), 4, 7), NOTE)
    assert proof.startswith("c2sp.org/tlog-proof@v1\nindex 4\nn/U3")
    assert verify_proof(proof, b"entry 4", VECTORS["log"]["vkey"], verify_ed25519).first == 4
    verify_proof(proof.replace("\nindex", "\nextra AAAA\nindex"), b"entry 4", VECTORS["log"]["vkey"], verify_ed25519)
    lines = proof.split("\n")
    for wrong in (
        proof.replace("@v1", "@v2"),
        proof.replace("index 4", "index 04"),
        proof.replace("index 4", "index 5"),
        proof.replace("\nindex", "\nextra *\nindex"),
        "\n".join([*lines[:2], *lines[3:]]),
        "\n".join([*lines[:2], *lines[2:5] * 30, *lines[5:]]),
        proof.replace("index 4\n", ""),
    ):
        with pytest.raises(Tampered):
            verify_proof(wrong, b"entry 4", VECTORS["log"]["vkey"], verify_ed25519)
    with pytest.raises(Tampered):
        verify_proof(proof, b"entry 5", VECTORS["log"]["vkey"], verify_ed25519)
    with pytest.raises(Tampered):
        verify_proof(proof, b"entry 4", notes.vkey(ORIGIN, OTHER_KEY.public_bytes), verify_ed25519)
    with pytest.raises(Unverifiable):
        verify_proof(proof, b"entry 4", None, verify_ed25519)
    assert parse_proof(proof)[2] == NOTE


def test_a_commitment_is_the_known_one_and_binds() -> None:
    """Another value, field or salt gives another commitment; a salt of another length is refused."""
    known = VECTORS["commitment"]
    salt = bytes.fromhex(known["salt"])
    assert commitment(known["field"], known["value"], salt) == known["commitment"]
    others = {commitment("other", known["value"], salt), commitment(known["field"], "", salt), commitment(known["field"], known["value"], salt[::-1])}
    assert known["commitment"] not in others
    for length in (0, 31, 33):
        with pytest.raises(ValueError):
            commitment(known["field"], known["value"], bytes(length))
