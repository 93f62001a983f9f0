"""The simulated providers of prices answer in the shapes, types and refusals of the real ones."""

import csv
import io
import json
from datetime import date
from itertools import pairwise

import pytest

from perf.lab.providers.provider import Grade, Outcome, Request, Terms, split_target
from perf.lab.providers.server import load

BARS = ["open", "high", "low", "close"]


def make(name, **terms):
    """Return a fresh provider."""
    return load(name)(Terms(**terms))


class Asker:
    """Ask one provider, a minute of its clock between two calls."""

    def __init__(self, name, grade=Grade.FULL, **terms):
        self.provider = make(name, **terms)
        self.now = self.provider.terms.started
        self.key = self.provider.key(grade)
        self.parameter = {"alpha_vantage": "apikey", "finnhub": "token", "massive": "apiKey"}.get(
            name
        )

    def reply(self, target, headers=None):
        """Return the reply to a GET."""
        self.now += 61
        _, path, query = split_target(f"/x{target}")
        keyed = {**query, self.parameter: self.key} if self.parameter else query
        return self.provider.answer(Request("GET", path, keyed, headers or {}), self.now)

    def json(self, target, headers=None):
        """Return the JSON of an answer that must be a good one."""
        reply = self.reply(target, headers)
        assert (reply.status, reply.outcome) == (200, Outcome.OK), reply.body
        return json.loads(reply.body)


@pytest.fixture
def vantage():
    """Alpha Vantage with the full key."""
    return Asker("alpha_vantage")


@pytest.fixture
def finnhub():
    """Finnhub with the full key."""
    return Asker("finnhub")


@pytest.fixture
def massive():
    """Massive with the full key."""
    return Asker("massive")


# Alpha Vantage


def test_vantage_quotes_in_strings(vantage):
    """GLOBAL_QUOTE has its ten numbered keys, all of them strings."""
    quote = vantage.json("/query?function=GLOBAL_QUOTE&symbol=AAPL")["Global Quote"]
    assert list(quote) == [
        "01. symbol", "02. open", "03. high", "04. low", "05. price", "06. volume",
        "07. latest trading day", "08. previous close", "09. change", "10. change percent",
    ]  # fmt: skip
    assert all(isinstance(value, str) for value in quote.values())
    assert quote["10. change percent"].endswith("%")
    change = float(quote["05. price"]) - float(quote["08. previous close"])
    assert float(quote["09. change"]) == pytest.approx(change, abs=0.005)


@pytest.mark.parametrize(
    ("function", "answer"), [("GLOBAL_QUOTE", {"Global Quote": {}}), ("OVERVIEW", {})]
)
def test_vantage_has_nothing_to_say_of_a_stranger(vantage, function, answer):
    """An unknown symbol is an empty object, not an error."""
    assert vantage.json(f"/query?function={function}&symbol=NOPE") == answer


def test_vantage_series_are_newest_first(vantage):
    """A hundred sessions, numbered columns, strings."""
    told = vantage.json("/query?function=TIME_SERIES_DAILY&symbol=AAPL")
    assert list(told["Meta Data"])[1] == "2. Symbol"
    series = told["Time Series (Daily)"]
    assert len(series) == 100
    assert list(series) == sorted(series, reverse=True)
    assert list(next(iter(series.values()))) == [
        "1. open", "2. high", "3. low", "4. close", "5. volume",
    ]  # fmt: skip


def test_vantage_numbers_adjusted_columns_anew(vantage):
    """The volume is sixth where there is an adjusted close."""
    told = vantage.json("/query?function=TIME_SERIES_DAILY_ADJUSTED&symbol=AAPL")
    row = next(iter(told["Time Series (Daily)"].values()))
    assert list(row)[4:] == [
        "5. adjusted close", "6. volume", "7. dividend amount", "8. split coefficient",
    ]  # fmt: skip


def test_vantage_names_the_interval(vantage):
    """The intraday series is called after its interval, and begins with the last bar."""
    told = vantage.json("/query?function=TIME_SERIES_INTRADAY&symbol=AAPL&interval=5min")
    assert told["Meta Data"]["4. Interval"] == "5min"
    assert next(iter(told["Time Series (5min)"])).endswith("15:55:00")
    assert len(told["Time Series (5min)"]) == 78


