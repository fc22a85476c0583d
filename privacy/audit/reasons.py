"""Reasons that stand in clear: those about law and tables, never about people."""

from privacy.audit.ports import LeafGuard
from privacy.kernel.errors import InvalidInput


def check_impersonal(guard: LeafGuard | None, reason: str, pointer: str) -> None:
    """Raise InvalidInput when a reason holds a personal value that proves itself (a phone, an e-mail address, a number of a document).

    Limit: names prove nothing without a label, so the guard lets them pass; without a guard nothing is looked at.
    """
    if guard is not None and guard.is_personal(reason):
        raise InvalidInput("This reason stands in clear and holds a personal value: say which law or table it is about, and leave people out.", pointer=pointer)
