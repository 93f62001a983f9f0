"""The result of a load run: what the generator and the watch left, in one document (`load.json`).

Everything later (judging, rendering, comparing) starts from this document, so it holds what was
recorded and read, and no verdict but whether the run is valid. It is read back as it was written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from perf.errors import UserError
from perf.load.protocol import Progress, threshold
from perf.load.recording import Recording
from perf.load.scenario import Threshold
from perf.load.server import Sample, from_json, to_json
from perf.load.thresholds import Seen, measured
from perf.load.validity import Generator, assess
from perf.sample import Measurement, failure

SCHEMA = 1
NAME = "load.json"


class ResultError(UserError):
    """A file is not the result of a load run; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Result:
    """One run. `broken` are the bounds that ended it early, `facts` how it was set up.

    `timeline` and `listeners` are as the generator wrote them.
    """

    scenario: Mapping[str, Any]
    thresholds: tuple[Threshold, ...]
    generator: Generator
    recording: Recording
    timeline: tuple[Mapping[str, Any], ...] = ()
    server: tuple[Sample, ...] = ()
    progress: tuple[Progress, ...] = ()
    listeners: Any = None
    stopped: bool = False
    broken: tuple[Threshold, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The scenario's name."""
        return str(self.scenario["name"])

    @property
    def seen(self) -> Seen:
        """What the thresholds are measured on."""
        return Seen(self.scenario["phases"], self.recording, self.server, self.progress)

    @property
    def counted(self) -> int | None:
        """How many requests the server counted from before the run until after it."""
        told = [one.told.requests for one in self.server if one.told is not None]
        known = [one for one in told if one is not None]
        return round(known[-1] - known[0]) if len(known) > 1 else None

    def reasons(self) -> tuple[str, ...]:
        """Return why the run is invalid; nothing for a valid one.

        A run that a broken bound ended early has not the samples it was planned for.
        """
        wanted = () if self.stopped else self.thresholds
        found = assess(self.generator, self.recording, wanted, self.counted)
        early = self.stopped and not self.broken
        return (*(["the run was stopped early"] if early else []), *(str(one) for one in found))

    def measured(self, threshold: Threshold, reasons: Sequence[str]) -> Measurement:
        """Return what a threshold is judged on: a failure where the run is invalid for `reasons`.

        A bound that ended the run was broken beyond doubt while the run still went on.
        """
        if reasons and threshold not in self.broken:
            return failure("the run is invalid: " + "; ".join(reasons))
        return measured(threshold, self.seen)

    def to_json(self) -> dict[str, Any]:
        """Return the document."""
        reasons = self.reasons()
        return {
            "schema": SCHEMA,
            "kind": "load",
            "scenario": dict(self.scenario),
            "thresholds": [asdict(one) for one in self.thresholds],
            "generator": self.generator.to_json(),
            "recordings": self.recording.to_json(),
            "timeline": list(self.timeline),
            "progress": [_progress(one) for one in self.progress],
            "server": [to_json(one) for one in self.server],
            "listeners": self.listeners,
            "stopped": self.stopped,
            "broken": [asdict(one) for one in self.broken],
            "facts": dict(self.facts),
            "counted_by_server": self.counted,
            "validity": {"valid": not reasons, "reasons": list(reasons)},
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Read what `to_json` or the generator returned; raise ValueError for something else."""
        if raw.get("schema") != SCHEMA or raw.get("kind") != "load":
            raise ValueError(f"not a load result of schema {SCHEMA}")
        try:
            return cls(
                scenario=raw["scenario"],
                thresholds=tuple(threshold(one) for one in raw["thresholds"]),
                generator=Generator.from_json(raw["generator"]),
                recording=Recording.from_json(raw["recordings"]),
                timeline=tuple(raw["timeline"]),
                server=tuple(from_json(one) for one in raw.get("server", ())),
                progress=tuple(Progress(**one) for one in raw.get("progress", ())),
                listeners=raw.get("listeners"),
                stopped=raw["stopped"],
                broken=tuple(threshold(one) for one in raw.get("broken", ())),
                facts=raw.get("facts", {}),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a load result: {error!r}") from error


def load(path: Path) -> Result:
    """Read the result in a file or a report's folder; raise ResultError when there is none."""
    file = path / NAME if path.is_dir() else path
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(raw, dict):
            raise ResultError(f"{file} is not a load result")
        return Result.from_json(raw)
    except OSError as error:
        raise ResultError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ResultError(f"{file}: {error}") from error


def _progress(progress: Progress) -> dict[str, Any]:
    return {name: value for name, value in asdict(progress).items() if name != "recordings"}
