"""Triggers of ours on a table with a column in protection, as each database writes them.

Before the switch they empty shadow and index of a row whose value (or subject) changes, so that the next pass takes it again. From the switch on they
refuse new plaintext, refuse another subject for a row whose shadow is bound to this one, and empty what is left of the plaintext when a new shadow is
written. A statement that takes the shadow away may write into the column: that is how a value is erased.
"""

import hashlib
from collections.abc import Sequence

from privacy.adapters.databases.known import Known
from privacy.adapters.databases.quoting import quote
from privacy.discovery.shapes import Family
from privacy.protection.column_model import Layout

REFUSED = "this column is encrypted in place: write its shadow and index columns instead (Privacy Steward, docs/protect.md)"
BOUND = "this row holds an encrypted value that is bound to its key: empty the shadow column first (Privacy Steward, docs/protect.md)"


def trigger_name(layout: Layout) -> str:
    """Return the stem of our triggers' names: late in the alphabet, so that on PostgreSQL ours see what others made of the row."""
    digest = hashlib.sha256(f"{layout.table}\x00{layout.field}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"zz_privacy_{digest[:16]}"


def names(kind: str, layout: Layout) -> tuple[str, ...]:
    stem = trigger_name(layout)
    return {"sqlite": (f"{stem}_i", f"{stem}_u", f"{stem}_s", f"{stem}_e"), "postgresql": (stem,), "mysql": (f"{stem}_i", f"{stem}_u")}[kind]


class Watch:
    """The statements for one column. `known` is the table as the catalogue tells it."""

    def __init__(self, kind: str, known: Known, layout: Layout, *, replaces: bool) -> None:
        self._kind, self._known, self._layout, self._replaces = kind, known, layout, replaces
        self._stem = trigger_name(layout)
        self._value, self._subject, self._shadow, self._index = (quote(kind, name) for name in (layout.field, layout.subject, layout.shadow, layout.index))

    def copying(self) -> Sequence[str]:
        """Return the statements that set the triggers of the time before the switch, whatever was there."""
        if self._kind == "sqlite":
            return self._sqlite(self._sqlite_copying())
        if self._kind == "postgresql":
            return self._postgresql(self._postgresql_copying())
        clear = f"{self._cleared('NEW', 'NEW')}"
        changed = f"{self._changed()} OR {self._other_subject()}"
        kept = f"NEW.{self._shadow} = IF({changed}, NULL, NEW.{self._shadow}), NEW.{self._index} = IF({changed}, NULL, NEW.{self._index})"
        return self._mysql(f"SET {clear}", f"SET {kept}")

    def guarding(self) -> Sequence[str]:
        """Return the statements that set the triggers of the time from the switch on."""
        if self._kind == "sqlite":
            return self._sqlite(self._sqlite_guarding())
        if self._kind == "postgresql":
            return self._postgresql(self._postgresql_guarding())
        refused = f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{REFUSED}'"
        insert = f"IF {self._full('NEW')} THEN {refused}; END IF"
        update = (
            f"BEGIN IF {self._intrudes()} THEN {refused}; END IF;"
            f" IF {self._unbinds()} THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{BOUND}'; END IF;"
            f" IF {self._renewed()} THEN SET NEW.{self._value} = {self.empty_sql()}; END IF; END"
        )
        return self._mysql(insert, update)

    def removing(self) -> Sequence[str]:
        if self._kind == "postgresql":
            stem = quote("postgresql", self._stem)
            return (f"DROP TRIGGER IF EXISTS {stem} ON {self._known.sql}", f"DROP FUNCTION IF EXISTS {self._function()}()")
        return tuple(f"DROP TRIGGER IF EXISTS {quote(self._kind, name)}" for name in names(self._kind, self._layout))

    def empty_sql(self) -> str:
        """Return what stands in a cell whose value is gone, as SQL writes it."""
        if self._layout.empty is None:
            return "NULL"
        return self._layout.empty if self._layout.family in ("integer", "decimal") else f"'{self._layout.empty}'"

    # --- conditions --------------------------------------------------------------------------------------------------------------------

    def exact(self, cell: str) -> str:
        """Return a cell in the form in which two are the same only when they are: no collation takes one value for another."""
        if self._kind == "sqlite":
            return f"{cell} COLLATE BINARY"
        return f'CAST({cell} AS text) COLLATE "C"' if self._kind == "postgresql" else f"BINARY CAST({cell} AS CHAR)"

    def differ(self, one: str, other: str) -> str:
        one, other = self.exact(one), self.exact(other)
        match self._kind:
            case "sqlite":
                return f"({one} IS NOT {other})"
            case "postgresql":
                return f"({one} IS DISTINCT FROM {other})"
            case _:
                return f"(NOT ({one} <=> {other}))"

    def is_empty(self, cell: str) -> str:
        """Return the condition that a cell holds what stands for a value that is gone."""
        if self._layout.empty is None:
            return f"({cell} IS NULL)"
        if self._layout.empty == "":
            return f"(length(CAST({cell} AS BLOB)) = 0)" if self._kind == "sqlite" else f"(LENGTH({cell}) = 0)"
        return f"({cell} = {self.empty_sql()})"

    def _full(self, row: str) -> str:
        return f"NOT {self.is_empty(f'{row}.{self._value}')}"

    def _changed(self) -> str:
        return self.differ(f"OLD.{self._value}", f"NEW.{self._value}")

    def _other_subject(self) -> str:
        return self.differ(f"OLD.{self._subject}", f"NEW.{self._subject}")

    def _intrudes(self) -> str:
        erases = f"(OLD.{self._shadow} IS NOT NULL AND NEW.{self._shadow} IS NULL)"
        return f"({self._full('NEW')} AND {self._changed()} AND NOT {erases})"

    def _unbinds(self) -> str:
        same = self.differ(f"OLD.{self._shadow}", f"NEW.{self._shadow}")
        return f"(OLD.{self._shadow} IS NOT NULL AND {self._other_subject()} AND NOT {same})"

    def _renewed(self) -> str:
        written = self.differ(f"OLD.{self._shadow}", f"NEW.{self._shadow}")
        return f"({written} AND NEW.{self._shadow} IS NOT NULL AND {self._full('NEW')})"

    def _cleared(self, shadow: str, index: str) -> str:
        return f"{shadow}.{self._shadow} = NULL, {index}.{self._index} = NULL"

    # --- SQLite ------------------------------------------------------------------------------------------------------------------------

    def _sqlite(self, bodies: Sequence[tuple[str, str, str, str]]) -> Sequence[str]:
        table = quote("sqlite", self._layout.table)
        made = [f'CREATE TRIGGER "{self._stem}_{suffix}" {when} ON {table} WHEN {condition} BEGIN {act}; END' for suffix, when, condition, act in bodies]
        return (*self.removing(), *made)

    def _sqlite_copying(self) -> Sequence[tuple[str, str, str, str]]:
        held = f"(NEW.{self._shadow} IS NOT NULL OR NEW.{self._index} IS NOT NULL)"
        clear = self._set_row(f"{self._shadow} = NULL, {self._index} = NULL")
        return (
            ("i", "AFTER INSERT", held, clear),
            ("u", "AFTER UPDATE", f"{held} AND ({self._changed()} OR {self._other_subject()})", clear),
        )

    def _sqlite_guarding(self) -> Sequence[tuple[str, str, str, str]]:
        return (
            ("i", "BEFORE INSERT", self._full("NEW"), f"SELECT RAISE(ABORT, '{REFUSED}')"),
            ("u", "BEFORE UPDATE", self._intrudes(), f"SELECT RAISE(ABORT, '{REFUSED}')"),
            ("s", "BEFORE UPDATE", self._unbinds(), f"SELECT RAISE(ABORT, '{BOUND}')"),
            ("e", "AFTER UPDATE", self._renewed(), self._set_row(f"{self._value} = {self.empty_sql()}")),
        )

    def _set_row(self, what: str) -> str:
        row = " AND ".join(f"{quote('sqlite', name)} IS NEW.{quote('sqlite', name)}" for name in self._layout.key)
        return f"UPDATE {quote('sqlite', self._layout.table)} SET {what} WHERE {row}"  # noqa: S608 - names are quoted

    # --- PostgreSQL --------------------------------------------------------------------------------------------------------------------

    def _function(self) -> str:
        schema, _, _ = self._known.sql.partition(".")
        # a name of ours has no dot; a schema's may, quoted
        if self._known.sql.startswith('"'):
            schema = self._known.sql[: _end_of_quoted(self._known.sql)]
        return f"{schema}.{quote('postgresql', self._stem)}"

    def _postgresql(self, body: str) -> Sequence[str]:
        stem, mark = quote("postgresql", self._stem), "$privacy$"
        while mark in body:
            mark = f"$x{mark[1:]}"
        function = f"CREATE OR REPLACE FUNCTION {self._function()}() RETURNS trigger LANGUAGE plpgsql AS {mark} {body} {mark}"
        return (
            function,
            f"DROP TRIGGER IF EXISTS {stem} ON {self._known.sql}",
            f"CREATE TRIGGER {stem} BEFORE INSERT OR UPDATE ON {self._known.sql} FOR EACH ROW EXECUTE FUNCTION {self._function()}()",
        )

    def _postgresql_copying(self) -> str:
        clear = f"NEW.{self._shadow} := NULL; NEW.{self._index} := NULL;"
        return f"BEGIN IF TG_OP = 'INSERT' THEN {clear} ELSIF {self._changed()} OR {self._other_subject()} THEN {clear} END IF; RETURN NEW; END"

    def _postgresql_guarding(self) -> str:
        refused, bound = (f"RAISE EXCEPTION USING MESSAGE = '{text}', ERRCODE = 'raise_exception';" for text in (REFUSED, BOUND))
        insert = f"IF {self._full('NEW')} THEN {refused} END IF;"
        update = (
            f"IF {self._intrudes()} THEN {refused} END IF; IF {self._unbinds()} THEN {bound} END IF;"
            f" IF {self._renewed()} THEN NEW.{self._value} := NULL; END IF;"
        )
        return f"BEGIN IF TG_OP = 'INSERT' THEN {insert} ELSE {update} END IF; RETURN NEW; END"

    # --- MariaDB -----------------------------------------------------------------------------------------------------------------------

    def _mysql(self, insert: str, update: str) -> Sequence[str]:
        made: list[str] = []
        for suffix, when, body in (("i", "INSERT", insert), ("u", "UPDATE", update)):
            name = quote("mysql", f"{self._stem}_{suffix}")
            if not self._replaces:  # MySQL knows no OR REPLACE
                made.append(f"DROP TRIGGER IF EXISTS {name}")
            create = "CREATE OR REPLACE TRIGGER" if self._replaces else "CREATE TRIGGER"
            made.append(f"{create} {name} BEFORE {when} ON {self._known.sql} FOR EACH ROW {body}")
        return made


def _end_of_quoted(text: str) -> int:
    at = 1
    while at < len(text):
        if text[at] == '"':
            if text[at + 1 : at + 2] != '"':
                return at + 1
            at += 1
        at += 1
    return at


def holds_text(family: str) -> bool:
    return family == Family.TEXT.value
