"""The data set is repeatable, complete, and shaped like the real thing."""

import hashlib
from collections import Counter
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf.lab.dataset import Size, generate

TODAY = date(2026, 3, 18)
PINNED = "1b11b08bc6a7bbfad06b8cf7fbb350db3d7fcc577d7bb7c88a4a1c3589996a26"


def digest(size, *, seed, today=TODAY):
    """Hash every byte of a data set."""
    whole = hashlib.sha256()
    for table in generate(size, seed=seed, today=today):
        whole.update(" ".join((table.name, *table.columns)).encode())
        for chunk in table.chunks():
            whole.update(chunk)
    return whole.hexdigest()


def rows_of(table):
    lines = b"".join(table.chunks()).decode().splitlines()
    return [dict(zip(table.columns, line.split("\t"), strict=True)) for line in lines]


@pytest.fixture(scope="module")
def tiny():
    tables = generate(Size.TINY, seed=1, today=TODAY)
    return {table.name: rows_of(table) for table in tables}


def test_the_bytes_are_those_of_every_machine():
    """The same size, seed and day give these bytes wherever they are generated."""
    assert digest(Size.TINY, seed=1) == PINNED


def test_another_seed_gives_other_bytes():
    """The seed decides the data."""
    assert digest(Size.TINY, seed=2) != digest(Size.TINY, seed=1)


def test_a_table_is_the_same_without_the_others():
    """Tables draw from generators of their own, so reading one alone, twice, changes nothing."""
    whole = {t.name: list(t.chunks()) for t in generate(Size.TINY, seed=5, today=TODAY)}
    for table in reversed(list(generate(Size.TINY, seed=5, today=TODAY))):
        assert list(table.chunks()) == whole[table.name]
        assert list(table.chunks()) == whole[table.name]


@settings(max_examples=20, deadline=None)
@given(today=st.dates(date(1988, 1, 1), date(2100, 1, 1)), seed=st.integers(0, 2**63))
def test_every_table_has_the_rows_it_announces(today, seed):
    """On any day and for any seed, each table writes as many rows as it says."""
    for table in generate(Size.TINY, seed=seed, today=today):
        assert sum(chunk.count(b"\n") for chunk in table.chunks()) == table.rows


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (
            Size.SMALL,
            {
                "stocks": 520,
                "trade_history": 100_000,
                "options_chains": 100_000,
                "alerts": 20_000,
                "portfolio_history": 28 * 3_653,
                "nfl_games": 288,
            },
        ),
        (
            Size.FULL,
            {
                "stocks": 520,
                "trade_history": 1_000_000,
                "options_chains": 1_000_000,
                "alerts": 100_000,
                "portfolio_history": 274 * 3_653,
                "nfl_games": 2_880,
            },
        ),
    ],
)
def test_the_sizes_hold_what_was_agreed(size, expected):
    """The announced rows are the documents' scale, a tenth of it for the quick profile."""
    announced = {table.name: table.rows for table in generate(size, seed=1, today=TODAY)}
    assert {name: announced[name] for name in expected} == expected


def test_small_has_five_hundred_twenty_symbols_in_eleven_sectors():
    """Every symbol is there once, and no sector is missing."""
    stocks = rows_of(next(generate(Size.SMALL, seed=1, today=TODAY)))
    assert len({stock["symbol"] for stock in stocks}) == 520
    assert len({stock["sector"] for stock in stocks}) == 11


def test_a_negative_seed_is_refused():
    """A seed that no generator takes is an error at once."""
    with pytest.raises(ValueError, match="negative"):
        generate(Size.TINY, seed=-1, today=TODAY)


@settings(max_examples=25, deadline=None)
@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)))
def test_every_sport_is_on_at_any_time_of_the_year(today):
    """Each sport has finished, live and scheduled games, in July as in December."""
    for table in generate(Size.TINY, seed=1, today=today):
        if table.name.endswith("_games"):
            statuses = {row["game_status"] for row in rows_of(table)}
            assert {"final", "live", "scheduled"} <= statuses


def test_symbols_are_traded_by_popularity(tiny):
    """A few symbols make most of the trades, and the first most of all."""
    traded = Counter(row["symbol"] for row in tiny["trade_history"])
    assert traded.most_common(1)[0][0] == "AAPL"
    assert sum(count for _, count in traded.most_common(4)) > 0.5 * traded.total()


def test_most_alerts_are_dismissed():
    """About nine in ten, which is what a partial index on the rest relies on."""
    table = next(t for t in generate(Size.SMALL, seed=1, today=TODAY) if t.name == "alerts")
    alerts = rows_of(table)
    dismissed = sum(row["is_dismissed"] == "t" for row in alerts) / len(alerts)
    priorities = Counter(row["priority"] for row in alerts)
    assert dismissed == pytest.approx(0.9, abs=0.02)
    assert priorities["1"] > 10 * priorities["5"]


def test_trades_are_denser_lately():
    """More than half of three years' trades are of the last year."""
    table = next(t for t in generate(Size.SMALL, seed=1, today=TODAY) if t.name == "trade_history")
    days = [row["executed_at"][:10] for row in rows_of(table)]
    assert sum(day > "2025-03-18" for day in days) > 0.5 * len(days)
    assert max(days) == "2026-03-18"


def test_a_team_plays_once_a_day(tiny):
    """No schedule asks a team to be in two places."""
    for name in ("nfl_games", "nba_games", "ncaa_football_games", "ncaa_basketball_games"):
        slots = Counter()
        for row in tiny[name]:
            # Late games begin after midnight UTC; twelve hours earlier all of a day share its date.
            at = date.fromisoformat(row["game_time"][:10]).toordinal() * 24
            day = (at + int(row["game_time"][11:13]) - 12) // 24
            slots.update([(day, row["home_team"]), (day, row["away_team"])])
        assert max(slots.values()) == 1


def test_the_favourite_of_the_spread_is_that_of_the_moneyline(tiny):
    """Whoever gives points also has the shorter odds, and the sides sum to a small margin."""
    for name in ("nfl_games", "nba_games", "ncaa_football_games", "ncaa_basketball_games"):
        for row in tiny[name]:
            if row["moneyline_home"] == "\\N":
                continue
            home, away = float(row["moneyline_home"]), float(row["moneyline_away"])
            spread = float(row["spread_home"])
            assert spread == 0 or (spread < 0) == (home < away)


def test_scores_fit_the_sport(tiny):
    """Nobody wins a football game with one point, and finished games have a winner."""
    for name in ("nfl_games", "ncaa_football_games", "nba_games"):
        final = [row for row in tiny[name] if row["game_status"] == "final"]
        assert all(row["home_score"] != row["away_score"] for row in final)
        points = {int(row[side]) for row in final for side in ("home_score", "away_score")}
        if name != "nba_games":
            assert not points & {1, 2, 4, 5, 8, 11, 15, 18}
        else:
            assert min(points) > 60


def test_only_live_games_show_a_clock(tiny):
    """Scores are known once a game is on, and its period only while it is."""
    for row in tiny["nfl_games"]:
        assert (row["period"] != "\\N") == (row["game_status"] == "live")
        played = row["game_status"] in {"live", "final"}
        assert (row["home_score"] != "\\N") == played