@pytest.mark.parametrize(
    "asked",
    [
        "function=TIME_SERIES_DAILY_ADJUSTED&symbol=AAPL",
        "function=TIME_SERIES_DAILY&symbol=AAPL&outputsize=full",
        "function=TIME_SERIES_INTRADAY&symbol=AAPL&interval=5min",
    ],
)
def test_vantage_keeps_the_premium_from_a_free_key(asked):
    """The refusal is a 200 that says premium."""
    reply = Asker("alpha_vantage", Grade.FREE).reply(f"/query?{asked}")
    assert (reply.status, reply.outcome) == (200, Outcome.REFUSED)
    assert "premium endpoint" in json.loads(reply.body)["Information"]


def test_vantage_writes_unknown_in_its_own_ways(vantage):
    """Among overviews there are "None", "-" and "0000-00-00", and all values are strings."""
    seen = set()
    for symbol in ("AAPL", "MSFT", "AMZN", "GOOG"):
        told = vantage.json(f"/query?function=OVERVIEW&symbol={symbol}")
        assert all(isinstance(value, str) for value in told.values())
        seen |= set(told.values())
    assert {"None", "-", "0000-00-00"} <= seen


def test_vantage_calendar_is_csv(vantage):
    """Whatever is asked for, with the documented header and empty estimates now and then."""
    reply = vantage.reply("/query?function=EARNINGS_CALENDAR&horizon=3month&datatype=json")
    rows = list(csv.DictReader(io.StringIO(reply.body.decode())))
    header = "symbol,name,reportDate,fiscalDateEnding,estimate,currency,timeOfTheDay"
    assert list(rows[0]) == header.split(",")
    assert all(row["reportDate"] >= "2026-01-05" for row in rows)
    assert "" in {row["estimate"] for row in rows}


def test_vantage_mixes_types_of_scores(vantage):
    """The overall score of a story is a number, a ticker's a string."""
    story = vantage.json("/query?function=NEWS_SENTIMENT&tickers=AAPL&limit=3")["feed"][0]
    assert isinstance(story["overall_sentiment_score"], float)
    assert isinstance(story["ticker_sentiment"][0]["ticker_sentiment_score"], str)
    assert len(story["time_published"]) == len("20260105T133000")


def test_vantage_tells_of_quarters(vantage):
    """Earnings are strings, newest first; only what is known is listed."""
    told = vantage.json("/query?function=EARNINGS&symbol=AAPL")
    dates = [row["reportedDate"] for row in told["quarterlyEarnings"]]
    assert dates == sorted(dates, reverse=True)
    assert set(told["quarterlyEarnings"][0]) == {
        "fiscalDateEnding", "reportedDate", "reportedEPS", "estimatedEPS",
        "surprise", "surprisePercentage", "reportTime",
    }  # fmt: skip


def test_vantage_finds_symbols(vantage):
    """Matches have nine numbered keys."""
    match = vantage.json("/query?function=SYMBOL_SEARCH&keywords=aapl")["bestMatches"][0]
    assert (match["1. symbol"], match["9. matchScore"]) == ("AAPL", "1.0000")
    assert len(match) == 9


def test_vantage_refuses_the_second_call_of_a_second(vantage):
    """With 200, a text about the burst that also names the daily limit; it costs no credit."""
    provider = vantage.provider
    query = {"function": "OVERVIEW", "symbol": "AAPL", "apikey": vantage.key}
    replies = [provider.answer(Request("GET", "/query", query), 1e9 + at) for at in (0.0, 0.9, 1.0)]
    assert [reply.outcome for reply in replies] == [Outcome.OK, Outcome.LIMITED, Outcome.OK]
    text = json.loads(replies[1].body)["Information"]
    assert "1 request per second" in text
    assert "25 requests per day" in text
    assert provider.credits.total == 2


def test_vantage_repeats_the_key_when_the_day_is_spent(vantage):
    """The 26th call of a day is a 200 whose text holds the key."""
    replies = [vantage.reply("/query?function=OVERVIEW&symbol=AAPL") for _ in range(26)]
    assert [reply.outcome for reply in replies] == [Outcome.OK] * 25 + [Outcome.LIMITED]
    text = json.loads(replies[-1].body)["Information"]
    assert vantage.key in text
    assert "25 requests per day" in text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"apikey": "AVSIMFULL4D1C9X2", "function": "NOPE"}, "Invalid API call"),
        ({"apikey": "AVSIMFULL4D1C9X2", "function": "OVERVIEW"}, "Invalid API call"),
        ({"function": "OVERVIEW"}, "apikey is invalid or missing"),
        ({"apikey": "demo", "function": "OVERVIEW"}, "demo"),
    ],
)
def test_vantage_refuses_with_200(query, words):
    """A bad call, no key, and the demo key are told by text alone."""
    reply = make("alpha_vantage").answer(Request("GET", "/query", query), 1e9)
    assert (reply.status, reply.outcome) == (200, Outcome.REFUSED)
    assert words in reply.body.decode()


