"""The brokerage account: everything it holds, valued, in two to five calls (001.1).

The document's service made a call or two for each position. Here the brokerage is asked in batches,
once for all who ask at the same time, and its answer is kept for 30 s. The prices in it are asked
for together with the positions and come from no cache below, so that nothing in a portfolio is
older than it says. One that cannot be had is an error and not an older one: an old balance that
looks new does harm.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ava.cache import ttls
from ava.cache.keys import key
from ava.services.fresh import Fresh
from ava.services.valuation import PortfolioView, valued

if TYPE_CHECKING:
    from ava.core import Core


class Portfolios:
    """The portfolio of the account whose token the platform has."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def portfolio(self) -> Fresh[PortfolioView]:
        """Return what is held; raise ProviderError where the brokerage cannot say."""

        async def fetch() -> PortfolioView:
            return valued(await self._core.platform.robinhood.portfolio(keep=None))

        name = key("portfolio", self._account())
        return await self._core.kept(name, fetch, kind=PortfolioView, keep=ttls.PORTFOLIO)

    def _account(self) -> str | None:
        """Name the account by its token's digest: nothing in the questions says whose they are.

        Two platforms with different tokens may share a Redis.
        """
        token = self._core.settings.keys.robinhood
        if token is None:
            return None
        return hashlib.blake2b(token.reveal().encode(), digest_size=12).hexdigest()
