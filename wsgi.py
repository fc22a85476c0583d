"""For WSGI servers: `gunicorn --worker-class gthread --workers 1 wsgi:app`. Settings come from the environment (docs/settings.md).

`privacy serve` is the usual way: it also checks what must hold before anything is answered. Import this module after the fork (no `--preload`).
"""

from privacy.application import build
from privacy.config import load
from privacy.web import create_app

application = build(load())
application.start()
app = create_app(application)