# Finnhub


def test_finnhub_quotes_in_numbers(finnhub):
    """Eight letters, the time in seconds."""
    quote = finnhub.json("/quote?symbol=AAPL")
    assert set(quote) == {"c", "d", "dp", "h", "l", "o", "pc", "t"}
    assert quote["l"] <= quote["c"] <= quote["h"]
    assert quote["d"] == pytest.approx(quote["c"] - quote["pc"], abs=0.005)
    assert isinstance(quote["t"], int)


def test_finnhub_answers_zeros_for_a_stranger(finnhub):
    """With null changes; a stranger's profile is empty."""
    quote = finnhub.json("/quote?symbol=NOPE")
    assert quote == {"c": 0, "d": None, "dp": None, "h": 0, "l": 0, "o": 0, "pc": 0, "t": 0}
    assert finnhub.json("/stock/profile2?symbol=NOPE") == {}
    assert finnhub.json("/stock/candle?symbol=NOPE&resolution=D&from=1&to=2") == {"s": "no_data"}


def test_finnhub_candles_are_columns_of_one_length(finnhub):
    """c, h, l, o, t, v and "ok", in order of time."""
    told = finnhub.json("/stock/candle?symbol=AAPL&resolution=D&from=1764547200&to=1767139200")
    assert told.pop("s") == "ok"
    assert {len(column) for column in told.values()} == {len(told["t"])}
    assert told["t"] == sorted(told["t"])
    assert all(1764547200 <= at < 1767225600 for at in told["t"])


@pytest.mark.parametrize(
    "path", ["/stock/candle?symbol=AAPL", "/crypto/candle?symbol=X", "/stock/price-target"]
)
def test_finnhub_keeps_paid_paths_from_a_free_key(path):
    """403 with an error."""
    reply = Asker("finnhub", Grade.FREE).reply(path)
    assert reply.status == 403
    assert set(json.loads(reply.body)) == {"error"}


@pytest.mark.parametrize("headers", [{}, {"x-finnhub-token": "wrong"}])
def test_finnhub_wants_a_key(headers):
    """401 for none and for a wrong one."""
    reply = make("finnhub").answer(Request("GET", "/quote", {"symbol": "AAPL"}, headers), 1e9)
    assert (reply.status, reply.outcome) == (401, Outcome.REFUSED)


def test_finnhub_takes_the_key_from_a_header(finnhub):
    """X-Finnhub-Token will do."""
    request = Request("GET", "/quote", {"symbol": "AAPL"}, {"x-finnhub-token": finnhub.key})
    assert finnhub.provider.answer(request, 1e9).status == 200


def test_finnhub_limits_a_second_and_a_minute(finnhub):
    """30 pass at once and 60 in a minute; headers count down, and the next minute is open."""
    request = Request("GET", "/quote", {"symbol": "AAPL", "token": finnhub.key})

    def burst(at, n):
        replies = [finnhub.provider.answer(request, 1e9 + at) for _ in range(n)]
        return replies, sum(reply.status == 200 for reply in replies)

    replies, passed = burst(0.0, 31)
    assert (passed, replies[-1].status) == (30, 429)
    assert dict(replies[0].headers)["X-Ratelimit-Remaining"] == "59"
    assert "API limit reached" in replies[-1].body.decode()
    assert burst(1.0, 31)[1] == 30
    assert burst(2.5, 5)[1] == 0
    assert burst(61.5, 31)[1] == 30


