"""A population over three systems whose truth is known: automatic links are right, or they are not made; what is reachable is found.

Seeds make it another population each; families share phones within and across systems, numbers were given to somebody else, accounts exist twice,
fillers stand in forms, and everybody writes as they like.
"""

import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from privacy.adapters.store.engine import SqlStore
from privacy.kernel.clock import FixedClock
from privacy.kernel.terms import SubjectRef
from privacy.subjects.normalising import _CHECKS, _WEIGHTS
from tests.cast import ALICE
from tests.subjects.building import EMAIL, ID, PHONE, asked, dataset, fill, service

SYSTEMS = ("crm", "shop", "club")
_FAMILY, _GIVEN = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨", "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华"


@dataclass
class Human:
    number: int
    name: str
    phone: str
    email: str
    id_number: str
    accounts: list[SubjectRef] = field(default_factory=list)


def people(dice: random.Random, count: int) -> list[Human]:
    """Every eighth shares the phone of the one before; namesakes occur by chance."""
    found: list[Human] = []
    for n in range(count):
        name = dice.choice(_FAMILY) + "".join(dice.sample(_GIVEN, dice.choice((1, 2))))
        phone = found[-1].phone if n % 8 == 7 else f"13{dice.randrange(10)}{dice.randrange(10**8):08}"
        found.append(Human(n, name, phone, f"p{n}.{dice.randrange(10**6)}@quillfeather.example", resident(dice)))
    return found


def resident(dice: random.Random) -> str:
    body = f"{dice.choice(('420106', '110105'))}{dice.randrange(1950, 2005)}{dice.randrange(1, 13):02}{dice.randrange(1, 29):02}{dice.randrange(1000):03}"
    return body + _CHECKS[sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True)) % 11]


def spelled_phone(dice: random.Random, phone: str) -> str:
    parts = (phone[:3], phone[3:7], phone[7:])
    written = dice.choice((phone, f"+86{phone}", f"0086 {phone}", "-".join(parts), " ".join(parts), f"+86 {'-'.join(parts)}"))
    return written.translate({48 + n: 0xFF10 + n for n in range(10)}) if dice.random() < 0.1 else written


def spelled_email(dice: random.Random, email: str) -> str:
    return dice.choice((email, email.upper(), email.capitalize(), f" {email}"))


def rows_of(dice: random.Random, system: str, population: list[Human]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for human in population:
        # a few have two accounts in one system
        for _ in range(dice.choices((0, 1, 2), (35, 62, 3))[0]):
            key = len(rows) + 1
            human.accounts.append(SubjectRef(system, "customer", str(key)))
            phone = spelled_phone(dice, human.phone) if dice.random() < 0.85 else dice.choice((None, "00000000000", "无"))
            email = spelled_email(dice, human.email) if dice.random() < 0.7 else None
            number = dice.choice((human.id_number, human.id_number.lower())) if system == "club" and dice.random() < 0.6 else None
            rows.append({"id": key, "name": human.name, "phone": phone, "email": email, "number": number})
    return rows


@pytest.mark.parametrize("seed", [3, 2026])
def test_automatic_links_are_right_and_what_is_reachable_is_found(sqlite_store: SqlStore, fixed_clock: FixedClock, tmp_path: Path, seed: int) -> None:
    """No account of anybody else, for any question; most accounts that an unshared identifier leads to."""
    dice = random.Random(seed)
    population = people(dice, 240)
    url = f"sqlite:///{tmp_path}/systems.db"
    kept: dict[SubjectRef, dict[str, object]] = {}
    for system in SYSTEMS:
        rows = rows_of(dice, system, population)
        kept |= {SubjectRef(system, "customer", str(row["id"])): row for row in rows}
        create = f"CREATE TABLE {system} (id INTEGER PRIMARY KEY, name TEXT, phone TEXT, email TEXT, number TEXT)"
        fill(url, create, (f"INSERT INTO {system} VALUES (:id, :name, :phone, :email, :number)", rows))
    categories = {"name": "name", "phone": "phone", "email": "email", "number": "national_id"}
    subjects = service(
        sqlite_store, fixed_clock, dict.fromkeys(SYSTEMS, url), [dataset(f"{system}.{system}", "customer", "id", categories) for system in SYSTEMS]
    )
    right = wrong = reachable = 0
    for human in dice.sample([each for each in population if each.accounts], 60):
        kind, value = dice.choice(((EMAIL, human.email), (PHONE, human.phone), (ID, human.id_number)))
        found = subjects.resolve(ALICE, [asked(kind, value)])
        mine = set(human.accounts)
        right += len(set(found.subjects) & mine)
        wrong += 0 if found.several_people else len(set(found.subjects) - mine)
        reachable += len(_reachable(human, kind, kept))
    assert wrong == 0
    assert right >= 0.9 * reachable > 20


def _reachable(human: Human, kind: object, kept: dict[SubjectRef, dict[str, object]]) -> set[SubjectRef]:
    """Return the accounts that carry the identifier asked for, where the person has one account a system and shares no phone."""
    single = len({account.system for account in human.accounts}) == len(human.accounts)
    column = {EMAIL: "email", PHONE: "phone", ID: "number"}[kind]  # type: ignore[index]
    shared = human.number % 8 in (6, 7)
    return {account for account in human.accounts if kept[account][column] not in (None, "00000000000", "无")} if single and not shared else set()
