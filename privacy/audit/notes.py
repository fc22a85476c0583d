"""Write what `verifier.py` reads: C2SP verifier keys, signed notes, checkpoints and tlog-proofs.

Ed25519 only: the foreign verifiers know no other kind yet. A second signature line would be added in `sign`.
"""

import base64
import hashlib
from collections.abc import Sequence

from privacy.audit.ports import Signer
from privacy.audit.verifier import PROOF_FORMAT, Checkpoint
from privacy.kernel.errors import Misconfigured

_ED25519 = b"\x01"


def key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def vkey(name: str, public: bytes) -> str:
    """Return the text an auditor pins, `name+hex(key ID)+base64(type ‖ key)`."""
    check_name(name)
    return f"{name}+{key_id(name, public).hex()}+{b64(_ED25519 + public)}"


def check_name(name: str) -> None:
    """Raise Misconfigured unless `name` can be an origin: not empty, one word, no plus sign."""
    if not name or "+" in name or any(char.isspace() or ord(char) < 32 for char in name):
        raise Misconfigured("The name of a log (origin) is a URL without scheme, spaces or plus signs, such as audit.example.com/privacy/default/1.")


def parse_checkpoint(note: str) -> Checkpoint:
    """Read a checkpoint of our own, without looking at its signature."""
    return Checkpoint.parse(note.partition("\n\n")[0] + "\n")


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    return f"{origin}\n{size}\n{b64(root)}\n"


def sign(text: str, name: str, signer: Signer) -> str:
    """Return `text` (whole lines) as a signed note of the key `name`."""
    signature = signer.sign(text.encode())
    return f"{text}\n\u2014 {name} {b64(key_id(name, signer.public_bytes) + signature)}\n"


def tlog_proof(index: int, hashes: Sequence[bytes], note: str) -> str:
    """Return a `.tlog-proof`: the index, the audit path (the leaf's sibling first) and the checkpoint it leads to."""
    return "\n".join([PROOF_FORMAT, f"index {index}", *map(b64, hashes), "", note])


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
