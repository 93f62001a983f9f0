"""Robinhood: portfolios in few calls, pages that are whole or fail, tokens that renew once."""

import asyncio
import json
import random
from datetime import date
from decimal import Decimal
from urllib.parse import parse_qs

import httpx
import pytest

from ava.clock import ManualClock
from ava.errors import (
    AuthenticationError,
    BadDataError,
    NotFoundError,
    OutageError,
    RateLimitedError,
)
from ava.net.client import Client
from ava.net.spec import Answer
from ava.providers import robinhood
from ava.providers.holdings import OptionHolding, OptionMark, OptionPosition, Portfolio, read_occ
from ava.providers.market import Right
from ava.providers.reading.robinhood import complaint
from ava.providers.robinhood import Robinhood
from ava.providers.robinhood_login import Login
from ava.section import Secret

pytestmark = pytest.mark.anyio

BASE = "https://api.robinhood.com"
DEVICE = {"client_id": "app", "device_token": "device"}
POSITION = {
    "instrument": f"{BASE}/instruments/i1/",
    "quantity": "10.0000",
    "average_buy_price": "9.5000",
}
OPTION = {
    "id": "u1",
    "account": f"{BASE}/accounts/1/",
    "chain_id": "c1",
    "chain_symbol": "AAA",
    "option": f"{BASE}/options/instruments/o1/",
    "option_id": "o1",
    "type": "short",
    "quantity": "2.0000",
    "average_price": "85.0000",
    "trade_value_multiplier": "100.0000",
    "created_at": "2026-01-05T15:00:00Z",
}
MARK = {
    "instrument": f"{BASE}/options/instruments/o1/",
    "instrument_id": "o1",
    "symbol": "AAA",
    "occ_symbol": "AAA   260220P00010000",
    "adjusted_mark_price": "0.850000",
    "mark_price": "0.860000",
    "bid_price": "0.800000",
    "bid_size": 5,
    "volume": 12,
    "open_interest": 345,
    "implied_volatility": None,
    "delta": "-0.270000",
    "gamma": None,
}
QUOTE = {
    "symbol": "AAA",
    "last_trade_price": "10.500000",
    "last_extended_hours_trade_price": None,
    "previous_close": "10.000000",
    "updated_at": "2026-01-05T20:00:00Z",
}
CALLS = {
    "/positions/": [POSITION],
    "/options/positions/": [OPTION],
    "/instruments/": [{"id": "i1", "symbol": "AAA", "tradable_chain_id": None}],
    "/marketdata/options/": [MARK],
    "/quotes/": [QUOTE],
}


class Brokerage:
    """Answers paths with pages of rows, or with what a test put there, and remembers the calls."""

    def __init__(self, **changes):
        self.rows = CALLS | {path.replace("__", "/"): rows for path, rows in changes.items()}
        self.asked = []
        self.tokens = {"first"}
        self.renewals = 0
        self.refresh_tokens = {"refresh"}
        self.renewing, self.renewable = asyncio.Event(), asyncio.Event()
        self.renewable.set()

    async def __call__(self, request):
        self.asked.append(request)
        if request.url.path == "/oauth2/token/":
            return await self.renew(request)
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return httpx.Response(401, json={"detail": "Incorrect authentication credentials."})
        answer = self.rows.get(request.url.path)
        if callable(answer):
            return answer(request)
        return httpx.Response(200, json={"next": None, "previous": None, "results": answer})

    async def renew(self, request):
        form = parse_qs(request.content.decode())
        if form.get("refresh_token", [""])[0] not in self.refresh_tokens:
            return httpx.Response(400, json={"detail": "Unable to log in."})
        self.renewals += 1
        self.tokens = {f"token-{self.renewals}"}
        self.refresh_tokens = {f"refresh-{self.renewals}"}
        self.renewing.set()  # the old one is spent from here on, whether the answer arrives or not
        await self.renewable.wait()
        told = {"access_token": f"token-{self.renewals}", "token_type": "Bearer"}
        return httpx.Response(200, json=told | {"refresh_token": f"refresh-{self.renewals}"})

    def client(self):
        http = httpx.AsyncClient(transport=httpx.MockTransport(self))
        return Client(
            robinhood.SPEC,
            http,
            key=Secret("first"),
            clock=ManualClock(jump=True),
            rng=random.Random(0),
        )

    def robinhood(self, login=None):
        return Robinhood(self.client(), login=login)

    def login(self, refresh="refresh"):
        token = None if refresh is None else Secret(refresh)
        self.held = Secret("first")
        return Login(self.held, token, **DEVICE)

    @property
    def paths(self):
        return [request.url.path for request in self.asked]


