"""The command `wattline`: its groups, and how every failure becomes one line and an exit code."""

from __future__ import annotations

import sys

import typer

from wattline import __version__
from wattline.cli import events, keys, recipients, servers
from wattline.logs import redact_text
from wattline.model.errors import Invalid, WattlineError

# Rich tracebacks would print local variables, secrets among them.
program = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Energy telemetry: published API contracts over one engine.",
)
program.command("serve")(servers.serve)
program.command("demo")(servers.demo)
program.add_typer(keys.group, name="key")
program.add_typer(recipients.group, name="recipient")
program.add_typer(events.group, name="events")


@program.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> None:
    """Run the command line."""
    try:
        program()
    except WattlineError as error:
        sys.stderr.write(f"wattline: {redact_text(str(error))}\n")
        sys.exit(2 if isinstance(error, Invalid) else 1)
