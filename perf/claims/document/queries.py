"""The queries of the documents' dashboards and of "Performance Testing Queries" (document 002).

Holes for values are psycopg's; everything else is as printed. The sports and list queries of
000.9 are described there by their filters only, and are written out here in full.
"""

from __future__ import annotations

ACTIVITY = """
SELECT
    symbol, action, quantity, price, total_value, executed_at, order_type
FROM trade_history
ORDER BY executed_at DESC
LIMIT 10
"""

PORTFOLIO_HISTORY = """
SELECT
    date, portfolio_value, day_change, day_change_pct
FROM portfolio_history
WHERE date >= CURRENT_DATE - INTERVAL '30 days'
ORDER BY date ASC
"""

ALERTS = """
SELECT
    id, alert_type, symbol, message, priority, created_at, is_read
FROM alerts
WHERE is_dismissed = FALSE
ORDER BY priority DESC, created_at DESC
LIMIT 20
"""

OPTIONS_CHAIN = """
SELECT
    stock_id, expiration_date, strike_price, option_type,
    bid_price, ask_price, volume, open_interest,
    delta, theta, gamma, vega, implied_volatility
FROM options_chains
WHERE stock_id = %s
    AND expiration_date >= CURRENT_DATE
ORDER BY expiration_date, strike_price
"""

SCHEDULED_GAMES = """
SELECT id, home_team, away_team, game_time
FROM {table}
WHERE game_status = 'scheduled'
ORDER BY game_time, id
LIMIT 50
"""

WATCHLIST_ITEMS = """
SELECT watchlist_id, symbol, notes, created_at
FROM watchlist_items
WHERE watchlist_id = %s
ORDER BY created_at DESC, symbol
LIMIT 1000
"""

MARKET_PREDICTIONS = """
SELECT id, predicted_outcome, confidence, overall_rank
FROM kalshi_predictions
WHERE market_id = %s
ORDER BY overall_rank, id
LIMIT 50
"""

SIGNALS_BY_SYMBOL = """
SELECT id, action, price, confidence, timestamp
FROM signals
WHERE symbol = %s
ORDER BY timestamp DESC, id
LIMIT 50
"""

SIGNALS_BY_OUTCOME = """
SELECT count(*), max(confidence)
FROM signals
WHERE symbol = %s AND outcome = 'win'
"""

SIGNALS_RECENT = """
SELECT id, symbol, action, confidence
FROM signals
ORDER BY created_at DESC, id
LIMIT 50
"""

PREDICTIONS_RECENT = """
SELECT id, symbol, direction, confidence
FROM predictions
ORDER BY timestamp DESC, id
LIMIT 100
"""
