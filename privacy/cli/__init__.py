"""The command line: parse, call, print. Each command's module is imported only when the command is called.

Never decides anything. `table` below names every command; errors become exit codes in `exit_codes.py`.
"""

import importlib
import sys
from typing import Any

import click

# command → (module:object, what `privacy --help` says)
COMMANDS = {
    "init": ("privacy.cli.init:init", "Create keys, databases, policies and first accounts."),
    "serve": ("privacy.cli.serve:serve", "Run the service."),
    "doctor": ("privacy.cli.doctor:doctor", "Check configuration, keys, migrations, policies and log."),
    "detect": ("privacy.cli.detect:detect", "Find personal data in JSON Lines of texts."),
    "evaluate": ("privacy.cli.evaluate:evaluate", "Measure detection quality against labelled data."),
    "mask": ("privacy.cli.mask:mask", "Mask a CSV or JSON Lines file as a role sees it."),
    "systems": ("privacy.cli.systems:systems", "Connect and scan databases and files; the data map."),
    "purposes": ("privacy.cli.purposes:purposes", "Purposes of processing."),
    "recipients": ("privacy.cli.catalogue:recipients", "Who gets data, under which agreement."),
    "controllers": ("privacy.cli.catalogue:controllers", "The legal entities that decide."),
    "notices": ("privacy.cli.notices:notices", "What people are shown before they agree."),
    "subjects": ("privacy.cli.subjects:subjects", "Whose identifiers these are, and who is one person."),
    "consent": ("privacy.cli.consent:consent", "Record, withdraw and check consent."),
    "requests": ("privacy.cli.requests:requests", "People's requests, from receipt to answer."),
    "deadlines": ("privacy.cli.deadlines:deadlines", "Rules of law with their sources, and when an answer is due."),
    "policy": ("privacy.cli.policy:policy", "Check, test, compare, apply and explain policies."),
    "certificates": ("privacy.cli.certificates:certificates", "Check certificates of erasures."),
    "ledger": ("privacy.cli.ledger:ledger", "The erasure ledger, and its replay after a restore."),
    "keys": ("privacy.cli.keys:keys", "Status and rotation of keys."),
    "backup": ("privacy.cli.backup:backup", "Write the stores to a folder; without the root key."),
    "restore": ("privacy.cli.backup:restore", "Put a backup back; erase again what was erased since."),
    "protect": ("privacy.cli.protect:protect", "Encrypt columns of connected databases in place, and undo it."),
    "retention": ("privacy.cli.retention:retention", "How long data is kept, what is due, and what goes."),
    "holds": ("privacy.cli.retention:holds", "Legal holds: what forbids erasure for now."),
    "restrictions": ("privacy.cli.retention:restrictions", "Subjects whose data may only be stored."),
    "jobs": ("privacy.cli.jobs:jobs", "Long work: list, pause, resume, retry, cancel."),
    "worker": ("privacy.cli.jobs:worker", "Run jobs and schedules beside the serving processes."),
    "audit": ("privacy.cli.audit:audit", "Export, prove and verify the audit log."),
    "sign-in": ("privacy.cli.sign_in:sign_in", "Act as a person: print a token for PRIVACY_TOKEN."),
    "users": ("privacy.cli.users:users", "People who sign in."),
    "clients": ("privacy.cli.clients:clients", "Applications that call the service."),
    "bench": ("privacy.cli.bench:bench", "Benchmarks, each a ratio to a named peer in the same run."),
}


class LazyGroup(click.Group):
    """A group that imports a command when it is called, so that `privacy --help` stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="privacy-steward", prog_name="privacy")
def privacy() -> None:
    """Privacy Steward (隐私管家): find, protect, decide, mask and audit personal data."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 ok, 1 finding or refusal, 2 usage, 3 environment."""
    from privacy.cli.exit_codes import exit_code, say

    # a pipe that closes early (| head) is not an error of ours
    try:
        result: Any = privacy.main(args=arguments, standalone_mode=False, prog_name="privacy")
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        sys.exit(3)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - the one place where every error becomes an exit code
        say(error)
        sys.exit(exit_code(error))
    sys.exit(result if isinstance(result, int) else 0)
