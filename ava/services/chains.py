"""Option chains of many symbols, expiry by expiry, each given away as soon as it is read.

A scan wants few figures of many contracts, so no chain is kept: a reader takes from each what it
needs. A symbol costs one call for its expiries, which brings the nearest of them, and one more for
every other expiry that is wanted. How many calls run at once is bounded by the provider's client,
which also repeats and gives up. A symbol whose calls fail in part has failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from ava.errors import BadValueError
from ava.providers.asking import Partial, each
from ava.providers.market import OptionChain

if TYPE_CHECKING:
    from ava.core import Core

CALLS = 500  # of one scan, at the most

Choose = Callable[[str, OptionChain], Sequence[date]]
Read = Callable[[str, OptionChain], Any]


async def read_chains(
    core: Core, symbols: Iterable[str], choose: Choose, read: Read
) -> Partial[float | None]:
    """Give `read` the chain of each expiry that `choose` takes of a symbol's first chain.

    `read` is a plain function. Returns the stocks' prices where the chains tell them. Symbols that
    failed stand in the errors, whatever was read of them.
    """
    yahoo = core.platform.yahoo

    async def one(symbol: str) -> float | None:
        first = await yahoo.options(symbol, keep=None)
        for expires in choose(symbol, first):
            is_first = expires == expiry_of(first)
            read(symbol, first if is_first else await yahoo.options(symbol, expires, keep=None))
        return first.underlying_price

    return await each(tuple(symbols), one)


def expiry_of(chain: OptionChain) -> date | None:
    """Return the expiry of a chain's contracts, None for one without any."""
    return chain.contracts[0].expires if chain.contracts else None


def check_size(symbols: int, expiries: int) -> None:
    """Raise BadValueError for a scan that could take more calls than one may."""
    if symbols * expiries > CALLS:
        raise BadValueError(
            f"{symbols} symbols with {expiries} expiries each are more than {CALLS} calls; ask for"
            " fewer of either"
        )


def nearest(expiries: Iterable[date], today: date, days: int) -> date | None:
    """Return the expiry nearest to so many days from today, the earlier of two."""
    ahead = [expires for expires in expiries if expires >= today]
    if not ahead:
        return None
    return min(ahead, key=lambda expires: (abs((expires - today).days - days), expires))


def spread_over(expiries: Iterable[date], most: int) -> list[date]:
    """Return at most `most` of the expiries, in order, evenly from the first to the last."""
    ordered = sorted(expiries)
    if len(ordered) <= most:
        return ordered
    if most == 1:
        return ordered[:1]
    step = (len(ordered) - 1) / (most - 1)
    return [ordered[round(place * step)] for place in range(most)]