async def test_a_portfolio_takes_five_calls():
    """Two lists, names, contracts and quotes: no call for a position."""
    brokerage = Brokerage()
    found = await brokerage.robinhood().portfolio()
    assert sorted(brokerage.paths) == sorted(CALLS)
    (stock,), (option,) = found.stocks, found.options
    assert (stock.symbol, stock.value) == ("AAA", Decimal(105))
    assert option.value == Decimal("-170.00")
    assert option.underlying.symbol == "AAA"
    assert found.value == Decimal(-65)


async def test_a_position_that_names_its_symbol_saves_a_call():
    """Nothing is asked that is known."""
    brokerage = Brokerage(__positions__=[POSITION | {"symbol": "AAA"}])
    found = await brokerage.robinhood().portfolio()
    assert "/instruments/" not in brokerage.paths
    assert found.stocks[0].quote.symbol == "AAA"


async def test_an_empty_account_takes_two_calls():
    """Two lists say that there is nothing to price."""
    brokerage = Brokerage(__positions__=[], __options__positions__=[])
    found = await brokerage.robinhood().portfolio()
    assert (found.stocks, found.options, found.value) == ((), (), Decimal(0))
    assert len(brokerage.asked) == 2


async def test_what_has_no_price_has_no_value():
    """An unknown contract or symbol makes the sum unknown, not smaller."""
    for path in ("__marketdata__options__", "__quotes__", "__instruments__"):
        brokerage = Brokerage(**{path: [] if path == "__instruments__" else [None]})
        found = await brokerage.robinhood().portfolio()
        assert found.value is None, path


@pytest.mark.parametrize("path", sorted(CALLS))
async def test_a_call_that_fails_fails_the_portfolio(path):
    """There is no portfolio without its prices, and none without a part of its positions."""
    brokerage = Brokerage()
    brokerage.rows |= {path: lambda _: httpx.Response(500)}
    with pytest.raises(OutageError):
        await brokerage.robinhood().portfolio()


def pages(count, *, at="?cursor=", broken=None):
    """Answer `count` pages of one row each, each with the URL of the next."""

    def answer(request):
        number = int(request.url.params.get("cursor", "0"))
        if number == broken:
            return httpx.Response(503)
        following = f"{BASE}/positions/{at}{number + 1}" if number + 1 < count else None
        row = POSITION | {"quantity": f"{number}.0000"}
        return httpx.Response(200, json={"next": following, "results": [row]})

    return answer


async def test_a_list_is_walked_to_its_last_page():
    """Every page's rows come, in order, and the query of the next URL is kept."""
    brokerage = Brokerage(__positions__=pages(5, at="?nonzero=true&cursor="))
    found = await brokerage.robinhood().positions()
    assert [int(row.quantity) for row in found] == [0, 1, 2, 3, 4]
    assert {request.url.params["nonzero"] for request in brokerage.asked} == {"true"}


@pytest.mark.parametrize("broken", [0, 1, 4])
async def test_a_page_that_fails_fails_the_list(broken):
    """A list is never shorter without a word."""
    with pytest.raises(OutageError):
        await Brokerage(__positions__=pages(5, broken=broken)).robinhood().positions()


@pytest.mark.parametrize(
    "following",
    [
        "https://evil.example/positions/?cursor=1",
        "https://api.robinhood.com.evil.example/positions/?cursor=1",
        "https://api.robinhood.com@evil.example/positions/?cursor=1",
        "http://api.robinhood.com/positions/?cursor=1",
        "https://api.robinhood.com:8443/positions/?cursor=1",
        "https://api.robinhood.com/oauth2/token/?cursor=1",
        "https://api.robinhood.com/positions/../accounts/?cursor=1",
        "//evil.example/positions/?cursor=1",
        "https://[",
        "",
    ],
)
async def test_a_next_page_elsewhere_is_not_fetched(following):
    """The token goes nowhere but home."""
    told = {"next": following, "results": [POSITION]}
    brokerage = Brokerage(__positions__=lambda _: httpx.Response(200, json=told))
    with pytest.raises(BadDataError, match="another address"):
        await brokerage.robinhood().positions()
    assert len(brokerage.asked) == 1


