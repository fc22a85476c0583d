"""The job that encrypts a column in place, step by step: copy and verify, switch, finalise, undo.

Guarantees: a value is never emptied before its shadow was opened and found equal; a write only hits what was read (value, subject); whatever was interrupted
is done again without harm; of two workers the one with the older lease writes nothing. Passes go through the table by key, in short transactions, with a
rest after each. Limit: without triggers of ours on the table, plaintext that the application writes during the switch is taken up by the passes, and after
it by asking for the switch again.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from privacy.audit.events import AuditLog, Outcome
from privacy.jobs.model import Lease
from privacy.kernel.clock import Clock
from privacy.kernel.errors import Conflict, KeyDestroyed, NotFound, PrivacyError, TooBusy
from privacy.kernel.ids import TenantId
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor, SubjectRef
from privacy.protection.column_model import Census, Layout, Phase, ProtectedColumn, Step, Which
from privacy.protection.column_ports import Cell, ColumnRepository, Controls, Key, Opened, Sealed, Shadows
from privacy.protection.columns import ACTIONS, event_of
from privacy.protection.items import IndexItem, ProtectItem, RevealItem
from privacy.protection.service import Protection

BATCH = 1000
_PASSES = 64
_IDLE = 3  # passes in a row that found rows and could write none of them
_TOKENS = 1 << 32  # leases of one step
NOT_VERIFIED, UNREADABLE = "not_verified", "unreadable"


@dataclass(frozen=True, slots=True)
class Tools:
    """What a move works with."""

    store: Store
    repository: ColumnRepository
    shadows: Shadows
    protection: Protection
    controls: Controls
    audit: AuditLog
    clock: Clock


def machine(tenant: TenantId) -> Actor:
    """Return the service itself as the actor of what a job does."""
    return Actor("service:protection", tenant, auth="none")


class Mover:
    """The handler of jobs of kind `columns`, payload `{column, step, asked}`. `pace` seconds are rested per second of work."""

    def __init__(self, tools: Tools, *, pace: float = 0.0, batch: int = BATCH, sleep: Callable[[float], None] = time.sleep) -> None:
        self._tools, self._pace, self._batch, self._sleep = tools, pace, batch, sleep

    def __call__(self, lease: Lease) -> None:
        """Do the step or go on with it. Raises Conflict (`not_verified`, `unreadable`, `read_only`), ConnectorUnavailable, LeaseLost, PauseWanted."""
        tools, tenant, payload = self._tools, lease.job.tenant, lease.job.payload
        column = tools.store.read(lambda tx: tools.repository.get(tx, tenant, str(payload["column"])))
        if column is None:
            raise NotFound("This column is no longer in protection.")
        step = Step(str(payload["step"]))
        if column.asked != int(payload["asked"]):
            return  # another step was asked for meanwhile
        opened = tools.shadows(tenant, column.system, column.id)
        try:
            _Move(tools, lease, column, step, opened, self._batch, self._rest).carry_out()
        except PrivacyError as error:
            if not error.retryable:
                self._stumbled(column, step, error)
            raise
        finally:
            opened.close()

    def _rest(self, seconds: float) -> None:
        if self._pace:
            self._sleep(seconds * self._pace)

    def _stumbled(self, column: ProtectedColumn, step: Step, error: PrivacyError) -> None:
        tools = self._tools

        def note(tx: Tx) -> None:
            current = tools.repository.get(tx, column.tenant, column.id, lock=True)
            if current is not None and current.asked == column.asked:
                tools.repository.save(tx, replace(current, problem=error.detail))
                tools.audit.append(tx, event_of(ACTIONS[step], machine(column.tenant), current, Outcome.FAILED, {}))

        tools.store.run(note)


@dataclass
class _Move:
    """One attempt at a step of one column."""

    tools: Tools
    lease: Lease
    column: ProtectedColumn
    step: Step
    table: Opened
    batch: int
    rest: Callable[[float], None]

    def carry_out(self) -> None:
        {Step.COPY: self._copy, Step.VERIFY: self._verify, Step.SWITCH: self._switch, Step.FINALISE: self._finalise, Step.UNDO: self._undo}[self.step]()

    @cached_property
    def token(self) -> int:
        # grows over the steps of a column as well as over the leases of one
        return self.column.asked * _TOKENS + self.lease.token

    @property
    def layout(self) -> Layout:
        return self.column.layout

    # --- steps -------------------------------------------------------------------------------------------------------------------------

    def _copy(self) -> None:
        self._now(layout=self.table.prepare(self.layout, self.token))
        # where nothing watches the column every row is looked at, else those that lack something
        self._passes(Which.MISSING if self.layout.guarded else Which.ALL, "copy")
        census = self._census(Which.ALL)
        if census.differing or census.unfit:
            raise _not_verified(census)
        self.table.write_phase(self.layout, self.token, Phase.COPIED)
        self._done(Phase.COPIED, census)

    def _verify(self) -> None:
        stored = self.column.phase is not Phase.COPIED
        census = self._census(Which.STORED if stored else Which.ALL)
        self._done(self.column.phase, census, outcome=Outcome.SUCCESS if census.whole else Outcome.FAILED)

    def _switch(self) -> None:
        self.table.guard(self.layout, self.token)
        self._passes(Which.FILLED, "switch", empty=True)
        self.table.write_phase(self.layout, self.token, Phase.SWITCHED)
        self.table.tidy(self.layout)
        self._done(Phase.SWITCHED, encrypted=True)

    def _finalise(self) -> None:
        self.table.finish(self.layout, self.token, drop=self.column.drop)
        self._done(Phase.FINALISED, encrypted=True)

    def _undo(self) -> None:
        lost = 0
        if self.column.emptied:
            self.table.open(self.layout, self.token)
        for _ in range(_PASSES):
            if self.column.emptied:
                lost += self._bring_back()
            if self.table.remove(self.layout, self.token, emptied=self.column.emptied):
                break
        else:
            raise TooBusy("The application goes on writing shadows; let it write the column again. The job goes on by itself.")
        self._done(Phase.UNDONE, Census(unfit=lost), encrypted=False)

    # --- passes ------------------------------------------------------------------------------------------------------------------------

    def _passes(self, which: Which, word: str, *, empty: bool = False) -> None:
        """Go through the rows until there is nothing left to do. Raises Conflict `not_verified` for rows that stay, TooBusy when there are always new ones."""
        idle = 0
        for _ in range(_PASSES):
            seen, written = self._pass(which, word, empty=empty)
            # whoever looks at every row always sees some; otherwise a row that is seen has something to be done
            if not seen or (which is Which.ALL and not written):
                return
            idle = 0 if written else idle + 1
            if idle == _IDLE:
                raise _not_verified(Census(unfit=seen))
        if empty:
            raise TooBusy("The application goes on writing plaintext into the column faster than it can be taken up; the job goes on by itself.")

    def _pass(self, which: Which, word: str, *, empty: bool) -> tuple[int, int]:
        """Go through the rows once; return how many were seen and written. Raises Conflict where rows cannot be encrypted."""
        seen = written = unfit = 0
        for cells in self._pages(which, word):
            sealed, bad = self._sealed(cells, empty=empty)
            seen, unfit = seen + len(cells), unfit + bad
            written += self.table.fill(self.layout, self.token, sealed, empty=empty) if sealed else 0
        if unfit and not written:
            raise _not_verified(Census(unfit=unfit))
        return seen, written

    def _pages(self, which: Which, word: str) -> "_Pages":
        return _Pages(self, which, word)

    def _sealed(self, cells: Sequence[Cell], *, empty: bool) -> tuple[list[Sealed], int]:
        """Return what to write for these rows, those that are right already left out (unless they are to be emptied), and how many cannot be."""
        right = self._right(cells)
        sealed = [Sealed(cell, cell.shadow, cell.index) for cell, is_right in zip(cells, right, strict=True) if is_right and empty and cell.plain is not None]
        stale = [cell for cell, is_right in zip(cells, right, strict=True) if not is_right]
        sealed += [Sealed(cell, None, None) for cell in stale if cell.plain is None and not empty]
        wanted = [cell for cell in stale if cell.plain is not None]
        texts = self._protected(wanted)
        numbers = self._indexed(wanted)
        made = [
            Sealed(cell, text, int(number))
            for cell, text, number in zip(wanted, texts, numbers, strict=True)
            if isinstance(text, str) and isinstance(number, str)
        ]
        return sealed + made, len(wanted) - len(made)

    def _right(self, cells: Sequence[Cell]) -> list[bool]:
        """Tell which cells stand in shadow and index as they should: opened and compared, not believed."""
        opened = self._opened(cells)
        both = [cell for cell in cells if cell.plain is not None and cell.shadow is not None]
        numbers = dict(zip(map(id, both), self._indexed(both), strict=True))
        right = []
        for cell, value in zip(cells, opened, strict=True):
            if cell.plain is None:
                right.append(cell.shadow is None and cell.index is None)
            else:
                right.append(isinstance(value, Plaintext) and value == cell.plain and str(cell.index) == numbers.get(id(cell)))
        return right

    def _census(self, which: Which) -> Census:
        counts = dict.fromkeys(Census().plain(), 0)
        for cells in self._pages(which, "verify"):
            counts["rows"] += len(cells)
            for cell, word in zip(cells, self._judged(cells, stored=which is Which.STORED), strict=True):
                counts[word] += 1
                counts["filled"] += cell.plain is not None or cell.shadow is not None
        return Census(**counts)

    def _judged(self, cells: Sequence[Cell], *, stored: bool) -> list[str]:
        if stored:
            opened = self._opened(cells)
            return [self._stored(cell, value) for cell, value in zip(cells, opened, strict=True)]
        words = []
        for cell, right in zip(cells, self._right(cells), strict=True):
            if right:
                words.append("encrypted" if cell.plain is not None else "empty")
            elif cell.plain is not None and (cell.subject is None or not cell.fit):
                words.append("unfit")
            else:
                # without a trigger a changed value leaves its old shadow until the next pass
                words.append("waiting" if cell.shadow is None or cell.plain is None or not self.layout.guarded else "differing")
        return words

    def _stored(self, cell: Cell, value: Plaintext | PrivacyError | None) -> str:
        if cell.plain is not None:
            return "waiting"
        if value is None:
            return "empty"
        if isinstance(value, Plaintext):
            (number,) = self._indexed([replace(cell, plain=value)])
            return "encrypted" if number == str(cell.index) else "differing"
        return "unfit" if isinstance(value, KeyDestroyed) else "differing"

    def _bring_back(self) -> int:
        """Put every hidden value back; return how many are gone for good because their person's key was destroyed on purpose."""
        lost = 0
        for cells in self._pages(Which.HIDDEN, "undo"):
            values, gone = [], []
            for cell, value in zip(cells, self._opened(cells), strict=True):
                if isinstance(value, Plaintext):
                    values.append((cell, value))
                elif isinstance(value, KeyDestroyed):
                    gone.append(Sealed(cell, None, None))
                else:
                    raise Conflict("A shadow does not open, so its value cannot come back: restore that row's shadow from a backup.", code=UNREADABLE)
            self.table.restore(self.layout, self.token, values)
            lost += self.table.fill(self.layout, self.token, gone, empty=False)
        return lost

    # --- values ------------------------------------------------------------------------------------------------------------------------

    def _subject(self, cell: Cell) -> SubjectRef:
        return SubjectRef(self.column.system, self.column.subject_type, cell.subject or "")

    def _protected(self, cells: Sequence[Cell]) -> list[str | PrivacyError]:
        field, category = self.column.field, self.column.category
        items = [ProtectItem(self._subject(cell), field, cell.plain or Plaintext(""), category) for cell in cells]
        answers = self.tools.protection.protect(self.column.tenant, self.column.dataset_id, items) if items else []
        return [answer if cell.fit else Conflict("no text form") for cell, answer in zip(cells, answers, strict=True)]

    def _indexed(self, cells: Sequence[Cell]) -> list[str | PrivacyError]:
        items = [IndexItem(self.column.field, cell.plain or Plaintext(""), self.column.category) for cell in cells]
        return self.tools.protection.index(self.column.tenant, self.column.dataset_id, items) if items else []

    def _opened(self, cells: Sequence[Cell]) -> list[Plaintext | PrivacyError | None]:
        held = [cell for cell in cells if cell.shadow is not None]
        items = [RevealItem(self._subject(cell), self.column.field, cell.shadow or "") for cell in held]
        answers = self.tools.protection.reveal(self.column.tenant, self.column.dataset_id, items) if items else []
        found = dict(zip(map(id, held), answers, strict=True))
        return [found.get(id(cell)) for cell in cells]

    # --- our own store -----------------------------------------------------------------------------------------------------------------

    def _now(self, *, layout: Layout) -> None:
        self.column = replace(self.column, layout=layout)
        self._save(self.column)

    def _done(self, phase: Phase, census: Census | None = None, *, encrypted: bool | None = None, outcome: Outcome = Outcome.SUCCESS) -> None:
        tools, counts = self.tools, census.plain() if census else {}
        ended = replace(
            self.column,
            phase=phase,
            changed_at=tools.clock.now(),
            counts=counts or self.column.counts,
            emptied=self.column.emptied and phase is not Phase.UNDONE,
        )

        def work(tx: Tx) -> None:
            if self._current(tx):
                tools.repository.save(tx, ended)
                tools.controls.moved(tx, ended.tenant)
                if encrypted is not None:
                    tools.controls(tx, ended.tenant, ended, encrypted=encrypted, gone=phase is Phase.FINALISED and ended.drop)
                tools.audit.append(tx, event_of(ACTIONS[self.step], machine(ended.tenant), ended, outcome, counts))
            self.lease.complete(tx, counts)

        tools.store.run(work)

    def _save(self, column: ProtectedColumn) -> None:
        def work(tx: Tx) -> None:
            self.lease.guard(tx)
            if self._current(tx):
                self.tools.repository.save(tx, column)

        self.tools.store.run(work)

    def _current(self, tx: Tx) -> bool:
        current = self.tools.repository.get(tx, self.column.tenant, self.column.id, lock=True)
        return current is not None and current.asked == self.column.asked


class _Pages:
    """Pages of one pass, with a rest after each and the progress shown."""

    def __init__(self, move: _Move, which: Which, word: str) -> None:
        self._move, self._which, self._word = move, which, word
        self._after: Key = ()
        self._done = 0

    def __iter__(self) -> "_Pages":
        return self

    def __next__(self) -> Sequence[Cell]:
        move, began = self._move, time.monotonic()
        cells = move.table.page(move.layout, self._which, self._after, move.batch)
        if not cells:
            raise StopIteration
        if self._after:
            move.rest(time.monotonic() - began)
        self._after, self._done = cells[-1].key, self._done + len(cells)
        move.lease.renew(self._done, None, self._word)
        return cells


def _not_verified(census: Census) -> Conflict:
    return Conflict(
        f"{census.unfit} cells cannot be encrypted (a row without a subject, a destroyed key, bytes in a text column) and {census.differing} do not open to "
        "their value: mend these rows and ask for the step again, or undo.",
        code=NOT_VERIFIED,
    )
