"""How a load run shows itself: a live line while it goes on, and a table when it is over."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from perf.load.judged import Further
from perf.load.protocol import Done, Event, Failed, PhaseEdge, Progress, Ready
from perf.load.result import Result
from perf.load.summary import lines
from perf.report.build import Judged
from perf.summary import mark

_EVERY_S = 5.0  # off a terminal, where each line stays


@dataclass(slots=True)
class Live:
    """Tells how a run goes: one line that is rewritten on a terminal, else a line now and then."""

    out: TextIO = field(default_factory=lambda: sys.stderr)
    _phase: str = ""
    _last: Progress | None = None
    _told_s: float = 0.0
    _open: bool = False

    def __call__(self, event: Event) -> None:
        """Show an event."""
        match event:
            case Ready():
                self._say("the generator is calibrated and begins")
            case PhaseEdge(edge="begin"):
                self._phase = event.name
                self._say(f"phase {event.name}")
            case Progress():
                self._progress(event)
            case Done() | Failed() if self._open:
                self._end()

    def _progress(self, now: Progress) -> None:
        text = self._text(now)
        if self.out.isatty():
            self.out.write(f"\r\x1b[2K{text}")
            self.out.flush()
            self._open = True
        elif now.at_s - self._told_s >= _EVERY_S:
            self._told_s = now.at_s
            self._say(text)
        self._last = now

    def _text(self, now: Progress) -> str:
        then = self._last or Progress(0.0, 0, 0, 0, 0, 0)
        seconds = max(now.at_s - then.at_s, 1e-9)
        offered = (now.scheduled - then.scheduled) / seconds
        achieved = (now.finished - then.finished) / seconds
        times = " ".join(
            f"{name} {value:.1f}"
            for name, value in (("p50", now.p50_ms), ("p95", now.p95_ms), ("p99", now.p99_ms))
            if value is not None
        )
        return (
            f"{now.at_s:5.0f} s  {self._phase}: offered {offered:.0f}/s, "
            f"achieved {achieved:.0f}/s, {times or 'nothing answered'} ms, {now.errors} errors"
        )

    def _say(self, text: str) -> None:
        if self._open:
            self._end()
        self.out.write(f"{text}\n")
        self.out.flush()

    def _end(self) -> None:
        self.out.write("\n")
        self._open = False


def table(result: Result, entries: Sequence[Judged], more: Further) -> str:
    """Return the figures by request, a line for each threshold, and what was found beside them."""
    figures = lines(result.recording, result.generator)
    return "\n".join([*figures, "", *_judged(result, entries), *more.lines])


def _judged(result: Result, entries: Sequence[Judged]) -> Iterator[str]:
    reasons = result.reasons()
    yield from (f"INVALID: {reason}" for reason in reasons)
    if reasons and not result.broken:
        yield f"{len(entries)} thresholds are not measured"
        return
    for one in entries:
        judgement = one.judgement
        yield f"{mark(judgement.verdict)} {one.measured.claim.title}: {judgement.reason}"
    if not entries:
        yield "no thresholds: nothing was judged"
