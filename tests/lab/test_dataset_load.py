"""The data set in a real PostgreSQL: loaded whole, consistent, and nothing by halves."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from perf.lab.dataset import (
    LoadError,
    Size,
    doubtful_odds,
    games_table,
    generate,
    load,
    load_rows,
    odds_batch,
)
from perf.lab.dataset.table import from_rows
from perf.lab.realdata import tables
from perf.lab.realdata.constituents import Constituent
from perf.lab.realdata.options import OptionQuote
from perf.lab.realdata.prices import Bar
from perf.lab.realdata.sports import GameOdds

MIGRATIONS = Path(__file__).parents[2] / "sql" / "migrations"
TODAY = date(2026, 3, 18)
# What the platform writes while it runs, and no data set makes up: of tables all, of others a part.
WRITTEN = {
    "schema_migrations",
    "odds_syncs",
    "volatility_history",
    "paper_orders",
    "paper_fills",
    "paper_holdings",
}
WRITTEN_COLUMNS = {
    "tasks": {"job_id", "result"},
    "signals": {"model", "predicted_price", "outcome_price"},
}
BY_LAST_WORD = """
UPDATE nfl_games AS game SET moneyline_home = %(moneyline_home)s
WHERE game_status = 'scheduled'
    AND lower(home_team) LIKE %(home)s AND lower(away_team) LIKE %(away)s
RETURNING game_id
"""
BY_IDENTITY = """
UPDATE nfl_games AS game SET moneyline_home = %(moneyline_home)s
WHERE game_status = 'scheduled' AND home_team = %(home_team)s AND away_team = %(away_team)s
    AND game_time = %(commence_time)s
RETURNING game_id
"""

# What must not be found in the loaded tables, by the rule that it would break.
BROKEN = {
    "a total is quantity times price": """
        trade_history WHERE total_value <> quantity * price""",
    "trades happen in session hours": """
        trade_history WHERE (executed_at AT TIME ZONE 'America/New_York')::time
            NOT BETWEEN '09:30' AND '16:00'""",
    "a day's change is the difference of two values": """
        (SELECT portfolio_value - lag(portfolio_value) OVER (PARTITION BY account_id ORDER BY date)
            - day_change AS gap FROM portfolio_history) AS x WHERE gap <> 0""",
    "a change in percent is of the value before": """
        portfolio_history WHERE abs(day_change_pct - 100 * day_change
            / (portfolio_value - day_change)) > 0.0001""",
    "weekends change nothing": """
        portfolio_history WHERE EXTRACT(isodow FROM date) > 5 AND day_change <> 0""",
    "balances are those of the history": """
        portfolio_balances AS b LEFT JOIN portfolio_history AS h USING (account_id, date)
        WHERE h.portfolio_value IS DISTINCT FROM b.portfolio_value
            OR b.total_equity <> b.portfolio_value + b.cash""",
    "a bar contains its open and close": """
        market_data WHERE high < greatest(open, close) OR low > least(open, close) OR low <= 0""",
    "a stock's price is its last close": """
        stocks AS s JOIN market_data AS m USING (symbol)
        WHERE m.timestamp = (SELECT max(timestamp) FROM market_data)
            AND s.current_price <> m.close""",
    "a position lies in its own account's cycle": """
        positions AS p JOIN wheel_cycles AS c ON c.id = p.cycle_id
        WHERE p.account_id <> c.account_id OR p.stock_id <> c.stock_id""",
    "a cycle ends before the next begins": """
        wheel_cycles AS c JOIN wheel_cycles AS n ON n.account_id = c.account_id
            AND n.stock_id = c.stock_id AND n.cycle_number = c.cycle_number + 1
        WHERE c.closed_at IS NULL OR c.closed_at > n.opened_at""",
    "nothing that began is of the future": """
        wheel_cycles WHERE greatest(opened_at, closed_at) > '{today} 21:00Z'""",
    "yes and no cost one together": "kalshi_markets WHERE yes_price + no_price <> 1",
    "settled markets alone are at 0 or 1": """
        kalshi_markets WHERE (status = 'settled') <> (coalesce(yes_price, 0.5) IN (0, 1))""",
    "holding has no outcome": "signals WHERE action = 'hold' AND outcome IS NOT NULL",
    "failed tasks alone have an error": """
        tasks WHERE (error IS NULL) = (status = 'failed') OR finished_at < started_at""",
    "earnings are reported on weekdays after the quarter": """
        earnings WHERE report_date <= fiscal_period_end OR EXTRACT(isodow FROM report_date) > 5""",
    "a bid is not above its ask": """
        options_chains WHERE bid_price > ask_price OR bid_price < 0""",
}


def statements(path):
    """Return what to send of a migration: whole, or apart where it must not be in a transaction."""
    text = path.read_text(encoding="utf-8")
    if "-- no-transaction" not in text:
        return [text]
    code = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    return [statement for statement in code.split(";") if statement.strip()]


@pytest.fixture
def schema(database):
    with psycopg.connect(database, autocommit=True) as connection:
        for path in sorted(MIGRATIONS.glob("*.sql")):
            for statement in statements(path):
                connection.execute(statement)
        yield connection


@pytest.fixture
def loaded(schema):
    load(schema, Size.TINY, seed=1, today=TODAY)
    return schema


def one(connection, query, *values):
    return connection.execute(query, values).fetchone()[0]


def columns(connection):
    """Map each table of the schema to its columns, in any order; what workers write is left out."""
    rows = connection.execute(
        "SELECT table_name, array_agg(column_name::text) FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name NOT LIKE 'procrastinate%' GROUP BY 1"
    )
    return {n: set(names) - WRITTEN_COLUMNS.get(n, set()) for n, names in rows if n not in WRITTEN}


def odds_values(odds):
    home, away = (name.split()[-1].lower() for name in (odds.home_team, odds.away_team))
    return {
        "moneyline_home": odds.moneyline_home,
        "home_team": odds.home_team,
        "away_team": odds.away_team,
        "commence_time": odds.commence_time,
        "home": f"%{home}%",
        "away": f"%{away}%",
    }


def test_every_column_of_the_schema_is_generated(schema):
    """Tables and columns agree exactly with the migrations."""
    generated = {t.name: set(t.columns) for t in generate(Size.TINY, seed=1, today=TODAY)}
    assert generated == columns(schema)


def test_every_announced_row_arrives(schema):
    """The report, the announcement and the database count the same rows."""
    report = load(schema, Size.TINY, seed=1, today=TODAY)
    assert report.rows == {t.name: t.rows for t in generate(Size.TINY, seed=1, today=TODAY)}
    for name, rows in report.rows.items():
        assert one(schema, sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))) == rows


def test_the_time_taken_is_that_of_the_clock(schema):
    """The report's seconds are the difference of two readings of the clock it was given."""
    ticks = iter([100.0, 102.5])
    report = load(schema, Size.TINY, seed=1, today=TODAY, clock=lambda: next(ticks))
    assert report.seconds == 2.5


