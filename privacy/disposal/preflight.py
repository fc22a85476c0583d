"""What would stop a plan, found before anybody approves it: by looking at the schema, then by running everything and rolling it back."""

from collections.abc import Iterator, Mapping, Sequence

from privacy.disposal.model import Obstacle
from privacy.disposal.ports import Target
from privacy.disposal.steps import Step, StepKind
from privacy.disposal.target import Both, Delete, ForeignKeyShape, Rehearsal, Statement, TableShape, Violation

LARGE = 100_000  # rows of a child table without an index from which on one deletion may hold locks for too long
_SOFT_DELETE = ("deleted", "is_deleted", "deleted_at", "del_flag", "isdelete", "is_delete", "removed_at")
_VIOLATED = {
    "foreign_key": ("reference_violated", "Other rows still refer to rows that go: confirm that relation, or choose another handling for this table."),
    "not_null": ("not_null_violated", "A column may not be empty: say in the handling what it becomes (`replacements`)."),
    "unique": ("unique_violated", "A column must stay unique: say in the handling that its rows are deleted, or name a replacement that differs."),
    "check": ("check_violated", "A CHECK constraint refuses the replacement: name one that it allows (`replacements`)."),
    "trigger": ("trigger_refuses", "A trigger of the database refuses it: ask its owner, or choose another handling for this table."),
    "permission": ("no_permission", "Our database account may not change this table: grant it SELECT, UPDATE and DELETE there."),
}


def look(system: str, shapes: Mapping[str, TableShape], steps: Sequence[Step], target: Target, kind: str) -> Iterator[Obstacle]:
    """Yield what the schema alone tells about these steps."""
    writing = [step for step in steps if step.kind is not StepKind.STAY]
    deleted = {step.table for step in writing if step.kind is StepKind.DELETE}
    for table in sorted({step.table for step in writing}):
        shape, where = shapes[table], f"{system}.{table}"
        if shape.kind != "table":
            yield _not_a_table(system, table, shape.kind)
            continue
        if not shape.primary_key:
            detail = "The table has no primary key: its rows are named by all columns that are never empty."
            yield Obstacle("no_primary_key", where, detail, "Give it a primary key when you can.", blocks=False)
        if shape.triggers:
            detail = f"Triggers run with every change: {', '.join(shape.triggers)}. What they did shows in the rehearsal, not in the counts."
            yield Obstacle("triggers", where, detail, "Ask their owner whether they copy rows elsewhere (history, search, messages).", blocks=False)
        if soft := [name for name in shape.columns if name.lower() in _SOFT_DELETE]:
            detail = f"Rows are marked as deleted by {', '.join(soft)}: marked rows are rows all the same, they are found and removed."
            yield Obstacle("soft_delete", where, detail, "Nothing to do.", blocks=False)
    yield from _unindexed(system, shapes, deleted, target, kind)


def weigh(system: str, shapes: Mapping[str, TableShape], steps: Sequence[Step], statements: Sequence[Statement], rehearsal: Rehearsal) -> Iterator[Obstacle]:
    """Yield what a rehearsal of `statements` (one per step that writes) showed: a broken constraint, other counts, rows nobody planned."""
    writing = [step for step in steps if step.kind is not StepKind.STAY]
    if rehearsal.violation is not None:
        yield _violated(system, writing, statements, rehearsal.violation)
        return
    for step, rows in zip(writing, rehearsal.rows, strict=True):
        if rows != len(step.keys):
            detail = f"A {step.kind.value} of {len(step.keys)} rows changed {rows} when it was tried."
            yield Obstacle("counts_differ", f"{system}.{step.table}", detail, "Make a new plan; if it happens again, look at the table's triggers.")
    yield from _beside(system, shapes, {step.table for step in writing}, rehearsal)


