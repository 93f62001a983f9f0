"""How long each kind of value is kept, in one table.

Of market data only the rest of the rule is here: its time to live depends on the moment and on the
symbol, see `ava.cache.freshness`. The times are the documents'. Around them two choices. What is
public and slow to change may be served stale when its source fails; a person's money and alerts may
not, since an old balance that looks new does more harm than an error. And what dashboards poll is
refreshed before it ends, so that the one who polls at the wrong second does not wait.
"""

from __future__ import annotations

from typing import Final

from ava.cache.keep import Keep

_AHEAD = 0.8  # of the ttl: polls of several people fall into the rest, and one of them refreshes

PORTFOLIO: Final = Keep(30, refresh_at=_AHEAD, tags=("portfolio",))  # 001.1
PORTFOLIO_SUMMARY: Final = Keep(60, refresh_at=_AHEAD, tags=("portfolio",))  # 001.2
ACTIVITY: Final = Keep(30, refresh_at=_AHEAD, tags=("activity",))  # 001.2
PERFORMANCE: Final = Keep(300, refresh_at=_AHEAD, tags=("portfolio",))  # 001.2
ALERTS: Final = Keep(15, refresh_at=_AHEAD, tags=("alerts",))  # 001.2

# Changed only by the platform, whose every write drops them.
WATCHLISTS: Final = Keep(300, tags=("watchlists",))

# Prices: the time is set anew for each by `Freshness.keep`, from the market and the symbol.
PRICES: Final = Keep(20, refresh_at=_AHEAD)  # 003.1

LIVE_GAMES: Final = Keep(30, stale_s=60, refresh_at=_AHEAD, tags=("sports",))  # 002.5
METADATA: Final = Keep(3600, stale_s=86_400, negative_s=300, tags=("metadata",))  # 000.4
PREMIUM_SCAN: Final = Keep(300, stale_s=300, tags=("scans",))  # 000.15
SCAN: Final = Keep(300, stale_s=300, tags=("scans",))  # 000.5, before the market-aware rule
AI_RECOMMENDATION: Final = Keep(300, tags=("recommendations",))  # 000.23

# A switch that nobody set is asked for as often as one that is.
AUTOMATION: Final = Keep(3600, negative_s=60, tags=("automation",))  # 002.5
