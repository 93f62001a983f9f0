"""Documents whose proofs are written by a run: `python -m perf.guide` renews them, `--check` tells.

A guide says what to do and why in its author's words, and names the claims that prove it in a
comment, `<!-- proof: ID ID -->`. What stands between that and `<!-- end -->` is written here, from
a saved run: the claim's sentence, the figure, the verdict. So a figure in a guide is one that was
measured, a missed target stands there as one, and a claim that goes takes the guide's test down
with it. A claim that the run does not hold is said to have no figure; none is ever typed in.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from perf import audit as auditing
from perf.claim import Catalogue, Claim
from perf.errors import UserError
from perf.exits import Exit
from perf.files import write_atomically
from perf.report import build, figures
from perf.report.model import Entry
from perf.report.read import read as read_results
from perf.saying import say
from perf.settings import read
from perf.verdict import Verdict

EXAMPLE = "reports/example"
GUIDES = ("docs/performance/BEST_PRACTICES.md", "docs/runbook.md", "docs/scaling.md")

_BLOCK = re.compile(
    r"(?P<open><!-- (?P<what>proof|run):?(?P<ids>[^>]*?) -->\n).*?(?P<close><!-- end -->)",
    re.DOTALL,
)
_OPENED = re.compile(r"<!-- (?:proof|run)\b")


class GuideError(UserError):
    """A guide is malformed, or names a claim that there is not."""


@dataclass(frozen=True, slots=True)
class Proofs:
    """The claims there are, and what a run found of them."""

    catalogue: Catalogue
    run: Mapping[str, Any]
    machine: str
    entries: Mapping[str, Entry]

    @classmethod
    def of(cls, catalogue: Catalogue, results: Mapping[str, Any]) -> Proofs:
        """Take a run's results document apart."""
        report = read_results(results)
        found = {entry.id: entry for entry in report.entries}
        return cls(catalogue, report.run, str(report.environment.get("machine")), found)


def renewed(text: str, proofs: Proofs) -> str:
    """Return a guide with its proofs as the run has them; raise GuideError when that cannot be."""
    if len(_OPENED.findall(text)) != len(_BLOCK.findall(text)):
        raise GuideError("a proof has no <!-- end -->")
    return _BLOCK.sub(
        lambda block: f"{block['open']}{_written(block, proofs)}{block['close']}", text
    )


def claims_of(text: str) -> list[str]:
    """Return the ids of all claims that a guide names as proofs."""
    return [claim_id for block in _BLOCK.finditer(text) for claim_id in block["ids"].split()]


def _written(block: re.Match[str], proofs: Proofs) -> str:
    lines = _run(proofs) if block["what"] == "run" else _proofs(block["ids"].split(), proofs)
    return "".join(f"{line}\n" for line in lines)


def _run(proofs: Proofs) -> Iterator[str]:
    run = proofs.run
    yield (
        f"Figures are from the run of {str(run['started'])[:10]} in `{EXAMPLE}` ({run['profile']} "
        f"profile, commit `{str(run['commit'])[:7]}`, machine {proofs.machine}); yours differ, and "
        f"`ava-perf audit -k ID` measures them."
    )


def _proofs(ids: list[str], proofs: Proofs) -> Iterator[str]:
    for claim_id in ids:
        yield _line(proofs.catalogue.find(claim_id), proofs.entries.get(claim_id))


def _line(claim: Claim, entry: Entry | None) -> str:
    """Write one proof; the sentence is the run's own, since its figure is of no other."""
    measured = None if entry is None else figures.measured(entry)
    if entry is None or measured is None:
        return f"- {claim.title}: no figure in the example run (`{claim.id}`)"
    words = figures.WORDS[entry.verdict]
    if entry.verdict is Verdict.REFUTED:
        words = "so the document is refuted"
    return f"- {entry.title}: **{measured}**, {words} (`{claim.id}`)"


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit 1 when a guide is stale.")
@click.option("--run", default=EXAMPLE, help="The saved run that the figures are from.")
def main(check: bool, run: str) -> None:  # noqa: FBT001 - click's flag
    """Write the proofs of the guides anew from a saved run."""
    root = Path.cwd()
    try:
        catalogue = auditing.discovered(read(root, os.environ), root)
        proofs = Proofs.of(catalogue, build.load(root / run))
        stale = [name for name in GUIDES if _renew(root / name, proofs, check=check)]
    except UserError as error:
        raise click.UsageError(str(error)) from error
    for name in stale:
        say(f"{name}: {'stale; run python -m perf.guide' if check else 'renewed'}")
    sys.exit(Exit.MISSED if check and stale else Exit.OK)


def _renew(path: Path, proofs: Proofs, *, check: bool) -> bool:
    """Renew one guide; say whether it was stale."""
    before = path.read_text(encoding="utf-8")
    after = renewed(before, proofs)
    if after != before and not check:
        write_atomically(path, after)
    return after != before


if __name__ == "__main__":
    main()
