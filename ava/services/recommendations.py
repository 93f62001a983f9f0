"""Recommendations for many symbols and positions, from one batch of their closes.

Each is kept five minutes under its symbol and position (000.23); for those that are missing, three
months of closes are read twenty symbols a call (000.12), whatever the positions. What is advised is
`ava.services.advice`; a model's comment on it is an extra, which fails without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import asdict, replace

from ava.cache import ttls
from ava.cache.keys import key
from ava.errors import BadValueError, NotFoundError, ProviderError
from ava.net.deadline import within
from ava.problems import Problem, problem_of
from ava.providers.asking import Partial, chunks
from ava.providers.asking import together as all_of
from ava.providers.market import Bar
from ava.providers.yahoo import SPARKS_A_CALL
from ava.services.advice import Position, Recommendation, recommend
from ava.services.by_symbol import Found, look_up, telling
from ava.services.comments import Comment, Comments
from ava.services.fresh import Fresh, Part, part, together
from ava.services.premium import NEW_YORK

if TYPE_CHECKING:
    from ava.core import Core

SPAN = "3mo"  # 000.12
DEADLINE_S = 20.0
MOST_COMMENTS = 10  # one call and its price each


class Case(Struct, frozen=True, kw_only=True):
    """A symbol, and what is held of it."""

    symbol: str
    position: Position | None = None

    @property
    def key(self) -> str:
        """The canonical name of the case."""
        held = None if self.position is None else asdict(self.position)
        kind = type(self.position).__name__.lower()
        return key("recommendation", self.symbol, kind=kind, position=held)


class Advised(Struct, frozen=True, kw_only=True):
    """A case with its recommendation, or with the problem there is instead of it."""

    symbol: str
    position: Position | None
    recommendation: Recommendation | None
    problem: Problem | None
    comment: Part[Comment] | None = None


class Advice(Struct, frozen=True, kw_only=True):
    """What is advised, in the order asked."""

    items: list[Advised]


class Recommendations:
    """Recommendations of one platform."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._comments = core.service(Comments)

    async def advise(self, cases: Sequence[Case], *, comments: bool = False) -> Fresh[Advice]:
        """Return what to do in each case; raise a failure that all of them share.

        Raises BadValueError for comments on more than ten.
        """
        if comments and len(cases) > MOST_COMMENTS:
            raise BadValueError(
                f"comments are made on {MOST_COMMENTS} cases at most, not on {len(cases)}"
            )
        found = await self._found({case.key: case for case in cases})
        if found.errors and not found.values:
            raise telling(found.errors)
        pairs = await asyncio.gather(*(self._advised(case, found, comments) for case in cases))
        whole = together([found.whole(), *(lasts for _, lasts in pairs if lasts is not None)])
        answer = Advice(items=[item for item, _ in pairs])
        return Fresh(answer, whole.fresh_s, whole.tags, whole.stale)

    async def _found(self, cases: Mapping[str, Case]) -> Found[Recommendation]:
        async def ask(names: tuple[str, ...]) -> Partial[Recommendation]:
            bars = await self._histories({cases[name].symbol for name in names})
            today = self._core.clock.now().astimezone(NEW_YORK).date()
            values, errors = {}, {}
            for name in names:
                case = cases[name]
                if case.symbol in bars.values:
                    values[name] = _recommended(case, bars.values[case.symbol], today)
                else:
                    errors[name] = bars.errors.get(case.symbol) or _stranger(case.symbol)
            return Partial(values, errors)

        keys = {name: name for name in cases}
        keep = ttls.AI_RECOMMENDATION
        with within(DEADLINE_S, self._core.clock):
            return await look_up(self._core, keys, ask, kind=Recommendation, keep=keep)

    async def _histories(self, symbols: set[str]) -> Partial[list[Bar]]:
        """Return closes, twenty symbols a call; a call that fails fails its own symbols only."""

        async def some(part: tuple[str, ...]) -> Partial[list[Bar]]:
            try:
                bars = await self._core.platform.yahoo.histories(part, SPAN, keep=None)
            except ProviderError as error:
                return Partial({}, dict.fromkeys(part, error))
            return Partial(bars, {})

        found = await all_of(some(part) for part in chunks(symbols, SPARKS_A_CALL))
        return Partial(
            {name: bars for one in found for name, bars in one.values.items()},
            {name: error for one in found for name, error in one.errors.items()},
        )

    async def _advised(
        self,
        case: Case,
        found: Found[Recommendation],
        comments: bool,  # noqa: FBT001 - as asked
    ) -> tuple[Advised, Fresh[None] | None]:
        fresh, error = found.values.get(case.key), found.errors.get(case.key)
        item = Advised(
            symbol=case.symbol,
            position=case.position,
            recommendation=None if fresh is None else fresh.value,
            problem=None if error is None else problem_of(error),
        )
        if fresh is None or not comments:
            return item, None
        told, lasts = await part(self._comments.on(case.key, fresh.value), self._core.clock)
        return replace(item, comment=told), lasts


def _recommended(case: Case, bars: Sequence[Bar], today: date) -> Recommendation:
    closes = [bar.close for bar in bars if bar.close > 0]
    as_of = bars[-1].at.astimezone(NEW_YORK).date() if bars else None
    return recommend(case.symbol, closes, case.position, today, as_of=as_of)


def _stranger(symbol: str) -> NotFoundError:
    return NotFoundError(f"Yahoo has no history of {symbol!r}", provider="yahoo")
