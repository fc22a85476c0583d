"""Long work over HTTP, with real tokens: who may look, who may act, what an answer says."""

from collections.abc import Callable

import pytest

from privacy.jobs.model import Job, Lease, NewJob
from privacy.jobs.runner import run_now
from privacy.kernel.errors import Conflict, ConnectorUnavailable
from privacy.kernel.ids import DEFAULT_TENANT
from tests.cast import OTHER_TENANT
from tests.web.browser import Browser
from tests.web.steward import Steward


@pytest.fixture
def put(steward: Steward) -> Callable[..., Job]:
    def enqueue(dedupe: str, tenant: str = DEFAULT_TENANT, **given: bool) -> Job:
        app = steward.application
        return app.store.run(lambda tx: app.jobs.enqueue(tx, tenant, NewJob("test.work", {"plan": "p-1"}, dedupe, **given)))  # type: ignore[arg-type]

    return enqueue


def test_a_job_is_found_followed_and_acted_on(steward: Steward, put: Callable[..., Job], client_for: Callable[..., Browser]) -> None:
    """From the list to the job, pause, resume, failure with its remedy, retry, done."""
    job, dpo = put("work:1"), client_for("dpo")
    [listed] = dpo.get("/api/v1/jobs", query_string={"kind": "test.work"}).get_json()["jobs"]
    assert (listed["id"], listed["state"], listed["payload"]) == (job.id, "ready", {"plan": "p-1"})
    place = f"/api/v1/jobs/{job.id}"
    assert dpo.post(f"{place}/pause").get_json()["state"] == "paused"
    assert dpo.post(f"{place}/resume").get_json()["state"] == "ready"

    def refuse(lease: Lease) -> None:
        lease.renew(3, 10, "copy")
        raise Conflict("The plan is void: the data changed. Make it anew.")

    run_now(steward.application.jobs, {"test.work": refuse})
    stuck = dpo.get(place).get_json()
    assert (stuck["state"], stuck["error_code"], stuck["done"], stuck["total"], stuck["step"]) == ("needs_attention", "conflict", 3, 10, "copy")
    assert "Make it anew" in stuck["error_detail"]
    figures = Browser(steward.app).get("/metrics").get_data(as_text=True)
    assert 'privacy_jobs{state="needs_attention"} 1.0' in figures
    assert dpo.post(f"{place}/retry").get_json()["state"] == "ready"
    run_now(steward.application.jobs, {"test.work": lambda lease: None})
    assert dpo.get(place).get_json()["state"] == "done"
    refused = dpo.post(f"{place}/cancel")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "conflict")


def test_pages_and_filters(put: Callable[..., Job], client_for: Callable[..., Browser]) -> None:
    """`next` leads on; a state that does not exist is a wrong call."""
    made = [put(f"work:{n}").id for n in range(5)]
    auditor = client_for("auditor")
    first = auditor.get("/api/v1/jobs", query_string={"limit": 3}).get_json()
    rest = auditor.get("/api/v1/jobs", query_string={"limit": 3, "after": first["next"]}).get_json()
    assert [job["id"] for job in first["jobs"] + rest["jobs"]] == sorted(made, reverse=True)
    assert rest["next"] == ""
    assert auditor.get("/api/v1/jobs", query_string={"state": "ready"}).status_code == 200
    assert auditor.get("/api/v1/jobs", query_string={"state": "lost"}).status_code == 422


def test_who_may_look_may_not_act_and_other_tenants_jobs_do_not_exist(steward: Steward, put: Callable[..., Job], client_for: Callable[..., Browser]) -> None:
    """An auditor reads; an agent does neither; a job of another tenant is not found."""
    steward.add_tenant(OTHER_TENANT)
    own, foreign = put("work:1"), put("work:1", tenant=OTHER_TENANT)
    assert client_for("auditor").post(f"/api/v1/jobs/{own.id}/pause").status_code == 403
    assert client_for("agent").get(f"/api/v1/jobs/{own.id}").status_code == 403
    dpo = client_for("dpo")
    for answer in (dpo.get(f"/api/v1/jobs/{foreign.id}"), dpo.post(f"/api/v1/jobs/{foreign.id}/pause")):
        assert answer.status_code == 404


def test_a_part_of_a_larger_act_is_not_cancelled_here(put: Callable[..., Job], client_for: Callable[..., Browser]) -> None:
    """An erasure that is half done is not ended by giving up its job."""
    part = put("part:1", cancellable=False)
    refused = client_for("dpo").post(f"/api/v1/jobs/{part.id}/cancel")
    assert (refused.status_code, "ended there" in refused.get_json()["detail"]) == (409, True)


def test_schedules_tell_what_comes_next(steward: Steward, client_for: Callable[..., Browser]) -> None:
    """The service's own schedule is there from the start and has not run yet."""
    steward.application.leadership.seek()
    steward.application.schedules.fire_due()
    shown = {each["schedule"]: each for each in client_for("auditor").get("/api/v1/schedules").get_json()["schedules"]}
    assert (shown["jobs.purge"]["cron"], shown["jobs.purge"]["last"], shown["jobs.purge"]["missed"]) == ("17 2 * * *", None, 0)


def test_what_may_pass_shows_when_it_is_tried_again(steward: Steward, put: Callable[..., Job], client_for: Callable[..., Browser]) -> None:
    """An unreachable system: ready again, later, with code and remedy."""
    job = put("work:1")

    def away(lease: Lease) -> None:
        raise ConnectorUnavailable("The system cannot be reached; see that it runs.")

    run_now(steward.application.jobs, {"test.work": away})
    shown = client_for("dpo").get(f"/api/v1/jobs/{job.id}").get_json()
    assert (shown["state"], shown["error_code"], shown["attempts"]) == ("ready", "connector_unavailable", 1)
    assert shown["run_at"] > shown["created_at"]
