"""A second opinion on signals by a language model: it may lower a confidence, and nothing else.

A loop that waited for a model would trade on old prices, so it never does: what a model said of a
symbol and an action is used for as long as it is kept, and what is not known yet is asked for in
the background, for the iterations to come. At most a few questions are under way and the others
are not asked; an answer that cannot be read, or that does not come, leaves a signal as it was.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol

from ava.clock import Clock, SystemClock
from ava.errors import AvaError
from ava.net.spec import Priority
from ava.providers.chat import Chat
from ava.signals.decide import Action, Signal

KEPT_S = 900.0  # an opinion is of the quarter of an hour, and each one costs
FAILED_S = 60.0  # until a question that failed is asked again
_DEADLINE_S = 30.0
_NUMBER = re.compile(r"\s*(?:0(?:\.\d+)?|1(?:\.0+)?)\s*")

logger = logging.getLogger(__name__)

Ask = Callable[[Signal], Awaitable[str]]
_Key = tuple[str, Action]


class Opinions(Protocol):
    """Weighs signals at once, without waiting for anybody."""

    def weigh(self, signals: Sequence[Signal]) -> list[Signal]:
        """Return the signals in their order, with confidences that are the same or lower."""
        ...


class ModelOpinions:
    """What a model says, asked by `ask`; of at most `most` symbols and actions."""

    def __init__(
        self, ask: Ask, *, most: int = 500, at_once: int = 2, clock: Clock | None = None
    ) -> None:
        self._ask, self._most, self._at_once = ask, most, at_once
        self._clock = clock or SystemClock()
        self._said: dict[_Key, tuple[float | None, float]] = {}  # the share, and until when
        self._asking: dict[_Key, asyncio.Task[None]] = {}

    def weigh(self, signals: Sequence[Signal]) -> list[Signal]:
        """Lower confidences by what is known; ask for what is not, the first signals first."""
        return [one if one.action is Action.HOLD else self._weighed(one) for one in signals]

    async def aclose(self) -> None:
        """Give up what is still being asked."""
        for task in self._asking.values():
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    def _weighed(self, signal: Signal) -> Signal:
        key = (signal.symbol, signal.action)
        share, until = self._said.get(key, (None, 0.0))
        if self._clock.monotonic() >= until:
            self._begin(key, signal)
            return signal
        if share is None:
            return signal
        reason = f"{signal.reason}; a second opinion agrees by {share:.0%}"
        return replace(signal, confidence=signal.confidence * share, reason=reason)

    def _begin(self, key: _Key, signal: Signal) -> None:
        if key not in self._asking and len(self._asking) < self._at_once:
            task = asyncio.get_running_loop().create_task(self._learn(key, signal))
            self._asking[key] = task
            task.add_done_callback(lambda _: self._asking.pop(key, None))

    async def _learn(self, key: _Key, signal: Signal) -> None:
        try:
            share = read_share(await self._ask(signal))
        except AvaError as error:
            logger.warning("no second opinion on %s: %s", signal.symbol, error)
            share = None
        kept_s = FAILED_S if share is None else KEPT_S
        self._said.pop(key, None)
        self._said[key] = share, self._clock.monotonic() + kept_s
        if len(self._said) > self._most:
            del self._said[next(iter(self._said))]


def read_share(text: str) -> float | None:
    """Return the number between 0 and 1 that an answer consists of, None for any other answer."""
    return float(text) if _NUMBER.fullmatch(text) else None


def asking(chat: Chat, model: str) -> Ask:
    """Return the question to a model, which waits behind everybody else's."""

    async def ask(signal: Signal) -> str:
        answer = await chat.complete(
            f"A short-term trading model says {signal.action.value} {signal.symbol} at"
            f" {signal.price} ({signal.reason}). From public news of the last days, how far do you"
            " agree? Answer with one number between 0 (not at all) and 1 (fully), nothing else.",
            model=model,
            priority=Priority.BACKGROUND,
            deadline_s=_DEADLINE_S,
            max_tokens=100,
            temperature=0.0,
        )
        return answer.text

    return ask
