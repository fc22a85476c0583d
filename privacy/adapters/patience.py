"""How long the server waits for a caller, and what it says to a request that is no HTTP.

gunicorn's threads read from blocking sockets without an end: a few half-sent requests would hold them all. Here
* a connection that has sent nothing holds no thread;
* who waits for bytes lends his turn to others: `threads` bound what works at the same time, not who waits;
* silence, a slow header and a slow body are cut (`_SILENCE`, `_HEADER`, `_BODY` and `_RATE` below).
Limits: `_WAITING` callers may hold half-sent requests in one process at a time; who fills these places again and again still delays others.
What a caller sent stands in no answer and no log line of this module: only the class of the mistake does.
"""

import contextlib
import errno
import json
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from typing import Any

from gunicorn import sock, util
from gunicorn.http import errors, get_parser
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import TConn, ThreadWorker

from privacy.kernel.errors import InvalidInput
from privacy.kernel.ids import new_id

logger = logging.getLogger("privacy.server")

_SILENCE = 10.0  # seconds without a byte
_HEADER = 10.0  # seconds for a whole header, and for a TLS handshake
_BODY = 20.0  # seconds for a body, and one more …
_RATE = 64 * 1024  # … for so many bytes of it that came
_SENDING = 30.0  # seconds for one piece of an answer to be taken
_WAITING = 256

