"""Read a results document into values, once, for every rendering.

The document crosses a process and perhaps a machine before it is rendered, so it is material, not
trusted structure: unknown keys are ignored, what is missing stays None, and every string is
cleaned on the way in. What cannot be read as a result at all is refused with its place, because a
report that quietly left a claim out would read as better.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from perf.claim import Target, TargetKind
from perf.report.clean import clean
from perf.report.model import Change, Entry, Interval, Point, Report, TargetMove
from perf.verdict import Verdict

SCHEMA = 1


class ResultsError(ValueError):
    """The results are not what this version can read."""


def read(results: Mapping[str, Any]) -> Report:
    """Return the results as values; raise ResultsError when they are something else."""
    raw = clean(results)
    if raw.get("schema") != SCHEMA:
        raise ResultsError(f"results of schema {raw.get('schema')!r}; this version reads {SCHEMA}")
    found = raw.get("results")
    if not isinstance(found, list):
        raise ResultsError("the results hold no list named 'results'")
    run = _known(
        raw.get("run"),
        ("id", "started", "profile", "commit", "branch", "command"),
        ("duration_s", "planned"),
    )
    anchors = _anchors(str(_mapping(entry).get("id")) for entry in found)
    return Report(
        run=run,
        environment=_known(raw.get("environment"), ("machine",), ("noise", "noise_limit")),
        baseline=_known(raw.get("baseline"), ("id", "started", "commit", "machine"), ()) or None,
        entries=tuple(
            _entry(entry, anchor, run) for entry, anchor in zip(found, anchors, strict=True)
        ),
        targets_changed=tuple(_move(_mapping(move)) for move in raw.get("targets_changed") or ()),
        vanished=tuple(str(claim_id) for claim_id in raw.get("vanished") or ()),
        load=_mapping(raw.get("load")) or None,
    )


def _entry(raw: Any, anchor: str, run: Mapping[str, Any]) -> Entry:
    try:
        return _read_entry(raw, anchor, run)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ResultsError(f"result {anchor} cannot be read: {error!r}") from error


def _read_entry(raw: Mapping[str, Any], anchor: str, run: Mapping[str, Any]) -> Entry:
    evidence = _mapping(raw.get("evidence"))
    estimate, interval = number(raw.get("estimate")), _interval(raw.get("interval"))
    verdict = Verdict(raw["verdict"])
    past = [_point(_mapping(point)) for point in raw.get("trend") or ()]
    now = Point(
        str(run.get("commit") or ""), str(run.get("started") or ""), estimate, interval, verdict
    )
    return Entry(
        id=str(raw["id"]),
        anchor=anchor,
        rows=tuple(str(row) for row in raw.get("rows") or ()),
        title=str(raw.get("title") or raw["id"]),
        category=str(raw.get("category") or "other"),
        source=str(raw.get("source") or ""),
        target=_target(raw["target"]),
        verdict=verdict,
        estimate=estimate,
        interval=interval,
        n=_whole(raw.get("n")),
        reason=str(raw.get("reason") or ""),
        kind=str(evidence.get("kind") or ""),
        estimator=str(evidence.get("estimator") or ""),
        equal=evidence.get("equal"),
        warnings=tuple(str(warning) for warning in evidence.get("warnings") or ()),
        cure=_text(evidence.get("cure")),
        samples=_samples(_mapping(evidence.get("samples"))),
        facts=_mapping(evidence.get("facts")),
        case=_mapping(evidence.get("case")),
        measurement=_text(evidence.get("measurement")),
        duration_s=number(evidence.get("duration_s")),
        reproduce=_text(evidence.get("reproduce")),
        change=_change(_mapping(raw.get("change"))),
        profile=_mapping(evidence.get("profile")) or None,
        trend=(*(point for point in past if point.started != now.started), now) if past else (),
    )


def number(value: Any) -> float | None:
    """Return a finite number, or None for everything else JSON can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _whole(value: Any) -> int | None:
    found = number(value)
    return None if found is None else int(found)


def _text(value: Any) -> str | None:
    return str(value) if value else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _known(raw: Any, texts: Iterable[str], numbers: Iterable[str]) -> Mapping[str, Any]:
    """Return an object of which the values that are written in the report have their type."""
    held = dict(_mapping(raw))
    held.update({name: _text(held[name]) for name in texts if name in held})
    held.update({name: number(held[name]) for name in numbers if name in held})
    return held


def _interval(value: Any) -> Interval | None:
    """Read a pair; a null end is open, which JSON cannot write as infinity."""
    match value:
        case [None, None]:
            return None
        case [low, high]:
            ends = (-math.inf if low is None else low, math.inf if high is None else high)
            return (float(ends[0]), float(ends[1])) if all(map(_is_bound, ends)) else None
        case _:
            return None


def _is_bound(value: Any) -> bool:
    return isinstance(value, int | float) and not math.isnan(value)


def _target(raw: Mapping[str, Any]) -> Target:
    return Target(TargetKind(raw["kind"]), float(raw["bound"]), str(raw.get("unit") or ""))


def _move(raw: Mapping[str, Any]) -> TargetMove:
    targets: list[Target | None] = []
    for side in ("from", "to"):
        try:
            targets.append(_target(raw[side]))
        except (KeyError, TypeError, ValueError):
            targets.append(None)
    return TargetMove(str(raw.get("id")), targets[0], targets[1])


def _samples(raw: Mapping[str, Any]) -> Mapping[str, tuple[float, ...]]:
    """Read the series, "before" first whatever order the file has them in."""
    read_series = {
        name: tuple(value for value in map(number, values) if value is not None)
        for name, values in sorted(raw.items(), key=lambda item: (item[0] != "before", item[0]))
        if isinstance(values, list)
    }
    return {name: values for name, values in read_series.items() if values}


def _change(raw: Mapping[str, Any]) -> Change | None:
    relative = number(raw.get("relative"))
    if relative is None:
        return None
    return Change(number(raw.get("from")), relative, _interval(raw.get("interval")))


def _point(raw: Mapping[str, Any]) -> Point:
    return Point(
        commit=str(raw.get("commit") or ""),
        started=str(raw.get("started") or ""),
        estimate=number(raw.get("estimate")),
        interval=_interval([raw.get("low"), raw.get("high")]),
        verdict=str(raw.get("verdict") or ""),
    )


def _anchors(ids: Iterable[str]) -> list[str]:
    """Return an address for each claim: safe in a link, unique, and not one of the page's own.

    The page's own begin with a lower-case word; a claim's id begins with its row, so it is used
    as it stands, and anything else is set apart by a prefix.
    """
    taken: set[str] = set()
    anchors = []
    for claim_id in ids:
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", claim_id)
        stem = stem if re.match(r"[A-Z]", stem) else f"C-{stem}"
        anchor, turn = stem, 2
        while anchor in taken:
            anchor, turn = f"{stem}--{turn}", turn + 1
        taken.add(anchor)
        anchors.append(anchor)
    return anchors
