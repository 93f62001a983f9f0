"""The `ava-perf` command.

stdout is data, progress goes to stderr; every way to end has its exit code (`perf.exits`), and an
error of the user's is one line, never a traceback. Each module of `perf.commands` is a command of
that name, in its variable `command`; it is imported when it is called.
"""

from __future__ import annotations

import importlib
import pkgutil
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import click

from perf import commands
from perf.errors import UserError
from perf.exits import Exit
from perf.lab import Unavailable
from perf.redact import redact
from perf.saying import say


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


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ava-perf", prog_name="ava-perf")
def cli() -> None:
    """Measure documented performance claims, and judge what was measured."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave with its exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill cleans up as Ctrl-C
    sys.exit(_guarded(lambda: cli.main(arguments, prog_name="ava-perf", standalone_mode=False)))


def _guarded(run: Callable[[], Any]) -> int:
    """Turn whatever ends the command into its exit code and, for errors, one line."""
    try:
        return int(run() or 0)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        error.show(sys.stderr)
        return Exit.USAGE
    except (UserError, Unavailable) as error:
        say(f"error: {redact(str(error))}")
        return Exit.NOT_MEASURED if isinstance(error, Unavailable) else Exit.USAGE
    except (KeyboardInterrupt, click.Abort):
        say("interrupted; the last report stays as it was")
        return Exit.INTERRUPTED
    except Exception:  # noqa: BLE001 - an internal error must not look like a missed target
        sys.stderr.write(redact(traceback.format_exc()))
        say("internal error; please report it with the lines above")
        return Exit.INTERNAL


if __name__ == "__main__":
    main()
