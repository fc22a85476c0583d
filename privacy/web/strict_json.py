"""Request bytes to a checked model. Refuses what JSON readers usually let pass: duplicate keys, NaN, lone surrogates, endless nesting.

No text that leaves here holds anything the caller sent: a pointer is cut at the first part that is no declared field or index.
"""

import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from privacy.kernel.errors import Flaw, InvalidInput, PayloadTooLarge

M = TypeVar("M", bound=BaseModel)
MAX_DEPTH = 64
MAX_NODES = 1_000_000
_MAX_FLAWS = 20
_BATCH = 1000  # a list that may hold so many is a batch: too many are answered like by the setting, 413
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_LONE = re.compile("[\ud800-\udfff]")

# our words per error type; {…} are limits from our own schema, never from the input
_MESSAGES = {
    "missing": "This field is required.",
    "extra_forbidden": "Here is a field that this call does not know. It knows {names}.",
    "model_type": "An object is expected.",
    "dict_type": "An object is expected.",
    "list_type": "A list is expected.",
    "tuple_type": "A list is expected.",
    "set_type": "A list is expected.",
    "string_type": "A text is expected.",
    "string_too_short": "At least {min_length} characters are expected.",
    "string_too_long": "At most {max_length} characters are allowed.",
    "string_pattern_mismatch": "The text does not have the expected form: {form}.",
    "string_unicode": "The text holds half of a surrogate pair, which is no character.",
    "too_short": "At least {min_length} items are expected.",
    "too_long": "At most {max_length} items are allowed.",
    "bool_type": "true or false is expected.",
    "bool_parsing": "true or false is expected.",
    "int_type": "A whole number is expected.",
    "int_parsing": "A whole number is expected.",
    "int_from_float": "A whole number is expected.",
    "float_type": "A number is expected.",
    "float_parsing": "A number is expected.",
    "finite_number": "A finite number is expected.",
    "greater_than": "A number above {gt} is expected.",
    "greater_than_equal": "A number of at least {ge} is expected.",
    "less_than": "A number below {lt} is expected.",
    "less_than_equal": "A number of at most {le} is expected.",
    "literal_error": "One of these is expected: {expected}.",
    "enum": "One of these is expected: {expected}.",
    "union_tag_invalid": "The kind named here is not one of {expected_tags}.",
    "union_tag_not_found": "The field that names the kind is missing.",
    "none_required": "null is expected.",
    "date_type": "A date like 2026-11-22 is expected.",
    "date_parsing": "A date like 2026-11-22 is expected.",
    "date_from_datetime_parsing": "A date like 2026-11-22 is expected.",
    "date_from_datetime_inexact": "A date without a time is expected.",
    "datetime_type": "A time like 2026-11-22T07:30:00Z is expected.",
    "datetime_parsing": "A time like 2026-11-22T07:30:00Z is expected.",
    "datetime_from_date_parsing": "A time like 2026-11-22T07:30:00Z is expected.",
    "datetime_object_invalid": "A time like 2026-11-22T07:30:00Z is expected.",
    "timezone_aware": "A time with its zone is expected, for example 2026-11-22T07:30:00Z.",
    "uuid_type": "A UUID is expected.",
    "uuid_parsing": "A UUID is expected.",
    "url_parsing": "An address is expected.",
    "recursion_loop": "The value contains itself.",
}
_DEFAULT = "The value is not acceptable here; the documentation of this field shows what is."
_LIMITS = ("min_length", "max_length", "gt", "ge", "lt", "le", "expected", "expected_tags")


class Malformed(InvalidInput):
    """The bytes are not the JSON this service reads."""

    code = "malformed_json"


def parse_body(model: type[M], raw: bytes) -> M:
    """Return `raw` as a `model`. Raises Malformed (not JSON) or InvalidInput (not this model), each with place and remedy."""
    _check(_load(raw), model, bool(_SURROGATE_ESCAPE.search(raw)))
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise invalid(model, error.errors(include_url=False, include_input=False)) from None


def parse_query(model: type[M], pairs: Mapping[str, list[str]]) -> M:
    """Return the query string as a `model`; a name given twice is refused unless the field is a list."""
    given: dict[str, Any] = {}
    for name, values in pairs.items():
        many = name in model.model_fields and "list" in str(model.model_fields[name].annotation)
        if len(values) > 1 and not many:
            raise InvalidInput("A query parameter is given twice.", pointer=f"/{name}" if name in model.model_fields else "/")
        given[name] = values if many else values[0]
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid(model, error.errors(include_url=False, include_input=False)) from None


def invalid(model: type[BaseModel], problems: Iterable[ErrorDetails]) -> InvalidInput:
    """Translate pydantic's findings into our words."""
    names, shown = declared_names(model), list(itertools.islice(problems, _MAX_FLAWS))
    flaws = tuple(Flaw(pointer(problem["loc"], names), _message(model, problem)) for problem in shown)
    if any(problem["type"] == "too_long" and problem["ctx"]["max_length"] >= _BATCH for problem in shown):
        return PayloadTooLarge("The call holds more items than one call takes; send the rest in further calls.", flaws=flaws)
    return InvalidInput("The request does not have the expected form; `errors` says where.", flaws=flaws)


