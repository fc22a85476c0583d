"""Access tokens of applications: only what this service signed, for itself, now, counts."""

import base64
import hmac
import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey

from privacy.actors.accounts import Client
from privacy.adapters.tokens import TokenSigner, create_keys, rotate_keys
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import Misconfigured, Unauthenticated
from tests.actors.builders import ISSUER, Office
from tests.cast import OTHER_TENANT


@pytest.fixture
def billing(office: Office) -> Client:
    return office.actors.applications.create(office.operator(), "billing", ["application"], ["service"]).client


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims, _ = (json.loads(base64.urlsafe_b64decode(part + "==")) if number < 2 else {} for number, part in enumerate(token.split(".")))
    return header, claims


def signing_key(office: Office) -> ECKey:
    return ECKey.import_key(json.loads(office.token_file.read_text())["keys"][0])


def forged(office: Office, client: Client, header: dict[str, Any] | None = None, **claims: object) -> str:
    """A token with the right signature and something else wrong."""
    real_header, real_claims = parts(office.tokens.sign(client, ["mask"])[0])
    changed = {name: value for name, value in (real_claims | claims).items() if value is not None}
    return signed(signing_key(office), {name: value for name, value in (real_header | (header or {})).items() if value is not None}, changed)


def signed(key: ECKey, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """ES256 by hand: the library refuses to make most of what must be refused."""
    content = f"{segment(header)}.{segment(claims)}"
    assert isinstance(key.private_key, EllipticCurvePrivateKey)
    r, s = decode_dss_signature(key.private_key.sign(content.encode(), ECDSA(SHA256())))
    return f"{content}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def segment(part: dict[str, Any]) -> str:
    return encoded(json.dumps(part).encode())


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def test_a_token_has_the_form_of_rfc_9068(office: Office, billing: Client, fixed_clock: FixedClock) -> None:
    """Type, issuer, audience, subject, client, times and id, beside tenant, roles and purposes."""
    header, claims = parts(office.actors.applications.issue_token(billing, ["mask", "detect"]))
    now = int(fixed_clock.now().timestamp())
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    assert header["kid"]
    assert claims | {"jti": ""} == {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": billing.id,
        "client_id": billing.id,
        "iat": now,
        "exp": now + 600,
        "jti": "",
        "scope": "detect mask",
        "tenant": "default",
        "roles": ["application"],
        "purposes": ["service"],
    }


def test_a_token_stands_for_its_client_with_the_scopes_it_asked_for(office: Office, billing: Client) -> None:
    """Never more than the client holds, and no more than the token says."""
    actor = office.actors.authenticate(office.actors.applications.issue_token(billing, ["mask", "actors:write"]))
    assert (actor.ref, actor.scopes, actor.purposes, actor.assurance) == (billing.ref, {"mask"}, ("service",), 1)


def test_a_token_is_good_until_it_expires_and_not_a_second_longer(office: Office, billing: Client, fixed_clock: FixedClock) -> None:
    """Also where its signature was checked before."""
    token = office.actors.applications.issue_token(billing, ["mask"])
    fixed_clock.advance(timedelta(seconds=599))
    assert office.actors.authenticate(token).ref == billing.ref
    fixed_clock.advance(timedelta(seconds=1))
    with pytest.raises(Unauthenticated):
        office.actors.authenticate(token)


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({}, {"iss": "http://elsewhere.example"}),
        ({}, {"aud": "http://elsewhere.example"}),
        ({}, {"aud": [ISSUER, "http://elsewhere.example"]}),
        ({}, {"tenant": str(OTHER_TENANT)}),
        ({}, {"tenant": None}),
        ({}, {"tenant": 7}),
        ({}, {"sub": "somebody-else"}),
        ({}, {"client_id": "unknown", "sub": "unknown"}),
        ({}, {"exp": None}),
        ({}, {"exp": True}),
        ({}, {"exp": "9999999999"}),
        ({}, {"exp": 10**30}),
        ({}, {"iat": 9999999999}),
        ({}, {"scope": ["mask"]}),
        ({"typ": "JWT"}, {}),
        ({"typ": None}, {}),
        ({"alg": "ES384"}, {}),
        ({"crit": ["b64"], "b64": False}, {}),
        ({"kid": "unknown"}, {}),
        ({"kid": None}, {}),
        ({"kid": 7}, {}),
    ],
)
def test_a_rightly_signed_token_that_is_not_for_us_now_is_refused(office: Office, billing: Client, header: dict[str, Any], claims: dict[str, object]) -> None:
    """One answer, whatever is wrong."""
    with pytest.raises(Unauthenticated) as refused:
        office.actors.authenticate(forged(office, billing, header, **claims))
    assert refused.value.code == "unauthenticated"


def test_the_untouched_forgery_is_accepted(office: Office, billing: Client) -> None:
    """So that the refusals above are due to the one thing changed."""
    assert office.actors.authenticate(forged(office, billing)).ref == billing.ref


