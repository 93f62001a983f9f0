"""Each rule of the loaders, on the smallest file that breaks it."""

import gzip
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from perf.lab.realdata.constituents import constituents, financials
from perf.lab.realdata.options import aapl_chain, spx_sample
from perf.lab.realdata.prices import Bar, daily_bars, daily_closes, index_bars, minute_bars
from perf.lab.realdata.quality import IdenticalSeries, identical_series
from perf.lab.realdata.sports import mlb_games, nba_games, nfl_games

NFL = {
    "season": "2015", "date": "20150910", "home_team": "Patriots", "away_team": "Steelers",
    "home_final": "28", "away_final": "21", "home_close_ml": "-340", "away_close_ml": "280",
    "home_close_spread": "-7.0", "close_over_under": "51.0",
}  # fmt: skip
MLB = {
    "date": "2014-03-30", "game": "3", "away_name": "Los Angeles Dodgers",
    "home_name": "San Diego Padres", "away_score": "1", "home_score": "3", "away_close_ml": "-115",
    "home_close_ml": "105", "home_run_line": "1.5", "away_run_line_odds": "150",
    "home_run_line_odds": "-170", "close_ou_line": "6.5", "close_ou_odds": "-115", "season": "2014",
}  # fmt: skip
NBA = {
    "date": "2017-10-17", "game": "1", "away_name": "Boston Celtics",
    "home_name": "Cleveland Cavaliers", "away_score": "99", "home_score": "102",
    "away_ml": "166", "home_ml": "-195", "season": "2017-18",
}  # fmt: skip
BAR = {
    "symbol": "SPY", "date": "2013-10-04", "ms_since_midnight": "34200000", "open": "10",
    "high": "11", "low": "9", "close": "10.5", "volume": "100",
}  # fmt: skip
STOCK = {"Symbol": "MMM", "Name": "3M Company", "Sector": "Industrials"}
FIGURES = {**STOCK, "Price": "189.09", "Market Cap": "112.74"}
SPX = {
    "underlying": "SPX", "underlying_last": "1989.63", "type": "put", "expiration": "2016-06-17",
    "quotedate": "2014-12-15", "strike": "650.0", "bid": "1.85", "ask": "3.9", "volume": "0",
    "openinterest": "63", "impliedvol": "0.3525", "delta": "-0.0028", "gamma": "0.0",
    "theta": "-2.5109", "vega": "20.9218",
}  # fmt: skip
AAPL = {
    "underlying": "AAPL", "quote_date": "20140610", "expiry": "20140719", "strike": "95",
    "right": "C", "close": "2.14", "volume": "15293", "open_interest": "28401",
    "implied_volatility": "0.25", "delta": "0.4", "gamma": "0.05", "vega": "0.1", "theta": "-0.03",
}  # fmt: skip
SPOT = dict.fromkeys(AAPL, "") | {"underlying": "AAPL", "quote_date": "20140610", "close": "93.77"}


@pytest.fixture
def write(tmp_path):
    def _write(*rows):
        path = tmp_path / "file.csv"
        lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return _write


