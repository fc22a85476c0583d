"""Columns of connected databases encrypted in place: plan, copy, verify, switch, finalise, undo. Each step is a job; the answer says where it goes on."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from privacy.kernel.errors import Conflict, ConnectorUnavailable, NotFound
from privacy.protection.column_model import Draft, Obstacle, Phase, ProtectedColumn, Step
from privacy.web.api.jobs import JobAnswer
from privacy.web.endpoint import ONE_WORD, Answer, Body, Call, Query, Routes, form

routes = Routes("columns")

Word = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=512), form(ONE_WORD)]


class ColumnName(Body):
    """A column by its dataset and its name."""

    dataset: Word
    field: Word


class PlanColumnsBody(Body):
    """Columns of one system. Without `keep` nothing is planned: the answer says what encrypting them would do."""

    columns: Annotated[list[ColumnName], Field(min_length=1, max_length=50)]
    keep: bool = True


class ObstacleAnswer(Answer):
    code: str
    detail: str
    remedy: str
    note: bool

    @classmethod
    def of(cls, obstacle: Obstacle) -> "ObstacleAnswer":
        return cls(**{name: getattr(obstacle, name) for name in cls.model_fields})


class ColumnAnswer(Answer):
    """A column in protection. `counts` are those of the last copy or verification."""

    id: str
    system: str
    dataset: str
    field: str
    phase: Phase
    shadow: str
    index: str
    watched: bool
    counts: dict[str, int]
    problem: str
    planned_by: str
    planned_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, column: ProtectedColumn) -> "ColumnAnswer":
        layout = column.layout
        made: dict[str, Any] = {"shadow": layout.shadow, "index": layout.index, "watched": layout.guarded, "counts": dict(column.counts)}
        return cls(**made, **{name: getattr(column, name) for name in cls.model_fields if name not in made})


class DraftAnswer(Answer):
    """What encrypting the column would do; `column` is None while an obstacle that is no note stands in the way."""

    dataset: str
    field: str
    rows: int
    filled: int
    seconds: int
    obstacles: list[ObstacleAnswer]
    column: ColumnAnswer | None

    @classmethod
    def of(cls, draft: Draft) -> "DraftAnswer":
        return cls(
            dataset=draft.dataset,
            field=draft.field,
            rows=draft.rows,
            filled=draft.filled,
            seconds=draft.seconds,
            obstacles=[ObstacleAnswer.of(each) for each in draft.obstacles],
            column=ColumnAnswer.of(draft.column) if draft.column else None,
        )


class DraftsAnswer(Answer):
    drafts: list[DraftAnswer]


class ColumnsAnswer(Answer):
    columns: list[ColumnAnswer]


class ColumnsQuery(Query):
    system: Word | None = None


class FinaliseBody(Body):
    """`drop` drops the emptied column; otherwise it stays, empty, and refuses new plaintext."""

    drop: bool = False


class ColumnStepAnswer(Answer):
    """The column as it stands when the step was asked for, and the job in which the step goes on (none for undoing what was only planned)."""

    column: ColumnAnswer
    job: JobAnswer | None


@routes.post(
    "/column-plans",
    scope="systems:protect",
    body=PlanColumnsBody,
    answer=DraftsAnswer,
    summary="Plan the encryption of columns in place, or see what stands in the way",
    errors=(NotFound, Conflict, ConnectorUnavailable),
)
def plan(call: Call, body: PlanColumnsBody) -> DraftsAnswer:
    names = [(each.dataset, each.field) for each in body.columns]
    drafts = call.app.columns.plan(call.actor, names, keep=body.keep, request_id=call.request_id)
    return DraftsAnswer(drafts=[DraftAnswer.of(draft) for draft in drafts])


@routes.get("/columns", scope="systems:read", query=ColumnsQuery, answer=ColumnsAnswer, summary="Columns encrypted in place, and how far they are")
def list_columns(call: Call) -> ColumnsAnswer:
    found = call.app.columns.all(call.actor, call.query.system or "")
    return ColumnsAnswer(columns=[ColumnAnswer.of(column) for column in found])


@routes.get("/columns/<id>", scope="systems:read", answer=ColumnAnswer, summary="One column encrypted in place", errors=(NotFound,))
def show_column(call: Call, id: str) -> ColumnAnswer:
    return ColumnAnswer.of(call.app.columns.get(call.actor, id))


@routes.post(
    "/columns/<id>/copy",
    scope="systems:protect",
    answer=ColumnStepAnswer,
    status=202,
    summary="Encrypt every value beside its plaintext, and verify",
    errors=(NotFound, Conflict),
)
def copy(call: Call, id: str) -> ColumnStepAnswer:
    return _asked(call, id, Step.COPY)


@routes.post(
    "/columns/<id>/verify",
    scope="systems:protect",
    answer=ColumnStepAnswer,
    status=202,
    summary="Open every value again and compare",
    errors=(NotFound, Conflict),
)
def verify(call: Call, id: str) -> ColumnStepAnswer:
    return _asked(call, id, Step.VERIFY)


@routes.post(
    "/columns/<id>/switch",
    scope="systems:protect",
    answer=ColumnStepAnswer,
    status=202,
    summary="Refuse new plaintext and empty the column",
    errors=(NotFound, Conflict),
)
def switch(call: Call, id: str) -> ColumnStepAnswer:
    return _asked(call, id, Step.SWITCH)


@routes.post(
    "/columns/<id>/finalise",
    scope="systems:protect",
    body=FinaliseBody,
    answer=ColumnStepAnswer,
    status=202,
    summary="End the way back: keep the column empty, or drop it",
    errors=(NotFound, Conflict),
)
def finalise(call: Call, body: FinaliseBody, id: str) -> ColumnStepAnswer:
    return _asked(call, id, Step.FINALISE, drop=body.drop)


@routes.post(
    "/columns/<id>/undo",
    scope="systems:protect",
    answer=ColumnStepAnswer,
    status=202,
    summary="Bring every value back and remove what is ours from the table",
    errors=(NotFound, Conflict),
)
def undo(call: Call, id: str) -> ColumnStepAnswer:
    return _asked(call, id, Step.UNDO)


def _asked(call: Call, id: str, step: Step, *, drop: bool = False) -> ColumnStepAnswer:
    column, job = call.app.columns.ask(call.actor, id, step, drop=drop, request_id=call.request_id)
    return ColumnStepAnswer(column=ColumnAnswer.of(column), job=JobAnswer.of(job) if job else None)
