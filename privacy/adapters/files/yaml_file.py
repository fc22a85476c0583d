"""YAML in and out for the data map: plain data only, each value with its line, no aliases, no duplicate keys."""

from collections.abc import Mapping
from typing import Any

import yaml

from privacy.inventory.strict_yaml import Marked
from privacy.kernel.errors import InvalidInput

_LARGEST = 8 << 20
_DEEPEST = 20


def load(text: str) -> Marked:
    """Parse `text`. Raises InvalidInput with the line, for aliases too: a few of them can stand for a terabyte."""
    if len(text) > _LARGEST:
        raise InvalidInput("The file is larger than 8 MiB.", pointer="line 1")
    loader = yaml.SafeLoader(text)
    try:
        _refuse_aliases(text)
        node = loader.get_single_node()
        return Marked({}, 1) if node is None else _marked(loader, node, 0)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidInput("The file is no YAML.", pointer=f"line {line}") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise InvalidInput("The file is no YAML, or nested too deeply.", pointer="line 1") from None
    finally:
        loader.dispose()


def dump(data: Mapping[str, Any]) -> str:
    """Return `data` as YAML that `load` reads back."""
    text: str = yaml.safe_dump(dict(data), allow_unicode=True, sort_keys=False, width=160)
    return text


def _refuse_aliases(text: str) -> None:
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise InvalidInput("Aliases (*name) are not allowed; write the value out.", pointer=f"line {line}")


def _marked(loader: yaml.SafeLoader, node: yaml.Node, depth: int) -> Marked:
    line = node.start_mark.line + 1
    if depth > _DEEPEST:
        raise InvalidInput("The file is nested too deeply.", pointer=f"line {line}")
    if not node.tag.startswith("tag:yaml.org,2002:") or node.tag.startswith("tag:yaml.org,2002:python"):
        raise InvalidInput("Tags (!name) are not allowed.", pointer=f"line {line}")
    if isinstance(node, yaml.MappingNode):
        return Marked(_mapping(loader, node, depth), line)
    if isinstance(node, yaml.SequenceNode):
        return Marked([_marked(loader, item, depth + 1) for item in node.value], line)
    return Marked(_scalar(loader, node), line)


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode, depth: int) -> dict[object, Marked]:
    found: dict[object, Marked] = {}
    for key_node, value in node.value:
        key = _scalar(loader, key_node) if isinstance(key_node, yaml.ScalarNode) else None
        if key is not None and not isinstance(key, str):
            # `no:` and `1:` are names of columns as well: keys are what is written
            key = key_node.value
        if key in found:
            raise InvalidInput("A key stands here twice.", pointer=f"line {key_node.start_mark.line + 1}")
        found[key] = _marked(loader, value, depth + 1)
    return found


def _scalar(loader: yaml.SafeLoader, node: yaml.Node) -> object:
    return loader.construct_object(node)
