"""The sports, brokerage and prediction-market clients against the lab's simulated providers."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ava.errors import AuthenticationError, QuotaExhaustedError, RateLimitedError
from ava.net.client import Client
from ava.net.http import open_http
from ava.providers import espn, kalshi, odds_api, robinhood
from ava.providers.espn import Espn
from ava.providers.games import League, Status
from ava.providers.kalshi import Kalshi
from ava.providers.odds_api import OddsApi
from ava.providers.robinhood import Robinhood
from ava.providers.robinhood_login import Login
from ava.section import Secret
from ava.services.offers import game_odds
from perf.lab.providers import Fault, Kind, Simulation

pytestmark = pytest.mark.anyio

SPECS = {module.NAME: module.SPEC for module in (odds_api, espn, robinhood, kalshi)}
DEVICE = {"client_id": "app", "device_token": "device"}


@pytest.fixture(scope="module")
def started():
    with Simulation(*SPECS, seed=1) as simulation:
        yield simulation


@pytest.fixture
def providers(started):
    """The providers, with nothing counted and no limit on speed: these tests are about answers."""
    started.reset()
    for name in SPECS:
        started.set_limits(name)
    return started


@pytest.fixture
async def client(providers):
    """Return a client for a provider by name."""
    opened = []

    def make(name):
        spec = replace(SPECS[name], base_url=providers.url(name))
        http = open_http(spec.timeouts, connections=10)
        opened.append(http)
        return Client(spec, http, key=Secret(providers.key(name)), rng=random.Random(0))

    yield make
    for http in opened:
        await http.aclose()


async def test_odds_of_every_league_become_rows(providers, client):
    """Four leagues, three credits each; games with lines become complete rows."""
    api = OddsApi(client("odds_api"))
    rows = {league: game_odds(await api.odds(league)) for league in League}
    priced = [row for several in rows.values() for row in several if row.over_under is not None]
    assert priced
    assert all(row.moneyline_home and row.spread_home is not None for row in priced)
    paid = sum(3 for several in rows.values() if several)
    assert providers.counts("odds_api").credits == paid


async def test_events_and_scores_fit_the_odds(providers, client):
    """The three lists speak of the same events by the same ids."""
    api = OddsApi(client("odds_api"))
    assert {sport.key for sport in await api.sports(inactive=True)} >= {"basketball_nba"}
    events = {event.id for event in await api.events(League.NBA)}
    offered = await api.odds(League.NBA)
    assert {event.id for event in offered} <= events
    scores = await api.scores(League.NBA, days_back=3)
    assert any(game.scores for game in scores if game.completed)
    one = await api.event_odds(League.NBA, offered[0].id, markets=["h2h"])
    assert one.id == offered[0].id


async def test_spent_credits_leave_the_free_lists(providers, client):
    """Odds are refused as spent until the month ends; sports and events are still answered."""
    providers.fault("odds_api", Fault(Kind.SPENT, path="*/odds"))
    api = OddsApi(client("odds_api"))
    with pytest.raises(QuotaExhaustedError) as spent:
        await api.odds(League.NFL)
    assert spent.value.resets_at.day == 1
    assert spent.value.resets_at > datetime.now(UTC)
    assert await api.sports()
    await api.events(League.NFL)


async def test_boards_show_all_games_of_a_day(providers, client):
    """A range is the sum of its days, though the provider refuses ranges."""
    api = Espn(client("espn"))
    today = (providers.now() - timedelta(hours=5)).date()
    for league in League:
        days = [today + timedelta(days=n) for n in (-1, 0, 1)]
        apart = [game for day in days for game in await api.games(league, day)]
        together = await api.between(league, days[0], days[-1])
        assert {game.id for game in together} == {game.id for game in apart}
        for game in together:
            played = game.status in {Status.LIVE, Status.FINAL}
            assert (game.home.score is not None) == played


async def test_a_month_is_complete(providers, client):
    """Whether by one board or by its days, it has every game of each day."""
    api = Espn(client("espn"))
    today = (providers.now() - timedelta(hours=5)).date()
    games = await api.month(League.NCAA_BASKETBALL, today.year, today.month)
    of_today = await api.games(League.NCAA_BASKETBALL, today)
    assert {game.id for game in of_today} <= {game.id for game in games}


async def test_a_portfolio_of_45_positions_takes_five_calls(providers, client):
    """25 stocks and 20 options, each with a price."""
    found = await Robinhood(client("robinhood")).portfolio()
    assert (len(found.stocks), len(found.options)) == (25, 20)
    assert all(holding.symbol and holding.value for holding in found.stocks)
    assert all(holding.mark.terms.underlying for holding in found.options)
    assert found.value is not None
    assert providers.counts("robinhood").requests == 5


async def test_a_portfolios_stocks_are_worth_what_the_brokerage_says(client):
    """Our sum is the brokerage's own, to the cent."""
    api = Robinhood(client("robinhood"))
    found = await api.portfolio()
    (account,) = await api.accounts()
    told = await api.equity(account.account_number)
    ours = sum(holding.value for holding in found.stocks)
    assert abs(ours - told.market_value) < Decimal("0.5")


