"""Who and what: the frozen value types that cross room borders."""

from dataclasses import dataclass, field
from datetime import datetime

from privacy.kernel.errors import InvalidInput
from privacy.kernel.ids import TenantId


@dataclass(frozen=True, slots=True)
class Actor:
    """Who calls us: a person, an application, or the operator at the command line. Pseudonymous: `ref` is never a name.

    `ref` is `user:<id>`, `client:<id>` or `operator:<os user>`; `auth` how the identity was shown
    (`password`, `password+totp`, `client_credentials`, `os`); `assurance` 2 after a second factor, else 1.
    `purposes` are those a client is registered for, in order: where a call names none, the first is meant.
    """

    ref: str
    tenant: TenantId
    roles: frozenset[str] = field(default_factory=frozenset)
    scopes: frozenset[str] = field(default_factory=frozenset)
    auth: str = "none"
    assurance: int = 1
    authenticated_at: datetime | None = None
    purposes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SubjectRef:
    """A subject in one system: (system, type, key), written `crm:customer:42`. The tenant is always the caller's."""

    system: str
    type: str
    key: str

    def __str__(self) -> str:
        return f"{self.system}:{self.type}:{self.key}"

    @classmethod
    def parse(cls, text: str, pointer: str = "/subject") -> "SubjectRef":
        """Read `system:type:key`; the key may contain further colons. Raises InvalidInput without echoing the text."""
        parts = text.split(":", 2)
        if len(parts) != 3 or not all(parts) or len(text) > 512:
            raise InvalidInput("A subject is written system:type:key, for example crm:customer:42.", pointer=pointer)
        return cls(*parts)


def qualified(system: str, table: str) -> str:
    """Return the shown name of a dataset, `system.table`."""
    return f"{system}.{table}"
