"""Questions that several providers can answer: who is asked first, and who after that.

Quotes go to whoever has the freshest for the least: Finnhub's 60 calls a minute, then Yahoo, whose
limit nobody publishes, then Alpha Vantage's 25 a day, and Massive last, whose free answer is the
previous close. History begins with Massive, which is paid for or official, and ends with Finnhub,
which sells it only. The calendar of earnings is Finnhub's, for a range of days, before Alpha
Vantage's of three months. A provider without its key is not among those asked. The gateway passes
over who cannot answer now, and says who did.
"""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import date
from typing import TYPE_CHECKING, TypeVar

from ava.errors import NotFoundError
from ava.net.failover import Answered, Answerer
from ava.net.gateway import DEADLINE_S
from ava.net.spec import Priority
from ava.providers.market import Bar, EarningsDate, Quote

if TYPE_CHECKING:
    from ava.platform import Providers

T = TypeVar("T")


async def quote(
    providers: Providers,
    symbol: str,
    *,
    priority: Priority = Priority.INTERACTIVE,
    deadline_s: float = DEADLINE_S,
) -> Answered[Quote]:
    """Return the latest price of a stock, with who gave it.

    Raises the ProviderError that tells most where nobody could, with everybody's reason.
    """
    p = providers
    asks: tuple[Answerer[Quote], ...] = (
        ("finnhub", lambda: p.finnhub.quote(symbol, priority=priority)),
        ("yahoo", lambda: p.yahoo.quote(symbol, priority=priority)),
        ("alpha_vantage", lambda: p.alpha_vantage.quote(symbol, priority=priority)),
        ("massive", lambda: p.massive.quote(symbol, priority=priority)),
    )
    return await p.gateway.first(f"quote {symbol}", _offered(p, asks), deadline_s=deadline_s)


async def history(  # noqa: PLR0913 - what is asked, and how
    providers: Providers,
    symbol: str,
    start: date,
    end: date,
    *,
    priority: Priority = Priority.INTERACTIVE,
    deadline_s: float = DEADLINE_S,
) -> Answered[list[Bar]]:
    """Return the daily bars of `start` to `end`, oldest first, with who gave them.

    An empty answer may mean that this provider does not know the symbol, so the next one is asked;
    NotFoundError says that none has a bar. Raises as `quote` does otherwise.
    """
    p, span = providers, (symbol, start, end)
    asks: tuple[Answerer[list[Bar]], ...] = (
        ("massive", lambda: _some("massive", p.massive.history(*span, priority=priority))),
        ("yahoo", lambda: _some("yahoo", p.yahoo.history(*span, priority=priority))),
        (
            "alpha_vantage",
            lambda: _some("alpha_vantage", p.alpha_vantage.history(*span, priority=priority)),
        ),
        ("finnhub", lambda: _some("finnhub", p.finnhub.history(*span, priority=priority))),
    )
    return await p.gateway.first(f"history {symbol}", _offered(p, asks), deadline_s=deadline_s)


async def earnings_calendar(
    providers: Providers,
    start: date,
    end: date,
    *,
    priority: Priority = Priority.INTERACTIVE,
    deadline_s: float = DEADLINE_S,
) -> Answered[list[EarningsDate]]:
    """Return the reports of all companies, at least those from `start` to `end` that are known.

    Raises as `quote` does.
    """
    p = providers
    asks: tuple[Answerer[list[EarningsDate]], ...] = (
        ("finnhub", lambda: p.finnhub.earnings_calendar(start, end, keep=None, priority=priority)),
        ("alpha_vantage", lambda: p.alpha_vantage.earnings_calendar(keep=None, priority=priority)),
    )
    return await p.gateway.first("earnings", _offered(p, asks), deadline_s=deadline_s)


def _offered(providers: Providers, asks: tuple[Answerer[T], ...]) -> list[Answerer[T]]:
    return [(name, ask) for name, ask in asks if providers.gateway.offers(name)]


async def _some(provider: str, asked: Awaitable[list[Bar]]) -> list[Bar]:
    bars = await asked
    if not bars:
        raise NotFoundError(f"{provider} has no bars of these days", provider=provider)
    return bars
