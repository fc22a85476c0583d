"""The error tree and its two tables: what the core raises, both edges translate."""

import re

import pytest

from privacy.cli.exit_codes import exit_code
from privacy.kernel import errors
from privacy.kernel.errors import CiphertextInvalid, InvalidInput, PrivacyError
from privacy.web.problems import STATUSES


def tree(kind: type[PrivacyError] = PrivacyError) -> list[type[PrivacyError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in tree(child) if found.__module__ == errors.__name__)]


def made(kind: type[PrivacyError]) -> PrivacyError:
    return CiphertextInvalid() if kind is CiphertextInvalid else kind("said in our words")


@pytest.mark.parametrize("kind", tree(), ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_of_its_own(kind: type[PrivacyError]) -> None:
    """An error that falls to its parent's line was forgotten."""
    assert kind in STATUSES


@pytest.mark.parametrize("kind", tree()[1:], ids=lambda kind: kind.__name__)
def test_every_error_has_an_exit_code(kind: type[PrivacyError]) -> None:
    """1 finding or refusal, 2 usage, 3 environment."""
    assert exit_code(made(kind)) in (1, 2, 3)


@pytest.mark.parametrize("kind", tree(), ids=lambda kind: kind.__name__)
def test_what_may_be_tried_again_says_so_in_its_status(kind: type[PrivacyError]) -> None:
    """Clients retry by the status, ours by the flag; both must agree."""
    assert kind.retryable is (STATUSES[kind] in (429, 503))


def test_every_code_means_one_error() -> None:
    """Programs branch on codes."""
    codes = [kind.code for kind in tree()]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes)


def test_the_drawing_of_the_tree_is_the_tree() -> None:
    """The docstring is what a reader believes."""
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    assert sorted(drawn) == sorted(kind.__name__ for kind in tree()[1:])


def test_an_unforeseen_error_is_the_environments() -> None:
    """Exit code 3 tells a script that trying another input is no use."""
    assert exit_code(RuntimeError("x")) == 3


def test_a_pointer_becomes_a_flaw() -> None:
    """One thing wrong, and where."""
    (flaw,) = InvalidInput("Write a number.", pointer="/items/3").flaws
    assert (flaw.pointer, flaw.detail) == ("/items/3", "Write a number.")


def test_every_unreadable_ciphertext_gets_the_same_words() -> None:
    """The difference between malformed, moved and tampered would help somebody who tries."""
    assert str(CiphertextInvalid()) == str(CiphertextInvalid())
    with pytest.raises(TypeError):
        CiphertextInvalid("more")  # type: ignore[call-arg]