CASES = [
    (nfl_games, NFL, {"home_close_ml": "0"}, "home_close_ml", "no American odds"),
    (nfl_games, NFL, {"home_close_ml": "-240", "away_close_ml": "-240"}, "home_close_ml", "1.15"),
    (nfl_games, NFL, {"home_close_spread": "41.0", "close_over_under": "1.0"},
     "home_close_spread", "swapped"),
    (nfl_games, NFL, {"home_team": "NewYork"}, "home_team", "no single team"),
    (nfl_games, NFL, {"away_final": "-3"}, "away_final", "negative"),
    (mlb_games, MLB, {"home_score": "1"}, "home_score", "level"),
    (mlb_games, MLB, {"home_run_line_odds": "50"}, "home_run_line_odds", "no American odds"),
    (nba_games, NBA, {"season": "last"}, "season", "not a season"),
    (daily_bars, BAR, {"high": "10.4"}, "high", "below"),
    (daily_bars, BAR, {"low": "10.1"}, "low", "above"),
    (daily_bars, BAR, {"low": "0"}, "low", "not above 0"),
    (daily_bars, BAR, {"volume": "-1"}, "volume", "negative"),
    (minute_bars, BAR, {"ms_since_midnight": "34200001"}, "ms_since_midnight", "minute"),
    (minute_bars, BAR, {"ms_since_midnight": "86400000"}, "ms_since_midnight", "minute"),
    (constituents, STOCK, {"Sector": "Pipelines"}, "Sector", "not a GICS sector"),
    (financials, FIGURES, {"Price": "0"}, "Price", "not above 0"),
    (financials, FIGURES, {"Market Cap": "-1"}, "Market Cap", "not above 0"),
    (spx_sample, SPX, {"ask": "0.0", "bid": "0.0"}, "ask", "no market"),
    (spx_sample, SPX, {"bid": "4.0"}, "bid", "above the ask"),
    (spx_sample, SPX, {"type": "swap"}, "type", "neither"),
    (spx_sample, SPX, {"expiration": "2014-12-14"}, "expiration", "before"),
    (spx_sample, SPX, {"strike": "0"}, "strike", "not above 0"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0].__name__}-{case[3]}")
def test_a_row_that_breaks_a_rule_is_kept_out(write, case):
    """The row with the defect is reported by its column and value; the sound one is loaded."""
    load, good, bad, column, reason = case
    assert len(load(write(good)).rows) == 1
    loaded = load(write(good | bad))
    assert loaded.rows == []
    (rejected,) = loaded.rejected
    assert (rejected.line, rejected.column, rejected.value) == (2, column, (good | bad)[column])
    assert reason in rejected.reason


@pytest.mark.parametrize(
    ("load", "good"),
    [(nfl_games, NFL), (mlb_games, MLB), (nba_games, NBA), (daily_bars, BAR), (minute_bars, BAR),
     (constituents, STOCK), (financials, FIGURES), (spx_sample, SPX)],
)  # fmt: skip
def test_a_repeated_row_is_kept_out(write, load, good):
    """The same game, bar, company or quote is not loaded twice."""
    loaded = load(write(good, good))
    assert len(loaded.rows) == 1
    assert loaded.rejected[0].reason == "repeats line 2"


def test_nfl_teams_get_their_full_names(write):
    """Cities, run-together names and nicknames become the franchise of that season."""
    row = NFL | {"home_team": "St.Louis", "away_team": "Fortyniners"}
    game = nfl_games(write(row)).rows[0]
    assert (game.home_team, game.away_team) == ("St. Louis Rams", "San Francisco 49ers")


@pytest.mark.parametrize("written", ["Telecommunication Services", "Telecommunications Services"])
def test_the_renamed_sector_has_one_name(write, written):
    """Both old spellings become the name GICS uses since 2018."""
    row = constituents(write(STOCK | {"Sector": written})).rows[0]
    assert row.sector == "Communication Services"


def test_market_values_are_in_dollars(write):
    """The file's billions become dollars, and an empty figure stays unknown."""
    known, unknown = financials(
        write(FIGURES, FIGURES | {"Symbol": "BRK.B", "Price": "", "Market Cap": ""})
    ).rows
    assert known.market_cap == Decimal(112_740_000_000)
    assert (unknown.price, unknown.market_cap) == (None, None)


def test_bars_are_stamped_in_utc(write):
    """Days at their close, minutes at their start, at the hour New York then was."""
    path = write(BAR)
    assert daily_bars(path).rows[0].timestamp == datetime(2013, 10, 4, 20, tzinfo=UTC)
    assert minute_bars(path).rows[0].timestamp == datetime(2013, 10, 4, 13, 30, tzinfo=UTC)


def test_the_index_gets_the_symbol_it_is_given(write):
    """The file of the index names no symbol and writes American dates."""
    row = {"Date": "1/4/1999", "Open": "1229.22998", "High": "1248.810059", "Low": "1219.099976",
           "Close": "1228.099976", "Volume": "877000000"}  # fmt: skip
    bar = index_bars(write(row), "SPX").rows[0]
    assert (bar.symbol, bar.open) == ("SPX", Decimal("1229.2300"))
    assert bar.timestamp == datetime(1999, 1, 4, 21, tzinfo=UTC)


