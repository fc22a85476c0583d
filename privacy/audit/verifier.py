#!/usr/bin/env python3
"""Check an audit bundle offline. One file, Python standard library only: read it, copy it, run it anywhere.

    python3 verifier.py BUNDLE --log-vkey VKEY [--old CHECKPOINT] [--view FILE.csv]
    python3 verifier.py EVENT.tlog-proof --entry EVENT.json --log-vkey VKEY

Proves: every entry of the range stands in the log at its index, nothing is missing between the first and the last, the log had this
root when its key signed the checkpoint, and it only grew since the older checkpoint you kept. Does not prove: that whoever holds the
log key never showed another log to somebody else (compare checkpoints with them), nor what was never written.
Take the key (vkey) from a contract, a letter or a web page, never from the place the bundle came from.

Exit status: 0 verified · 1 altered or not from this log · 2 usage · 3 cannot be verified (no key, or the bundle does not reach).
Formats: RFC 6962 hashes, RFC 9162 §2.1.3.2 and §2.1.4.2 checks, C2SP signed-note, tlog-checkpoint, tlog-proof; the bundle is described in docs/audit.md.
Run alone, Ed25519 is checked by `openssl pkeyutl` (OpenSSL 3.0); inside the product the check is passed in.
"""

import argparse
import base64
import binascii
import hashlib
import hmac
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO

BUNDLE_FORMAT = "privacy-steward-audit/1"
MANIFEST_FORMAT = "privacy-steward-audit-bundle/1"
PROOF_FORMAT = "c2sp.org/tlog-proof@v1"
LONGEST_LINE = 1 << 20
VIEW_COLUMNS = (
    "leaf_index", "leaf_hash", "id", "time", "action", "outcome", "actor", "roles", "object_type", "object_ref", "fields",
    "purpose", "recipient", "legal_basis", "decision", "policy", "rules", "request_id", "counts", "committed",
)  # fmt: skip

Ed25519Check = Callable[[bytes, bytes, bytes], bool]  # (public key, signature, message)


class Tampered(Exception):
    """Something was altered, or is not of this log. The text names places, never values."""


class Unverifiable(Exception):
    """Nothing speaks against it, but what would speak for it is missing."""


# --- RFC 6962: hashes and trees ---------------------------------------------------------------------------------------------


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


EMPTY_ROOT = hashlib.sha256(b"").digest()


class GrowingTree:
    """The perfect subtrees, largest first, that cover the leaves seen so far: enough to know the root at any moment."""

    def __init__(self, size: int = 0, left: Sequence[bytes] = ()) -> None:
        if len(left) != size.bit_count() or any(len(item) != 32 for item in left):
            raise Tampered("The hashes left of the range do not fit its first index.")
        self.size, self._stack = size, list(left)

    def add(self, hash_: bytes, height: int = 0) -> None:
        """Add a perfect subtree of 2^height leaves; `size` is a multiple of that."""
        carry, self.size = self.size >> height, self.size + (1 << height)
        while carry & 1:
            hash_, carry = node_hash(self._stack.pop(), hash_), carry >> 1
        self._stack.append(hash_)

    def root(self, tail: bytes | None = None) -> bytes:
        """Return the root, with `tail` as the last, incomplete subtree where there is one."""
        stack = [*self._stack, tail] if tail is not None else self._stack[:]
        if not stack:
            return EMPTY_ROOT
        result = stack.pop()
        while stack:
            result = node_hash(stack.pop(), result)
        return result

    def root_with(self, right: Sequence[bytes], size: int) -> bytes:
        """Return the root of the tree of `size` leaves whose subtrees right of here have the hashes `right`."""
        if any(len(item) != 32 for item in right):
            raise Tampered("A proof hash is not 32 bytes long.")
        hashes = iter(right)
        tail = None
        for height in right_heights(self.size, size):
            hash_ = next(hashes, None)
            if hash_ is None:
                raise Tampered("The range proof is too short.")
            if height is None:
                tail = hash_
            else:
                self.add(hash_, height)
        if next(hashes, None) is not None:
            raise Tampered("The range proof is too long.")
        return self.root(tail)


