"""What observers saw of a claim or a service, as text for a terminal and as files to keep.

Only what was seen is read here, so anything kept can be shown again. The flame graph is a file of
its own, and so is the curve of memory; the figures behind both lie beside them as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from perf.files import OutputError, write_atomically
from perf.report import curve, flame

Seen = Mapping[str, Mapping[str, Any]]
_ROWS = 15


def write(folder: Path, seen: Seen) -> list[Path]:
    """Write a file for each observation and each drawing; return their paths."""
    texts = {f"{name}.json": json.dumps(found, indent=1) for name, found in seen.items()}
    texts |= dict(_drawings(seen))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in texts.items():
            write_atomically(folder / name, content)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror}") from error
    return [folder / name for name in texts]


def text(seen: Seen) -> str:
    """Return the figures as lines."""
    return "\n".join(line for found in seen.values() for line in _WRITERS[found["kind"]](found))


def _drawings(seen: Seen) -> Iterator[tuple[str, str]]:
    for name, found in seen.items():
        if found["kind"] == "resident":
            yield f"{name}.svg", curve.document(found["points"])
        elif found["kind"] == "cpu":
            shown = flame.shown(found)
            if shown is not None and shown.tree is not None:
                yield f"{name}.svg", flame.document(shown.tree, f"Flame graph of {shown.claim}")


def _cpu(found: Mapping[str, Any]) -> Iterator[str]:
    shown = flame.shown(found)
    if shown is None or shown.reason is not None:
        yield f"{found['claim']}: {'nothing was seen' if shown is None else shown.reason}"
        return
    yield f"{shown.claim}: {shown.sentence}"
    yield "itself  with callees  function"
    for cost in shown.costs:
        yield f"{cost.own:5.1f} %       {cost.total:5.1f} %  {cost.name}"


def _resident(found: Mapping[str, Any]) -> Iterator[str]:
    points: Sequence[Sequence[float]] = found["points"]
    levels = [mb for _, mb in points]
    yield (
        f"{found['claim']}: resident {levels[0]:.1f} MB at first, {max(levels):.1f} MB at most, "
        f"{levels[-1]:.1f} MB after {points[-1][0]:.1f} s (done {found['times']} times)"
    )


def _allocations(found: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{found['claim']}: {found['peak_mb']:.1f} MB of Python's objects at most, traced in "
        f"another run; shown is the moment with {found['kept_mb']:.1f} MB"
    )
    yield "        MB    blocks  allocated at"
    for place, size, blocks in found["top"][:_ROWS]:
        yield f"{size / 1e6:10.3f}  {blocks:8d}  {place}"


_WRITERS = {"cpu": _cpu, "resident": _resident, "allocations": _allocations}
