"""`privacy doctor`: every part the service needs, each with what is wrong and how to mend it."""

import click

from privacy.cli.output import json_option, show
from privacy.config import load
from privacy.kernel.errors import PrivacyError


@click.command()
@json_option
def doctor(as_json: bool) -> int:
    """Check configuration, keys, migrations, policies and log; exit 3 when something is wrong."""
    findings = _findings()
    show(findings, as_json=as_json, columns=("part", "state", "detail"))
    return 0 if all(finding["state"] == "ok" for finding in findings) else 3


def _findings() -> list[dict[str, str]]:
    from privacy.application import build, check

    try:
        application = build(load())
    except PrivacyError as error:
        return [{"part": "configuration", "state": error.code, "detail": error.detail}]
    try:
        return [{"part": "configuration", "state": "ok", "detail": ""}, *({"part": f.part, "state": f.state, "detail": f.detail} for f in check(application))]
    finally:
        application.close()
