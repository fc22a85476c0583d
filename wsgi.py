"""For WSGI servers: `gunicorn wsgi:app`. Settings come from the environment (docs/settings.md); `privacy serve` is the usual way."""

from privacy.application import build
from privacy.config import load
from privacy.web import create_app

config = load()
app = create_app(build(config), max_bytes=config.max_body_mib * 1024 * 1024)
