"""`ava-perf report`: render a saved run again."""

from __future__ import annotations

from pathlib import Path

import click

from perf.exits import Exit
from perf.files import OutputError
from perf.report import build


@click.command()
@click.argument("run", type=click.Path(), default="reports/latest")
@click.option("--split-assets", is_flag=True, help="Write the page's style to a file beside it.")
def command(run: str, split_assets: bool) -> int:  # noqa: FBT001 - click's flag
    """Render a saved run again, without measuring."""
    folder = Path(run)
    document = build.load(folder)
    target = folder if folder.is_dir() else folder.parent
    try:
        build.render(target, document, split_assets=split_assets)
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error.strerror}") from error
    click.echo(str(target / "index.html"))
    return Exit.OK