async def test_chains_and_contracts_agree(client):
    """The terms of a contract are those of its OCC symbol."""
    api = Robinhood(client("robinhood"))
    held = (await api.option_positions())[0]
    terms = await api.option_instruments([held.option_id, "unknown"])
    marks = await api.option_marks([held.option_id, "unknown"])
    (one,), (mark,) = terms.values(), marks.values()
    assert (one.strike_price, one.expiration_date, one.type) == (
        mark.terms.strike,
        mark.terms.expires,
        mark.terms.right,
    )
    chain = await api.option_chain(held.chain_id)
    assert one.expiration_date in chain.expiration_dates
    day = one.expiration_date.isoformat()
    contracts = await api.contracts(held.chain_id, expirations=[day], right=str(one.type))
    assert one.id in {contract.id for contract in contracts}
    assert {contract.expiration_date for contract in contracts} == {one.expiration_date}


async def test_quotes_and_figures_leave_the_unknown_out(client):
    """Null in place is no quote."""
    api = Robinhood(client("robinhood"))
    symbols = [holding.symbol for holding in (await api.portfolio()).stocks][:3]
    assert sorted(await api.quotes([*symbols, "NOSUCH"])) == sorted(symbols)
    assert sorted(await api.fundamentals([*symbols, "NOSUCH"])) == sorted(symbols)


async def test_a_throttled_call_says_how_long(providers, client):
    """The seconds of the provider's sentence come with the error."""
    providers.fault("robinhood", Fault(Kind.TOO_FAST, seconds=120, path="/positions/"))
    with pytest.raises(RateLimitedError) as limited:
        await Robinhood(client("robinhood")).positions()
    assert limited.value.retry_after_s == 120


async def test_a_password_opens_the_account(client):
    """A login's token works; one without a device wants a person."""
    asking = client("robinhood")
    password = Secret("correct-horse")
    login = await Login.open(asking, "sim@lab.example", password, **DEVICE)
    assert await Robinhood(asking, login=login).positions()
    with pytest.raises(AuthenticationError, match="confirm"):
        await Login.open(
            client("robinhood"), "sim@lab.example", password, **(DEVICE | {"device_token": ""})
        )


async def test_a_foreign_token_is_renewed_by_a_login(providers, client):
    """An expired token costs one renewal."""
    asking = client("robinhood")
    asking.use_key(Secret("expired"))
    login = Login(Secret("expired"), Secret("rh-sim-refresh-000001"), **DEVICE)
    found = await Robinhood(asking, login=login).portfolio()
    assert found.stocks
    assert providers.counts("robinhood").by_path["/oauth2/token/"] == 1


async def test_every_market_is_listed_once(providers, client):
    """All pages are walked, and a batch by tickers gives the same markets."""
    api = Kalshi(client("kalshi"))
    listed = await api.list_markets(most=100_000)
    tickers = [market.ticker for market in listed]
    assert len(tickers) == len(set(tickers)) > 1_000
    pages = providers.counts("kalshi").requests
    assert pages == -(-len(tickers) // 1_000)
    some = await api.markets(tickers[:100])
    assert list(some.values()) == sorted(listed[:100], key=lambda market: market.ticker)
    assert providers.counts("kalshi").requests == pages + 1


async def test_events_trades_and_candles_are_read(client):
    """Nested markets belong to their event; trades and candles to their market."""
    api = Kalshi(client("kalshi"))
    events = await api.list_events(status="open", with_markets=True)
    event = next(one for one in events if one.markets)
    assert {market.event_ticker for market in event.markets} == {event.event_ticker}
    market = event.markets[0]
    assert (await api.market(market.ticker)).ticker == market.ticker
    trades = await api.trades(market.ticker)
    assert all(trade.yes_price + trade.no_price == 1 for trade in trades)
    until = datetime.now(UTC)
    candles = await api.candles(
        event.series_ticker, market.ticker, since=until - timedelta(days=1), until=until
    )
    assert candles
    assert all(candle.price.close is None or candle.price.close < 1 for candle in candles)
