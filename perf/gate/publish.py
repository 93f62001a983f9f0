"""Hand a comparison to those who read it: files in a folder, and what the CI service shows.

GitHub shows ten annotations of a kind and drops the rest, so the tenth says how many there are. On
other machines nothing but the files is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from perf.files import write_atomically
from perf.gate import figures, markdown
from perf.gate.junit import junit
from perf.gate.outcome import Outcome

_ANNOTATIONS = 10
_COMMENT = "comment.md"


def to_file(found: Mapping[str, Any], path: Path) -> None:
    """Write the JSON of the contract."""
    write_atomically(path, json.dumps(found, ensure_ascii=False) + "\n")


def to_folder(result: Outcome, found: Mapping[str, Any], folder: Path) -> None:
    """Write every output; the comment only where there is news, so that silence needs no rule."""
    folder.mkdir(parents=True, exist_ok=True)
    to_file(found, folder / "gate.json")
    write_atomically(folder / "junit.xml", junit(result))
    write_atomically(folder / "summary.md", markdown.summary(result))
    if result.is_news:
        write_atomically(folder / _COMMENT, markdown.comment(result))
    else:
        (folder / _COMMENT).unlink(missing_ok=True)


def to_github(result: Outcome, environment: Mapping[str, str]) -> Iterator[str]:
    """Append the step summary, and yield the workflow commands that annotate the run."""
    if environment.get("GITHUB_ACTIONS") != "true":
        return
    if path := environment.get("GITHUB_STEP_SUMMARY"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(markdown.summary(result))
    yield from commands(result)


def commands(result: Outcome) -> Iterator[str]:
    """Return workflow commands: what fails as errors, what is undecided as warnings."""
    failed = [
        (entry.id, f"{figures.change(entry)} {figures.interval(entry)}, {entry.judgement.reason}")
        for entry in result.entries
        if entry.fails
    ]
    failed += [(broken.id, f"not measured: {broken.reason}") for broken in result.broken]
    doubtful = [
        (entry.id, entry.judgement.reason)
        for entry in result.entries
        if entry.verdict == "undecided"
    ]
    yield from _annotate("error", failed)
    yield from _annotate("warning", doubtful)


def _annotate(kind: str, said: list[tuple[str, str]]) -> Iterator[str]:
    fits = said if len(said) <= _ANNOTATIONS else said[: _ANNOTATIONS - 1]
    for name, text in fits:
        yield f"::{kind} title={_escaped(name, ',:')}::{_escaped(text)}"
    if hidden := len(said) - len(fits):
        yield f"::{kind} title=ava-perf gate::{hidden} more are in the step summary"


def _escaped(text: str, also: str = "") -> str:
    """Escape what would end a workflow command early, or begin another."""
    return "".join(f"%{ord(sign):02X}" if sign in "%\r\n" + also else sign for sign in text)
