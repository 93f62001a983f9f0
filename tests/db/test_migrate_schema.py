"""The product's own schema: indexes that serve the documents' queries, and none to spare."""

import psycopg
import pytest

from ava.db.migrate import migrate
from ava.db.query import named

ALL_INDEXES = """
    SELECT c.relname, i.indrelid::regclass::text, i.indkey::text, i.indnkeyatts, i.indisunique,
        coalesce(pg_get_expr(i.indpred, i.indrelid), ''),
        coalesce(pg_get_expr(i.indexprs, i.indrelid), ''), i.indisvalid
    FROM pg_index AS i
    INNER JOIN pg_class AS c ON c.oid = i.indexrelid
    WHERE c.relnamespace = 'public'::regnamespace
"""


@pytest.fixture
def db(database):
    """A connection to a database with the whole schema."""
    migrate(database)
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


def scans(node):
    """Return the kinds of scan in a plan, with their index."""
    found = [(node["Node Type"], node.get("Index Name"))] if "Scan" in node["Node Type"] else []
    return found + [scan for child in node.get("Plans", []) for scan in scans(child)]


def explain(db, query, params=None):
    """Run a query and return its plan's root."""
    row = db.execute(f"EXPLAIN (ANALYZE, FORMAT json) {query}", params).fetchone()
    return row[0][0]["Plan"]


def test_every_index_is_valid(db):
    """No concurrent build was left unfinished."""
    assert all(row[-1] for row in db.execute(ALL_INDEXES))


def test_every_foreign_key_has_an_index(db):
    """Deleting a parent row never reads a whole child table."""
    assert db.execute("SELECT constraint_name FROM foreign_keys_without_index()").fetchall() == []


def test_no_index_is_the_beginning_of_another(db):
    """An index whose columns begin another one of the same predicate costs writes for nothing."""
    indexes = db.execute(ALL_INDEXES).fetchall()
    redundant = {
        name
        for name, table, columns, keys, unique, predicate, expressions, _ in indexes
        for other, other_table, other_columns, _, _, other_predicate, other_exprs, _ in indexes
        if name != other
        and table == other_table
        and not unique
        and (predicate, expressions) == (other_predicate, other_exprs)
        and other_columns.split()[:keys] == columns.split()[:keys]
        # What an index includes makes it more than the beginning of another.
        and len(columns.split()) == keys
    }
    assert redundant == set()


@pytest.fixture
def history(db):
    """Enough trades, values and alerts that reading all of them is not the cheapest way."""
    db.execute(
        """
        INSERT INTO trading_accounts (account_name) VALUES ('a'), ('b');
        INSERT INTO trade_history (account_id, symbol, action, quantity, price, total_value,
            order_type, executed_at)
        SELECT 1 + g % 2, 'S' || g % 50, 'buy', 1, 1, 1, 'market', now() - g * interval '1 minute'
        FROM generate_series(1, 5000) AS g;
        INSERT INTO portfolio_history
        SELECT a, CURRENT_DATE - g, 1, 1, 1 FROM generate_series(1, 2) AS a,
            generate_series(1, 3000) AS g;
        INSERT INTO alerts (alert_type, symbol, message, priority, is_dismissed, created_at)
        SELECT 't', 's', 'm', 1 + g % 5, g % 10 > 0, now() - g * interval '1 minute'
        FROM generate_series(1, 5000) AS g;
        INSERT INTO stocks (symbol, company_name, sector)
        SELECT 'S' || g, 'c', 's' FROM generate_series(1, 20) AS g;
        INSERT INTO options_chains (stock_id, expiration_date, strike_price, option_type)
        SELECT s, CURRENT_DATE + 7 * e, k, 'call' FROM generate_series(1, 20) AS s,
            generate_series(1, 10) AS e, generate_series(1, 30) AS k;
        """
    )
    db.execute("VACUUM (ANALYZE)")
    return db


def test_recent_activity_reads_its_limit(history):
    """The index gives the newest trades first: no sort, and no row more than asked for."""
    plan = explain(history, named("recent_activity").sql, {"limit": 10})
    assert scans(plan) == [("Index Scan", "idx_trade_history_executed")]
    assert plan["Plans"][0]["Actual Rows"] == 10


@pytest.mark.parametrize(
    "query",
    [
        "trade_history",
        "trade_history_by_account",
        "trade_history_by_symbol",
        "trade_history_by_account_and_symbol",
    ],
)
def test_trades_are_read_from_the_newest_and_no_further(history, query):
    """An index gives them in order, whichever the planner takes: only one moment's are sorted."""
    asked = {"account_id": 1, "symbol": "S2", "limit": 10}
    plan = explain(history, named(query).sql, asked)
    ((kind, index),) = scans(plan)
    assert (kind, index.startswith("idx_trade_history_")) == ("Index Scan", True)
    assert plan["Plans"][0]["Node Type"] == "Incremental Sort"


def test_a_summary_reads_one_balance(history):
    """The last by the primary key, however many there are."""
    history.execute(
        "INSERT INTO portfolio_balances SELECT a, CURRENT_DATE - g, 1, 1, 1"
        " FROM generate_series(1, 2) AS a, generate_series(1, 1000) AS g"
    )
    history.execute("VACUUM (ANALYZE) portfolio_balances")
    plan = explain(history, named("account_summary").sql, {"account_id": 1})
    assert ("Index Scan", "portfolio_balances_pkey") in scans(plan)


