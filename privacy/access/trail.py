"""What is written before anything leaves: one event per call with counts, rules and, per subject, which fields were seen how.

Names in an event come from the data map and the catalogue, never from the request: a caller's words may be personal values.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from privacy.access.decision import Bench, Effect
from privacy.access.ports import AuditRefs
from privacy.audit.events import Action, AuditLog, Decision, Event, Outcome, SubjectTrace
from privacy.kernel.terms import Actor, SubjectRef

_MAX_NAMES = 100  # a leaf has 16 KiB; how many there were stands in the counts
_MAX_BYTES = 4000

Seen = dict[SubjectRef, dict[str, frozenset[str]]]


@dataclass(slots=True)
class Account:
    """What one call did, in numbers and names. `seen`: subject → effect → fields."""

    counts: dict[str, int] = field(default_factory=dict)
    fields: set[str] = field(default_factory=set)
    rules: set[str] = field(default_factory=set)
    seen: Seen = field(default_factory=dict)

    @property
    def disclosed(self) -> bool:
        return bool(self.counts.get(Effect.CLEAR, 0) or self.counts.get(Effect.MASKED, 0))

    def see(self, subject: SubjectRef | None, effect: str, names: frozenset[str]) -> None:
        """Note that these fields of a subject were seen like this; nothing for a call without subject."""
        if subject and names:
            effects = self.seen.setdefault(subject, {})
            effects[effect] = effects[effect] | names if effect in effects else names


class Trail:
    """Writes the events of this room. Raises AuditUnavailable, upon which the caller gets nothing."""

    def __init__(self, audit: AuditLog, refs: AuditRefs) -> None:
        self._audit = audit
        self._refs = refs

    def record(self, action: Action, actor: Actor, bench: Bench, account: Account, request_id: str, outcome: Outcome | None = None) -> None:
        """Commit the event of one call; returns only after it is durable."""
        self._audit.record(
            Event(
                action,
                actor,
                outcome=outcome or (Outcome.SUCCESS if account.disclosed else Outcome.DENIED),
                object_type="dataset" if bench.dataset else "",
                object_ref=bench.dataset.name[:256] if bench.dataset else "",
                related=(bench.dataset.id,) if bench.dataset else (),
                fields=_some(account.fields),
                purpose=bench.purpose.id if bench.purpose else "",
                recipient=bench.recipient or "",
                legal_basis=bench.purpose.lawful_basis if bench.purpose else "",
                request_id=request_id,
                decision=Decision(bench.policy_ref, _word(account), _some(account.rules)),
                counts={**account.counts, "fields": len(account.fields), "subjects": len(account.seen)},
                subjects=tuple(self._traces(actor, account.seen)),
            )
        )

    def _traces(self, actor: Actor, seen: Seen) -> Iterable[SubjectTrace]:
        subjects = list(seen)
        short: dict[frozenset[str], tuple[str, ...]] = {}  # a thousand subjects share a handful of field lists
        for subject, ref in zip(subjects, self._refs.audit_refs(actor.tenant, subjects) if subjects else (), strict=True):
            if ref:  # empty after the subject's keys were destroyed: then nothing may point to the person any more
                for effect, names in seen[subject].items():
                    if (listed := short.get(names)) is None:
                        listed = short[names] = _some(names)
                    yield SubjectTrace(ref, listed, effect)


def _some(names: Iterable[str]) -> tuple[str, ...]:
    chosen, size = [], 0
    for name in sorted(names)[:_MAX_NAMES]:
        size += len(name.encode())
        if size > _MAX_BYTES:
            break
        chosen.append(name)
    return tuple(chosen)


def _word(account: Account) -> str:
    effects = [effect.value for effect in Effect if account.counts.get(effect, 0)]
    return effects[0] if len(effects) == 1 else "mixed" if effects else Effect.WITHHELD.value
