"""The casbin adapter: the traps of pycasbin that touch us, each with a test that would fail if we stepped into it."""

import logging
from importlib.metadata import distributions
from pathlib import Path

import casbin
import pytest

from privacy.access.ports import OracleRequest
from privacy.access.rows import Policy, Row
from privacy.adapters.casbin_policy import CasbinOracle, build_enforcer
from privacy.kernel.errors import Misconfigured
from tests.access.builders import ORACLE, SHIPPED
from tests.cast import LI_XIAOMING

ROW = Row("a", 9, "agent", "support", "internal", "crm.*", "contact", "*", "mask", "true", "phone", "allow")


def request(**changes: object) -> OracleRequest:
    told = {"roles": frozenset({"agent"}), "purpose": "support", "recipient": "internal", "dataset": "crm.customer", "field_class": "contact"}
    more = {"category": "phone", "action": "mask", "region": "cn", "truths": {"true": True}}
    return OracleRequest(**{**told, **more, **changes})  # type: ignore[arg-type]


def test_only_the_live_distribution_of_casbin_is_installed() -> None:
    """`casbin` and `pycasbin` ship the same module; the last one written would win in silence."""
    names = {distribution.metadata["Name"].lower() for distribution in distributions()}
    assert "pycasbin" in names and "casbin" not in names


def test_an_empty_policy_is_refused_before_casbin_sees_it() -> None:
    """casbin matches an empty policy against empty words and allows."""
    with pytest.raises(Misconfigured, match="empty policy"):
        build_enforcer((SHIPPED / "model.conf").read_text(), Policy(()))


def test_empty_words_in_a_request_match_nothing() -> None:
    """No row names an empty role, purpose, dataset or class."""
    assert ORACLE.decide(Policy.of([ROW]), request(roles=frozenset(), purpose="", dataset="", field_class="", category="", action="", region="")) == (False, "")


def test_a_row_of_twelve_cells_arrives_in_full() -> None:
    """The stock adapters cut rules behind the sixth cell."""
    enforcer = build_enforcer((SHIPPED / "model.conf").read_text(), Policy.of([ROW]))
    assert enforcer.get_policy() == [list(ROW.cells)] and len(ROW.cells) == 12


def test_the_number_decides_and_not_the_text_of_the_number() -> None:
    """9 comes before 10."""
    ten = Row("b", 10, *ROW.cells[2:])  # type: ignore[arg-type]
    assert ORACLE.decide(Policy.of([ten, ROW]), request()) == (True, "a")


def test_operators_in_a_value_stay_text() -> None:
    """casbin rewrites `&&` inside the matcher's literals; a dataset may hold it all the same, since the matcher holds no such literal."""
    odd = Row("a", 9, *(cell.replace("crm.*", "a&&b||!c") for cell in ROW.cells[2:]))  # type: ignore[arg-type]
    assert ORACLE.decide(Policy.of([odd]), request(dataset="a&&b||!c")) == (True, "a")
    assert ORACLE.decide(Policy.of([odd]), request(dataset="a and b or not c")) == (False, "")


def test_a_refused_request_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """casbin logs refused requests at WARNING with all attributes."""
    caplog.set_level(logging.DEBUG)
    ORACLE.decide(Policy.of([ROW]), request(purpose=LI_XIAOMING.name))
    assert caplog.records == []


def test_no_matcher_evaluates_text_of_a_row() -> None:
    """`eval()` in a matcher would run what a row says."""
    assert "eval" not in (SHIPPED / "model.conf").read_text().split("[matchers]")[1]


def test_the_ordinary_enforcer_is_used() -> None:
    """FastEnforcer loses the order of rows and is not safe between threads."""
    assert type(build_enforcer((SHIPPED / "model.conf").read_text(), Policy.of([ROW]))) is casbin.Enforcer


def test_a_changed_model_is_refused(tmp_path: Path) -> None:
    """Decisions are compiled for one model; another one would make casbin and the product disagree."""
    changed = tmp_path / "model.conf"
    changed.write_text((SHIPPED / "model.conf").read_text().replace("priority(p.eft) || deny", "some(where (p.eft == allow))"))
    with pytest.raises(Misconfigured, match="the model was changed"):
        CasbinOracle.from_file(changed)


def test_comments_and_line_ends_do_not_change_the_model(tmp_path: Path) -> None:
    """An operator may annotate the file."""
    annotated = tmp_path / "model.conf"
    annotated.write_text("# ours\r\n" + (SHIPPED / "model.conf").read_text().replace("\n", "\r\n"))
    assert CasbinOracle.from_file(annotated).decide(Policy.of([ROW]), request()) == (True, "a")
