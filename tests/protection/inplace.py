"""The shop with columns encrypted in place: asking for steps, running their jobs, and looking at the database from outside."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, create_engine, inspect, text

from privacy.adapters.database_urls import parse_address
from privacy.application import Application
from privacy.jobs.model import Job
from privacy.jobs.runner import run_now
from privacy.kernel.terms import SubjectRef
from privacy.protection.column_model import ProtectedColumn, Step
from privacy.protection.items import RevealItem
from tests.cast import ALICE


@contextmanager
def outside(url: str) -> Iterator[Connection]:
    """Reach the system's database as its own application would."""
    address = parse_address(url, setting="the system's address")
    engine = create_engine(address.url, connect_args=address.arguments)
    try:
        with engine.begin() as opened:
            yield opened
    finally:
        engine.dispose()


@dataclass(frozen=True)
class Place:
    application: Application
    url: str

    def plan(self, *fields: str, table: str = "kh_info") -> list[ProtectedColumn]:
        drafts = self.application.columns.plan(ALICE, [(f"shop.{table}", field) for field in fields])
        assert all(draft.column is not None for draft in drafts), [draft.obstacles for draft in drafts]
        return [draft.column for draft in drafts if draft.column is not None]

    def ask(self, column: ProtectedColumn, step: Step, *, drop: bool = False) -> Job | None:
        """Ask for a step and run every job there is; return the job as it stands then."""
        _, job = self.application.columns.ask(ALICE, column.id, step, drop=drop)
        if job is None:
            return None
        run_now(self.application.jobs, self.application.handlers)
        return self.application.jobs.of(ALICE.tenant, job.id)

    def do(self, column: ProtectedColumn, *steps: Step, drop: bool = False) -> ProtectedColumn:
        """Do the steps, each to its good end."""
        for step in steps:
            job = self.ask(column, step, drop=drop)
            assert job is None or not job.error_code, f"{step}: {job.error_code}: {job.error_detail}"
        return self.now(column)

    def now(self, column: ProtectedColumn) -> ProtectedColumn:
        return self.application.columns.get(ALICE, column.id)

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        with outside(self.url) as opened:
            return [tuple(row) for row in opened.execute(text(f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1"))]

    def columns(self, table: str) -> list[str]:
        with outside(self.url) as opened:
            return [column["name"] for column in inspect(opened).get_columns(table)]

    def run(self, statement: str, **values: Any) -> int:
        with outside(self.url) as opened:
            return int(opened.execute(text(statement), values).rowcount)

    def values(self, column: ProtectedColumn) -> Mapping[str, str | None]:
        """Return what the shadows open to, by the subject's key: None for an empty one."""
        layout = column.layout
        held = self.rows(layout.table, layout.subject, layout.shadow)
        items = [RevealItem(SubjectRef(column.system, column.subject_type, str(key)), column.field, shadow) for key, shadow in held if shadow is not None]
        opened = iter(self.application.protection.reveal(column.tenant, column.dataset_id, items))
        return {str(key): None if shadow is None else next(opened).reveal() for key, shadow in held}  # type: ignore[union-attr]
