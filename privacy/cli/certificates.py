"""`privacy certificates`: check the certificate of an erasure offline."""

from pathlib import Path

import click

from privacy.audit import verifier
from privacy.cli.output import json_option, show


@click.group()
def certificates() -> None:
    """Check certificates of erasures."""


@certificates.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--log-vkey", help="The key of the audit log, obtained from somewhere else than the certificate.")
@json_option
def verify(file: Path, log_vkey: str | None, as_json: bool) -> int:
    """Verify FILE offline, without settings or databases. Exit status: 0 verified, 1 altered, 2 usage, 3 cannot be verified."""
    from privacy.crypto.signatures import verify_ed25519
    from privacy.disposal import certificate

    try:
        said = certificate.verify(_text(file), log_vkey, verify_ed25519)
    except verifier.Tampered as problem:
        return _verdict("NOT VERIFIED", problem, 1, as_json=as_json)
    except verifier.Unverifiable as problem:
        return _verdict("CANNOT VERIFY", problem, 3, as_json=as_json)
    if as_json:
        show({"verified": True, "certificate": said}, as_json=True)
        return 0
    show({"verified": True, "case": said["case"], "issued_at": said["issued_at"], "keys destroyed": len(said["keys"]["destroyed"])})
    columns = ("dataset", "found", "deleted", "anonymised", "unlinked", "restricted", "kept")
    rows = [{name: each[name] for name in columns} for system in said["systems"] for each in system["datasets"]]
    show(rows, columns=columns, title="Rows")
    for system in said["systems"]:
        for place in system["checked"]["residue"]:
            click.echo(f"still found: {system['system']}.{place['table']}.{place['column']}, {place['rows']} row(s), {place['form']}")
    for missing in said["open"]:
        click.echo(f"open: {missing['system']}: {missing['why']}")
    return 0


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise verifier.Tampered("The certificate is not UTF-8.") from None


def _verdict(word: str, problem: Exception, code: int, *, as_json: bool) -> int:
    if as_json:
        show({"verified": False, "problem": str(problem)}, as_json=True)
    else:
        click.echo(f"{word}: {problem}", err=True)
    return code
