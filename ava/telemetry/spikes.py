"""Latency spikes: when several answers in a row are slower than more than two sigma allows.

Mean and standard deviation, as the document has it, fail on latencies: their tail is heavy, so two
to nine of a hundred ordinary samples lie above mean + 2 sigma, and one spike widens the rule for
the next. Here the usual is the median of the logarithms over a bounded window, and the spread their
median deviation, scaled to a sigma. Each sample adds its distance from the usual, in sigmas and
less a reference, to the evidence of a one-sided cumulative sum. The distance is cut off, so that
one bad sample, however bad, proves nothing; and the evidence asked for is twice what the window
itself ever held, so that a series that stutters by nature has to stutter more than it does.

A series is a state machine: learning, usual, spiking. It leaves the spike when the recent median is
back within one sigma (`ENDED`), or when the spike has lasted so long that it is how things are now,
and is learnt as the new usual (`SETTLED`). While it spikes nothing of it is learnt. It reads no
clock and logs nothing: see `ava.telemetry.watch` for who is told.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_TINY_S = 1e-9  # a clock may not see a shorter time
_SIGMA = 1.4826  # a normal distribution's sigma in median deviations
_CUT = 3.0  # sigmas that a single sample counts for at most
# Evidence grows by the distance less this: the best test for a shift of two of it (2.4 sigma).
_REFERENCE = 1.2
# The recent median errs by a third of a sigma: asking it for all of `sigmas` would miss half of the
# shifts that are exactly so large.
_ALLOWANCE = 0.5
_BACK = 1.0  # sigmas within which a spike is over
_MARGIN = 2.0  # times the most evidence that the usual noise had
_MOST_EVIDENCE = 40.0  # beyond this a series could never alarm
_JUDGED = 8  # samples of the recent median


@dataclass(frozen=True, slots=True)
class SpikeRule:
    """When to alarm.

    `window` samples are the usual, of which `least` must be there; it is learnt anew every
    `relearn` samples, and the last `recent` are kept out of it. `evidence` is what an alarm needs
    at least, in sigmas. Nothing alarms that is less than `floor_s` slower than usual, nor within
    `cool_down_s` of the end of a spike. A spike of `settles` samples is the new usual.
    """

    sigmas: float = 2.0
    window: int = 256
    least: int = 64
    relearn: int = 64
    recent: int = 16
    evidence: float = 12.0
    narrowest: float = 0.1  # a spread below this is taken for this: ten per cent are no news
    floor_s: float = 0.005
    cool_down_s: float = 60.0
    settles: int = 128


class Turn(StrEnum):
    """What a sample changed."""

    STARTED = "started"
    ENDED = "ended"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Usual:
    """What a series is like: centre and spread of the logarithms, and the evidence that is news."""

    centre: float
    spread: float
    enough: float

    @property
    def seconds(self) -> float:
        """The usual duration."""
        return math.exp(self.centre)

    def gain(self, value: float) -> float:
        """Return what a sample adds to the evidence."""
        distance = (value - self.centre) / self.spread
        return min(_CUT, max(-_CUT, distance)) - _REFERENCE


def learn(values: Sequence[float], rule: SpikeRule) -> Usual:
    """Return what the logarithms of durations, in the order they came, are like."""
    middle = len(values) // 2
    centre = sorted(values)[middle]
    deviation = sorted([abs(value - centre) for value in values])[middle]
    found = Usual(centre, max(rule.narrowest, _SIGMA * deviation), 0.0)
    held = most = 0.0
    low, high = -_CUT - _REFERENCE, _CUT - _REFERENCE
    scale, shift = 1 / found.spread, _REFERENCE + centre / found.spread
    for value in values:  # `gain` written out: this is most of what learning costs
        gain = value * scale - shift
        held += low if gain < low else min(gain, high)
        if held < 0.0:
            held = 0.0
        elif held > most:
            most = held
    return Usual(centre, found.spread, min(_MOST_EVIDENCE, max(rule.evidence, _MARGIN * most)))


class Series:
    """The durations of one thing: a route, a provider, a statement."""

    __slots__ = ("_evidence", "_fresh", "_held", "_quiet_until", "_recent", "_window", "rule",
                 "usual")  # fmt: skip

    def __init__(self, rule: SpikeRule) -> None:
        self.rule = rule
        self.usual: Usual | None = None
        self._window: deque[float] = deque(maxlen=rule.window)
        self._recent: deque[float] = deque(maxlen=rule.recent)
        self._fresh = 0  # samples since the usual was learnt
        self._evidence = 0.0
        self._held: list[float] | None = None  # those of the spike, while there is one
        self._quiet_until = -math.inf

    @property
    def spiking(self) -> bool:
        """Whether there is a spike now."""
        return self._held is not None

    @property
    def recent_s(self) -> float | None:
        """The median of the last samples, None before the first."""
        last = list(self._recent)[-_JUDGED:]
        return math.exp(sorted(last)[len(last) // 2]) if last else None

    def observe(self, seconds: float, now: float) -> Turn | None:
        """Take one sample at the time `now`, and return what it changed."""
        value = math.log(max(seconds, _TINY_S))
        usual = self.usual
        if usual is not None:
            gain = usual.gain(value)
            self._evidence = max(0.0, min(self._evidence + gain, _MOST_EVIDENCE))
        if self._held is not None:
            self._recent.append(value)
            return self._during(self._held, value, now)
        self._gather(value)
        if usual is None or self._evidence < usual.enough:
            return None
        return self._start(usual, now)

    def _gather(self, value: float) -> None:
        """Let the oldest of the recent samples into the window, and learn from it now and then."""
        rule, recent = self.rule, self._recent
        if len(recent) == rule.recent:
            self._window.append(recent[0])
            self._fresh += 1
            due = self._fresh >= (rule.least if self.usual is None else rule.relearn)
            if due and len(self._window) >= rule.least:
                self._fresh = 0
                self.usual = learn(self._window, rule)
        recent.append(value)

    def _start(self, usual: Usual, now: float) -> Turn | None:
        recent_s = self.recent_s or 0.0
        least = usual.centre + (self.rule.sigmas - _ALLOWANCE) * usual.spread
        if recent_s < math.exp(least) or recent_s < usual.seconds + self.rule.floor_s:
            return None
        if now < self._quiet_until:
            return None
        self._held = list(self._recent)
        return Turn.STARTED

    def _during(self, held: list[float], value: float, now: float) -> Turn | None:
        held.append(value)
        if self.usual is not None and self._is_back(self.usual):
            turn = Turn.ENDED
            self._recent.clear()
        elif len(held) >= self.rule.settles:
            turn = Turn.SETTLED
            self._window.clear()
            self._window.extend(held)
            self.usual = learn(self._window, self.rule)
        else:
            return None
        self._held, self._evidence, self._fresh = None, 0.0, 0
        self._quiet_until = now + self.rule.cool_down_s
        return turn

    def _is_back(self, usual: Usual) -> bool:
        recent_s = self.recent_s or 0.0
        return recent_s < math.exp(usual.centre + _BACK * usual.spread)
