"""Health and figures are public, say which part is not ready, and nothing else."""

from collections.abc import Callable

import pytest

from privacy.application import check
from privacy.kernel.errors import StoreUnavailable
from tests.cast import LI_XIAOMING
from tests.web.browser import Browser
from tests.web.conftest import Company
from tests.web.steward import Steward


def broken() -> object:
    raise StoreUnavailable("The main database at db.internal does not answer.")


def surprising() -> object:
    raise ValueError(LI_XIAOMING.phone)


def test_a_living_process_says_so_even_when_nothing_else_works(company: Company, nobody: Browser) -> None:
    """Liveness asks no database, or a slow one would get the process killed."""
    company.checks["database"] = broken
    assert nobody.get("/health/live").get_json() == {"status": "live"}


def test_ready_lists_its_parts(company: Company, nobody: Browser) -> None:
    """200 when every part is well."""
    company.checks.update(database=lambda: None, keys=lambda: None)
    answer = nobody.get("/health/ready")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ready", "parts": {"database": "ok", "keys": "ok"}})


@pytest.mark.parametrize(("check", "state"), [(broken, "store_unavailable"), (surprising, "internal")])
def test_one_part_that_is_not_ready_makes_503_and_is_named_by_its_code(company: Company, nobody: Browser, check: Callable[[], object], state: str) -> None:
    """The others are still told; addresses and error texts are not."""
    company.checks.update(database=check, keys=lambda: None)
    answer = nobody.get("/health/ready")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.get_json() == {"status": "not_ready", "parts": {"database": state, "keys": "ok"}}
    assert "db.internal" not in answer.text


def test_many_questions_cost_one_answer(company: Company, nobody: Browser) -> None:
    """Anyone may ask, so that a flood of questions must not become a flood of queries."""
    asked: list[int] = []
    company.checks["database"] = lambda: asked.append(1)
    for _ in range(20):
        nobody.get("/health/ready")
    assert len(asked) <= 2


def test_figures_name_routes_and_statuses_and_nobody(company: Company, nobody: Browser, browser_for: Callable[..., Browser]) -> None:
    """No id, no name, no address of a caller, and no text that a caller chose becomes a label."""
    company.checks["database"] = broken
    admin = browser_for("admin")
    admin.get("/api/v1/users/a-chosen-text")
    nobody.get("/another-chosen-text")
    nobody.call("PROPFIND", "/api/v1/users")
    figures = nobody.get("/metrics").text
    assert 'privacy_requests_total{method="GET",route="users.get_user",status="404"} 1.0' in figures
    assert 'privacy_requests_total{method="any",route="none",status="404"} 1.0' in figures
    assert 'privacy_ready{part="database"} 0.0' in figures
    for text in ("chosen-text", "admin.default", "PROPFIND", "127.0.0.1"):
        assert text not in figures


@pytest.mark.parametrize(("content", "code"), [(b"{", "misconfigured"), (None, "audit_broken")])
def test_a_damaged_or_missing_signed_json_is_no_readiness(steward: Steward, content: bytes | None, code: str) -> None:
    """Readiness and `privacy doctor` ask the same: at once, not when the sequencer has fallen behind."""
    steward.application.sequencer.drain()
    assert {finding.state for finding in check(steward.application)} == {"ok"}
    state = steward.application.config.state_dir / "signed.json"
    state.unlink() if content is None else state.write_bytes(content)
    answer = Browser(steward.app).get("/health/ready")
    assert (answer.status_code, answer.get_json()["parts"]["audit"]) == (503, code)
    assert [(finding.part, finding.state) for finding in check(steward.application) if not finding.ok] == [("audit", code)]
