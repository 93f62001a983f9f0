"""The command `ava`: serve the platform, bring its database up to date, and look after it.

What a person or a script reads goes to stdout, what is going on goes to stderr. An expected failure
is one line on stderr; the connection string, which may hold a password, is never shown.

Each module of `ava.cli.commands` is a command of that name, in its variable `command`. It is
imported when it is called, so that what one needs does not cost the others their start.

Exit codes: 0 done; 1 findings need attention; 2 usage or configuration; 3 it could not be done, for
`maintain` a check that could not be made where nothing else needs attention; 130 interrupted.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Sequence
from importlib.metadata import version

import click

from ava.cli import commands
from ava.cli.ending import INTERRUPTED, NOT_DONE, USAGE
from ava.errors import AvaError, SettingsError


class Commands(click.Group):
    """The commands found by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of all commands."""
        return sorted(module.name for module in pkgutil.iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None for one that there is not."""
        if cmd_name not in self.list_commands(ctx):
            return None
        found = importlib.import_module(f"{commands.__name__}.{cmd_name}").command
        if not isinstance(found, click.Command):
            raise TypeError(f"{commands.__name__}.{cmd_name} has no command called `command`")
        return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit with its code."""
    try:
        code = cli.main(args=arguments, prog_name="ava", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = USAGE
    except click.Abort:
        code = INTERRUPTED
    except SettingsError as error:
        click.echo(f"ava: {error}", err=True)
        code = USAGE
    except AvaError as error:
        click.echo(f"ava: {error}", err=True)
        code = NOT_DONE
    sys.exit(code)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("ava-perf"), prog_name="ava", message="%(prog)s %(version)s")
def cli() -> None:
    """Run the trading-data platform, and look after its database."""
