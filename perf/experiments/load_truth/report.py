"""The experiment's results as Markdown, from the JSON alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def markdown(document: Mapping[str, Any]) -> str:
    """Return the report of a document that the experiment wrote."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    yield "# Does the load generator tell the truth?"
    yield ""
    yield (
        f"Measured on {document['machine']}. A part repeats with "
        "`python -m perf.experiments.load_truth -k PART`."
    )
    for name, part in document["parts"].items():
        yield ""
        yield from _part(name, part)


def _part(name: str, part: Mapping[str, Any]) -> Iterator[str]:
    if "error" in part:
        yield f"## {name}: not measured"
        yield ""
        yield part["error"]
        return
    yield f"## {name}: {'yes' if part['holds'] else 'NO'}, {part['sentence']}"
    yield ""
    yield f"Measured {part['started']}."
    yield ""
    yield _row(part["columns"])
    yield _row(["---"] * len(part["columns"]))
    for row in part["rows"]:
        yield _row([_cell(value) for value in row])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value).replace("|", "\\|")