def test_one_bad_close_does_not_cost_its_neighbours(write):
    """In a file with a column for each symbol, a bad cell is kept out alone."""
    path = write({"Date": "1990-01-02", "AAPL": "0.264", "AMD": "0", "BAC": "4.599"})
    loaded = daily_closes(path)
    assert [row.symbol for row in loaded.rows] == ["AAPL", "BAC"]
    assert [(r.line, r.column, r.value) for r in loaded.rejected] == [(2, "AMD", "0")]


def test_the_underlying_of_a_day_is_no_option(write):
    """The row without expiry gives the quotes of its day their underlying."""
    loaded = aapl_chain(write(SPOT, AAPL))
    assert [quote.underlying for quote in loaded.rows] == [Decimal("93.7700")]
    assert loaded.rejected == ()


def test_quotes_of_a_day_without_underlying_are_kept_out(write):
    """What an option refers to is never taken from another day."""
    loaded = aapl_chain(write(SPOT, AAPL | {"quote_date": "20140611"}))
    assert "no price of the underlying" in loaded.rejected[0].reason


def test_a_price_of_zero_is_no_price(write):
    """An option that nobody quoted is kept out."""
    loaded = aapl_chain(write(SPOT, AAPL | {"close": "0"}))
    assert loaded.rejected[0].reason == "is 0: there is no price"


def test_greeks_without_volatility_are_unknown(write):
    """At an implied volatility of zero the source's greeks mean nothing, so none is kept."""
    quote = aapl_chain(write(SPOT, AAPL | {"implied_volatility": "0"})).rows[0]
    assert (quote.implied_volatility, quote.delta, quote.gamma, quote.vega, quote.theta) == (
        (None,) * 5
    )


def test_strikes_from_before_a_split_are_found_by_parity(write):
    """A call and a put that disagree with the underlying are both kept out, the sound pair not."""
    put = AAPL | {"right": "P", "close": "3.40"}
    old_call = AAPL | {"strike": "665", "close": "14.00"}
    old_put = old_call | {"right": "P", "close": "22.00"}
    loaded = aapl_chain(write(SPOT, AAPL, put, old_call, old_put))
    assert [quote.strike for quote in loaded.rows] == [Decimal(95), Decimal(95)]
    assert [(r.line, r.column, r.value) for r in loaded.rejected] == [
        (5, "strike", "665.00"),
        (6, "strike", "665.00"),
    ]


def series(symbol, closes):
    start = datetime(2016, 8, 10, 20, tzinfo=UTC)
    return [
        Bar(symbol, start + timedelta(days=day), *[Decimal(close)] * 4, volume=1_000 + day)
        for day, close in enumerate(closes)
    ]


def test_one_series_under_several_names_is_found():
    """Symbols that share their bars form one group; an independent one is not in it."""
    bars = [bar for name in ("XOM", "AAPL", "GE") for bar in series(name, range(1, 41))]
    found = identical_series([*bars, *series("KO", range(101, 141))])
    assert found == (IdenticalSeries(("AAPL", "GE", "XOM"), 40),)


def test_two_groups_are_told_apart():
    """Two faults in one collection are two findings."""
    bars = [
        bar
        for name, first in (("A", 1), ("B", 1), ("C", 100), ("D", 100))
        for bar in series(name, range(first, first + 25))
    ]
    groups = {found.symbols for found in identical_series(bars)}
    assert groups == {("A", "B"), ("C", "D")}


def test_a_few_equal_days_are_no_finding():
    """Nineteen shared bars are too few, and half of a long series is not the series."""
    short = [*series("A", range(1, 20)), *series("B", range(1, 20))]
    half = [*series("C", range(1, 61)), *series("D", [*range(1, 31), *range(200, 230)])]
    assert identical_series(short) == ()
    assert identical_series(half) == ()


def test_a_compressed_file_reads_the_same(write, tmp_path):
    """A name that ends in .gz is decompressed on the way."""
    plain = write(BAR)
    packed = tmp_path / "file.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert daily_bars(packed) == daily_bars(plain)
