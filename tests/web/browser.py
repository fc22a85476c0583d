"""A thin test client that carries a token."""

from typing import Any

from flask import Flask
from werkzeug.test import TestResponse


class Browser:
    """Calls a WSGI application as whoever holds `token`; without one as nobody."""

    def __init__(self, app: Flask, token: str = "") -> None:
        self.app = app
        self.token = token
        self._client = app.test_client()

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = dict(options.pop("headers", {}))
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        return self._client.open(path, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.call("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self.call("POST", path, json=json, **options)

    def put(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self.call("PUT", path, json=json, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        return self.call("DELETE", path, **options)
