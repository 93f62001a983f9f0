"""What the scenarios share: who and what there is in the data set, and what a panel asks for.

How often a panel asks is the documents' (001.4: as often as its value can change). Which symbol is
looked at is Zipf's law over the data set's own order of popularity. Accounts, owners and lists are
those that every size of the data set has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from perf.lab.dataset.companies import companies
from perf.lab.dataset.world import generator
from perf.load.popularity import Mixed, Popular
from perf.load.scenario import Ask, Pick

SYMBOLS = tuple(company.symbol for company in companies(generator(0, "world"), 520))
ACCOUNTS = range(1, 29)
OWNERS = tuple(f"user{number:04d}" for number in range(1, 34))
LISTS = range(1, 201)
MARKETS = range(1, 2001)
A_BATCH = 100  # symbols in one request, at most

SYMBOL = Popular(SYMBOLS)
ACCOUNT = Popular(ACCOUNTS)
OWNER = Popular(OWNERS)

Panel = Callable[[Random], Ask]


def portfolio(_random: Random) -> Ask:
    """Ask for the positions."""
    return Ask("portfolio", "/api/v1/portfolio")


def dashboard(random: Random) -> Ask:
    """Ask for an account's dashboard, as everybody sees it first."""
    return Ask("dashboard", f"/api/v1/dashboard?account_id={ACCOUNT.pick(random)}")


def dashboard_of_days(random: Random) -> Ask:
    """Ask for a dashboard over days that hardly anybody chose: it is read from the database."""
    account, days = random.choice(ACCOUNTS), random.randrange(31, 366)
    return Ask("dashboard of days", f"/api/v1/dashboard?account_id={account}&days={days}")


def alerts(_random: Random) -> Ask:
    """Ask for the newest alerts."""
    return Ask("alerts", "/api/v1/alerts?limit=50")


def trades(_random: Random) -> Ask:
    """Ask for the newest trades."""
    return Ask("trades", "/api/v1/analytics/trades?limit=50")


def live_games(_random: Random) -> Ask:
    """Ask for the games that are on."""
    return Ask("live games", "/api/v1/sports/live?limit=100")


def metadata(random: Random) -> Ask:
    """Ask what stands behind a symbol."""
    return Ask("metadata", f"/api/v1/metadata?symbols={SYMBOL.pick(random)}")


def recommendation(random: Random) -> Ask:
    """Ask what to do with a symbol."""
    return Ask("recommendation", f"/api/v1/recommendations?symbols={SYMBOL.pick(random)}")


# The dashboard of 001.4, with how many times an hour each panel asks.
PANELS: Sequence[tuple[Panel, float]] = (
    (portfolio, 120),
    (dashboard, 120),
    (live_games, 120),
    (alerts, 60),
    (metadata, 60),
    (recommendation, 60),
    (trades, 30),
)


def warming(seconds: float) -> Pick:
    """Return a function that asks for every symbol, a hundred at a time, over so many seconds.

    The brokerage answers one call a second, whether for one symbol or for a hundred. A platform
    whose people asked for hundreds of symbols that it has never seen, one by one, would be busy
    with that for minutes; so it is warmed as it warms itself, before anybody comes.
    """
    batches = range(0, len(SYMBOLS), A_BATCH)

    def ask(_random: Random, at_s: float) -> Ask:
        first = batches[min(int(at_s / seconds * len(batches)), len(batches) - 1)]
        symbols = ",".join(SYMBOLS[first : first + A_BATCH])
        return Ask("metadata of a batch", f"/api/v1/metadata?symbols={symbols}")

    return ask


def mixed(panels: Sequence[tuple[Panel, float]]) -> Pick:
    """Return a function that picks among the panels by their shares, whatever the time."""
    kinds = Mixed(panels)

    def ask(random: Random, _at_s: float) -> Ask:
        return kinds.pick(random)(random)

    return ask


def after(warm_s: float, first: Pick, then: Pick) -> Pick:
    """Return a function that asks as `first` for so long, and as `then` afterwards."""

    def ask(random: Random, at_s: float) -> Ask:
        return (first if at_s < warm_s else then)(random, at_s)

    return ask
