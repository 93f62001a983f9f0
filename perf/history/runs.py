"""Audits of the past: what is kept of one, and what a new one is compared with.

Figures are compared only with runs of the same class of machine and the same profile.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perf.history import store

TREND = 50


@dataclass(frozen=True, slots=True)
class Past:
    """Past runs, oldest first, and how many lines could not be read."""

    runs: tuple[Mapping[str, Any], ...] = ()
    unreadable: int = 0

    def like(self, machine: str, profile: str) -> tuple[Mapping[str, Any], ...]:
        """Return the runs of one class of machine and one profile."""
        return tuple(
            run for run in self.runs if (run["machine"], run["profile"]) == (machine, profile)
        )


def read(path: Path) -> Past:
    """Read the history at `path`; a file that is not there is an empty one."""
    lines, unreadable = store.lines(path)
    return Past(tuple(lines), unreadable)


def append(path: Path, results: Mapping[str, Any]) -> None:
    """Add a run's figures, leaving the file whole whatever happens."""
    store.extend(path, lambda _: [record(results)])


def record(results: Mapping[str, Any]) -> dict[str, Any]:
    """Return the line kept of a run: figures and targets, no evidence."""
    run, environment = results["run"], results["environment"]
    return {
        "schema": 1,
        "run": run["id"],
        "started": run["started"],
        "profile": run["profile"],
        "commit": run["commit"],
        "dirty": run.get("dirty"),
        "complete": run["selection"] is None,
        "machine": environment["machine"],
        "noise": environment["noise"],
        "results": {
            r["id"]: {
                "verdict": r["verdict"],
                "estimate": r["estimate"],
                "interval": r["interval"],
                "target": r["target"],
            }
            for r in results["results"]
        },
    }


def trend(runs: Sequence[Mapping[str, Any]], claim_id: str) -> list[dict[str, Any]]:
    """Return the last points of one claim, gaps left out only where the claim was not run."""
    points = [
        {
            "commit": run["commit"],
            "started": run["started"],
            "estimate": figure["estimate"],
            "low": figure["interval"][0] if figure["interval"] else None,
            "high": figure["interval"][1] if figure["interval"] else None,
            "verdict": figure["verdict"],
        }
        for run in runs
        if (figure := run["results"].get(claim_id)) is not None
    ]
    return points[-TREND:]


def change(baseline: Mapping[str, Any] | None, now: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the relative change of a figure since `baseline`, with the widest interval.

    The interval joins the far ends of both, so it is wider than a joint estimate would give: two
    runs at different times share no rounds, and nothing better is honest.
    """
    if baseline is None or not baseline["interval"] or not now["interval"]:
        return None
    then = baseline["estimate"]
    ends = [*baseline["interval"], *now["interval"]]
    if not then or any(end is None or not 0 < end < math.inf for end in ends):
        return None  # an open interval, or one across zero, has no relative change
    (then_low, then_high), (low, high) = baseline["interval"], now["interval"]
    return {
        "from": then,
        "relative": now["estimate"] / then - 1,
        "interval": [low / then_high - 1, high / then_low - 1],
    }


def targets_changed(
    baseline: Mapping[str, Any], results: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the claims whose target differs from the baseline's."""
    return [
        {"id": r["id"], "from": then["target"], "to": r["target"]}
        for r in results
        if (then := baseline["results"].get(r["id"])) and then["target"] != r["target"]
    ]
