"""Waits until the service answers, then prints where to look: `announce.py SERVER_PID URL`, with the output of `privacy init --json` on stdin.

The credentials come by stdin, never as an argument that a process list would show.
"""

import contextlib
import json
import os
import shlex
import ssl
import sys
import time
import urllib.error
import urllib.request
from typing import Any

_SECONDS = 120


def main() -> None:
    server, url = int(sys.argv[1]), sys.argv[2]
    created = json.load(sys.stdin)
    if wait_until_ready(url, server):
        print(message(url, created), flush=True)


def wait_until_ready(url: str, server: int) -> bool:
    """Return True once `/health/ready` says yes, False when the server has ended or the time is up."""
    # only our own port is asked, and only whether it answers: its certificate need not name this address
    context = ssl._create_unverified_context()
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        try:
            os.kill(server, 0)
        except ProcessLookupError:
            return False
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(f"{url}/health/ready", timeout=5, context=context):
            return True
        time.sleep(0.1)
    print(f"The service has not become ready within {_SECONDS} s; ask {url}/health/ready what is missing.", file=sys.stderr)
    return False


def message(url: str, created: dict[str, Any]) -> str:
    return "\n".join(
        ["", f"Privacy Steward is ready: {url}", f"  the API, readable: {url}/docs", *credentials(created), *examples(url, created), "", "Ctrl-C ends it."]
    )


def credentials(created: dict[str, Any]) -> list[str]:
    if not created["created"]:
        return [
            "  accounts are as they were; a lost password: .venv/bin/privacy users reset NAME",
            "  a new application: .venv/bin/privacy clients add --help",
        ]
    lines = ["", "Shown once; keep them now:"]
    lines += [f"  {user['role']:<12} {user['username']:<10} password {user['password']}  TOTP secret {user['totp_secret']}" for user in created["users"]]
    lines += [f"  {client['role']:<12} client_id {client['client_id']}  client_secret {client['client_secret']}" for client in created["clients"]]
    return lines


def assignments(created: dict[str, Any]) -> list[str]:
    """Return lines that set what the README's blocks use: an application's credentials, where they are known, and the key of the log."""
    known = next((client for client in created["clients"] if client["role"] == "application"), None)
    client_id, secret = (known["client_id"], known["client_secret"]) if known else ("…", "…")
    return [
        f"  export CLIENT_ID={client_id} CLIENT_SECRET={secret}" + ("" if known else "   # of one of your applications"),
        f"  export LOG_VKEY={shlex.quote(created['log_vkey'])}   # for auditors, by another way than the log",
    ]


def examples(url: str, created: dict[str, Any]) -> list[str]:
    """Return lines to paste into another terminal: the assignments, a token, and two calls with it."""
    texts = '"texts": ["李雷的手机号是13800138000，身份证号110101199003072340。Jane Smith, jane@example.com, paid with 4111 1111 1111 1111."]'
    purpose = '"purpose": "support"'
    form = '-u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=client_credentials'
    call = "-H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json'"
    return [
        "",
        "Try it from another terminal:",
        *assignments(created),
        f'  TOKEN=$(curl -s {form} {url}/oauth/token | sed \'s/.*"access_token": *"\\([^"]*\\)".*/\\1/\')',
        f"  curl -s {url}/api/v1/detect {call} -d '{{{texts}}}'",
        f"  curl -s {url}/api/v1/mask {call} -d '{{{purpose}, {texts}}}'",
    ]


if __name__ == "__main__":
    main()
