"""Contacts as they may be shown to say where a code was sent: enough for the owner to recognise, too little for anybody else to use."""

from privacy.subjects.model import IdentifierKind


def masked(kind: IdentifierKind, value: str) -> str:
    """Return `j***@e…` for an e-mail address, `…63` for a phone number."""
    plain = value.strip()
    if kind is IdentifierKind.EMAIL:
        local, _, domain = plain.partition("@")
        return f"{local[:1]}***@{domain[:1]}…"
    digits = "".join(filter(str.isdecimal, plain))
    return f"…{digits[-2:]}"