def test_finnhub_calendar_and_news_are_of_the_range(finnhub):
    """Reports lie in the range and carry all keys; news are of the symbol, newest first."""
    rows = finnhub.json("/calendar/earnings?from=2026-01-01&to=2026-03-31")["earningsCalendar"]
    assert set(rows[0]) == {
        "date", "epsActual", "epsEstimate", "hour", "quarter",
        "revenueActual", "revenueEstimate", "symbol", "year",
    }  # fmt: skip
    assert all("2026-01-01" <= row["date"] <= "2026-03-31" for row in rows)
    assert {row["hour"] for row in rows} <= {"bmo", "amc", "dmh", ""}
    news = finnhub.json("/company-news?symbol=AAPL&from=2026-01-01&to=2026-01-04")
    assert [item["related"] for item in news] == ["AAPL"] * 4
    assert news[0]["datetime"] > news[-1]["datetime"]


# Massive


def test_massive_pages_without_the_key(massive):
    """`next_url` is absolute, lacks the key, and the pages together are the whole."""
    path = "/v2/aggs/ticker/AAPL/range/1/day/2025-12-01/2025-12-31"
    whole = massive.json(path)["results"]
    assert set(whole[0]) == {"v", "vw", "o", "c", "h", "l", "t", "n"}
    assert whole[0]["t"] == 1764565200000  # New York's midnight of 2025-12-01 in milliseconds
    told, pages = massive.json(f"{path}?limit=10"), []
    while "next_url" in told:
        pages += told["results"]
        assert massive.key not in told["next_url"]
        assert told["next_url"].startswith(massive.provider.terms.base)
        told = massive.json(told["next_url"].removeprefix(massive.provider.terms.base))
    assert pages + told["results"] == whole


@pytest.mark.parametrize(("multiplier", "span", "bars"), [(1, "hour", 6), (30, "minute", 13)])
def test_massive_cuts_a_session_as_asked(massive, multiplier, span, bars):
    """The multiplier and the span say together how long a bar is."""
    path = f"/v2/aggs/ticker/AAPL/range/{multiplier}/{span}/2025-12-30/2025-12-30"
    rows = massive.json(path)["results"]
    assert len(rows) == bars
    apart = multiplier * {"hour": 3_600_000, "minute": 60_000}[span]
    assert {later["t"] - earlier["t"] for earlier, later in pairwise(rows)} == {apart}


def test_massive_refuses_a_multiplier_that_is_none(massive):
    """Told as other bad parameters are."""
    assert massive.reply("/v2/aggs/ticker/AAPL/range/0/day/2025-12-01/2025-12-31").status == 400


def test_massive_has_no_results_when_there_are_none(massive):
    """The key is absent, the count is zero."""
    told = massive.json("/v2/aggs/ticker/NOPE/range/1/day/2025-12-01/2025-12-31")
    assert told["resultsCount"] == 0
    assert "results" not in told


def test_massive_groups_all_stocks_of_a_day(massive):
    """One call, a row for each, named by T."""
    told = massive.json("/v2/aggs/grouped/locale/us/market/stocks/2025-12-30")
    assert told["resultsCount"] == len(told["results"]) == 520
    assert {"T", "o", "c"} <= set(told["results"][0])


def test_massive_snapshots_leave_strangers_out(massive):
    """Times are nanoseconds; without names there are all."""
    path = "/v2/snapshot/locale/us/markets/stocks/tickers"
    told = massive.json(f"{path}?tickers=AAPL,NOPE")
    assert (told["count"], told["tickers"][0]["ticker"]) == (1, "AAPL")
    assert told["tickers"][0]["updated"] > 1e18
    assert massive.json(path)["count"] == 520


def test_massive_lists_a_chain_in_pages_of_ten(massive):
    """Contracts have details, greeks (sometimes none) and quotes."""
    told = massive.json("/v3/snapshot/options/AAPL")
    assert len(told["results"]) == 10
    assert "cursor=" in told["next_url"]
    rows = massive.json("/v3/snapshot/options/AAPL?limit=250&contract_type=put")["results"]
    assert {row["details"]["contract_type"] for row in rows} == {"put"}
    assert {} in [row["greeks"] for row in rows]
    assert {} in [row["day"] for row in rows]


def test_massive_keeps_snapshots_from_a_free_key():
    """403 NOT_AUTHORIZED; end-of-day answers say DELAYED, and history ends after two years."""
    free = Asker("massive", Grade.FREE)
    reply = free.reply("/v2/snapshot/locale/us/markets/stocks/tickers")
    assert (reply.status, json.loads(reply.body)["status"]) == (403, "NOT_AUTHORIZED")
    assert free.json("/v2/aggs/ticker/AAPL/prev")["status"] == "DELAYED"
    assert free.reply("/v2/aggs/ticker/AAPL/range/1/day/2020-01-01/2025-12-31").status == 403


