"""The accounts: people, applications, sessions. Frozen values; none of them holds a password, a secret or a usable token."""

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime

from privacy.kernel.errors import InvalidInput
from privacy.kernel.ids import TenantId

MIN_PASSWORD = 12
MAX_PASSWORD = 256


@dataclass(frozen=True, slots=True)
class Tenant:
    """A separate customer of one installation: its own keys, its own log, its own everything."""

    id: TenantId
    name: str
    active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class User:
    """A person who signs in. `username` is theirs alone in the whole installation; it never enters the log."""

    id: str
    tenant: TenantId
    username: str
    roles: frozenset[str]
    active: bool
    password_hash: str = field(repr=False)
    totp_seed: bytes | None = field(repr=False)  # sealed
    totp_confirmed: bool
    totp_step: int
    created_at: datetime

    @property
    def ref(self) -> str:
        return f"user:{self.id}"


@dataclass(frozen=True, slots=True)
class Client:
    """An application with credentials. `purposes` are those it is registered for, the first meant where a call names none; empty: no limit, none implied."""

    id: str
    tenant: TenantId
    name: str
    roles: frozenset[str]
    purposes: tuple[str, ...]
    active: bool
    secret_digest: bytes = field(repr=False)
    created_at: datetime

    @property
    def ref(self) -> str:
        return f"client:{self.id}"


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in person. The token itself is not kept, only its digest."""

    digest: bytes = field(repr=False)
    tenant: TenantId
    user: str
    auth: str
    assurance: int
    created_at: datetime
    expires_at: datetime
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Attempts:
    """Failed sign-ins for one name, known or not."""

    failures: int
    blocked_until: datetime
    touched_at: datetime


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """What a person gets for the password: shown once."""

    token: str = field(repr=False)
    expires_in: int
    assurance: int
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class UserCredentials:
    """The first password, and the seed of the authenticator where one was made: shown once."""

    user: User
    password: str = field(repr=False)
    totp_secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """The secret of an application: shown once."""

    client: Client
    secret: str = field(repr=False)


def canonical_username(text: str) -> str:
    """Return the one form a name is stored and looked up in. Raises InvalidInput without repeating it."""
    name = unicodedata.normalize("NFKC", text).casefold()
    if not 1 <= len(name) <= 128 or any(not (char.isalnum() or char in "._-@+") for char in name):
        raise InvalidInput("A user name has 1 to 128 letters, digits or the characters . _ - @ + and no spaces.", pointer="/username")
    return name


def acceptable_password(text: str, pointer: str = "/password") -> str:
    """Return `text` if it may become a password. Length is the one rule that helps (NIST SP 800-63B)."""
    if not MIN_PASSWORD <= len(text) <= MAX_PASSWORD:
        raise InvalidInput(f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters.", pointer=pointer)
    return text
