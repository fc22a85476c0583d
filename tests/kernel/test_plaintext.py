"""`Plaintext`: the one type whose whole purpose is what it does not do."""

import copy
import dataclasses
import json
import logging
import pickle  # noqa: TID251 - to see it fail
import pprint
import traceback
from collections.abc import Callable

import pytest

from privacy.kernel.plaintext import Plaintext
from tests.cast import LI_XIAOMING

VALUE = LI_XIAOMING.phone


@dataclasses.dataclass(frozen=True)
class Holder:
    value: Plaintext


@pytest.mark.parametrize(
    "render",
    [repr, str, "{}".format, "{!r:>60}".format, lambda p: f"{p}", lambda p: str([p]), pprint.pformat, lambda p: repr(Holder(p))],
)
def test_no_way_of_printing_shows_the_value(render: Callable[[Plaintext], str]) -> None:
    """A value in a message would reach a log sooner or later."""
    assert VALUE not in render(Plaintext(VALUE))


@pytest.mark.parametrize(
    "take", [json.dumps, pickle.dumps, copy.copy, copy.deepcopy, vars, hash, lambda p: dataclasses.asdict(Holder(p)), lambda p: dataclasses.astuple(Holder(p))]
)
def test_what_would_copy_or_serialise_the_value_fails(take: Callable[[Plaintext], object]) -> None:
    """What fails in a test does not run in production."""
    with pytest.raises(TypeError):
        take(Plaintext(VALUE))


def test_a_traceback_with_local_variables_shows_no_value() -> None:
    """Error reporters print the locals of every frame."""
    held = Plaintext(VALUE)
    try:
        raise ValueError(held)
    except ValueError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "held = Plaintext(***)" in shown
    assert f"'{VALUE}'" not in shown.replace(f"VALUE = '{VALUE}'", "")


def test_a_log_line_shows_no_value(caplog: pytest.LogCaptureFixture) -> None:
    """Logging formats its arguments late and elsewhere."""
    logging.getLogger("privacy.kernel").warning("got %s and %r", Plaintext(VALUE), [Plaintext(VALUE)])
    assert VALUE not in caplog.text


def test_the_value_comes_back_by_reveal_only() -> None:
    """The word is easy to search for in review."""
    assert Plaintext(VALUE).reveal() == VALUE


@pytest.mark.parametrize(("left", "right", "same"), [("a", "a", True), ("a", "b", False), ("", "", True), ("李", "李", True), ("\ud800", "\ud800", True)])
def test_equality_is_that_of_the_values(left: str, right: str, same: bool) -> None:
    """Also for lone surrogates, which JSON may carry and UTF-8 may not."""
    assert (Plaintext(left) == Plaintext(right)) is same


def test_a_plaintext_never_equals_a_plain_string() -> None:
    """A comparison by mistake must not work by accident."""
    assert Plaintext("a") != "a"
