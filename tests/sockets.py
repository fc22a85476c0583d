"""The guard on sockets: a test that reaches for the network fails, wherever it runs."""

import ipaddress
import os
import socket
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import pytest

_GIVEN = ("TEST_POSTGRES_URL", "TEST_MARIADB_URL")


class NetworkRefused(RuntimeError):
    """A test tried to leave this machine."""


def guard_sockets(patch: pytest.MonkeyPatch) -> None:
    """Let sockets and name look-ups reach this machine only, and the hosts of database addresses given by the environment."""
    hosts = frozenset(_hosts(os.environ.get(name, "") for name in _GIVEN))
    # the class in C, not our module's view of it: `socket.socket` may be wrapped by libraries
    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, _guarded_call(getattr(socket.socket, name), hosts))
    resolve = socket.getaddrinfo

    def guarded_look_up(host: Any, *rest: Any, **named: Any) -> Any:
        _check(host, hosts)
        return resolve(host, *rest, **named)

    patch.setattr(socket, "getaddrinfo", guarded_look_up)


def _guarded_call(original: Any, hosts: frozenset[str]) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _check(address[0], hosts)
        return original(self, address)

    return guarded


def _check(host: Any, hosts: frozenset[str]) -> None:
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if text is None or text in ("", "localhost") or text in hosts or _is_loopback(text):
        return
    raise NetworkRefused("A test tried to reach another machine. Tests talk to this machine only.")


def _is_loopback(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def _hosts(urls: Iterable[str]) -> Iterable[str]:
    for url in urls:
        host = urlsplit(url).hostname
        if host:
            yield host
