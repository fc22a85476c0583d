"""The header `Idempotency-Key` on unsafe calls (IETF draft-ietf-httpapi-idempotency-key-header): a request sent again is not carried out again.

First time: carried out. Again with the same request: the first answer (`Idempotency-Replayed: true`) where it could be kept, else 409 with the status
and place of what was done. With another request: 422. While the first runs: 409. After a failure: carried out anew.
"""

import re
from collections.abc import Callable

from flask import Request, Response

from privacy.actors.repeats import Repeat
from privacy.kernel.errors import Conflict, InvalidInput
from privacy.web.endpoint import PUBLIC, Call, Route

HEADER = "Idempotency-Key"
FORM = r"[\x21-\x7e]{1,255}"


def applies(route: Route) -> bool:
    """Tell whether a request of this route can be marked: one that changes something, of a caller who is known."""
    return route.method != "GET" and route.scope != PUBLIC


def once(call: Call, route: Route, incoming: Request, raw: bytes, work: Callable[[], Response]) -> Response:
    """Return `work`'s answer, or what is known of the same request sent before."""
    key = incoming.headers.get(HEADER)
    if key is None or not applies(route):
        return work()
    if not re.fullmatch(FORM, key):
        raise InvalidInput(f"{HEADER} has 1 to 255 visible ASCII characters, for example a UUID.")
    repeats = call.app.actors.repeats
    request = b"\0".join([incoming.path.encode("utf-8", "surrogatepass"), incoming.query_string, raw])
    repeat: Repeat = repeats.begin(call.actor, route.name, key, request)
    if repeat.status:
        return _again(repeat)
    try:
        response = work()
    except BaseException:
        repeats.failed(repeat)
        raise
    repeats.done(repeat, response.status_code, response.headers.get("Location", ""), response.get_data(as_text=True) if route.replay else "")
    return response


def _again(repeat: Repeat) -> Response:
    if not repeat.answer and repeat.status != 204:
        done = f" and made {repeat.location}" if repeat.location else ""
        raise Conflict(
            f"The request with this {HEADER} was carried out (status {repeat.status}){done}; its answer was not kept, since it may hold personal data."
        )
    headers = {"Idempotency-Replayed": "true"} | ({"Location": repeat.location} if repeat.location else {})
    return Response(repeat.answer or None, repeat.status, headers, content_type="application/json" if repeat.answer else None)
