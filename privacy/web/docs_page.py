"""`/openapi.json`, and `/docs`: the same for people, one page without scripts and without anything from elsewhere."""

import base64
import functools
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from flask import current_app
from markupsafe import Markup, escape

from privacy.web.endpoint import PUBLIC, Binary, Call, Routes
from privacy.web.openapi import document
from privacy.web.problems import STATUS_OF_CODE, STATUSES, TITLES

_STYLE = """
body{font:16px/1.5 "Noto Sans","Noto Sans SC","PingFang SC","Microsoft YaHei",system-ui,sans-serif;color:#182433;background:#fff;
max-width:72rem;margin:2rem auto;padding:0 1rem}
h2{border-bottom:1px solid #c9d1db;margin-top:2.5rem}
section{border-left:4px solid #05427a;padding:.2rem 1rem;margin:1rem 0}
code,pre{font-family:ui-monospace,monospace;font-size:.9rem}
pre{background:#eef1f4;padding:.75rem;overflow:auto}
.method{font-weight:700;color:#05427a;margin-right:.5rem}
.quiet{color:#566475}
table{border-collapse:collapse}td,th{text-align:left;padding:.3rem .8rem;border-bottom:1px solid #dce2e9}
"""


def docs_routes() -> Routes:
    """Return the two routes; both are made once, on first demand, from the routes of the application that serves them."""
    routes = Routes("docs", prefix="")

    @functools.cache
    def described() -> dict[str, Any]:
        return document(current_app.extensions["privacy"]["routes"])

    @routes.get("/openapi.json", scope=PUBLIC, produces="application/json", summary="This description")
    def openapi(call: Call) -> dict[str, Any]:
        return described()

    @functools.cache
    def page() -> bytes:
        return render(described()).encode("utf-8")

    @routes.get("/docs", scope=PUBLIC, produces="text/html", summary="This description, to read")
    def docs(call: Call) -> Binary:
        return Binary(page(), "text/html; charset=utf-8", headers={"Content-Security-Policy": content_security_policy()})

    return routes


def content_security_policy() -> str:
    """Allow this page's one style by its hash, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def render(described: Mapping[str, Any]) -> str:
    """Return the page."""
    rooms: dict[str, list[Markup]] = {}
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            rooms.setdefault(operation["tags"][0], []).append(_operation(path, method, operation))
    parts = [Markup("<h2 id='{}'>{}</h2>").format(room, room) + Markup("").join(listed) for room, listed in rooms.items()]
    links = Markup(" · ").join(Markup("<a href='#{}'>{}</a>").format(room, room) for room in rooms)
    style = Markup(_STYLE)  # noqa: S704 - our own constant, and its hash must be that of the exact text
    head = Markup("<meta charset='utf-8'><meta name='viewport' content='width=device-width'><title>Privacy Steward</title><style>{}</style>").format(style)
    introduction = Markup("<h1>Privacy Steward</h1><p>{}</p><p class='quiet'>{}</p><nav aria-label='rooms'>{}</nav>")
    told = introduction.format(described["info"]["summary"], described["info"]["description"], links)
    body = Markup("<main>{}{}{}{}</main>").format(told, Markup("").join(parts), _error_table(), _schemas(described))
    return Markup("<!doctype html><html lang='en'><head>{}</head><body>{}</body></html>").format(head, body)


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> Markup:
    lines = [Markup("<h3><span class='method'>{}</span><code>{}</code></h3><p>{}</p>").format(method.upper(), path, operation["summary"])]
    lines += [Markup("<p class='quiet'>{}</p>").format(_code(operation["description"]))] if "description" in operation else []
    for parameter in operation.get("parameters", []):
        need = "required" if parameter["required"] else "optional"
        told = Markup("<p><code>{}</code> <span class='quiet'>({}, {})</span> {}</p>")
        lines.append(told.format(parameter["name"], parameter["in"], need, parameter.get("description", "")))
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        lines.append(Markup("<p>Body, {}: {}</p>").format(media_type, _reference(content.get("schema", {}))))
        if "example" in content:
            lines.append(Markup("<pre>{}</pre>").format(json.dumps(content["example"], ensure_ascii=False, indent=1)))
    for status, response in operation["responses"].items():
        kinds = Markup(", ").join(_reference(content.get("schema", {})) for content in response.get("content", {}).values())
        lines.append(Markup("<p class='quiet'>{} {} {}</p>").format(status, response["description"], kinds))
    return Markup("<section>{}</section>").format(Markup("").join(lines))


def _reference(schema: Mapping[str, Any]) -> Markup:
    name = str(schema.get("$ref", "")).rsplit("/", 1)[-1]
    return Markup("<a href='#schema-{}'>{}</a>").format(name, name) if name else Markup("")


def _code(text: str) -> Markup:
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(part) if number % 2 else escape(part) for number, part in enumerate(parts))


def _error_table() -> Markup:
    statuses = {kind.code: status for kind, status in STATUSES.items()} | dict(STATUS_OF_CODE) | {"totp_required": 401}
    rows = Markup("").join(
        Markup("<tr id='{}'><td><code>{}</code></td><td>{}</td><td>{}</td></tr>").format(code, code, statuses.get(code, 500), title)
        for code, title in TITLES.items()
    )
    return Markup("<h2 id='errors'>Errors</h2><table><tr><th>code</th><th>status</th><th>means</th></tr>{}</table>").format(rows)


def _schemas(described: Mapping[str, Any]) -> Markup:
    parts = [
        Markup("<h3 id='schema-{}'>{}</h3><pre>{}</pre>").format(name, name, json.dumps(schema, ensure_ascii=False, indent=1))
        for name, schema in described["components"]["schemas"].items()
    ]
    return Markup("<h2 id='schemas'>Schemas</h2>{}").format(Markup("").join(parts))
