"""The command `wattline`: its groups, and how every failure becomes one line and an exit code."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import typer
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from wattline import __version__
from wattline.cli import events, flux, household, joulepoint, keys, models, recipients, registry, servers
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
program.add_typer(registry.group, name="registry")
program.add_typer(flux.group, name="flux")
program.add_typer(household.group, name="household")
program.add_typer(joulepoint.group, name="joulepoint")
program.add_typer(models.group, name="models")


@program.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def _fail(message: str, code: int) -> NoReturn:
    line = " ".join(redact_text(message).split())
    sys.stderr.write(f"wattline: {line}\n")
    sys.exit(code)


def main() -> None:
    """Run the command line."""
    # What is stored is readable by its owner alone: keys are hashed, but readings and events are nobody else's business.
    os.umask(0o077)
    try:
        program()
    except Invalid as error:
        _fail(str(error), 2)
    except WattlineError as error:
        _fail(str(error), 1)
    except DBAPIError as error:
        _fail(f"the state database refuses: {error.orig}", 1)
    except (ArgumentError, NoSuchModuleError):
        _fail("state_url begins with sqlite+aiosqlite:/// or postgresql+psycopg://", 2)
    except OSError as error:
        _fail(f"{error.strerror}: {error.filename}" if error.filename else str(error), 1)
