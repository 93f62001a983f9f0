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
from itertools import islice

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
_MOST_EVIDENCE = 30.0  # more would take longer to gather than a spike may last
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


def learn(seconds: Sequence[float], rule: SpikeRule) -> Usual:
    """Return what durations, in the order they came, are like."""
    values = [math.log(max(one, _TINY_S)) for one in seconds]
    middle = len(values) // 2
    centre = sorted(values)[middle]
    deviation = sorted([abs(value - centre) for value in values])[middle]
    spread = max(rule.narrowest, _SIGMA * deviation)
    held = most = 0.0
    low, high = -_CUT - _REFERENCE, _CUT - _REFERENCE
    scale, shift = 1 / spread, _REFERENCE + centre / spread
    for value in values:  # `gain` written out: this is most of what learning costs
        gain = value * scale - shift
        held += low if gain < low else min(gain, high)
        if held < 0.0:
            held = 0.0
        elif held > most:
            most = held
    return Usual(centre, spread, min(_MOST_EVIDENCE, max(rule.evidence, _MARGIN * most)))


class Series:
    """The durations of one thing: a route, a provider, a statement."""

    __slots__ = ("_calm_s", "_evidence", "_fresh", "_held", "_quiet_until", "_seen", "rule",
                 "usual")  # fmt: skip

    def __init__(self, rule: SpikeRule) -> None:
        self.rule = rule
        self.usual: Usual | None = None
        self._seen: deque[float] = deque(maxlen=rule.window + rule.recent)
        self._fresh = 0  # samples since the usual was learnt
        self._evidence = 0.0
        self._held: list[float] | None = None  # those of the spike, while there is one
        self._quiet_until = -math.inf
        self._calm_s = -1.0  # up to here a sample is no evidence, where there is none yet

    @property
    def spiking(self) -> bool:
        """Whether there is a spike now."""
        return self._held is not None

    @property
    def recent_s(self) -> float | None:
        """The median of the last samples, None before the first."""
        last = sorted(islice(reversed(self._seen if self._held is None else self._held), _JUDGED))
        return last[len(last) // 2] if last else None

    def calm(self, seconds: float) -> bool:
        """Take a sample that is no evidence of anything; return False, and take none, otherwise.

        This is nearly every sample there is, and costs a comparison. `observe` does the same, in
        full.
        """
        if seconds > self._calm_s or self._evidence or self._held is not None:
            return False
        if self._fresh >= self.rule.relearn:
            return False
        self._seen.append(seconds)
        self._fresh += 1
        return True

    def observe(self, seconds: float, now: float) -> Turn | None:
        """Take one sample at the time `now`, and return what it changed."""
        usual = self.usual
        if usual is not None:
            gain = usual.gain(math.log(max(seconds, _TINY_S)))
            self._evidence = max(0.0, min(self._evidence + gain, _MOST_EVIDENCE))
            if self._held is not None:
                return self._during(self._held, usual, seconds, now)
        self._seen.append(seconds)
        self._fresh += 1
        self._relearn()
        if usual is None or self._evidence < usual.enough:
            return None
        return self._start(usual, now)

    def _relearn(self) -> None:
        """Learn now and then, from all but the last samples: they may be a spike's."""
        rule = self.rule
        if self._fresh >= (rule.least + rule.recent if self.usual is None else rule.relearn):
            self._learn(list(self._seen)[: -rule.recent])

    def _learn(self, seconds: Sequence[float]) -> None:
        self.usual = usual = learn(seconds, self.rule)
        self._calm_s = math.exp(usual.centre + _REFERENCE * usual.spread)
        self._fresh = 0

    def _start(self, usual: Usual, now: float) -> Turn | None:
        recent_s = self.recent_s or 0.0
        least = usual.centre + (self.rule.sigmas - _ALLOWANCE) * usual.spread
        if recent_s < math.exp(least) or recent_s < usual.seconds + self.rule.floor_s:
            return None
        if now < self._quiet_until:
            return None
        # They are the spike's now: when it is over, the samples go on where they were before it.
        held = [self._seen.pop() for _ in range(self.rule.recent)]
        self._held = held[::-1]
        return Turn.STARTED

    def _during(self, held: list[float], usual: Usual, seconds: float, now: float) -> Turn | None:
        held.append(seconds)
        if (self.recent_s or 0.0) < math.exp(usual.centre + _BACK * usual.spread):
            turn = Turn.ENDED
        elif len(held) >= self.rule.settles:
            turn = Turn.SETTLED
            self._seen.clear()
            self._seen.extend(held)
            self._learn(held)
        else:
            return None
        self._held, self._evidence = None, 0.0
        self._quiet_until = now + self.rule.cool_down_s
        return turn
