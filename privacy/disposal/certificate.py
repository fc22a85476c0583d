"""The certificate of an erasure: counts by dataset, what stays and why, keys that died, what a second look found; a signed note, checked offline.

One line of canonical JSON, an empty line, a signature line of the audit log's key (C2SP signed-note). It names no person: the case does, and only
the controller can tell whose case it was. Its SHA-256 stands in the event `disposal:certificate:issued`, so that the log shows when it was made.
Proves: the log's key signed exactly this text. Does not prove that the database told the truth, nor anything about copies nobody named to us.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from privacy.audit.notes import sign
from privacy.audit.ports import Signer
from privacy.audit.verifier import Ed25519Check, LogKey, Tampered, Unverifiable, open_note
from privacy.disposal.model import Plan
from privacy.kernel.canonical import canonical_json
from privacy.kernel.clock import rfc3339
from privacy.kernel.ids import TenantId

FORMAT = "privacy-steward-certificate/1"
_KEPT = ("restrict", "keep")
LIMITS = (
    "Backups made before the erasure hold the rows until they are overwritten; restored with this product they are erased again before anything is read.",
    "Write-ahead logs, replicas and exports of the connected systems count as copies: their owners were not asked by this run.",
    "Fields listed under not_searched were not searched for the person's identifiers.",
)
KEYS_IN_LOG = (
    "The write-ahead log of the keys database was being read when the keys were destroyed: their wrapped values stand in its file until the next "
    "destruction or start of the service empties it."
)


class Certificates:
    """Writes certificates with the log's key."""

    def __init__(self, signer: Signer, origin_of: Callable[[TenantId], str]) -> None:
        self._signer, self._origin_of = signer, origin_of

    def issue(self, plan: Plan, keys: Mapping[str, Any], at: str, limits: Sequence[str] = ()) -> tuple[str, str]:
        """Return the signed text and its SHA-256 (hex). `plan.results` holds what each system's run did and what was found afterwards.

        `limits` are those of this run, beside those of every one.
        """
        text = canonical_json(_document(plan, keys, at, limits)).decode("utf-8")
        note = sign(f"{text}\n", self._origin_of(plan.tenant), self._signer)
        return note, hashlib.sha256(note.encode("utf-8")).hexdigest()


def verify(note: str, vkey: str | None, check: Ed25519Check) -> dict[str, Any]:
    """Return the certificate's content when the key signed it. Raises Tampered, Unverifiable."""
    if not vkey:
        raise Unverifiable("A certificate proves nothing without the log's key: give it with --log-vkey, from another source than the certificate.")
    text = open_note(note, LogKey.parse(vkey), check)
    try:
        said: object = json.loads(text)
    except ValueError:
        said = None
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise Tampered("The signed text is not a certificate of a format known here.")
    if canonical_json(said) + b"\n" != text.encode("utf-8"):
        raise Tampered("The certificate is not in its canonical form.")
    return said


def _document(plan: Plan, keys: Mapping[str, Any], at: str, limits: Sequence[str]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "certificate": plan.id,
        "tenant": plan.tenant,
        "case": plan.case,
        "issued_at": at,
        "plan": {
            "hash": plan.hash,
            "made_by": plan.made_by,
            "made_at": rfc3339(plan.made_at),
            "approved_by": plan.approved_by,
            "approved_at": rfc3339(plan.approved_at) if plan.approved_at else "",
        },
        "systems": [_system(plan, system) for system in plan.systems],
        "open": [{"system": system, "why": why} for system, why in sorted(plan.problems.items())],
        "keys": dict(keys),
        "carriers": list(plan.carriers),
        "limits": [*LIMITS, *limits],
    }


def _system(plan: Plan, system: str) -> dict[str, Any]:
    result = plan.results.get(system, {})
    checked = {**result.get("checked", {})}
    not_searched = [{"place": place, "why": why} for place, why in sorted(checked.pop("not_searched", {}).items())]
    counted = {name: [{"place": place, "rows": rows} for place, rows in sorted(checked.pop(name, {}).items())] for name in ("left", "behind")}
    return {
        "system": system,
        "map": plan.map_digests.get(system, ""),
        "schema": plan.fingerprints.get(system, ""),
        "datasets": _datasets(result.get("tally", ())),
        "done_at": result.get("at", ""),
        "checked": {**counted, "again": checked.get("again", 0), "residue": checked.get("residue", []), "not_searched": not_searched},
    }


def _datasets(tally: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return per dataset what was found and what became of it; the lines say why rows stay, under which rule, until when."""
    names = dict.fromkeys(line["dataset"] for line in tally)
    return [_dataset(name, [line for line in tally if line["dataset"] == name]) for name in names]


def _dataset(name: str, lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    def rows(*actions: str) -> int:
        return sum(line["rows"] for line in lines if line["action"] in actions)

    stays = [{key: line[key] for key in ("action", "share", "rows", "reason", "rule", "until")} for line in lines if line["action"] in _KEPT or line["reason"]]
    return {
        "dataset": name,
        "found": sum(line["found"] for line in lines),
        "deleted": rows("delete"),
        "anonymised": rows("anonymise"),
        "unlinked": rows("unlink"),
        "restricted": rows("restrict"),
        "kept": rows("keep"),
        "columns": sorted({column for line in lines if line["action"] in ("anonymise", "unlink") for column in line["columns"]}),
        "reasons": stays,
    }
