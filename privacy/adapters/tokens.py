"""Access tokens of applications: RFC 9068 profile, ES256, by joserfc. The key file holds one signing key and those that may still verify.

Refused with one text: another algorithm (`none`, HS256 with our public key), another issuer or audience, an unknown or retired key id, a wrong
`typ`, an expired token. Limit: a token stands for its client until it expires (ten minutes at most); whether the client is still active is
asked live by `actors`.
"""

import base64
import contextlib
import hashlib
import json
import os
import secrets
import stat
import tempfile
import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from privacy.actors.accounts import Client
from privacy.actors.ports import Claims
from privacy.kernel.clock import Clock
from privacy.kernel.errors import Misconfigured, Unauthenticated
from privacy.kernel.ids import TenantId

LONGEST_LIFETIME = 600
_ALGORITHM = "ES256"
_TYPES = ("at+jwt", "application/at+jwt")
_LEEWAY = timedelta(seconds=5)  # for clocks of several hosts, on `iat` only
_REMEMBERED = 4096
_LONGEST_HEADER = 1024
_REFUSED = "The access token is not valid: it is unknown, expired or revoked. Get a new one."


class TokenSigner:
    """Implements `actors.ports.Tokens` over a key file made by `create_keys`."""

    def __init__(self, path: Path, issuer: str, clock: Clock, *, audience: str = "", lifetime: int = LONGEST_LIFETIME) -> None:
        if not 1 <= lifetime <= LONGEST_LIFETIME:
            raise Misconfigured(f"An access token lives 1 to {LONGEST_LIFETIME} seconds; set PRIVACY_TOKEN_SECONDS.")
        self.lifetime = lifetime
        self._path = path
        self._issuer = issuer
        self._audience = audience or issuer
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at = -1
        self._keys: list[ECKey] = []
        self._verified: dict[bytes, Claims] = {}
        self._reload()

    def sign(self, client: Client, scopes: Iterable[str]) -> tuple[str, str]:
        now = int(self._clock.now().timestamp())
        token_id = secrets.token_urlsafe(16)
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": client.id,
            "client_id": client.id,
            "iat": now,
            "exp": now + self.lifetime,
            "jti": token_id,
            "scope": " ".join(sorted(scopes)),
            "tenant": client.tenant,
            "roles": sorted(client.roles),
            "purposes": list(client.purposes),
        }
        key = self._keys[0]
        header = {"alg": _ALGORITHM, "typ": "at+jwt", "kid": key.kid}
        return jwt.encode(header, claims, key, algorithms=[_ALGORITHM]), token_id

    def verify(self, token: str) -> Claims:
        # a signature costs hundreds of times a hash, and a client sends the same token for ten minutes
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._verified.get(digest)
        claims = known or self._decode(token)
        now = self._clock.now()
        if claims.expires_at <= now or claims.issued_at > now + _LEEWAY:
            raise Unauthenticated(_REFUSED)
        if known is None:
            self._remember(digest, claims)
        return claims

    def rotated(self) -> None:
        """Take the key file as it is now; verified tokens are checked anew."""
        self._reload()
        self._verified.clear()

    def _decode(self, token: str) -> Claims:
        try:
            self._catch_up(token)
            decoded = jwt.decode(token, KeySet(list(self._keys)), algorithms=[_ALGORITHM])
            return self._claims(decoded.header, decoded.claims)
        except (JoseError, ValueError, KeyError, TypeError, RecursionError):
            raise Unauthenticated(_REFUSED) from None

    def _catch_up(self, token: str) -> None:
        """Read the key file again when another process has rotated it: once per change of the file, however many strange tokens come."""
        kid = _header(token).get("kid")
        if not isinstance(kid, str):
            raise ValueError("no key id")
        if kid not in {key.kid for key in self._keys} and self._path.stat().st_mtime_ns != self._read_at:
            self._reload()

    def _claims(self, header: dict[str, Any], claims: dict[str, Any]) -> Claims:
        if header.get("typ") not in _TYPES or claims["iss"] != self._issuer or claims["aud"] != self._audience:
            raise ValueError("not for us")
        if claims["sub"] != claims["client_id"]:
            raise ValueError("not an application's token")
        return Claims(
            client=_text(claims["client_id"]),
            tenant=TenantId(_text(claims["tenant"])),
            scopes=frozenset(_text(claims["scope"]).split()),
            issued_at=_instant(claims["iat"]),
            expires_at=_instant(claims["exp"]),
            token_id=_text(claims["jti"]),
        )

    def _remember(self, digest: bytes, claims: Claims) -> None:
        with self._lock:
            if len(self._verified) >= _REMEMBERED:
                self._verified.clear()
            self._verified[digest] = claims

    def _reload(self) -> None:
        self._read_at = self._path.stat().st_mtime_ns if self._path.exists() else -1
        self._keys = _read_keys(self._path, self._clock.now())


def create_keys(path: Path) -> bool:
    """Make the key file with one key, mode 0600; False when it is there."""
    if path.exists():
        return False
    _write(path, [_new_key()])
    return True


def rotate_keys(path: Path, now: datetime) -> str:
    """Sign with a new key from now on; the old one verifies until its last token has expired. Returns the new key's id."""
    entries = _entries(path)
    until = int((now + timedelta(seconds=LONGEST_LIFETIME) + _LEEWAY).timestamp())
    older = [{**entry, "retired": entry.get("retired", until)} for entry in entries]
    made = _new_key()
    _write(path, [made, *(entry for entry in older if entry["retired"] > now.timestamp())])
    return str(made["kid"])


def _new_key() -> dict[str, Any]:
    key = ECKey.generate_key("P-256", parameters={"use": "sig", "alg": _ALGORITHM}, private=True)
    return {**key.as_dict(private=True), "kid": key.thumbprint()}


def _read_keys(path: Path, now: datetime) -> list[ECKey]:
    alive = [entry for entry in _entries(path) if entry.get("retired", now.timestamp() + 1) > now.timestamp()]
    try:
        keys = [ECKey.import_key({name: value for name, value in entry.items() if name != "retired"}) for entry in alive]
    except (JoseError, ValueError):
        raise _damaged(path) from None
    if not keys or "retired" in alive[0]:
        raise Misconfigured(f"{path.name} holds no signing key; restore it, or move it away and run `privacy init`.")
    return keys


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise Misconfigured(f"{path.name} can be read by others; run chmod 600 on it.")
        entries = json.loads(path.read_text("utf-8"))["keys"]
        return [dict(entry) for entry in entries]
    except OSError:
        raise Misconfigured(f"The token keys {path.name} are missing or cannot be read; run `privacy init`.") from None
    except (ValueError, KeyError, TypeError):
        raise _damaged(path) from None


def _damaged(path: Path) -> Misconfigured:
    return Misconfigured(f"{path.name} is damaged; restore it, or move it away and run `privacy init` (tokens given out end).")


def _write(path: Path, entries: list[dict[str, Any]]) -> None:
    # a temporary file in the same folder and a rename: nobody ever reads half a key file
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".token-keys-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump({"keys": entries}, out)
            out.flush()
            os.fsync(out.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _header(token: str) -> dict[str, Any]:
    part = token.split(".", 1)[0]
    if len(part) > _LONGEST_HEADER:  # ours has about a hundred bytes, and it is read before anything is verified
        raise ValueError("no header of ours")
    header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    if not isinstance(header, dict):
        raise TypeError("no header")
    return header


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _instant(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**40:
        raise TypeError("not an instant")
    return datetime.fromtimestamp(value, UTC)
