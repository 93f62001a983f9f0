"""The report as one page: HTML and CSS, no script, nothing fetched.

The page must survive being mailed, archived and opened years later, so all of it is in one file
and its policy forbids every request; the style sheet is allowed by its hash alone, so nothing that
was measured can smuggle in another. Filters are links to a fragment, folds are `<details>`. All
text is escaped by the templates; only `perf.report`'s own drawings are trusted.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from perf.report import (
    axis,
    bars,
    charts,
    facts,
    figures,
    flame,
    loads,
    plantext,
    rank,
    score,
    trends,
)
from perf.report.compact import compact
from perf.report.model import Entry, Report
from perf.report.read import read
from perf.verdict import Verdict

# The page stays under a megabyte for a whole audit: beyond this many figures in all its tables of
# one sort, each of them is cut and says so.
_MANY_RUNS, _FEWER_RUNS = 3_000, 8
_MANY_VALUES, _FEWER_VALUES = 15_000, 20
_WORTH_A_LINK = 400  # characters of evidence; less is sooner read than looked up

_LOCAL_PATH = re.compile(r"(?!.*\.\.)[\w-][\w./-]*")
_OPEN = frozenset({Verdict.MISSED, Verdict.NOT_MEASURED, Verdict.INCONCLUSIVE})


def render_html(results: Mapping[str, Any], *, stylesheet: str | None = None) -> str:
    """Return the page of a results document.

    With `stylesheet`, the page links to that relative address instead of holding its style, for
    servers that forbid inline styles; `style` returns what to put there. Raises ResultsError.
    """
    report = read(results)
    entries = rank.order(report.entries)
    return compact(
        _environment()
        .get_template("page.html.j2")
        .render(
            report=report,
            headline=rank.headline(report),
            banners=rank.banners(report),
            steps=rank.next_steps(report),
            entries=entries,
            holders=(holders := _holders(entries)),
            alike=_alike(entry for entry in entries if entry.anchor not in holders),
            score=score.score_of(report.entries),
            filters=_filters(report),
            load=loads.load_of(report.load),
            style=None if stylesheet else style(),
            stylesheet=stylesheet,
            policy=_policy(stylesheet),
            most_runs=_most_runs(report),
            most_values=_most_values(report),
        )
    )


@cache
def style() -> str:
    """Return the style sheet."""
    return files("perf.report").joinpath("templates/report.css").read_text(encoding="utf-8")


def _policy(stylesheet: str | None) -> str:
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    source = "'self'" if stylesheet else f"'sha256-{digest}'"
    return f"default-src 'none'; style-src {source}; img-src data:; base-uri 'none'"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("perf.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        figures=figures,
        rank=rank,
        facts=facts,
        charts=charts,
        bar_chart=bars.bar_chart,
        flame=flame,
        trends=trends,
        loads=loads,
        measures=plantext.measures,
        share=axis.share,
        scale=score.SCALE,
        Verdict=Verdict,
        is_open=_is_open,
        samples=_samples,
        unbroken=_unbroken,
        tabular=_tabular,
        local=_local,
        sentence=rank.sentence,
    )
    return environment


def _filters(report: Report) -> list[tuple[str, str, int]]:
    """Return the name, words and count of each way to filter the claims."""
    found = [(v.value, figures.WORDS[v], report.count(v)) for v in Verdict]
    if report.baseline is not None:
        found.append(
            ("worse", "worse than baseline, unconfirmed", sum(e.is_worse for e in report.entries))
        )
    return found


def _holders(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Return, by anchor, the entry above whose measurement an entry shares.

    The documents give several figures for one thing; its samples and evidence are shown once.
    """
    first: dict[str, Entry] = {}
    found = {}
    for entry in entries:
        holder = first.setdefault(entry.measurement, entry) if entry.measurement else entry
        if holder is not entry:
            found[entry.anchor] = holder
    return found


def _alike(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Return, by anchor, the entry above whose evidence is the same to the last word.

    Figures that are counted by one preparation share a table without sharing a measurement.
    """
    first: dict[str, Entry] = {}
    found = {}
    for entry in entries:
        said = json.dumps(entry.facts, sort_keys=True)
        holder = first.setdefault(said, entry)
        if holder is not entry and len(said) > _WORTH_A_LINK:
            found[entry.anchor] = holder
    return found


def _is_open(entry: Entry) -> bool:
    return entry.verdict in _OPEN or entry.is_near_limit or entry.is_worse


def _most_runs(report: Report) -> int | None:
    """Return how many runs a table of a trend may hold; None for all."""
    runs = sum(len(entry.trend) for entry in report.entries)
    return _FEWER_RUNS if runs > _MANY_RUNS else None


def _most_values(report: Report) -> int | None:
    """Return how many values a table of samples may hold; None for all."""
    values = sum(len(series) for entry in report.entries for series in entry.samples.values())
    return _FEWER_VALUES if values > _MANY_VALUES else None


def _unbroken(command: str) -> list[str]:
    """Return the parts of a command that stay on one line: its name, each flag with its value."""
    return re.split(r" (?=-)", " ".join(command.split()))


def _tabular(value: Any) -> bool:
    """Say whether a value is rows, which no line of text can show."""
    return isinstance(value, list) and any(isinstance(item, list | dict) for item in value)


def _samples(entry: Entry, most: int | None) -> list[tuple[charts.Series, str, str, int]]:
    """Return each series with its values as text, their unit, and how many are left out."""
    return [
        (charts.Series(name, values), *_values(entry, values, most))
        for name, values in entry.samples.items()
    ]


def _values(entry: Entry, values: Sequence[float], most: int | None) -> tuple[str, str, int]:
    shown, hidden = values[:most], len(values[most:]) if most else 0
    if not entry.is_timed:
        return " ".join(figures.write(entry, value) for value in shown), "", hidden
    size, unit = figures.time_unit(max(values))
    return " ".join(f"{value / size:.3g}" for value in shown), unit, hidden


def _local(path: str | None) -> str | None:
    """Return the path if it is a plain one below the report, else None."""
    return path if path and _LOCAL_PATH.fullmatch(path) else None
