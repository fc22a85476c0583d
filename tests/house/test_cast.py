"""The cast: what other tests take for granted about it."""

from pathlib import Path

import pytest

from privacy.actors.roles import Roles
from tests.cast import ALICE, BOB, CAROL, CHARLIE, ROLES, SUBJECTS, actor_as, secrets_of_the_cast


def test_charlie_may_nothing() -> None:
    """The stranger holds no scope, so that every route can be tried as him."""
    assert frozenset() == CHARLIE.scopes


def test_nobody_of_the_cast_is_another() -> None:
    """Separation of duties can only be tested with separate people."""
    assert len({actor.ref for actor in (ALICE, BOB, CAROL, CHARLIE)}) == 4


@pytest.mark.parametrize("role", [role for role in ROLES if role != "stranger"])
def test_the_casts_scopes_are_those_of_the_shipped_role(role: str) -> None:
    """A test that passes as Alice must say something about a real officer."""
    shipped = Roles.load(Path(__file__).parents[2] / "policies" / "roles.toml")
    assert shipped.scopes({role}) == actor_as(role).scopes


def test_every_personal_value_is_long_enough_to_be_found_by_search() -> None:
    """A short value would turn up in logs by chance; a Chinese name of three characters does not."""
    assert all(len(value) >= (8 if value.isascii() else 3) for value in secrets_of_the_cast().values())


def test_no_two_subjects_share_a_value() -> None:
    """A test that looks for one subject must never find the other."""
    values = [value for subject in SUBJECTS for value in subject.personal_values().values()]
    assert len(values) == len(set(values))
