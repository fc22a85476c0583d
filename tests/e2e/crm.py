"""A small customer database of our own: the cast, in an SQLite file as a company would have it."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

from tests.cast import SUBJECTS, Subject

SUBJECT = ("customer", "customer_id")
# field to category; "" is what nobody has decided yet
FIELDS = {
    "customer_id": "subject_key",
    "name": "name",
    "phone": "phone",
    "email": "email",
    "id_number": "national_id",
    "address": "address",
    "birth_date": "birth_date",
    "plan": "not_personal",
    "remark": "",
}


def build(folder: Path) -> str:
    """Make the file and return its address."""
    path = folder / "crm.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as opened, opened:
        opened.execute(f"CREATE TABLE customer ({', '.join(f'{field} TEXT' for field in FIELDS)})")
        opened.executemany(f"INSERT INTO customer VALUES ({', '.join('?' for _ in FIELDS)})", [tuple(record(person).values()) for person in SUBJECTS])
    return f"sqlite:///{path}"


def record(person: Subject) -> dict[str, Any]:
    return {
        "customer_id": person.key,
        "name": person.name,
        "phone": person.phone,
        "email": person.email,
        "id_number": person.id_number,
        "address": person.address,
        "birth_date": person.birth_date,
        "plan": "gold",
        "remark": f"{person.name} rang again",
    }