def test_without_a_day_history_reaches_the_server_s_today(schema):
    """Queries that compare with CURRENT_DATE find rows of today and options beyond it."""
    load(schema, Size.TINY, seed=1)
    assert one(schema, "SELECT max(date) = CURRENT_DATE FROM portfolio_history")
    assert one(schema, "SELECT min(expiration_date) > CURRENT_DATE FROM options_chains")


@pytest.mark.parametrize(
    "today",
    [TODAY, date(2024, 2, 29), date(2026, 1, 1), date(2026, 3, 8), date(2026, 10, 31)],
    ids=["Wednesday", "leap day", "New Year", "clocks change", "Saturday"],
)
def test_the_tables_agree_with_each_other(schema, today):
    """No row contradicts another: totals, changes, prices, cycles, times, on any day."""
    load(schema, Size.TINY, seed=today.toordinal(), today=today)
    broken = {
        rule: one(schema, f"SELECT count(*) FROM {what.format(today=today)}")
        for rule, what in BROKEN.items()
    }
    assert broken == dict.fromkeys(BROKEN, 0)


def test_calls_and_puts_are_in_parity_within_their_spread(loaded):
    """Buying one and selling the other never pays for nothing, in any chain."""
    pairs = loaded.execute(
        "SELECT s.current_price, c.strike_price, c.expiration_date - %s::date, "
        "c.bid_price, c.ask_price, p.bid_price, p.ask_price "
        "FROM options_chains AS c JOIN options_chains AS p USING (stock_id, expiration_date, "
        "strike_price) JOIN stocks AS s ON s.id = c.stock_id "
        "WHERE c.option_type = 'call' AND p.option_type = 'put'",
        [TODAY],
    ).fetchall()
    assert len(pairs) == 13 * 4 * 6
    for spot, strike, days, call_bid, call_ask, put_bid, put_ask in pairs:
        forward = float(spot) - float(strike) * 2.718281828459045 ** (-0.04 * days / 365)
        assert float(call_bid - put_ask) <= forward <= float(call_ask - put_bid)


