"""Verdicts as commands print them: with glyph and word, and a summary for stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from perf.verdict import Verdict

GLYPHS = {
    Verdict.MET: ("✓", "green"),
    Verdict.MISSED: ("✗", "red"),
    Verdict.INCONCLUSIVE: ("?", "yellow"),
    Verdict.NOT_MEASURED: ("!", "yellow"),
    Verdict.REFUTED: ("≠", "blue"),
}


def mark(verdict: Verdict) -> str:
    """Return a verdict's glyph and word, coloured on a terminal."""
    glyph, colour = GLYPHS[verdict]
    text = f"{glyph} {verdict.replace('_', ' ')}"
    plain = "NO_COLOR" in os.environ or not sys.stderr.isatty()
    return text if plain else click.style(text, fg=colour)


def summary(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return the counts, and a line for each claim that is neither met nor refuted."""
    verdicts = verdicts_of(entries)
    counts = ", ".join(
        f"{verdicts.count(verdict)} {verdict.replace('_', ' ')}"
        for verdict in Verdict
        if verdict in verdicts
    )
    bad = [e for e in entries if e["verdict"] not in {Verdict.MET, Verdict.REFUTED}]
    lines = [f"{e['verdict']}\t{e['id']}\t{e['reason']}" for e in bad]
    return "\n".join([*lines, f"{len(entries)} claims: {counts}"])


def verdicts_of(entries: Sequence[Mapping[str, Any]]) -> list[Verdict]:
    """Return the verdicts of results as they stand in `results.json`."""
    return [Verdict(entry["verdict"]) for entry in entries]
