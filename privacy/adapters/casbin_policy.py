"""Casbin over the rows of a policy: the reference for compiled decisions, behind `access.ports.Oracle`.

Requests are plain mappings of text and booleans, conditions are answered outside and looked up by one function, no row carries code, and
casbin's own loggers stay off: it would log refused requests with their attributes. Linear in the number of rows, so never on a request's path.
"""

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import casbin
from casbin.model import Model

from privacy.access.ports import OracleRequest
from privacy.access.predicates import holds
from privacy.access.rows import CATEGORY, EXTERNAL, INTERNAL, Policy
from privacy.kernel.errors import Misconfigured

_LOGGERS = ("casbin.policy", "casbin.enforcer", "casbin.role")
_ROLE_SETS = "roles of the caller: "


class CasbinOracle:
    """One enforcer per policy, built when first asked about it; a new policy gets a new object, so readers never see half of one."""

    def __init__(self, model_text: str) -> None:
        self._model_text = model_text
        self._lock = threading.Lock()
        self._known: tuple[str, Any, set[str]] | None = None

    @classmethod
    def from_file(cls, path: Path) -> "CasbinOracle":
        """Raises Misconfigured when the file differs from the model that decisions are compiled for."""
        return cls(checked_model(path))

    def decide(self, policy: Policy, request: OracleRequest) -> tuple[bool, str]:
        with self._lock:
            enforcer, known_sets = self._enforcer(policy)
            role_set = _ROLE_SETS + "|".join(sorted(request.roles))
            if role_set not in known_sets:
                _link(enforcer, {role_set: request.roles})
                known_sets.add(role_set)
            allowed, row = enforcer.enforce_ex(
                {"role": role_set, "purpose": request.purpose},
                {"dataset": request.dataset, "cls": request.field_class, "category": CATEGORY + request.category},
                request.action,
                _environment(request),
            )
        return allowed, row[0] if row else ""

    def _enforcer(self, policy: Policy) -> tuple[Any, set[str]]:
        if self._known is None or self._known[0] != policy.digest:
            self._known = (policy.digest, build_enforcer(self._model_text, policy), set())
        return self._known[1], self._known[2]


def build_enforcer(model_text: str, policy: Policy) -> Any:
    """Return a casbin Enforcer that holds exactly the rows and groups of `policy`."""
    if not policy.rows:
        raise Misconfigured("An empty policy is refused: casbin would let an empty request pass.")
    for name in _LOGGERS:  # before anything is built: it would print the model and later every refused request
        logging.getLogger(name).disabled = True
    model = Model()
    model.load_model_from_text(model_text)
    assertion = model["p"]["p"]
    assertion.policy = [list(row.cells) for row in policy.rows]  # not add_policy: it searches all rows for each row added
    enforcer = casbin.Enforcer(model, None)
    enforcer.add_function("cond", holds)
    enforcer.model.sort_policies_by_priority()
    _link(enforcer, policy.links)
    return enforcer


def _link(enforcer: Any, links: Mapping[str, frozenset[str]]) -> None:
    manager = enforcer.get_role_manager()
    for role, groups in links.items():
        for group in groups:
            manager.add_link(role, group)
    # the matcher reads the manager through the assertion; without a g line casbin would not have set it
    enforcer.model["g"]["g"].rm = manager


def _environment(request: OracleRequest) -> dict[str, object]:
    audience = INTERNAL if request.recipient == INTERNAL else EXTERNAL
    return {"recipient": request.recipient, "audience": audience, "region": request.region, "facts": dict(request.truths)}


def checked_model(path: Path) -> str:
    """Return the model's text. Raises Misconfigured when it is unreadable or says anything but the model that is compiled."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path}: the model cannot be read ({type(error).__name__}); restore the shipped file.") from None
    lines = [line.strip() for line in text.splitlines()]
    if "".join("".join(line.split()) for line in lines if line and not line.startswith("#")) != "".join(_MODEL.split()):
        raise Misconfigured(f"{path}: the model was changed. Decisions are compiled for the shipped model; restore it and express the change in policy.csv.")
    return text


_MODEL = """
[request_definition]
r = sub, obj, act, env
[policy_definition]
p = id, priority, role, purpose, recipient, dataset, cls, region, act, cond, technique, eft
[role_definition]
g = _, _
[policy_effect]
e = priority(p.eft) || deny
[matchers]
m = (p.act == "*" || r.act == p.act) && (p.purpose == "*" || r.sub.purpose == p.purpose) && (p.role == "*" || g(r.sub.role, p.role))
 && (p.recipient == "*" || r.env.recipient == p.recipient || p.recipient == r.env.audience)
 && (p.cls == "*" || r.obj.cls == p.cls || r.obj.category == p.cls) && keyMatch(r.obj.dataset, p.dataset)
 && (p.region == "*" || r.env.region == p.region || (r.env.region == "unknown" && p.eft == "deny")) && cond(p.cond, p.eft, r.env.facts)
"""
