"""The real files, counted twice: by the loaders, and here by other means where there are any."""

import csv
import gzip
import os
from collections import Counter
from pathlib import Path

import pytest

from perf.lab.realdata.constituents import constituents, financials
from perf.lab.realdata.options import aapl_chain, spx_sample
from perf.lab.realdata.prices import (
    daily_bars,
    daily_closes,
    index_bars,
    minute_bars,
    named_bars,
)
from perf.lab.realdata.quality import identical_series
from perf.lab.realdata.sports import mlb_games, nba_games, nfl_games

FOLDER = Path(os.environ.get("AVA_PERF_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
pytestmark = pytest.mark.skipif(
    not (FOLDER / "market").is_dir(),
    reason="the folder of real data is not here; AVA_PERF_DATA names it",
)
MARKET, SPORTS = FOLDER / "market", FOLDER / "sports_odds"


def raw(path):
    """Return a file's rows as they are, by the standard library alone."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def sp500_bars(path):
    return index_bars(path, "SPX")


def reasons(loaded):
    return Counter((each.column, each.reason) for each in loaded.rejected)


def test_the_nfl_file_has_the_defects_its_readme_lists():
    """136 swapped, 6 without a moneyline, 4 above 1.15, and one team that could be two."""
    loaded = nfl_games(SPORTS / "nfl_games_odds_2011_2016.csv")
    assert reasons(loaded) == {
        ("home_close_spread", "exceeds the total: the two are swapped"): 136,
        ("home_close_ml", "is no American odds"): 6,
        ("home_close_ml", "and the other side imply a sum above 1.15"): 4,
        ("home_team", "names no single team"): 1,
    }
    assert len(loaded.rows) == 1602 - 147


def test_the_swapped_rows_are_those_of_the_readme():
    """Of 139 spreads above 20, the 136 with a total below 21 are rejected and 3 blowouts kept."""
    path = SPORTS / "nfl_games_odds_2011_2016.csv"
    wide = [
        (line, float(row["close_over_under"]))
        for line, row in enumerate(raw(path), start=2)
        if abs(float(row["home_close_spread"])) > 20
    ]
    loaded = nfl_games(path)
    swapped = {each.line for each in loaded.rejected if "swapped" in each.reason}
    assert len(wide) == 139
    assert swapped == {line for line, total in wide if total < 21}
    assert sum(abs(game.spread_home) > 20 for game in loaded.rows) == 3


def test_every_nfl_team_has_one_full_name():
    """32 franchises, the Rams under both their cities."""
    games = nfl_games(SPORTS / "nfl_games_odds_2011_2016.csv").rows
    teams = {team for game in games for team in (game.home_team, game.away_team)}
    assert len(teams) == 33
    assert {"St. Louis Rams", "Los Angeles Rams", "Oakland Raiders"} <= teams


@pytest.mark.parametrize(
    ("load", "name", "score", "percent"),
    [
        (nfl_games, "nfl_games_odds_2011_2016.csv", "final", 57.4),
        (nba_games, "nba_moneyline_2017_18.csv", "score", 58.7),
        (mlb_games, "mlb_games_odds_2014_2016.csv", "score", 53.3),
    ],
)
def test_home_teams_win_as_often_as_the_readme_says(load, name, score, percent):
    """Neither side nor score was mixed up: loaded and rejected wins make the README's share.

    Its share is of all games with a usable moneyline; the rejected are not a fair sample of them
    (of the 136 swapped NFL rows the home side won 64), so the loaded games alone have another.
    """
    loaded = load(SPORTS / name)
    rows = raw(SPORTS / name)
    won = sum(game.home_score > game.away_score for game in loaded.rows)
    priced = len(rows)
    for each in loaded.rejected:
        row = rows[each.line - 2]
        priced -= each.reason == "is no American odds"
        won += bool(row[f"home_{score}"]) and int(row[f"home_{score}"]) > int(row[f"away_{score}"])
    assert round(100 * won / priced, 1) == percent


def test_the_mlb_file_has_twelve_games_without_a_winner():
    """Eleven level scores and one game without any; all else is sound, doubleheaders included."""
    path = SPORTS / "mlb_games_odds_2014_2016.csv"
    loaded = mlb_games(path)
    level = [
        line for line, row in enumerate(raw(path), 2) if row["home_score"] == row["away_score"]
    ]
    assert [each.line for each in loaded.rejected] == level
    assert reasons(loaded) == {
        ("home_score", "is level: the file names no winner"): 11,
        ("home_score", "is empty"): 1,
    }
    assert len(loaded.rows) == 7389 - 12


def test_the_nba_file_is_sound():
    """1,312 games of 30 teams, none rejected."""
    loaded = nba_games(SPORTS / "nba_moneyline_2017_18.csv")
    assert (len(loaded.rows), loaded.rejected) == (1312, ())
    assert len({game.home_team for game in loaded.rows}) == 30


@pytest.mark.parametrize(
    ("load", "name", "rows", "symbols"),
    [
        (daily_bars, "equity_daily_ohlcv_raw.csv.gz", 35_003, 7),
        (daily_bars, "etf_daily_ohlcv_2014_2015.csv", 305, 5),
        (minute_bars, "equity_minute_ohlcv_spy.csv.gz", 5_786, 1),
        (sp500_bars, "index_daily_ohlcv_sp500_1999_2018.csv.gz", 5_031, 1),
    ],
)
def test_the_price_files_are_sound(load, name, rows, symbols):
    """Every row the README counts is a bar, and no two symbols are one series."""
    loaded = load(MARKET / name)
    assert (len(loaded.rows), loaded.rejected) == (rows, ())
    assert len({bar.symbol for bar in loaded.rows}) == symbols
    assert identical_series(loaded.rows) == ()


def test_the_closes_are_complete():
    """5,043 days of 20 companies."""
    loaded = daily_closes(MARKET / "us_large_cap20_daily_close_1990_2009.csv.gz")
    assert (len(loaded.rows), loaded.rejected) == (5_043 * 20, ())


def test_the_known_bad_file_is_found_out():
    """Row by row only one day of each symbol is bad; across symbols, all six are one series."""
    loaded = named_bars(MARKET / "known_bad_identical_series_2016_2017.csv.gz")
    assert reasons(loaded) == {("Open", "is empty"): 6}
    (found,) = identical_series(loaded.rows)
    assert found.symbols == ("AAPL", "GE", "JPM", "KO", "MSFT", "XOM")
    assert found.bars == 1518 // 6 - 1


@pytest.mark.parametrize(
    ("load", "name"),
    [
        (constituents, "sp500_constituents_2018-06.csv"),
        (constituents, "sp500_constituents_2020-06.csv"),
        (financials, "sp500_constituents_financials_2018.csv"),
    ],
)
def test_the_constituents_are_complete(load, name):
    """505 listings in the eleven sectors, under one name each."""
    loaded = load(MARKET / name)
    assert (len(loaded.rows), loaded.rejected) == (505, ())
    assert len({row.sector for row in loaded.rows}) == 11


def test_two_companies_have_no_figures():
    """The 2018 file leaves out price and value of two listings, which stay unknown."""
    rows = financials(MARKET / "sp500_constituents_financials_2018.csv").rows
    assert [row.symbol for row in rows if row.price is None] == ["BRK.B", "BF.B"]
    assert [row.symbol for row in rows if row.market_cap is None] == ["BRK.B", "BF.B"]


def test_half_of_the_spx_sample_has_no_market():
    """The 122 calls are quoted 0 to 0 and kept out; the 122 puts are loaded."""
    loaded = spx_sample(MARKET / "options_spx_sample_2014_2015.csv")
    assert reasons(loaded) == {("ask", "is 0: there is no market"): 122}
    assert Counter(quote.type for quote in loaded.rows) == {"put": 122}


@pytest.fixture(scope="module")
def aapl():
    return aapl_chain(MARKET / "options_chain_eod_aapl_201406.csv.gz")


def test_the_aapl_chain_holds_old_strikes_after_the_split(aapl):
    """12,772 rows break parity: exactly those whose strike is above twice the underlying."""
    rows = raw(MARKET / "options_chain_eod_aapl_201406.csv.gz")
    spot = {row["quote_date"]: float(row["close"]) for row in rows if not row["expiry"]}
    old = {
        line
        for line, row in enumerate(rows, start=2)
        if row["expiry"] and float(row["strike"]) > 2 * spot[row["quote_date"]]
    }
    assert {each.line for each in aapl.rejected if "parity" in each.reason} == old
    assert len(old) == 12_772


def test_the_aapl_chain_has_quotes_without_a_price(aapl):
    """2,210 closes of 0, nearly all on the last day before the split; the rest is loaded."""
    assert sum(each.reason == "is 0: there is no price" for each in aapl.rejected) == 2_210
    assert len(aapl.rows) == 30_084 - 8 - 2_210 - 12_772


def test_most_greeks_of_the_aapl_chain_are_unknown(aapl):
    """10,602 of the loaded quotes were computed at a volatility of zero."""
    unknown = sum(quote.implied_volatility is None for quote in aapl.rows)
    assert unknown == 10_602
    assert all((quote.delta is None) == (quote.implied_volatility is None) for quote in aapl.rows)
