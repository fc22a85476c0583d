"""A table as SQL addresses it: its shape, its quoted name, and how each column's values compare."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from privacy.discovery.shapes import Family
from privacy.disposal.target import TableShape


@dataclass(frozen=True, slots=True)
class Stored:
    """How one column holds values.

    `base` is the type's bare name in lower case; `cast` is what PostgreSQL casts a parameter to, empty where values compare as text only.
    `inexact`: equality of this column may take different texts for equal (case, accents, trailing blanks). `loose`: cells may be of any type.
    """

    sql: str
    family: Family
    base: str = ""
    cast: str = ""
    inexact: bool = False
    loose: bool = False
    unsigned: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """`sql` is the quoted, qualified name; `columns` hold qualified names, a row id that is no column among them.

    `unsafe` says why a change of this table could not be undone or is no change of a table at all; empty where it can be written.
    """

    shape: TableShape
    sql: str
    columns: Mapping[str, Stored]
    unsafe: str = ""
    deferred: bool = False  # SQLite: a foreign key of it is looked at on commit only
    trigger_words: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # trigger name → its text, where the catalogue tells it