def _beside(system: str, shapes: Mapping[str, TableShape], written: set[str], rehearsal: Rehearsal) -> Iterator[Obstacle]:
    """Tell rows beside the plan: changed ones block (nobody decided about them), added ones are copies to be looked at."""
    acting = sorted({name for table in _reached(shapes, written) for name in (shapes[table].triggers if table in shapes else ())})
    by = f"the trigger(s) {', '.join(acting)}" if acting else "a trigger"
    cascaded = _reached(shapes, written) - written
    for table, rows in sorted(rehearsal.also_changed.items()):
        if table in cascaded:
            detail = f"{rows} rows of this table would go along by a cascade{' or a trigger' if acting else ''}, and the plan does not name them."
            remedy = f"Confirm the relation of this table to the one it refers to (`privacy systems relations {system}`), then plan again."
            if acting:
                remedy += f" If {by} changed them, ask the database's owner to let it pass over the account this product connects with."
        else:
            detail = f"{rows} rows of this table would be changed or deleted by {by}, and the plan does not name them."
            remedy = "Ask the database's owner to let the trigger pass over the account this product connects with, or to drop it while the plan is carried "
            remedy += "out; or decide another handling for the table it stands on. Then plan again."
        yield Obstacle("cascade_unplanned", f"{system}.{table}", detail, remedy)
    for table, rows in sorted(rehearsal.added.items()):
        detail = f"{rows} rows would be added to this table by {by}: if they are copies of the rows that go, the person's data stays in them."
        remedy = f"Ask the database's owner what it writes. Where it is the person's data: say whom its rows are about (`privacy systems subject {system} "
        remedy += f"{table} TYPE FIELD`) and plan once more after this plan is done. The search for what was left reports what stands in mapped columns."
        yield Obstacle("trigger_adds_rows", f"{system}.{table}", detail, remedy, blocks=False)


def _reached(shapes: Mapping[str, TableShape], written: set[str]) -> set[str]:
    """Return the tables written to, and those that their keys' own actions change, over any number of cascades."""
    found, waiting = set(written), list(written)
    while waiting:
        parent = waiting.pop()
        for name, shape in shapes.items():
            if name not in found and any(key.parent == parent and key.on_delete in ("cascade", "set null", "set default") for key in shape.foreign_keys):
                found.add(name)
                waiting.append(name)
    return found


def _not_a_table(system: str, table: str, kind: str) -> Obstacle:
    remedy = f"Say whom the rows of the table behind it are about (`privacy systems subject {system} TABLE TYPE FIELD`), take the subject from this {kind} "
    remedy += f"(`privacy systems subject {system} {table} --none`) and reject the relations that lead to it. Then plan again."
    return Obstacle("not_a_table", f"{system}.{table}", f"This is a {kind}, not a table: its rows go with those of the table behind it.", remedy)


def _unindexed(system: str, shapes: Mapping[str, TableShape], deleted: set[str], target: Target, kind: str) -> Iterator[Obstacle]:
    for table, shape in sorted(shapes.items()):
        for key in shape.foreign_keys:
            if key.parent in deleted and shape.kind == "table" and not _has_index(shape, key):
                rows = target.count(table, Both())
                detail = f"{'+'.join(key.columns)} has no index: each row deleted in {key.parent} reads this whole table ({rows:,} rows)."
                remedy = f"CREATE INDEX {_quoted('ix_' + table.replace('.', '_') + '_' + '_'.join(key.columns), kind)} ON {_table(table, kind)} "
                remedy += f"({', '.join(_quoted(column, kind) for column in key.columns)})"
                yield Obstacle("unindexed_reference", f"{system}.{table}", detail, remedy, blocks=rows > LARGE)


def _has_index(shape: TableShape, key: ForeignKeyShape) -> bool:
    """Tell whether an index begins with the key's columns, in any order."""
    width = len(key.columns)
    return any(set(columns[:width]) == set(key.columns) for columns in (*shape.indexes, shape.primary_key, *shape.unique))


def _violated(system: str, writing: Sequence[Step], statements: Sequence[Statement], violation: Violation) -> Obstacle:
    code, remedy = _VIOLATED.get(violation.kind, ("refused", "Look at the database's own log, or choose another handling for this table."))
    step = writing[violation.statement] if violation.statement < len(writing) else None
    doing = "deleting" if step is not None and isinstance(statements[violation.statement], Delete) else "changing"
    where = f"{system}.{step.table}" if step is not None else system
    name = f" ({violation.name})" if violation.name else ""
    return Obstacle(code, where, f"The database refuses {doing} these rows{name}: {violation.detail}", remedy)


def _table(name: str, kind: str) -> str:
    return ".".join(_quoted(part, kind) for part in name.split("."))


def _quoted(name: str, kind: str) -> str:
    mark = "`" if kind == "mysql" else '"'
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"