_STATUSES: tuple[tuple[type[Exception], HTTPStatus], ...] = (
    (errors.UnsupportedTransferCoding, HTTPStatus.NOT_IMPLEMENTED),
    (errors.LimitRequestLine, HTTPStatus.REQUEST_URI_TOO_LONG),
    (errors.LimitRequestHeaders, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    (errors.ExpectationFailed, HTTPStatus.EXPECTATION_FAILED),
    (errors.ForbiddenProxyRequest, HTTPStatus.FORBIDDEN),
)


class TooSlow(errors.ParseException):  # type: ignore[misc]
    """The caller stopped sending, or sends too slowly."""


class Turns:
    """Bounds how many threads work at the same time. Who waits for a caller lends the turn and takes one again before going on."""

    def __init__(self, number: int) -> None:
        self._free = threading.Semaphore(number)
        self._mine = threading.local()

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        self._free.acquire()
        self._mine.held = True
        try:
            yield
        finally:
            self._mine.held = False
            self._free.release()

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        if not getattr(self._mine, "held", False):
            yield
            return
        self._free.release()
        try:
            yield
        finally:
            self._free.acquire()


class _Reader(SocketUnreader):  # type: ignore[misc]
    """Reads from one connection within the time that the part of the request being read has."""

    def __init__(self, source: socket.socket, turns: Turns) -> None:
        super().__init__(source)
        self._turns = turns
        self.begin(_HEADER)

    def begin(self, seconds: float, silence: float = _SILENCE, *, by_size: bool = False) -> None:
        """Start the clock of another part with the first read of it; `by_size` adds time for what arrives."""
        self._seconds, self._silence, self._by_size = seconds, silence, by_size
        self._since: float | None = None
        self._came = 0

    def chunk(self, size_hint: int | None = None) -> bytes:
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        left = self._since + self._seconds + (self._came / _RATE if self._by_size else 0) - now
        if left <= 0:
            raise TooSlow
        self.sock.settimeout(min(left, self._silence))
        try:
            with self._turns.lent():
                data: bytes = super().chunk(size_hint)
        except TimeoutError:
            raise TooSlow from None
        finally:
            self.sock.settimeout(_SENDING)
        self._came += len(data)
        return data


class _Body:
    """The body as the application reads it. Every mistake of the caller in it is an InvalidInput, whatever the server calls it."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def read(self, size: int | None = None) -> bytes:
        return self._guarded(self._body.read, size)

    def readline(self, size: int | None = None) -> bytes:
        return self._guarded(self._body.readline, size)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    @staticmethod
    def _guarded(read: Callable[[int | None], bytes], size: int | None) -> bytes:
        try:
            return read(size)
        except TooSlow:
            raise InvalidInput("The body did not arrive in time. Send it without pauses.", code="request_timeout") from None
        except (errors.ParseException, OSError):
            raise InvalidInput("The body ends early, or its chunks are not what RFC 9112 says.", code="bad_request") from None


class _Connection(TConn):  # type: ignore[misc]
    """One connection: a handshake with an end, and our reader under the parser."""

    turns: Turns
    initialized: bool
    sock: Any

    def init(self) -> None:
        if self.initialized:
            return
        self.initialized = True
        self.sock.settimeout(_HEADER)
        if self.cfg.is_ssl:
            self.sock = sock.ssl_wrap_socket(self.sock, self.cfg)
            try:
                self.sock.do_handshake()
            except TimeoutError:
                raise StopIteration from None  # gunicorn's word for closing without a line in the log
        self.parser = get_parser(self.cfg, self.sock, self.client)
        self.parser.unreader = _Reader(self.sock, self.turns)

    def close(self, graceful: bool = False) -> None:
        # lingering is done by the thread that answered, never by the one that accepts
        util.close(self.sock)


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's thread worker with an end to every wait."""

    wsgi: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._turns = Turns(self.cfg.threads)
        self._serving = threading.local()

    def get_thread_pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(max_workers=self.cfg.threads + _WAITING)

    def load_wsgi(self) -> None:
        super().load_wsgi()
        application = self.wsgi

        def in_turn(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            environ["wsgi.input"] = _Body(environ["wsgi.input"])
            environ["privacy.hurry"] = self._serving.reader.begin
            with self._turns.taken():
                answer: Iterable[bytes] = application(environ, start_response)
                return answer

        self.wsgi = in_turn

    def accept(self, listener: socket.socket) -> None:
        """Take a connection; it gets a thread when its first byte is there."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        self.nr_conns += 1
        connection = _Connection(self.cfg, client, address, listener.getsockname())
        connection.turns = self._turns
        connection.set_timeout()
        self.pending_conns.append(connection)
        self.poller.register(client, selectors.EVENT_READ, partial(self.on_pending_socket_readable, connection))

    def handle(self, conn: _Connection) -> object:
        if conn.parser is not None:
            conn.parser.unreader.begin(_HEADER)
        kept = super().handle(conn)
        if kept is False:
            with contextlib.suppress(OSError):
                util.close_graceful(conn.sock)
        return kept

    def handle_request(self, req: Any, conn: _Connection) -> object:
        conn.parser.unreader.begin(_BODY, by_size=True)
        self._serving.reader = conn.parser.unreader
        try:
            return super().handle_request(req, conn)
        except TimeoutError:  # the answer is not taken
            return False

    def _cap_keepalive(self, deadline: float) -> None:
        super()._cap_keepalive(deadline)
        for connection in self.pending_conns:
            connection.timeout = min(connection.timeout, deadline)

    def _keepalive_after(self, conn: _Connection, keepalive: object) -> bool:
        if not keepalive:
            return False
        conn.parser.unreader.begin(2.0, 1.0)
        try:
            return bool(super()._keepalive_after(conn, keepalive))
        except TooSlow:
            return False

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answer what is no HTTP, and what broke outside the application. The server's own answer and line would quote the caller."""
        status = _status(exc)
        if status is None:
            return
        request_id = new_id()
        fields = {"status": int(status), "error": type(exc).__name__, "request_id": request_id}
        if status is HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.error("answer broken", exc_info=exc, extra={"fields": fields})
        else:
            logger.warning("request refused", extra={"fields": fields})
        with contextlib.suppress(OSError, ValueError):
            util.write_nonblock(client, _answer(status, request_id))


def _status(error: Exception) -> HTTPStatus | None:
    if isinstance(error, OSError):
        return None  # the connection itself is broken, TLS included: nobody could read an answer
    if isinstance(error, TooSlow):
        return HTTPStatus.REQUEST_TIMEOUT
    if isinstance(error, (errors.InvalidResponseHeader, errors.InvalidResponseHeaderName, errors.ConfigurationProblem)):
        return HTTPStatus.INTERNAL_SERVER_ERROR
    known = next((status for kind, status in _STATUSES if isinstance(error, kind)), None)
    return known or (HTTPStatus.BAD_REQUEST if isinstance(error, errors.ParseException) else HTTPStatus.INTERNAL_SERVER_ERROR)


def _answer(status: HTTPStatus, request_id: str) -> bytes:
    code, title, detail = {
        HTTPStatus.REQUEST_TIMEOUT: ("request_timeout", "The request took too long", "The request did not arrive in time. Send it without pauses."),
        HTTPStatus.INTERNAL_SERVER_ERROR: ("internal", "Something went wrong on our side", "Give the request id to the operator."),
    }.get(status, ("bad_request", "The request cannot be read", f"{status.phrase}: this is not HTTP as RFC 9112 writes it, or more than is read."))
    problem = {"type": f"/docs#{code}", "title": title, "status": int(status), "code": code, "detail": detail, "request_id": request_id}
    body = json.dumps(problem).encode()
    lines = (
        f"HTTP/1.1 {int(status)} {status.phrase}",
        "Connection: close",
        "Content-Type: application/problem+json",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        f"X-Request-Id: {request_id}",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
