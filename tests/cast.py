"""The cast of every test: who acts, who must not, and whose data it is.

The personal values are unusual on purpose: `tests/leaks.py` searches every log record of a run for them, so a hit is never chance.
"""

from dataclasses import dataclass, fields

from privacy.kernel.ids import DEFAULT_TENANT, TenantId
from privacy.kernel.terms import Actor, SubjectRef

_SCOPES = {
    "application": "detect mask explain decide protect reveal index consent:read consent:write catalogue:read",
    "analyst": "detect mask explain decide catalogue:read",
    "agent": "detect mask explain decide consent:read consent:write catalogue:read requests:receive",
    "dpo": "detect mask explain decide reveal consent:read consent:write catalogue:read catalogue:write systems:read systems:write"
    " audit:read audit:export policy:read actors:read systems:protect requests:receive requests:read requests:write"
    " retention:read retention:write jobs:read jobs:write",
    "approver": "policy:read systems:read catalogue:read audit:read requests:read requests:approve retention:read retention:approve jobs:read",
    "auditor": "audit:read audit:export policy:read systems:read catalogue:read explain requests:read retention:read jobs:read",
    "admin": "actors:read actors:write policy:read policy:write systems:read catalogue:read jobs:read",
    "stranger": "",
}
ROLES = tuple(_SCOPES)


def actor_as(role: str, *, ref: str = "", tenant: TenantId = DEFAULT_TENANT) -> Actor:
    """Return somebody who holds exactly `role`, as the shipped role table gives it; people carry a second factor."""
    people = role not in ("application", "stranger")
    return Actor(
        ref=ref or f"{'user' if people else 'client'}:{role}",
        tenant=tenant,
        roles=frozenset({role}),
        scopes=frozenset(_SCOPES[role].split()),
        auth="password+totp" if people else "client_credentials",
        assurance=2 if people else 1,
    )


ALICE = actor_as("dpo", ref="user:alice")
BOB = actor_as("application", ref="client:bob")
CAROL = actor_as("auditor", ref="user:carol")
DAVE = actor_as("approver", ref="user:dave")
CHARLIE = actor_as("stranger", ref="client:charlie")

OTHER_TENANT = TenantId("other")


@dataclass(frozen=True, slots=True)
class Subject:
    """A natural person with one value of each common kind; checksums are right, no number belongs to anybody."""

    key: str
    name: str
    phone: str
    email: str
    id_number: str
    card: str
    address: str
    birth_date: str

    @property
    def ref(self) -> SubjectRef:
        return SubjectRef("crm", "customer", self.key)

    def personal_values(self) -> dict[str, str]:
        """Return everything that must never be printed, by the name of its field."""
        return {field.name: str(getattr(self, field.name)) for field in fields(self) if field.name != "key"}


LI_XIAOMING = Subject(
    key="42",
    name="李小明",
    phone="13904172263",
    email="xiaoming.li.0417@tongxin.example",
    id_number="420106198711234179",
    card="6217004172263905181",
    address="湖北省武汉市武昌区听涛巷417号",
    birth_date="1987-11-23",
)
MARGUERITE = Subject(
    key="43",
    name="Marguerite Okonkwo-Hale",
    phone="+447700900417",
    email="m.okonkwo-hale@quillfeather.example",
    id_number="QQ417226C",
    card="4000417226390514",
    address="417 Quillfeather Lane, Bristol BS1 4ZZ",
    birth_date="1979-04-17",
)
SUBJECTS = (LI_XIAOMING, MARGUERITE)

PASSWORD = "kittiwake-417-limestone"  # what every member of the cast signs in with; searched for like a personal value


def secrets_of_the_cast() -> dict[str, str]:
    """Return every value that no log, error or URL may hold, by a name that may be printed."""
    values = {f"{subject.key}.{field}": value for subject in SUBJECTS for field, value in subject.personal_values().items()}
    return values | {"password": PASSWORD}
