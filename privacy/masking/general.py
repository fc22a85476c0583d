"""Techniques for any kind of value: clear, redact, keep the edges, keyed pseudonym."""

import base64
import hashlib
import hmac
import re

from privacy.kernel.canonical import length_prefixed
from privacy.masking.fold import clusters, fold
from privacy.masking.technique import MaskContext, token

_NUMBERS = ("phone", "national_id", "passport", "driver_license", "bank_card", "bank_account", "vehicle", "organisation_id")


def none(value: str, context: MaskContext) -> str | None:
    return value


def redact(value: str, context: MaskContext) -> str | None:
    """Say that something is there and nothing about it, not even whether it is empty."""
    return token(context)


def keep_edges(value: str, context: MaskContext) -> str | None:
    """Keep the first and last letter around three stars; values of fewer than six letters say too much by their edges."""
    letters = clusters(value)
    if len(letters) < 6 and value[1:4] != "***":
        return token(context)
    return f"{letters[0]}***{letters[-1]}"


def pseudonym(value: str, context: MaskContext) -> str | None:
    """Give the same word for the same value within one tenant, purpose and category, and another elsewhere: HMAC-SHA-256, 80 bits.

    Guarantee: without the key neither the value nor equality over purposes can be told. Limit: within one purpose equality shows,
    and who holds the key can try values (an 11-digit phone is found by search): the key must stay in the service.
    """
    if len(context.key) < 16:
        raise ValueError("pseudonym needs a key of at least 16 bytes in its context")
    plain = canonical(fold(value), context.category)
    if not plain:
        return ""
    parts = [context.tenant, context.purpose, context.category]
    message = length_prefixed(part.encode() for part in parts) + plain.encode("utf-8", "surrogatepass")
    digest = hmac.new(context.key, message, hashlib.sha256).digest()[:10]
    return f"{context.category or 'value'}_{base64.b32encode(digest).decode().lower()}"


def canonical(plain: str, category: str) -> str:
    """Return the one spelling under which equal values of a category meet: no separators in numbers, no case in e-mail addresses."""
    if category == "email":
        return plain.casefold()
    if category in _NUMBERS:
        code = re.sub(r"[\W_]+", "", plain).upper()
        return re.sub(r"^(?:00)?86(?=1\d{10}$)", "", code) if category == "phone" else code
    return plain
