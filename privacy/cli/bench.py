"""`privacy bench`: each benchmark is a ratio to a named peer, measured in the same run; never a pass or fail."""

import importlib

import click

from privacy.cli.bench_ratio import Ratio
from privacy.cli.output import json_option, show

BENCHES = {
    "detect": "privacy.cli.bench_detect",
    "crypto": "privacy.cli.bench_crypto",
    "access": "privacy.cli.bench_access",
    "audit": "privacy.cli.bench_audit",
    "sweep": "privacy.cli.bench_sweep",
    "erase": "privacy.cli.bench_erase",
    "protect": "privacy.cli.bench_protect",
}
_ON_SERVERS = ("sweep", "erase", "protect")


@click.command()
@click.argument("name", required=False, type=click.Choice(list(BENCHES)))
@click.option(
    "--url", default="", metavar="ADDRESS", help="A database on a server to measure as well, for sweep, erase and protect; tables are made in it and removed."
)
@json_option
def bench(name: str | None, url: str, as_json: bool) -> None:
    """Print same-run ratios; NAME picks one of detect, crypto, access, audit, sweep, erase, protect."""
    ratios: list[Ratio] = []
    for chosen in [name] if name else BENCHES:
        click.echo(f"measuring {chosen} …", err=True)
        run = importlib.import_module(BENCHES[chosen]).run
        ratios += run(url) if url and chosen in _ON_SERVERS else run()
    show([_row(ratio) for ratio in ratios], as_json=as_json, columns=("name", "ratio", "ours", "peer", "unit", "note"))


def _row(ratio: Ratio) -> dict[str, object]:
    figures = {name: float(f"{getattr(ratio, name):.3g}") for name in ("ratio", "ours", "peer")}
    return {"name": ratio.name, **figures, "unit": ratio.unit, "note": ratio.note}