def right_heights(begin: int, size: int) -> Iterator[int | None]:
    """Yield the heights of the subtrees that cover [begin, size) from left to right; None for a last one cut off by the size."""
    while begin < size:
        height = (begin & -begin).bit_length() - 1 if begin else size.bit_length()
        if begin + (1 << height) > size:
            yield None
            return
        yield height
        begin += 1 << height


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """RFC 9162 §2.1.3.2. Raises Tampered unless `leaf` stands at `index` in the tree of `size` leaves with `root`."""
    if any(len(item) != 32 for item in (leaf, root, *proof)):
        raise Tampered("A hash is not 32 bytes long.")
    if not 0 <= index < size:
        raise Tampered("The index lies outside the log.")
    result, node, last = leaf, index, size - 1
    for item in proof:
        if last == 0:
            raise Tampered("The inclusion proof is too long.")
        if node & 1 or node == last:
            result = node_hash(item, result)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            result = node_hash(result, item)
        node, last = node >> 1, last >> 1
    if last != 0 or not hmac.compare_digest(result, root):
        raise Tampered(f"Entry {index} is not part of the signed log.")


def check_consistency(old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """RFC 9162 §2.1.4.2. Raises Tampered unless the tree of `size` leaves begins with the tree of `old_size`."""
    if any(len(item) != 32 for item in (old_root, root, *proof)):
        raise Tampered("A hash is not 32 bytes long.")
    if not 0 < old_size <= size:
        raise Tampered("The older checkpoint is empty, or larger than the newer one: the log was rolled back.")
    if old_size == size:
        if proof or old_root != root:
            raise Tampered("Two checkpoints of one size differ: the log was forked.")
        return
    hashes = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    node, last = old_size - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    if not hashes:
        raise Tampered("The consistency proof is too short.")
    old = new = hashes[0]
    for item in hashes[1:]:
        if last == 0:
            raise Tampered("The consistency proof is too long.")
        if node & 1 or node == last:
            old, new = node_hash(item, old), node_hash(item, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, item)
        node, last = node >> 1, last >> 1
    if last != 0 or old != old_root or new != root:
        raise Tampered("The log is not a continuation of the older checkpoint.")


# --- C2SP signed notes and checkpoints --------------------------------------------------------------------------------------


def from_base64(text: str, length: int | None = None) -> bytes:
    """Decode base64 in its one canonical form; anything else is Tampered, so that no bit of a text is without meaning."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Tampered("A base64 text is malformed.") from None
    if base64.b64encode(data).decode() != text or (length is not None and len(data) != length):
        raise Tampered("A base64 text is not in its canonical form or has the wrong length.")
    return data


@dataclass(frozen=True, slots=True)
class LogKey:
    """A parsed vkey, `name+hex(key ID)+base64(type ‖ key)`."""

    name: str
    key_id: bytes
    public: bytes

    @classmethod
    def parse(cls, vkey: str) -> "LogKey":
        parts = vkey.strip().split("+", 2)
        try:
            name, key_id, data = parts[0], bytes.fromhex(parts[1]), base64.b64decode(parts[2], validate=True)
        except (IndexError, ValueError):
            raise Unverifiable("The log key is written name+keyid+base64; this is something else.") from None
        if len(data) != 33 or data[0] != 1 or key_id != hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]:
            raise Unverifiable("The log key contradicts its own key ID, or is not an Ed25519 key: copy it again, whole.")
        return cls(name, key_id, data[1:])


def open_note(note: str, key: LogKey, check: Ed25519Check) -> str:
    """Return the text of a signed note. Raises Tampered unless `key` signed it; lines of other keys are ignored."""
    text, separator, lines = note.rpartition("\n\n")
    text += "\n"
    if not separator or not lines.endswith("\n") or any(ord(char) < 32 and char != "\n" for char in note):
        raise Tampered("The signed note is malformed.")
    signatures = [signature for line in lines[:-1].split("\n") if (signature := _signature_of(line, key)) is not None]
    if len(signatures) != 1:
        raise Tampered("The note does not carry exactly one signature of the given log key.")
    if not check(key.public, signatures[0], text.encode()):
        raise Tampered("The signature of the log key is wrong.")
    return text


def _signature_of(line: str, key: LogKey) -> bytes | None:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "\u2014" or not parts[1]:
        raise Tampered("A signature line is malformed.")
    data = from_base64(parts[2])
    return data[4:] if parts[1] == key.name and data[:4] == key.key_id else None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    origin: str
    size: int
    root: bytes

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not lines[0] or not all(lines[:-1]) or not _is_decimal(lines[1]):
            raise Tampered("The checkpoint is malformed.")
        return cls(lines[0], int(lines[1]), from_base64(lines[2], 32))

    @classmethod
    def open(cls, note: str, key: LogKey, check: Ed25519Check) -> "Checkpoint":
        """Read a signed checkpoint of the log that `key` names. Raises Tampered."""
        checkpoint = cls.parse(open_note(note, key, check))
        if checkpoint.origin != key.name:
            raise Tampered("The checkpoint belongs to another log than the key.")
        return checkpoint


def _is_decimal(text: str) -> bool:
    return text.isascii() and text.isdigit() and (text == "0" or text[0] != "0") and len(text) < 20


# --- the bundle -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Report:
    """What was verified."""

    origin: str
    size: int
    first: int
    end: int
    disclosed: int
    grown_from: int | None = None


@dataclass(frozen=True, slots=True)
class _Header:
    checkpoint: str
    first: int
    end: int
    left: list[bytes]
    right: list[bytes]


def canonical(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "surrogatepass")


def entry_line(index: int, entry: bytes) -> bytes:
    """Return the line of a disclosed entry."""
    return b'{"entry":' + entry + _tail(index, leaf_hash(entry))


def hidden_line(index: int, hash_: bytes) -> bytes:
    """Return the line of an entry the filter leaves out: its hash keeps the range complete."""
    return b"{" + _tail(index, hash_)[1:]


def _tail(index: int, hash_: bytes) -> bytes:
    return b',"hash":"' + base64.b64encode(hash_) + b'","index":' + str(index).encode() + b"}\n"


def manifest_text(origin: str, digest: bytes, entries: int, disclosed: int) -> str:
    """Return the text the log key signs under a bundle. It cannot pass for a checkpoint: no origin is called like its first line."""
    return f"{MANIFEST_FORMAT}\n{origin}\nsha256 {base64.b64encode(digest).decode()}\nentries {entries}\ndisclosed {disclosed}\n"


def verify(
    bundle: BinaryIO, vkey: str | None, check: Ed25519Check, old_checkpoint: str | None = None, on_entry: Callable[[int, bytes], None] | None = None
) -> Report:
    """Verify a bundle in one pass with little memory. Raises Tampered or Unverifiable; `on_entry` sees entries before the last word is said."""
    if not vkey:
        raise Unverifiable("Give the key of the log with --log-vkey: without it nobody can tell this log from another.")
    key, whole = LogKey.parse(vkey), hashlib.sha256()
    header = _read_header(_line(bundle, whole, "the header"))
    checkpoint = Checkpoint.open(header.checkpoint, key, check)
    if not header.first <= header.end <= checkpoint.size:
        raise Tampered("The range of the bundle does not lie inside the log.")
    old = Checkpoint.open(old_checkpoint, key, check) if old_checkpoint is not None else None
    _check_reach(old, header, checkpoint)
    tree = GrowingTree(header.first, header.left)
    disclosed = 0
    for index in range(header.first, header.end):
        if old is not None:
            _check_old_root(old, tree)
        entry, hash_ = _read_entry(_line(bundle, whole, f"entry {index}"), index)
        tree.add(hash_)
        if entry is not None:
            disclosed += 1
            if on_entry:
                on_entry(index, entry)
    _check_old_root(old, tree)
    if not hmac.compare_digest(tree.root_with(header.right, checkpoint.size), checkpoint.root):
        raise Tampered(f"The entries {header.first} to {header.end - 1} are not those of the signed log: at least one was altered, dropped, added or moved.")
    _check_manifest(bundle, key, check, manifest_text(checkpoint.origin, whole.digest(), header.end - header.first, disclosed))
    _check_order(old, checkpoint)
    return Report(checkpoint.origin, checkpoint.size, header.first, header.end, disclosed, old.size if old else None)


def _line(bundle: BinaryIO, whole: "hashlib._Hash | None", what: str) -> bytes:
    line = bundle.readline(LONGEST_LINE)
    if not line.endswith(b"\n"):
        raise Tampered(f"The bundle ends, or a line never ends, at {what}.")
    if whole is not None:
        whole.update(line)
    return line


def _read_object(line: bytes, keys: set[str], what: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise Tampered(f"{what} cannot be read.") from None
    # re-encoding catches duplicate keys, other spellings and white space in one comparison
    if not isinstance(value, dict) or set(value) != keys or canonical(value) + b"\n" != line:
        raise Tampered(f"{what} is not in its canonical form.")
    return value


def _read_header(line: bytes) -> _Header:
    keys = {"bundle", "checkpoint", "created", "end", "filter", "first", "left", "operator", "right"}
    header = _read_object(line, keys, "The header of the bundle")
    numbers = [header["first"], header["end"]]
    lists = [header["left"], header["right"]]
    if header["bundle"] != BUNDLE_FORMAT:
        raise Unverifiable("This bundle has a format this verifier does not know: get a newer one.")
    if any(type(item) is not int or not 0 <= item < 1 << 63 for item in numbers) or not isinstance(header["checkpoint"], str):
        raise Tampered("The header of the bundle is malformed.")
    if any(not isinstance(items, list) or len(items) > 64 or not all(isinstance(item, str) for item in items) for items in lists):
        raise Tampered("The header of the bundle is malformed.")
    left, right = ([from_base64(item, 32) for item in items] for items in lists)
    return _Header(header["checkpoint"], header["first"], header["end"], left, right)


def _read_entry(line: bytes, index: int) -> tuple[bytes | None, bytes]:
    if line.startswith(b'{"entry":'):
        cut = line.rfind(b',"hash":"')
        entry = line[9:cut]
        hash_ = leaf_hash(entry)
        if cut > 9 and line[cut:] == _tail(index, hash_):
            return entry, hash_
    elif line.startswith(b'{"hash":"') and len(line) > 53:
        hash_ = from_base64(line[9:53].decode("ascii", "replace"), 32)
        if hidden_line(index, hash_) == line:
            return None, hash_
    raise Tampered(f"Entry {index} was altered, or an entry was dropped, added or moved there.")


def _check_reach(old: Checkpoint | None, header: _Header, checkpoint: Checkpoint) -> None:
    if old is None or old.size > checkpoint.size:
        return
    if not header.first <= old.size <= header.end and not (old.size == checkpoint.size and old.root == checkpoint.root):
        raise Unverifiable(f"The bundle covers {header.first} to {header.end}, the older checkpoint has {old.size} entries: export from {old.size} or before.")


def _check_order(old: Checkpoint | None, checkpoint: Checkpoint) -> None:
    """Refuse to compare with a larger checkpoint, after everything else was checked: what is altered is told first.

    Limit: no signature carries a time, so a bundle from before the checkpoint and one of a log rolled back after it look the same.
    """
    if old is not None and old.size > checkpoint.size:
        raise Unverifiable(
            f"The bundle is intact but older than the checkpoint: it shows a log of {checkpoint.size} entries, the checkpoint one of {old.size}. "
            f"Ask for a new export to compare them; if that ends before {old.size} as well, the log was rolled back."
        )


def _check_old_root(old: Checkpoint | None, tree: GrowingTree) -> None:
    if old is not None and tree.size == old.size and not hmac.compare_digest(tree.root(), old.root):
        raise Tampered(f"The first {old.size} entries are not those of the older checkpoint: the log was rewritten.")


def _check_manifest(bundle: BinaryIO, key: LogKey, check: Ed25519Check, expected: str) -> None:
    manifest = _read_object(_line(bundle, None, "the manifest"), {"manifest"}, "The manifest")["manifest"]
    if bundle.read(1):
        raise Tampered("Something follows the manifest.")
    if not isinstance(manifest, str) or open_note(manifest, key, check) != expected:
        raise Tampered("The bundle is not the one its manifest was signed for.")


# --- single events, and what stands beside the log --------------------------------------------------------------------------


def verify_proof(proof: str, entry: bytes, vkey: str | None, check: Ed25519Check) -> Report:
    """Verify one entry against its `.tlog-proof`. Raises Tampered or Unverifiable."""
    if not vkey:
        raise Unverifiable("Give the key of the log with --log-vkey.")
    index, hashes, note = parse_proof(proof)
    checkpoint = Checkpoint.open(note, LogKey.parse(vkey), check)
    check_inclusion(leaf_hash(entry), index, checkpoint.size, hashes, checkpoint.root)
    return Report(checkpoint.origin, checkpoint.size, index, index + 1, 1)


def parse_proof(proof: str) -> tuple[int, list[bytes], str]:
    """Return (index, hashes, checkpoint note) of a C2SP tlog-proof."""
    head, _, note = proof.partition("\n\n")
    lines = head.split("\n")
    if lines.pop(0) != PROOF_FORMAT:
        raise Tampered("This is not a tlog-proof of a known version.")
    if lines and lines[0].startswith("extra "):
        from_base64(lines.pop(0)[6:])
    if not lines or not lines[0].startswith("index ") or not _is_decimal(lines[0][6:]):
        raise Tampered("The index of the tlog-proof is malformed.")
    if len(lines) > 65:
        raise Tampered("The tlog-proof is too long.")
    return int(lines[0][6:]), [from_base64(line, 32) for line in lines[1:]], note


def commitment(field: str, value: object, salt: bytes) -> str:
    """Return what `_sd` of an entry holds for a value kept beside the log: base64url of HMAC-SHA-256(salt, ["field",value])."""
    if len(salt) != 32:
        raise ValueError("the salt of a commitment has exactly 32 bytes")  # HMAC pads shorter keys: they would not bind
    return base64.urlsafe_b64encode(hmac.digest(salt, canonical([field, value]), "sha256")).decode().rstrip("=")


def subject_hash(event: str, audit_ref: bytes, fields: Sequence[str], effect: str, salt: bytes) -> bytes:
    """Return the leaf, in the event's tree of subjects (`subjects_root`), of one row: which fields of whom were affected, and how."""
    return leaf_hash(canonical([event, base64.b64encode(audit_ref).decode(), list(fields), effect, base64.b64encode(salt).decode()]))


# --- views ------------------------------------------------------------------------------------------------------------------


def view_row(index: int, entry: bytes) -> str:
    """Return the CSV line of an entry; whoever has the bundle can make the same line, and so check the view."""
    leaf = json.loads(entry)
    actor, target, authz = leaf.get("actor", {}), leaf.get("object", {}), leaf.get("authz", {})
    cells: list[Any] = [
        index, leaf_hash(entry).hex(), leaf.get("id"), leaf.get("time"), leaf.get("action"), leaf.get("outcome"), actor.get("ref"), actor.get("roles"),
        target.get("type"), target.get("ref"), target.get("fields"), leaf.get("purpose"), leaf.get("recipient"), leaf.get("legal_basis"),
        authz.get("decision"), authz.get("policy_ref"), authz.get("rules"), leaf.get("request_id"), leaf.get("counts"), sorted(leaf.get("_sd", {})),
    ]  # fmt: skip
    return csv_line([_cell(cell) for cell in cells])


def csv_line(cells: Sequence[str]) -> str:
    # written here, since the csv module quotes differently from one version of Python to the next
    return ",".join(_quoted(_no_formula(cell)) for cell in cells) + "\n"


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(char in cell for char in '",\r\n') else cell


def _cell(value: object) -> str:
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    if isinstance(value, Mapping):
        return " ".join(f"{key}={item}" for key, item in sorted(value.items()))
    return "" if value is None else str(value)


def _no_formula(cell: str) -> str:
    """A spreadsheet takes a cell that begins like this for a formula and runs it; in some locales the wide signs too."""
    return "'" + cell if cell.startswith(tuple("=+-@\t\r\n＝＋－＠")) else cell


class ViewCheck:
    """Compare a CSV view with the entries it claims to show, line by line."""

    def __init__(self, view: TextIO) -> None:
        self._view = view
        if view.readline() != csv_line(VIEW_COLUMNS):
            raise Tampered("The view does not begin with the columns of this format.")

    def on_entry(self, index: int, entry: bytes) -> None:
        row = view_row(index, entry)
        if self._view.read(len(row)) != row:
            raise Tampered(f"The view differs from entry {index}.")

    def finish(self) -> None:
        if self._view.read(1):
            raise Tampered("The view has more rows than the bundle discloses entries.")


# --- alone ------------------------------------------------------------------------------------------------------------------


def openssl_check(public: bytes, signature: bytes, message: bytes) -> bool:
    """Check Ed25519 with the openssl command, for those who have this file and nothing else."""
    der = bytes.fromhex("302a300506032b6570032100") + public
    with tempfile.TemporaryDirectory() as folder:
        names = [Path(folder, name) for name in ("key.der", "signature", "message")]
        for path, data in zip(names, (der, signature, message), strict=True):
            path.write_bytes(data)
        command: list[str | Path] = [
            "openssl",
            "pkeyutl",
            "-verify",
            "-pubin",
            "-keyform",
            "DER",
            "-inkey",
            names[0],
            "-rawin",
            "-sigfile",
            names[1],
            "-in",
            names[2],
        ]
        try:
            return subprocess.run(command, capture_output=True, check=False).returncode == 0
        except OSError:
            raise Unverifiable("The openssl command is missing: install OpenSSL 3.0 or use `privacy audit verify`.") from None


def verify_files(path: str, vkey: str | None, check: Ed25519Check, *, old: str | None = None, entry: str | None = None, view: str | None = None) -> Report:
    """Verify a bundle or a tlog-proof by file name. Raises Tampered, Unverifiable or OSError."""
    with open(path, "rb") as bundle:
        if bundle.read(len(PROOF_FORMAT)) == PROOF_FORMAT.encode():
            if entry is None:
                raise Unverifiable("A tlog-proof proves an entry: give the file with it by --entry.")
            return verify_proof(_text(path), Path(entry).read_bytes(), vkey, check)
        bundle.seek(0)
        note = _text(old) if old else None
        if view is None:
            return verify(bundle, vkey, check, note)
        with open(view, encoding="utf-8", newline="") as lines:
            views = ViewCheck(lines)
            report = verify(bundle, vkey, check, note, views.on_entry)
            views.finish()
            return report


def _text(path: str) -> str:
    try:
        return Path(path).read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise Tampered("A checkpoint or proof is not UTF-8 text.") from None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Verify an audit bundle, or one event with its tlog-proof, offline.")
    parser.add_argument("bundle")
    parser.add_argument("--log-vkey", help="the key of the log, name+keyid+base64, obtained from somewhere else than the bundle")
    parser.add_argument("--old", help="a checkpoint kept from an earlier visit")
    parser.add_argument("--entry", help="the entry a tlog-proof speaks of")
    parser.add_argument("--view", help="a CSV view to compare with the bundle")
    given = parser.parse_args(arguments)
    try:
        report = verify_files(given.bundle, given.log_vkey, openssl_check, old=given.old, entry=given.entry, view=given.view)
    except Tampered as problem:
        print(f"NOT VERIFIED: {problem}", file=sys.stderr)
        return 1
    except Unverifiable as problem:
        print(f"CANNOT VERIFY: {problem}", file=sys.stderr)
        return 3
    except OSError as problem:
        print(f"CANNOT READ: {problem.strerror}", file=sys.stderr)
        return 2
    print(f"verified: entries {report.first} to {report.end - 1} of {report.size} in {report.origin}, {report.disclosed} disclosed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