def test_new_rows_are_numbered_after_the_loaded_ones(loaded):
    """Identity sequences go on behind the highest id."""
    added = one(
        loaded,
        "INSERT INTO alerts (alert_type, symbol, message, priority) "
        "VALUES ('test', 'AAPL', '', 1) RETURNING id",
    )
    assert added == 201


def test_statistics_are_there_after_loading(loaded):
    """The planner knows every table from the start."""
    unknown = """SELECT array_agg(relname::text) FROM pg_class WHERE relkind = 'r'
        AND reltuples < 0 AND relnamespace = 'public'::regnamespace
        AND relname NOT LIKE 'procrastinate%%'"""
    assert set(one(loaded, unknown)) <= WRITTEN


def test_named_tables_bring_the_parents_they_need(schema):
    """Asking for positions loads accounts, stocks and cycles with them, and nothing else."""
    report = load(schema, Size.TINY, seed=1, today=TODAY, tables=["positions"])
    assert list(report.rows) == ["stocks", "trading_accounts", "wheel_cycles", "positions"]


def test_parents_that_are_there_are_left_alone(schema):
    """A second load of other tables uses the accounts of the first."""
    load(schema, Size.TINY, seed=1, today=TODAY, tables=["trade_history"])
    report = load(schema, Size.TINY, seed=1, today=TODAY, tables=["portfolio_history"])
    assert list(report.rows) == ["portfolio_history"]


def test_an_unknown_table_is_named(schema):
    """A misspelt table is an error, not an empty load."""
    with pytest.raises(LoadError, match="no table trade_histroy"):
        load(schema, Size.TINY, seed=1, today=TODAY, tables=["trade_histroy"])


def test_a_table_with_rows_is_refused(loaded):
    """Loading twice says so before it writes anything."""
    with pytest.raises(LoadError, match="stocks holds rows already"):
        load(loaded, Size.TINY, seed=1, today=TODAY)


def test_a_failed_load_leaves_nothing(schema):
    """An error in a late table takes the early ones back."""
    schema.execute("ALTER TABLE automation_switches ADD CHECK (name <> 'wheel')")
    with pytest.raises(LoadError, match="automation_switches"):
        load(schema, Size.TINY, seed=1, today=TODAY)
    assert one(schema, "SELECT count(*) FROM stocks") == 0


def test_a_database_without_the_schema_is_named(database):
    """A missing table is told by the server's own words."""
    with pytest.raises(LoadError, match='relation "stocks" does not exist'):
        load(database, Size.TINY, seed=1, today=TODAY)


def test_an_open_transaction_stays_the_caller_s(schema, database):
    """On a connection that is not autocommit, the load is undone with its transaction."""
    with psycopg.connect(database) as connection:
        load(connection, Size.TINY, seed=1, today=TODAY)
        load_rows(connection, [from_rows("watchlists", "owner name", [("me", "mine")])])
        assert one(connection, "SELECT count(*) FROM watchlists") == 7
        connection.rollback()
    assert one(schema, "SELECT count(*) FROM watchlists") == 0


def test_a_transaction_block_is_joined(schema):
    """Inside a block of an autocommit connection the load is part of the block."""
    with schema.transaction(force_rollback=True):
        load(schema, Size.TINY, seed=1, today=TODAY)
        assert one(schema, "SELECT count(*) FROM alerts") == 200
    assert one(schema, "SELECT count(*) FROM alerts") == 0


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://someone:s3cret@127.0.0.1:1/nowhere",
        "host=127.0.0.1 port=1 password=s3cret user",
    ],
    ids=["unreachable", "malformed"],
)
def test_an_unusable_address_is_not_repeated(dsn):
    """The error says what to check without the address or its password."""
    with pytest.raises(LoadError, match="cannot connect") as caught:
        load(dsn, Size.TINY, seed=1, today=TODAY)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_batch_ends_in_the_same_table_either_way(schema):
    """Matching by last word and by identity write the same odds to the same games."""
    offers = odds_batch(40, seed=7)
    load_rows(schema, [games_table("nfl_games", [offer.game for offer in offers])])
    outcomes = []
    for statement in (BY_LAST_WORD, BY_IDENTITY):
        schema.execute("UPDATE nfl_games SET moneyline_home = NULL")
        for offer in offers:
            schema.execute(statement, odds_values(offer.odds))
        query = "SELECT game_id, moneyline_home FROM nfl_games ORDER BY 1"
        outcomes.append(schema.execute(query).fetchall())
    assert outcomes[0] == outcomes[1]
    assert [odds for _, odds in outcomes[0]] == [offer.odds.moneyline_home for offer in offers]


