"""Columns of connected databases encrypted in place: what people ask for. The work itself is a job (`moving.py`); `reading.py` finds and opens values.

A column goes through the phases of `column_model.Phase`. Every step is asked for here, in one transaction with its event and its job, and can be asked for
again: the job goes on where it was. There is a way back until `finalise`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from privacy.actors.people import require
from privacy.audit.events import Action, AuditLog, Event, Outcome
from privacy.inventory.model import Dataset, Status
from privacy.jobs.model import Job, JobState, NewJob
from privacy.kernel.clock import Clock
from privacy.kernel.errors import Conflict, InvalidInput, NotFound
from privacy.kernel.ids import TenantId, new_id
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor
from privacy.protection.column_model import FROM, Draft, Obstacle, Phase, ProtectedColumn, Step
from privacy.protection.column_ports import ColumnRepository, Controls, DataMap, Queue, Relations, Shadows, Survey

KIND = "columns"
_SECONDS_A_ROW = 0.0004  # an estimate: three looks at every row (copy, verify, switch) on an ordinary machine
_MOST_FIELDS = 50
ACTIONS = {
    Step.COPY: Action.COLUMNS_MOVED,
    Step.VERIFY: Action.COLUMNS_MOVED,
    Step.SWITCH: Action.COLUMNS_SWITCHED,
    Step.FINALISE: Action.COLUMNS_FINALISED,
    Step.UNDO: Action.COLUMNS_UNDONE,
}
_BEGUN = {Step.COPY: Phase.COPYING, Step.SWITCH: Phase.SWITCHING, Step.FINALISE: Phase.FINALISING, Step.UNDO: Phase.UNDOING}


class Columns:
    """Plans, asks, shows. Every method needs the scope `systems:protect`, looking `systems:read`.

    Args:
        gate: raises while our own databases have not followed the erasure ledger.
        ruled: the retention rules whose clock a field (dataset, name) is.
    """

    def __init__(
        self,
        store: Store,
        repository: ColumnRepository,
        inventory: DataMap,
        relations: Relations,
        shadows: Shadows,
        queue: Queue,
        audit: AuditLog,
        clock: Clock,
        controls: Controls,
        gate: Callable[[], None],
        ruled: Callable[[TenantId, str, str], Sequence[str]],
    ) -> None:
        self._store, self._repository, self._inventory, self._relations = store, repository, inventory, relations
        self._ruled = ruled
        self._shadows, self._queue, self._audit, self._clock, self._controls, self._gate = shadows, queue, audit, clock, controls, gate

    # --- looking -----------------------------------------------------------------------------------------------------------------------

    def all(self, actor: Actor, system: str = "") -> Sequence[ProtectedColumn]:
        """Return the columns in protection, those undone included, by name."""
        require(actor, "systems:read")
        return self._store.read(lambda tx: self._repository.all(tx, actor.tenant, system))

    def get(self, actor: Actor, id: str) -> ProtectedColumn:
        """Raises NotFound."""
        require(actor, "systems:read")
        return self._store.read(lambda tx: self._found(tx, actor.tenant, id))

    def of_field(self, actor: Actor, dataset: str, field: str) -> ProtectedColumn:
        """Return the column by its name. Raises NotFound."""
        found = [column for column in self.all(actor) if (column.dataset, column.field) == (dataset, field)]
        if not found:
            raise NotFound("This column is not in protection: plan it first (`privacy protect NAME DATASET.FIELD --plan`).")
        return found[0]

    # --- planning ----------------------------------------------------------------------------------------------------------------------

    def plan(self, actor: Actor, names: Sequence[tuple[str, str]], *, keep: bool = True, request_id: str = "") -> list[Draft]:
        """Look at (dataset, field) pairs of one system and say what encrypting them would do; with `keep` those without obstacle are planned.

        Nothing is written into the system. Raises InvalidInput, NotFound for a dataset or field that is not in the map, ConnectorUnavailable, Conflict.
        """
        require(actor, "systems:protect")
        self._gate()
        if not 0 < len(names) <= _MOST_FIELDS or len(set(names)) != len(names):
            raise InvalidInput(f"Name 1 to {_MOST_FIELDS} columns, each once.", pointer="/columns")
        datasets = [self._dataset(actor.tenant, dataset, field) for dataset, field in names]
        if len({dataset.system for dataset in datasets}) != 1:
            raise InvalidInput("The columns of one plan are all of one system.", pointer="/columns")
        opened = self._shadows(actor.tenant, datasets[0].system, "")
        try:
            drafts = [self._draft(actor, opened, dataset, field) for dataset, (_, field) in zip(datasets, names, strict=True)]
        finally:
            opened.close()
        if keep:
            self._store.run(lambda tx: self._keep(tx, actor, drafts, request_id))
        return drafts

    def _keep(self, tx: Tx, actor: Actor, drafts: Sequence[Draft], request_id: str) -> None:
        for draft in drafts:
            if draft.column is None:
                continue
            if not self._repository.add(tx, draft.column):
                raise Conflict(f"{draft.dataset}.{draft.field} is in protection already: see its status.", code="already_protected")
            counts = {"rows": draft.rows, "filled": draft.filled}
            self._audit.append(tx, _event(Action.COLUMNS_PLANNED, actor, draft.column, Outcome.SUCCESS, counts, request_id))

    def _draft(self, actor: Actor, opened: Survey, dataset: Dataset, field: str) -> Draft:
        found = list(self._of_map(actor.tenant, dataset, field))
        subject = dataset.subject_field or ""
        if dataset.subject_field:
            found += opened.obstacles(dataset.table, field, subject)
        if any(not obstacle.note for obstacle in found):
            return Draft(dataset.name, field, tuple(found))
        layout = opened.draw(dataset.table, field, subject)
        rows, filled = opened.count(dataset.table, field)
        now = self._clock.now()
        column = ProtectedColumn(
            new_id(),
            actor.tenant,
            dataset.system,
            dataset.name,
            dataset.id,
            dataset.subject_type or "",
            dataset.fields[field].category,
            layout,
            Phase.PLANNED,
            actor.ref,
            now,
            now,
        )
        return Draft(dataset.name, field, tuple(found), rows, filled, int(rows * _SECONDS_A_ROW) + 1, layout.shadow, layout.index, column)

    def _of_map(self, tenant: TenantId, dataset: Dataset, field: str) -> Sequence[Obstacle]:
        found: list[Obstacle] = []
        known = dataset.fields[field]
        if not dataset.subject_type or not dataset.subject_field:
            found.append(
                Obstacle("no_subject", "Nobody confirmed whose the rows are, and each value is encrypted for one person.", "`privacy systems subject`.")
            )
        if field == dataset.subject_field:
            found.append(Obstacle("subject_key", "The column is the key by which a row's person is known.", "Pseudonymise it elsewhere; a key stays readable."))
        if known.status is not Status.CONFIRMED:
            found.append(Obstacle("undecided", "Nobody confirmed what the column holds, which decides how it is searched.", "`privacy systems confirm`."))
        if known.carrier is not None:
            found.append(Obstacle("carrier", "The column carries free content, which no index finds.", "Mask or erase it; values are encrypted, carriers not."))
        for relation in self._relations.of_system(tenant, dataset.system):
            child = relation.child_id == dataset.id and (field in relation.child_columns or field in relation.when)
            if child or (relation.parent_id == dataset.id and field in relation.parent_columns):
                detail = f"The relation {relation.child} → {relation.parent} follows the column; rows of people would no longer be found."
                found.append(Obstacle("relation", detail, "Reject the relation, or leave the column readable."))
        if rules := self._ruled(tenant, dataset.name, field):
            detail = f"A period begins with the column (retention rule {', '.join(sorted(rules))}); without it no row would ever be due."
            found.append(Obstacle("clock", detail, "Give the rule another clock, or retire it."))
        current = self._store.read(lambda tx: self._repository.of_dataset(tx, tenant, dataset.id))
        if any(each.field == field and each.phase is not Phase.UNDONE for each in current):
            found.append(Obstacle("already_protected", "The column is in protection already.", "See its status."))
        if any(field in (each.layout.shadow, each.layout.index) for each in current if each.phase is not Phase.UNDONE):
            found.append(Obstacle("ours", "The column is one of ours: it holds ciphertexts, or the index over them."))
        return found

    def _dataset(self, tenant: TenantId, name: str, field: str) -> Dataset:
        dataset = self._inventory.dataset(tenant, name)
        if dataset is None or dataset.gone or field not in dataset.fields or dataset.fields[field].gone:
            raise NotFound("There is no such dataset or field in the data map; `privacy systems show` lists them.")
        return dataset

    # --- asking ------------------------------------------------------------------------------------------------------------------------

    def ask(self, actor: Actor, id: str, step: Step, *, drop: bool = False, request_id: str = "") -> tuple[ProtectedColumn, Job | None]:
        """Ask for a step: its job is queued (none for undoing what is only planned). `drop`: finalise drops the emptied column instead of keeping it.

        Raises NotFound, Conflict `wrong_phase` for a step that does not follow from where the column is.
        """
        require(actor, "systems:protect")
        self._gate()
        if (running := self._running(actor.tenant, id, step)) is not None:
            return running

        def work(tx: Tx) -> tuple[ProtectedColumn, Job | None]:
            column = self._found(tx, actor.tenant, id, lock=True)
            if column.phase not in FROM[step]:
                raise Conflict(f"The column is {column.phase}: {step} follows on {', '.join(sorted(FROM[step]))}.", code="wrong_phase")
            begun = self._begun(column, step, self._clock.now(), drop=drop)
            self._controls.moved(tx, actor.tenant)
            self._repository.save(tx, begun)
            if begun.phase is Phase.UNDONE:
                self._audit.append(tx, _event(ACTIONS[step], actor, begun, Outcome.SUCCESS, {}, request_id))
                return begun, None
            self._audit.append(tx, _event(ACTIONS[step], actor, begun, Outcome.ATTEMPTED, {}, request_id))
            return begun, self._queue.enqueue(tx, actor.tenant, job_of(begun, step), by=actor.ref)

        return self._store.run(work)

    def _running(self, tenant: TenantId, id: str, step: Step) -> tuple[ProtectedColumn, Job] | None:
        """Return the job of the same step that waits or runs: it is not asked for twice."""
        column = self._store.read(lambda tx: self._found(tx, tenant, id))
        job = self._queue.find(tenant, _dedupe(column)) if column.asked else None
        alive = job is not None and job.state in (JobState.READY, JobState.LEASED) and job.payload["step"] == step.value
        return (column, job) if job is not None and alive else None

    def _begun(self, column: ProtectedColumn, step: Step, now: datetime, *, drop: bool) -> ProtectedColumn:
        asked = replace(column, asked=column.asked + 1, changed_at=now, problem="")
        if step is Step.UNDO and column.phase is Phase.PLANNED:
            return replace(asked, phase=Phase.UNDONE)
        if step is Step.SWITCH and column.phase is Phase.SWITCHED:
            return asked  # late plaintext is taken up; nothing else changes
        begun = replace(asked, phase=_BEGUN.get(step, column.phase), drop=drop or (step is Step.FINALISE and column.drop))
        # from here on a value may stand in the shadow alone, whatever this process lives to see
        return replace(begun, emptied=True) if step is Step.SWITCH else begun

    def _found(self, tx: Tx, tenant: TenantId, id: str, *, lock: bool = False) -> ProtectedColumn:
        column = self._repository.get(tx, tenant, id, lock=lock)
        if column is None:
            raise NotFound("There is no such protected column; `privacy protect` lists them.")
        return column


def job_of(column: ProtectedColumn, step: Step) -> NewJob:
    """Return the job of a step; work on one system waits for its turn in that system's lane."""
    payload: dict[str, str | int] = {"column": column.id, "step": step.value, "asked": column.asked}
    # only a person's undo ends it: half a switch is nothing to leave behind
    return NewJob(KIND, payload, _dedupe(column), lane=f"system:{column.system}", cancellable=step in (Step.COPY, Step.VERIFY))


def _dedupe(column: ProtectedColumn) -> str:
    return f"{KIND}:{column.id}:{column.asked}"


def _event(action: Action, actor: Actor, column: ProtectedColumn, outcome: Outcome, counts: dict[str, int], request_id: str = "") -> Event:
    return Event(action, actor, outcome, object_type="column", object_ref=column.id, fields=(column.name,), counts=counts, request_id=request_id)


event_of = _event