async def test_a_list_that_runs_in_a_circle_ends():
    """A next page that comes again is an error."""
    told = {"next": f"{BASE}/positions/?cursor=1", "results": [POSITION]}
    brokerage = Brokerage(__positions__=lambda _: httpx.Response(200, json=told))
    with pytest.raises(BadDataError, match="does not end"):
        await brokerage.robinhood().positions()
    assert len(brokerage.asked) == 2


async def test_contracts_are_asked_for_forty_at_a_time():
    """Null in place of an unknown contract leaves it out; the rest are found by id."""

    def marks(request):
        ids = request.url.params["ids"].split(",")
        rows = [None if name == "o007" else MARK | {"instrument_id": name} for name in ids]
        return httpx.Response(200, json={"results": rows})

    brokerage = Brokerage(__marketdata__options__=marks)
    ids = [f"o{n:03d}" for n in range(100)]
    found = await brokerage.robinhood().option_marks(ids)
    assert sorted(found) == sorted(set(ids) - {"o007"})
    sizes = [len(request.url.params["ids"].split(",")) for request in brokerage.asked]
    assert sorted(sizes) == [20, 40, 40]


async def test_figures_belong_to_the_symbol_in_their_place():
    """Rows without a name are told apart by their order, null included."""

    def figures(request):
        symbols = request.url.params["symbols"].split(",")
        rows = [None if s == "ZZZ" else {"pe_ratio": str(len(s))} for s in symbols]
        return httpx.Response(200, json={"results": rows})

    brokerage = Brokerage(__fundamentals__=figures)
    found = await brokerage.robinhood().fundamentals(["ZZZ", "BB", "A"])
    assert {symbol: row.pe_ratio for symbol, row in found.items()} == {"A": 1, "BB": 2}


async def test_rows_that_do_not_fit_the_question_are_bad_data():
    """One row for two symbols could be either's."""
    brokerage = Brokerage(__fundamentals__=[{"pe_ratio": "1"}])
    with pytest.raises(BadDataError, match="1 rows to 2"):
        await brokerage.robinhood().fundamentals(["A", "B"])


async def test_a_batch_that_goes_on_is_bad_data():
    """What one page should hold and does not is not half read."""
    told = {"next": f"{BASE}/quotes/?cursor=1", "results": [QUOTE]}
    brokerage = Brokerage(__quotes__=lambda _: httpx.Response(200, json=told))
    with pytest.raises(BadDataError, match="goes on"):
        await brokerage.robinhood().quotes(["AAA"])


@pytest.mark.parametrize("name", ["../accounts", "a/b", "a?b", "", "a b"])
async def test_an_id_cannot_leave_its_place_in_the_path(name):
    """What is no id is not asked for."""
    brokerage = Brokerage()
    with pytest.raises(ValueError, match="not an id"):
        await brokerage.robinhood().option_chain(name)
    assert brokerage.asked == []


async def test_greeks_that_are_unknown_stay_unknown():
    """Null is not nought."""
    found = (await Brokerage().robinhood().option_marks(["o1"]))["o1"]
    assert (found.delta, found.gamma, found.implied_volatility) == (Decimal("-0.27"), None, None)
    assert (found.price, found.ask_price) == (Decimal("0.85"), None)
    assert found.terms == read_occ("AAA260220P00010000")


async def test_an_occ_symbol_is_a_contract():
    """Root, day, right, and a strike in thousandths."""
    terms = read_occ("BRK.B 260220C00412500")
    assert (terms.underlying, terms.expires) == ("BRK.B", date(2026, 2, 20))
    assert (terms.right, terms.strike) == (Right.CALL, Decimal("412.5"))


@pytest.mark.parametrize("text", ["AAA", "AAA 260220X00010000", "AAA 261320P00010000", ""])
async def test_other_text_is_no_contract(text):
    """A symbol that cannot be read is refused."""
    with pytest.raises(ValueError, match=r"OCC|month"):
        read_occ(text)


async def test_contracts_owed_count_against_a_portfolio():
    """A long and a short of the same contract are worth nothing together."""
    mark = OptionMark(instrument_id="o1", mark_price=Decimal("0.85"))
    owned = [
        OptionHolding(
            position=OptionPosition(
                id=kind, chain_symbol="A", option_id="o1", type=kind, quantity=Decimal(3)
            ),
            mark=mark,
            underlying=None,
        )
        for kind in ("long", "short")
    ]
    assert Portfolio(stocks=(), options=tuple(owned)).value == 0
    assert owned[0].value == Decimal(255)