@pytest.mark.parametrize("case", doubtful_odds(), ids=lambda case: case.why)
def test_the_documents_statement_hits_the_wrong_games(schema, case):
    """In PostgreSQL as on paper, last words update what `by_last_word` says."""
    load_rows(schema, [games_table("nfl_games", case.games)])
    hits = schema.execute(BY_LAST_WORD, odds_values(case.odds)).fetchall()
    assert {game_id for (game_id,) in hits} == case.by_last_word


def test_constituents_are_loaded_as_stocks(schema):
    """The database numbers them, and what is not known stays NULL."""
    rows = [
        Constituent("MMM", "3M Company", "Industrials", Decimal("189.09"), Decimal(10**11)),
        Constituent("BRK.B", "Berkshire Hathaway", "Financials"),
    ]
    load_rows(schema, [tables.stocks_table(rows)])
    stored = schema.execute("SELECT id, symbol, current_price FROM stocks ORDER BY id").fetchall()
    assert stored == [(1, "MMM", Decimal("189.0900")), (2, "BRK.B", None)]


def test_played_games_are_loaded_as_finished(schema):
    """A game of a file becomes a final game at noon in New York."""
    game = GameOdds(
        2011,
        date(2011, 9, 8),
        1,
        "Green Bay Packers",
        "New Orleans Saints",
        42,
        34,
        -250,
        210,
        Decimal("-5.0"),
        over_under=Decimal("48.0"),
    )
    load_rows(schema, [tables.games_table("nfl_games", [game, replace(game, number=2)])])
    stored = schema.execute(
        "SELECT home_score, game_time, game_status, spread_home, over_odds FROM nfl_games"
    ).fetchall()
    noon = datetime(2011, 9, 8, 16, tzinfo=UTC)
    assert stored == [(42, noon, "final", Decimal("-5.0"), None)] * 2


def test_bars_are_loaded_as_market_data(schema):
    """Prices arrive to the fourth decimal with their source."""
    at = datetime(2013, 10, 4, 8, 6, tzinfo=UTC)
    bar = Bar(
        "SPY", at, Decimal("167.65"), Decimal("167.7"), Decimal("167.6"), Decimal("167.651"), 20_000
    )
    load_rows(schema, [tables.bars_table([bar], source="file")])
    assert schema.execute("SELECT * FROM market_data").fetchone() == (
        "SPY",
        at,
        bar.open,
        bar.high,
        bar.low,
        bar.close,
        20_000,
        "file",
    )


def test_the_quotes_of_one_day_are_loaded_as_a_chain(schema):
    """Quotes of other days stay out, and unknown greeks are NULL."""
    load_rows(
        schema, [tables.stocks_table([Constituent("AAPL", "Apple", "Information Technology")])]
    )
    quote = OptionQuote(
        line=2, symbol="AAPL", day=date(2014, 6, 10), expiration=date(2014, 7, 19),
        strike=Decimal("92.86"), type="call", underlying=Decimal("93.77"), close=Decimal("3.24"),
        bid=None, ask=None, volume=5092, open_interest=None, implied_volatility=None,
        delta=None, gamma=None, theta=None, vega=None,
    )  # fmt: skip
    other = replace(quote, day=date(2014, 6, 11))
    table = tables.chain_table([quote, other], day=date(2014, 6, 10), stock_ids={"AAPL": 1})
    load_rows(schema, [table])
    stored = schema.execute(
        "SELECT strike_price, bid_price, open_interest, delta, updated_at FROM options_chains"
    ).fetchall()
    assert stored == [(Decimal("92.86"), None, None, None, datetime(2014, 6, 10, 20, tzinfo=UTC))]


def test_rows_that_break_a_rule_are_refused_whole(schema):
    """One bad row of many, and none is stored; the error has the server's words."""
    rows = [("odds", True), ("odds", False)]
    with pytest.raises(LoadError, match="duplicate key"):
        load_rows(schema, [from_rows("automation_switches", "name enabled", rows)])
    assert one(schema, "SELECT count(*) FROM automation_switches") == 0