@pytest.mark.parametrize(("grade", "permits", "per_s"), [(Grade.FREE, 5, 60), (Grade.FULL, 100, 1)])
def test_massive_limits_by_plan(grade, permits, per_s):
    """The sixth call of a free minute is a 429; a paid key may make 100 a second."""
    provider = make("massive")
    headers = {"authorization": f"Bearer {provider.key(grade)}"}
    request = Request("GET", "/v2/aggs/ticker/AAPL/prev", {}, headers)
    replies = [provider.answer(request, 1e9 + n * 1e-4) for n in range(permits + 1)]
    assert [reply.status for reply in replies] == [200] * permits + [429]
    assert json.loads(replies[-1].body)["status"] == "ERROR"
    assert provider.answer(request, 1e9 + per_s + 0.1).status == 200


def test_massive_wants_a_key():
    """401 with status ERROR."""
    reply = make("massive").answer(Request("GET", "/v3/reference/tickers"), 1e9)
    assert (reply.status, json.loads(reply.body)["status"]) == (401, "ERROR")


# Yahoo


@pytest.fixture
def yahoo():
    """Yahoo with a cookie and its crumb."""
    asker = Asker("yahoo")
    asker.cookie = session(asker)
    asker.crumb = asker.reply("/v1/test/getcrumb", asker.cookie).body.decode()
    return asker


def session(asker):
    """Return the headers of a new cookie."""
    cookie = dict(asker.reply("/").headers)["Set-Cookie"].partition(";")[0]
    return {"cookie": cookie}


def crumbed(yahoo, path):
    """GET with the cookie and the crumb."""
    mark = "&" if "?" in path else "?"
    return yahoo.reply(f"{path}{mark}crumb={yahoo.crumb}", yahoo.cookie)


@pytest.mark.parametrize(
    "path",
    [
        "/v7/finance/quote?symbols=AAPL",
        "/v10/finance/quoteSummary/AAPL?modules=price",
        "/v7/finance/options/AAPL?date=1767916800",
    ],
)
def test_yahoo_wants_the_crumb_of_the_cookie(yahoo, path):
    """Without, or with another session's, it is a 401 that says Invalid Crumb."""
    assert crumbed(yahoo, path).status == 200
    for reply in (yahoo.reply(path), yahoo.reply(f"{path}&crumb={yahoo.crumb}", session(yahoo))):
        assert reply.status == 401
        error = json.loads(reply.body)["finance"]["error"]
        assert error == {"code": "Unauthorized", "description": "Invalid Crumb"}


def test_yahoo_sessions_can_be_expired(yahoo):
    """A crumb that was good is not any more, and a new one is."""
    yahoo.provider.expire()
    assert crumbed(yahoo, "/v7/finance/quote?symbols=AAPL").status == 401
    yahoo.cookie = session(yahoo)
    yahoo.crumb = yahoo.reply("/v1/test/getcrumb", yahoo.cookie).body.decode()
    assert crumbed(yahoo, "/v7/finance/quote?symbols=AAPL").status == 200


def test_yahoo_leaves_strangers_out_of_quotes(yahoo):
    """Only known symbols are in the result."""
    rows = json.loads(crumbed(yahoo, "/v7/finance/quote?symbols=AAPL,NOPE").body)
    assert [row["symbol"] for row in rows["quoteResponse"]["result"]] == ["AAPL"]


def test_yahoo_charts_need_no_crumb_and_hold_nulls(yahoo):
    """Columns are as long as the timestamps, some rows are null, all in order."""
    told = yahoo.json("/v8/finance/chart/AAPL?range=1y&interval=1d&events=div")["chart"]
    result = told["result"][0]
    quote = result["indicators"]["quote"][0]
    assert told["error"] is None
    assert {len(quote[name]) for name in [*BARS, "volume"]} == {len(result["timestamp"])}
    assert None in quote["close"]
    assert result["timestamp"] == sorted(result["timestamp"])
    assert len(result["indicators"]["adjclose"][0]["adjclose"]) == len(result["timestamp"])


def test_yahoo_charts_without_bars_have_no_timestamps(yahoo):
    """A range before the first session has none."""
    told = yahoo.json("/v8/finance/chart/AAPL?period1=86400&period2=172800&interval=1d")
    assert "timestamp" not in told["chart"]["result"][0]


