"""The role table is read strictly, and nobody holds two roles that must be two people."""

from pathlib import Path

import pytest

from privacy.actors.roles import SCOPES, Roles
from privacy.kernel.errors import InvalidInput, Misconfigured
from tests.actors.builders import ROLES
from tests.cast import _SCOPES as CAST_SCOPES

GOOD = '[[role]]\nid = "clerk"\nen = "A clerk."\nzh = "文员"\nholders = ["person"]\nscopes = ["mask"]\n'


def load(folder: Path, text: str) -> Roles:
    path = folder / "roles.toml"
    path.write_text(text, "utf-8")
    return Roles.load(path)


def test_the_shipped_table_gives_the_roles_the_cast_has() -> None:
    """What tests call a role is what is shipped."""
    shipped = Roles.load(ROLES)
    for role, scopes in CAST_SCOPES.items():
        assert shipped.scopes([role]) == frozenset(scopes.split()), role


def test_every_scope_is_given_by_some_role_of_a_person_or_application() -> None:
    """A scope that nobody can get would be a route that nobody can call."""
    given = {scope for role in Roles.load(ROLES) if role.holders & {"person", "application"} for scope in role.scopes}
    assert given == set(SCOPES)


def test_only_the_application_and_the_dpo_may_ever_reveal() -> None:
    """The door to plaintext is narrow, and neither administrator nor operator stands in it."""
    assert {role.id for role in Roles.load(ROLES) if "reveal" in role.scopes} == {"application", "dpo"}


@pytest.mark.parametrize("other", ["agent", "dpo", "admin"])
def test_who_approves_erasures_holds_no_role_that_takes_requests_in_or_works_on_them(other: str) -> None:
    """In whichever order the two are given."""
    for wanted in (["approver", other], [other, "approver"]):
        with pytest.raises(InvalidInput, match="together"):
            Roles.load(ROLES).check(wanted, "person")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (GOOD + 'scope = ["mask"]\n', 7, "did you mean 'scopes'"),
        (GOOD.replace('["mask"]', '["mask", "maks"]'), 6, "did you mean 'mask'"),
        (GOOD.replace('["person"]', '["robot"]'), 5, "'robot' is no holder"),
        (GOOD.replace('id = "clerk"\n', ""), 1, "the key 'id' is missing"),
        (GOOD.replace('"A clerk."', '" "'), 3, "en must be a text"),
        (GOOD.replace('["mask"]', '"mask"'), 6, "scopes must be a list"),
        (GOOD.replace('["mask"]', '["mask", "mask"]'), 6, "names something twice"),
        (GOOD + "\n" + GOOD, 9, "declared twice"),
        (GOOD + 'excludes = ["clerc"]\n', 7, "did you mean 'clerk'"),
        ("[roles]\n" + GOOD, 1, "only [[role]] is"),
        ("", 1, "there is no [[role]]"),
    ],
)
def test_a_mistake_in_the_table_stops_the_start_with_its_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    """An operator finds the place and the remedy in the message."""
    with pytest.raises(Misconfigured) as refused:
        load(tmp_path, text)
    assert refused.value.detail.startswith(f"roles.toml:{line}: ")
    assert says in refused.value.detail


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[[role]\n"])
def test_what_is_no_toml_stops_the_start(tmp_path: Path, content: bytes) -> None:
    """A damaged file is never taken for an empty one."""
    (tmp_path / "roles.toml").write_bytes(content)
    with pytest.raises(Misconfigured):
        Roles.load(tmp_path / "roles.toml")
    with pytest.raises(Misconfigured):
        Roles.load(tmp_path / "missing.toml")


@pytest.mark.parametrize(
    "roles", [["admin", "approver"], ["dpo", "admin"], ["approver", "dpo"], ["auditor", "admin"], [], ["application"], ["operator"], ["no-such-role"]]
)
def test_a_person_may_not_hold_what_must_be_two_people_or_is_not_for_people(roles: list[str]) -> None:
    """Nobody approves what they applied for, and machine roles are for machines."""
    with pytest.raises(InvalidInput) as refused:
        Roles.load(ROLES).check(roles, "person")
    assert refused.value.flaws[0].pointer == "/roles"
    assert "no-such-role" not in refused.value.detail


@pytest.mark.parametrize("role", ["admin", "dpo", "approver", "operator"])
def test_an_application_is_never_an_administrator_or_officer(role: str) -> None:
    """What needs a second factor needs a person."""
    with pytest.raises(InvalidInput):
        Roles.load(ROLES).check([role], "application")


def test_a_role_that_left_the_table_gives_nothing() -> None:
    """Accounts that still carry its name fall back to no rights, not to an error."""
    assert Roles.load(ROLES).scopes(["gone"]) == frozenset()