def test_the_history_of_a_portfolio_needs_no_table(history):
    """The date index covers the curve: an index-only scan that fetches nothing from the heap."""
    plan = explain(
        history,
        "SELECT date, portfolio_value, day_change, day_change_pct FROM portfolio_history "
        "WHERE date >= CURRENT_DATE - 30 ORDER BY date LIMIT 1000",
    )
    assert scans(plan) == [("Index Only Scan", "idx_portfolio_history_date")]
    assert plan["Plans"][0]["Heap Fetches"] == 0


def test_active_alerts_come_in_order_of_the_index(history):
    """Priority and age are the index's own order, dismissed alerts are not in it."""
    plan = explain(history, named("active_alerts").sql, {"limit": 20})
    assert scans(plan) == [("Index Scan", "idx_alerts_active")]


def test_an_options_chain_is_served_by_the_primary_key(history):
    """The documents' query on stock and expiration needs no index beside the key."""
    plan = explain(history, named("options_chain").sql, {"stock_id": 3, "limit": 100})
    assert scans(plan) == [("Index Scan", "options_chains_pkey")]


def test_the_documents_predicate_is_refused_by_the_server(db):
    """An index predicate on CURRENT_DATE is not immutable: that statement of 002 never ran."""
    with pytest.raises(psycopg.errors.InvalidObjectDefinition, match="IMMUTABLE"):
        db.execute(
            "CREATE INDEX ON portfolio_history (date DESC) "
            "WHERE date >= CURRENT_DATE - INTERVAL '365 days'"
        )


def test_the_odds_sync_finds_games_by_an_index(db):
    """The teams' index is on the expression the statement compares."""
    db.execute(
        """
        INSERT INTO nfl_games (game_id, season, home_team, away_team, game_time, game_status)
        SELECT 'g' || g, 2025, 'H' || g % 97, 'A' || g % 89, now() + g * interval '1 hour',
            CASE WHEN g % 4 = 0 THEN 'scheduled' ELSE 'final' END
        FROM generate_series(1, 5000) AS g
        """
    )
    db.execute("ANALYZE nfl_games")
    odds = ("moneyline_home", "moneyline_away", "spread_home", "spread_odds_home")
    odds += ("spread_odds_away", "over_under", "over_odds", "under_odds")
    game = db.execute("SELECT home_team, away_team, game_time FROM nfl_games LIMIT 1").fetchone()
    params = {name: [None] for name in odds} | {"limit": 10}
    params |= dict(
        zip(("home_team", "away_team", "commence_time"), map(list, zip(game)), strict=True)
    )
    plan = explain(db, named("sync_odds").sql.replace("{table}", "nfl_games"), params)
    assert "idx_nfl_games_teams" in [index for _, index in scans(plan)]


def test_current_positions_are_priced(db):
    """Value and gain are computed; an unpriced position has neither, a closed one is not shown."""
    db.execute(
        """
        INSERT INTO stocks (symbol, company_name, sector) VALUES ('AAPL', 'Apple', 'Tech');
        INSERT INTO trading_accounts (account_name) VALUES ('a');
        INSERT INTO positions
            (account_id, stock_id, quantity, entry_price, current_price, closed_at)
        VALUES (1, 1, 10, 100, 112.5, NULL), (1, 1, -4, 100, NULL, NULL), (1, 1, 1, 1, 1, now())
        """
    )
    found = db.execute(
        "SELECT symbol, account_name, quantity, current_value, unrealized_pnl "
        "FROM v_current_positions ORDER BY position_id"
    ).fetchall()
    assert found == [("AAPL", "a", 10, 1125, 125), ("AAPL", "a", -4, None, None)]


def test_live_games_of_every_sport_are_one_view(db):
    """Each sport's live games are shown under its name, and no others."""
    for sport in ("nfl", "nba", "ncaa_football", "ncaa_basketball"):
        for status in ("live", "final"):
            db.execute(
                f"INSERT INTO {sport}_games (game_id, season, home_team, away_team, game_time, "
                "game_status) VALUES (%s, 2025, 'h', 'a', now(), %s)",
                [f"{sport}-{status}", status],
            )
    assert sorted(db.execute("SELECT sport, game_id FROM v_live_games").fetchall()) == [
        ("nba", "nba-live"),
        ("ncaa_basketball", "ncaa_basketball-live"),
        ("ncaa_football", "ncaa_football-live"),
        ("nfl", "nfl-live"),
    ]
    assert db.execute("SELECT game_id FROM v_nfl_live_games").fetchall() == [("nfl-live",)]


def test_active_tasks_wait_or_run(db):
    """Finished work is not active."""
    db.execute(
        "INSERT INTO tasks (kind, title, status) SELECT 'k', s, s FROM unnest(ARRAY["
        "'pending', 'running', 'succeeded', 'failed', 'cancelled']) AS s"
    )
    found = db.execute("SELECT title FROM v_active_tasks ORDER BY task_id").fetchall()
    assert found == [("pending",), ("running",)]
