"""The web edge: Flask, one thin layer over the services. It parses, asks who calls, and answers; it decides nothing.

Read `endpoint.py` first (the shape of a route), then `enforce.py` (what happens around every handler).
"""

from privacy.web.app import create_app

__all__ = ["create_app"]
