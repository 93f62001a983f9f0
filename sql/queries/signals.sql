-- Market bars, what the models said of them, and what became of it.

-- name: market_data_range
-- The bars of one symbol from a time up to another, oldest first; a page.
SELECT symbol, timestamp, open, high, low, close, volume, source
FROM market_data
WHERE /* after */ symbol = %(symbol)s AND timestamp >= %(start)s AND timestamp < %(stop)s
ORDER BY timestamp
LIMIT %(limit)s;

-- name: latest_predictions
-- The predictions of all symbols, newest first; a page.
SELECT id, symbol, timestamp, model, direction, predicted_price, confidence
FROM predictions
WHERE /* after */ true
ORDER BY timestamp DESC, id DESC
LIMIT %(limit)s;

-- name: latest_predictions_by_symbol
-- The predictions of one symbol, newest first; a page.
SELECT id, symbol, timestamp, model, direction, predicted_price, confidence
FROM predictions
WHERE /* after */ symbol = %(symbol)s
ORDER BY timestamp DESC, id DESC
LIMIT %(limit)s;

-- name: signals_by_symbol
-- The signals of one symbol, newest first; a page.
SELECT id, symbol, timestamp, action, price, confidence, reason, outcome, created_at
FROM signals
WHERE /* after */ symbol = %(symbol)s
ORDER BY timestamp DESC, id DESC
LIMIT %(limit)s;

-- name: signals_by_outcome
-- The signals that ended in one way, newest first; a page.
SELECT id, symbol, timestamp, action, price, confidence, reason, outcome, created_at
FROM signals
WHERE /* after */ outcome = %(outcome)s
ORDER BY timestamp DESC, id DESC
LIMIT %(limit)s;

-- name: kalshi_predictions
-- The predictions for one market, best rank first; a page.
SELECT id, market_id, predicted_outcome, confidence, edge, overall_rank, created_at
FROM kalshi_predictions
WHERE /* after */ market_id = %(market_id)s
ORDER BY overall_rank, id
LIMIT %(limit)s;

-- name: kalshi_predictions_of
-- The best predictions for each of many markets, in one statement; a market without any comes once.
SELECT
    market.id AS market_id, market.ticker, market.title, best.id, best.predicted_outcome,
    best.confidence, best.edge, best.overall_rank, best.created_at
FROM unnest(%(market_ids)s::bigint[]) AS asked (market_id)
INNER JOIN kalshi_markets AS market ON market.id = asked.market_id
LEFT JOIN LATERAL (
    SELECT id, predicted_outcome, confidence, edge, overall_rank, created_at
    FROM kalshi_predictions
    WHERE market_id = asked.market_id
    ORDER BY overall_rank, id
    LIMIT %(each)s
) AS best ON true
ORDER BY market.id, best.overall_rank, best.id
LIMIT %(limit)s;