def test_a_token_without_a_signature_or_with_our_public_key_as_secret_is_refused(office: Office, billing: Client) -> None:
    """`alg: none` and the swap of algorithms are the classic forgeries."""
    header, claims = parts(office.tokens.sign(billing, ["mask"])[0])
    key = signing_key(office)
    unsigned = f"{segment(header | {'alg': 'none'})}.{segment(claims)}."
    content = f"{segment(header | {'alg': 'HS256'})}.{segment(claims)}"
    swapped = f"{content}.{encoded(hmac.digest(key.as_pem(private=False), content.encode(), 'sha256'))}"
    embedded = ECKey.generate_key("P-256", private=True)
    foreign = signed(embedded, {**header, "jwk": embedded.as_dict(private=False)}, claims)
    for token in (unsigned, swapped, foreign):
        with pytest.raises(Unauthenticated):
            office.actors.authenticate(token)


@pytest.mark.parametrize("header", ["[" * 500, "[" * 5000, '{"a":' * 1200, '"' + "x" * 6000 + '"'], ids=["lists", "deep lists", "objects", "long"])
def test_a_header_of_another_form_is_refused_before_it_is_believed(office: Office, header: str) -> None:
    """Brackets without end are a wrong token like any other."""
    with pytest.raises(Unauthenticated):
        office.actors.authenticate(base64.urlsafe_b64encode(header.encode()).decode().rstrip("=") + ".e30.x")


def test_a_token_with_any_character_changed_is_refused(office: Office, billing: Client) -> None:
    """Header, claims and signature are bound together."""
    token = office.tokens.sign(billing, ["mask"])[0]
    assert office.tokens.verify(token).client == billing.id
    for position in range(0, len(token) - 1, 7):
        changed = token[:position] + ("A" if token[position] != "A" else "B") + token[position + 1 :]
        with pytest.raises(Unauthenticated):
            office.tokens.verify(changed)


def test_a_disabled_client_is_refused_at_once(office: Office, billing: Client) -> None:
    """The token is still signed and fresh, but its client is not active."""
    token = office.actors.applications.issue_token(billing, ["mask"])
    office.actors.authenticate(token)
    office.actors.applications.change(office.operator(), billing.id, active=False)
    with pytest.raises(Unauthenticated):
        office.actors.authenticate(token)
    assert office.actors.applications.find(billing.id) is None


def test_fewer_roles_count_for_tokens_given_out_before(office: Office, billing: Client) -> None:
    """Rights are read live; the token's own list can only narrow them."""
    token = office.actors.applications.issue_token(billing, ["mask", "reveal"])
    office.actors.applications.change(office.operator(), billing.id, roles=["analyst"])
    assert office.actors.authenticate(token).scopes == {"mask"}


def test_a_rotated_key_signs_while_the_old_one_still_verifies_for_ten_minutes(office: Office, billing: Client, fixed_clock: FixedClock) -> None:
    """Nobody is thrown out by a rotation, and another process learns of it from the file."""
    elsewhere = TokenSigner(office.token_file, ISSUER, fixed_clock)
    old = office.tokens.sign(billing, ["mask"])[0]
    kid = rotate_keys(office.token_file, fixed_clock.now())
    office.tokens.rotated()
    new = office.tokens.sign(billing, ["mask"])[0]
    assert parts(new)[0]["kid"] == kid != parts(old)[0]["kid"]
    assert elsewhere.verify(new).client == office.tokens.verify(old).client == billing.id
    fixed_clock.advance(timedelta(seconds=606))
    office.tokens.rotated()
    with pytest.raises(Unauthenticated):
        office.tokens.verify(old)
    assert len(json.loads(office.token_file.read_text())["keys"]) == 2
    rotate_keys(office.token_file, fixed_clock.now())
    assert len(json.loads(office.token_file.read_text())["keys"]) == 2


def test_the_key_file_is_made_once_and_only_for_us(tmp_path: Path) -> None:
    """Mode 0600, and never overwritten."""
    path = tmp_path / "token-keys.json"
    assert create_keys(path) is True
    content = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert create_keys(path) is False
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"{}", b'{"keys": []}', b'{"keys": [{}]}', b'{"keys": 7}', b"\xff", b'{"keys": [{"kty": "EC"}]}'])
def test_a_damaged_key_file_stops_the_start(tmp_path: Path, fixed_clock: FixedClock, content: bytes) -> None:
    """With the remedy, and without a new key being made silently."""
    path = tmp_path / "token-keys.json"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(Misconfigured) as refused:
        TokenSigner(path, ISSUER, fixed_clock)
    assert "privacy init" in refused.value.detail


def test_a_missing_or_readable_key_file_stops_the_start(tmp_path: Path, fixed_clock: FixedClock) -> None:
    """Others on the machine must not be able to sign."""
    path = tmp_path / "token-keys.json"
    with pytest.raises(Misconfigured, match="privacy init"):
        TokenSigner(path, ISSUER, fixed_clock)
    create_keys(path)
    path.chmod(0o644)
    with pytest.raises(Misconfigured, match="chmod 600"):
        TokenSigner(path, ISSUER, fixed_clock)


@pytest.mark.parametrize("seconds", [0, 601, 864_000])
def test_no_token_lives_longer_than_ten_minutes(office: Office, fixed_clock: FixedClock, seconds: int) -> None:
    """A library's default of ten days must never come back."""
    with pytest.raises(Misconfigured):
        TokenSigner(office.token_file, ISSUER, fixed_clock, lifetime=seconds)
