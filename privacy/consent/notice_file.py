"""Reads policies/notices/*.toml: the notices that `privacy init` publishes as version 1 where there is none yet.

Strict: an unknown key, a wrong type or a missing value stops the start with the file and the remedy.
"""

import tomllib
from pathlib import Path
from typing import Any

from privacy.consent.model import NoticeContent
from privacy.kernel.errors import Misconfigured

_LISTS = ("purposes", "categories", "recipients")
_LINES = ("id", "controller", "scope", "method", "period", "contact", "valid_for")
_OPTIONAL = ("recipients", "contact", "valid_for")
_KEYS = (*_LINES, *_LISTS, "texts")


def load_notices(folder: Path | str) -> tuple[NoticeContent, ...]:
    """Return the notices of a folder, by file name; none where there is no folder. Raises Misconfigured with file and remedy."""
    return tuple(load_notice(path) for path in sorted(Path(folder).glob("*.toml")))


def load_notice(path: Path) -> NoticeContent:
    """Return the notice of one file. Raises Misconfigured with file and remedy."""
    try:
        data = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path}: the notice cannot be read ({type(error).__name__}); save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{path}: not TOML: {error}") from None
    for key in data:
        if key not in _KEYS:
            raise Misconfigured(f"{path}: {key}: unknown key; known are {', '.join(_KEYS)}.")
    for key in _KEYS:
        if key not in data and key not in _OPTIONAL:
            raise Misconfigured(f"{path}: the key {key} is missing.")
        if key in data:
            _check_kind(path, key, data[key])
    values: dict[str, Any] = {key: tuple(value) if key in _LISTS else value for key, value in data.items()}
    return NoticeContent(**values)


def _check_kind(path: Path, key: str, value: Any) -> None:
    if key == "texts":
        good, wanted = isinstance(value, dict) and all(isinstance(text, str) for text in value.values()), "a table of texts by language"
    elif key in _LISTS:
        good, wanted = isinstance(value, list) and all(isinstance(item, str) for item in value), "a list of texts"
    else:
        good, wanted = isinstance(value, str), "a text in quotes"
    if not good:
        raise Misconfigured(f"{path}: {key}: write {wanted}.")