def test_yahoo_does_not_know_a_stranger(yahoo):
    """404 with the error inside the chart."""
    reply = yahoo.reply("/v8/finance/chart/NOPE")
    assert reply.status == 404
    assert json.loads(reply.body)["chart"]["error"]["code"] == "Not Found"


def test_yahoo_sparks_many_symbols_in_one_call(yahoo):
    """Version 7 is a list, version 8 a map; both agree."""
    query = "?symbols=AAPL,MSFT,NOPE&range=1mo&interval=1d"
    rows = yahoo.json(f"/v7/finance/spark{query}")["spark"]["result"]
    closes = {row["symbol"]: row["response"][0]["indicators"]["quote"][0]["close"] for row in rows}
    table = yahoo.json(f"/v8/finance/spark{query}")
    assert {symbol: row["close"] for symbol, row in table.items()} == closes
    assert list(closes) == ["AAPL", "MSFT"]


def test_yahoo_options_have_no_greeks_and_may_lack_volume(yahoo):
    """One expiration a call; times are seconds."""
    told = json.loads(crumbed(yahoo, "/v7/finance/options/AAPL").body)["optionChain"]["result"][0]
    rows = told["options"][0]["calls"] + told["options"][0]["puts"]
    assert {row["expiration"] for row in rows} == {told["expirationDates"][0]}
    assert any("volume" not in row for row in rows)
    assert not {"delta", "greeks"} & set(rows[0])


def test_yahoo_limits_in_plain_text(yahoo):
    """The 429 is text, from getcrumb as well."""
    provider = yahoo.provider
    replies = [provider.answer(Request("GET", "/v8/finance/chart/AAPL"), 2e9) for _ in range(101)]
    assert [reply.status for reply in replies] == [200] * 100 + [429]
    assert replies[-1].content_type == "text/plain"
    crumb = provider.answer(Request("GET", "/v1/test/getcrumb", {}, yahoo.cookie), 2e9)
    assert (crumb.status, crumb.body) == (429, b"Edge: Too Many Requests")


# All of them


def test_all_tell_the_same_price(vantage, finnhub, massive, yahoo):
    """At one moment a symbol costs the same wherever one asks."""
    global_quote = vantage.json("/query?function=GLOBAL_QUOTE&symbol=MSFT")["Global Quote"]
    snapshot = massive.json("/v2/snapshot/locale/us/markets/stocks/tickers?tickers=MSFT")
    quote = json.loads(crumbed(yahoo, "/v7/finance/quote?symbols=MSFT").body)
    prices = {
        float(global_quote["05. price"]),
        finnhub.json("/quote?symbol=MSFT")["c"],
        snapshot["tickers"][0]["lastTrade"]["p"],
        quote["quoteResponse"]["result"][0]["regularMarketPrice"],
    }
    assert len(prices) == 1


def test_prices_stand_still_unless_told_to_move():
    """Two moments differ in price and time only when the market moves."""
    still, moving = Asker("finnhub"), Asker("finnhub", moving=True)
    assert still.json("/quote?symbol=AAPL") == still.json("/quote?symbol=AAPL")
    first, second = (moving.json("/quote?symbol=AAPL") for _ in range(2))
    assert first["t"] < second["t"]
    assert first["c"] != second["c"]
    assert Asker("finnhub", moving=True).json("/quote?symbol=AAPL") == first


def test_the_seed_decides_the_prices():
    """The same seed and day give the same market, another seed another."""
    path = "/quote?symbol=AAPL"
    assert Asker("finnhub").json(path) == Asker("finnhub").json(path)
    assert Asker("finnhub").json(path) != Asker("finnhub", seed=9).json(path)


def test_bars_contain_their_open_and_close():
    """In days, weeks and within a day; and no bar is of the day itself."""
    market = make("finnhub")._market
    days = market.bars("AAPL", date(2025, 11, 1), date(2026, 12, 31))
    bars = days + market.spans("AAPL", date(2025, 1, 1), date(2025, 12, 31), "week")
    bars += [bar for _, bar in market.intraday("AAPL", days[-1], 30)]
    assert days[-1].day < market.today
    for bar in bars:
        assert 0 < bar.low <= min(bar.opened, bar.close)
        assert bar.high >= max(bar.opened, bar.close)