@pytest.mark.parametrize(
    ("detail", "wait"),
    [
        ("Request was throttled. Expected available in 14 seconds.", 14.0),
        ("Request was throttled. Expected available in 1 second.", 1.0),
        ("Request was throttled. Expected available in 172800 seconds.", 172_800.0),
        ("Request was throttled.", None),
    ],
)
async def test_a_throttling_says_for_how_long(detail, wait):
    """The second sentence may be missing."""
    error = complaint(Answer(429, {}, json.dumps({"detail": detail}).encode()))
    assert (type(error), error.retry_after_s) == (RateLimitedError, wait)


async def test_a_throttling_in_other_words_is_one_all_the_same():
    """The status is enough."""
    assert type(complaint(Answer(429, {}, b"<html>"))) is RateLimitedError


@pytest.mark.parametrize("status", [200, 400, 403])
async def test_a_login_that_wants_confirmation_is_not_authentic(status):
    """A challenge is an error, whatever its status."""
    body = json.dumps({"verification_workflow": {"id": "w"}}).encode()
    assert type(complaint(Answer(status, {}, body))) is AuthenticationError


@pytest.mark.parametrize(
    "body",
    [
        b'{"verification_workflow": null}',
        b'["verification_workflow"]',
        b'{"verification_workflow"',
        b"{}",
    ],
)
async def test_an_answer_without_a_challenge_is_none(body):
    """The word alone is no complaint."""
    assert complaint(Answer(200, {}, body)) is None


async def test_an_expired_token_is_renewed_once():
    """All callers who notice go on with the new token, and the client keeps it."""
    brokerage = Brokerage()
    brokerage.tokens = set()
    api = brokerage.robinhood(brokerage.login())
    await api.portfolio()
    assert brokerage.renewals == 1
    renewal = next(one for one in brokerage.asked if one.url.path == "/oauth2/token/")
    assert "authorization" not in renewal.headers
    assert parse_qs(renewal.content.decode())["client_id"] == ["app"]
    await api.positions()
    assert brokerage.renewals == 1


async def test_a_token_that_cannot_be_renewed_is_said_so():
    """Without a refresh token, or with one that is refused, a person must log in."""
    for refresh in (None, "old"):
        brokerage = Brokerage()
        brokerage.tokens = set()
        api = brokerage.robinhood(brokerage.login(refresh))
        for _ in range(2):
            with pytest.raises(AuthenticationError, match="log in again"):
                await api.positions()
        assert brokerage.paths.count("/oauth2/token/") == (refresh is not None)


async def test_other_errors_do_not_renew_the_token():
    """A thing that does not exist is no reason to."""
    brokerage = Brokerage(__options__chains__c1__=lambda _: httpx.Response(404, json={}))
    with pytest.raises(NotFoundError):
        await brokerage.robinhood(brokerage.login()).option_chain("c1")
    assert brokerage.renewals == 0


async def test_a_cancelled_caller_does_not_lose_the_renewed_token():
    """The refresh token is used up by then: its successor must be kept."""
    brokerage = Brokerage()
    brokerage.tokens = set()
    brokerage.renewable.clear()
    api = brokerage.robinhood(brokerage.login())
    caller = asyncio.create_task(api.positions())
    await brokerage.renewing.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    brokerage.renewable.set()
    assert len(await api.positions()) == 1
    assert brokerage.renewals == 1


async def test_a_password_gets_a_token():
    """The client uses it from then on."""
    brokerage = Brokerage()
    brokerage.refresh_tokens.add("")
    client = brokerage.client()
    login = await Login.open(client, "me", Secret("pass word"), **DEVICE, mfa_code="123456")
    form = parse_qs(brokerage.asked[0].content.decode())
    assert form["password"] == ["pass word"]
    assert (form["grant_type"], form["mfa_code"]) == (["password"], ["123456"])
    assert login.token.reveal() == "token-1"
    assert len(await Robinhood(client, login=login).positions()) == 1


async def test_a_wrong_password_is_refused_without_repeating_it():
    """Neither the password nor the provider's words are in the error."""
    client = Brokerage().client()
    with pytest.raises(AuthenticationError) as refused:
        await Login.open(client, "me", Secret("hunter2"), **DEVICE)
    assert "hunter2" not in f"{refused.value!r}{refused.value.__cause__!r}"


async def test_tokens_are_in_no_repr():
    """Neither the access nor the refresh token shows."""
    brokerage = Brokerage()
    login = brokerage.login()
    assert "first" not in repr(login)
    assert "refresh" not in repr(login)
    assert "first" not in repr(brokerage.robinhood(login).__dict__["_client"])
