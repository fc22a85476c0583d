"""The policy that rules and its versions, to read. It is changed at the command line: `privacy policy apply`."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from privacy.access.ports import PolicyVersion
from privacy.kernel.errors import NotFound
from privacy.web.endpoint import Answer, Call, Query, Routes

routes = Routes("policy")


class VersionAnswer(Answer):
    """A version; `digest` covers the meaning of its rules, not their spelling."""

    version: int
    digest: str
    activated_by: str
    activated_at: datetime
    note: str

    @classmethod
    def of(cls, version: PolicyVersion) -> "VersionAnswer":
        return cls(**_head(version))


class PolicyAnswer(VersionAnswer):
    """A version with the texts of policy.csv and examples.csv."""

    active: bool
    policy: str
    examples: str


class VersionsAnswer(Answer):
    """Newest first."""

    versions: list[VersionAnswer]
    active: int


class PolicyQuery(Query):
    """`version` names an older one; without it the one that rules is meant."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


@routes.get("/policy", scope="policy:read", query=PolicyQuery, answer=PolicyAnswer, summary="The policy that rules", errors=(NotFound,))
def policy(call: Call) -> PolicyAnswer:
    policies, active = call.app.policies, call.app.policies.active(call.actor.tenant).version
    found: PolicyVersion = policies.version(call.actor, call.query.version or active)
    return PolicyAnswer(**_head(found), active=found.version == active, policy=found.policy, examples=found.examples)


@routes.get("/policy/versions", scope="policy:read", answer=VersionsAnswer, summary="All versions of the policy")
def versions(call: Call) -> VersionsAnswer:
    active = call.app.policies.active(call.actor.tenant).version
    return VersionsAnswer(versions=[VersionAnswer.of(version) for version in call.app.policies.versions(call.actor)], active=active)


def _head(version: PolicyVersion) -> dict[str, Any]:
    return {
        "version": version.version,
        "digest": version.digest,
        "activated_by": version.activated_by,
        "activated_at": version.activated_at,
        "note": version.note,
    }