def pointer(parts: Iterable[int | str], names: frozenset[str]) -> str:
    """Return a JSON pointer, cut before the first part that is neither an index nor one of our field names."""
    kept: list[str] = []
    for part in parts:
        if isinstance(part, str) and part not in names:
            break
        kept.append(str(part).replace("~", "~0").replace("/", "~1"))
    return "/" + "/".join(kept)


@cache
def declared_names(model: type[BaseModel]) -> frozenset[str]:
    """Return every field name that `model` or a model inside it declares."""
    schema = model.model_json_schema()
    models = (schema, *schema.get("$defs", {}).values())
    return frozenset(name for each in models for name in each.get("properties", {}))


@cache
def forms(model: type[BaseModel]) -> Mapping[str, str]:
    """Return what is said about the form of a text, by its pattern, for every type in `model`."""
    found: dict[str, str] = {}
    for node in nodes(model.model_json_schema()):
        said = str(node.get("description") or node.get("propertyNames", {}).get("description", ""))
        patterns = [node["pattern"]] if isinstance(node.get("pattern"), str) else list(node.get("patternProperties", ()))
        found |= dict.fromkeys(patterns, said) if said else {}
    return found


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object inside JSON data."""
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(child)


def _known_at(model: type[BaseModel], place: Iterable[int | str]) -> str:
    """Return the field names of the object at `place`, comma-separated, from our own schema."""
    schema = model.model_json_schema()
    here = _expanded([schema], schema)
    for part in place:
        below = [node.get("items") if isinstance(part, int) else node.get("properties", {}).get(part, node.get("additionalProperties")) for node in here]
        # a part that leads nowhere is pydantic's name for one choice of a union
        here = _expanded([node for node in below if isinstance(node, dict)], schema) or here
    return ", ".join(dict.fromkeys(name for node in here for name in node.get("properties", {})))


def _expanded(found: Iterable[dict[str, Any]], schema: dict[str, Any]) -> list[dict[str, Any]]:
    plain: list[dict[str, Any]] = []
    for node in found:
        choices = [*node.get("anyOf", ()), *node.get("oneOf", ()), *([schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]] if "$ref" in node else [])]
        plain += _expanded(choices, schema) if choices else [node]
    return plain


def _message(model: type[BaseModel], problem: ErrorDetails) -> str:
    context = problem.get("ctx", {})
    limits = {key: value for key, value in context.items() if key in _LIMITS}
    if problem["type"] == "string_pattern_mismatch" and (said := forms(model).get(context.get("pattern", ""))):
        limits["form"] = said
    if problem["type"] == "extra_forbidden":
        limits["names"] = _known_at(model, problem["loc"][:-1]) or "none"
    try:
        return _MESSAGES.get(problem["type"], _DEFAULT).format(**limits)
    except KeyError:
        return _DEFAULT


class _Duplicated(dict[str, Any]):
    """An object that named a key twice: kept until the walk knows where it stands."""


def _load(raw: bytes) -> Any:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8 (byte {error.start}). Send JSON in UTF-8 without a byte order mark.") from None
    if not text.strip():
        raise Malformed("The body is empty. Send a JSON object with Content-Type: application/json.")
    # each list or object costs far more memory than its two bytes; brackets inside texts count too, which at this number does not matter
    if raw.count(b"{") + raw.count(b"[") > MAX_NODES:
        raise Malformed(f"The body holds more than {MAX_NODES:,} lists and objects. Send less in a call.", code="too_deep")
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise Malformed(f"The body is not JSON: the mistake is at line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # Python refuses integers of more than 4,300 digits
        raise Malformed("The body holds a number with too many digits. Send it as text.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    return made if len(made) == len(pairs) else _Duplicated(made)


def _refuse_constant(_name: str) -> NoReturn:
    raise Malformed("The body holds NaN or Infinity, which JSON does not know. Send null or a number.")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise Malformed("The body holds a number that is too large. Send it as text.")
    return number


def _too_deep() -> Malformed:
    return Malformed(f"The body is nested more than {MAX_DEPTH} levels deep.", code="too_deep")


def _check(value: Any, model: type[BaseModel], surrogates: bool) -> None:
    """Walk all containers once; strings are looked at only where the bytes hold an escape that could be a lone surrogate."""
    waiting: list[tuple[Any, tuple[int | str, ...]]] = [(value, ())]
    while waiting:
        node, path = waiting.pop()
        if len(path) > MAX_DEPTH:
            raise _too_deep()
        if type(node) is _Duplicated:
            raise Malformed("An object names the same key twice.", pointer=pointer(path, declared_names(model)))
        items: Iterable[tuple[int | str, Any]] = enumerate(node) if type(node) is list else node.items() if isinstance(node, dict) else ((-1, node),)
        for part, child in items:
            if isinstance(child, (list, dict)):
                waiting.append((child, (*path, part)))
            elif surrogates and (_is_lone(child) or _is_lone(part)):
                raise Malformed(_MESSAGES["string_unicode"], pointer=pointer((*path, part) if part != -1 else path, declared_names(model)))


def _is_lone(value: object) -> bool:
    return isinstance(value, str) and _LONE.search(value) is not None
