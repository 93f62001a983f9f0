-- What the trading loop writes and takes up again. Each write may be repeated: rows that are there
-- stay as they are. A batch is one statement with an array a column.

-- name: put_loop_signals
-- Store signals, each once, and of those not stored before the predictions of their models.
WITH said AS (
    INSERT INTO signals (
        symbol, timestamp, model, action, price, predicted_price, confidence, reason
    )
    SELECT symbol, timestamp, model, action, price, predicted_price, confidence, reason
    FROM unnest(
        %(symbol)s::text[], %(timestamp)s::timestamptz[], %(model)s::text[], %(action)s::text[],
        %(price)s::numeric(14, 4)[], %(predicted_price)s::numeric(14, 4)[],
        %(confidence)s::double precision[], %(reason)s::text[]
    ) AS given (symbol, timestamp, model, action, price, predicted_price, confidence, reason)
    ON CONFLICT (symbol, timestamp, model) WHERE model IS NOT NULL DO NOTHING
    RETURNING symbol, timestamp, model, action, predicted_price, confidence
)
INSERT INTO predictions (symbol, timestamp, model, direction, predicted_price, confidence)
SELECT
    symbol, timestamp, model,
    CASE action WHEN 'buy' THEN 'up' WHEN 'sell' THEN 'down' ELSE 'flat' END,
    predicted_price, confidence
FROM said
WHERE predicted_price IS NOT NULL;

-- name: put_loop_outcomes
-- Store how signals ended, each once.
UPDATE signals
SET outcome = ended.outcome, outcome_price = ended.outcome_price
FROM unnest(
    %(symbol)s::text[], %(timestamp)s::timestamptz[], %(model)s::text[], %(outcome)s::text[],
    %(outcome_price)s::numeric(14, 4)[]
) AS ended (symbol, timestamp, model, outcome, outcome_price)
WHERE signals.symbol = ended.symbol AND signals.timestamp = ended.timestamp
    AND signals.model = ended.model AND signals.outcome IS NULL;

-- name: put_loop_orders
-- Store orders, each once.
INSERT INTO paper_orders (order_id, symbol, action, quantity, price, decided_at)
SELECT order_id, symbol, action, quantity, price, decided_at
FROM unnest(
    %(order_id)s::text[], %(symbol)s::text[], %(action)s::text[], %(quantity)s::numeric(18, 8)[],
    %(price)s::numeric(18, 8)[], %(decided_at)s::timestamptz[]
) AS decided (order_id, symbol, action, quantity, price, decided_at)
ON CONFLICT (order_id) DO NOTHING;

-- name: put_loop_fills
-- Store fills, each once.
INSERT INTO paper_fills (order_id, symbol, action, quantity, price, filled_at)
SELECT order_id, symbol, action, quantity, price, filled_at
FROM unnest(
    %(order_id)s::text[], %(symbol)s::text[], %(action)s::text[], %(quantity)s::numeric(18, 8)[],
    %(price)s::numeric(18, 8)[], %(filled_at)s::timestamptz[]
) AS filled (order_id, symbol, action, quantity, price, filled_at)
ON CONFLICT (order_id) DO NOTHING;

-- name: put_loop_holdings
-- Store what is held now.
INSERT INTO paper_holdings (symbol, quantity, average_price, realised, updated_at)
SELECT symbol, quantity, average_price, realised, %(updated_at)s
FROM unnest(
    %(symbol)s::text[], %(quantity)s::numeric(18, 8)[], %(average_price)s::numeric(18, 8)[],
    %(realised)s::numeric(18, 8)[]
) AS held (symbol, quantity, average_price, realised)
ON CONFLICT (symbol) DO UPDATE
SET quantity = excluded.quantity, average_price = excluded.average_price,
    realised = excluded.realised, updated_at = excluded.updated_at;

-- name: unfilled_orders
-- Orders without a fill, the oldest first. There are none or a few: whoever decides also executes.
SELECT order_id, symbol, action, quantity, price, decided_at
FROM paper_orders
WHERE NOT EXISTS (
    SELECT FROM paper_fills WHERE paper_fills.order_id = paper_orders.order_id
)
ORDER BY decided_at, order_id
LIMIT %(limit)s;

-- name: loop_holdings
-- What is held of every symbol that was ever traded.
SELECT symbol, quantity, average_price, realised
FROM paper_holdings
ORDER BY symbol
LIMIT %(limit)s;

-- name: filled_quantities
-- What the fills add up to, by symbol.
SELECT symbol, sum(CASE action WHEN 'buy' THEN quantity ELSE -quantity END) AS quantity
FROM paper_fills
GROUP BY symbol
ORDER BY symbol
LIMIT %(limit)s;

-- name: last_loop_signals
-- The last signals of several symbols, the oldest first, with the number of bars since each.
SELECT
    said.symbol, said.timestamp, said.model, said.action, said.price, said.predicted_price,
    said.confidence, said.reason, said.outcome,
    (
        SELECT count(*) FROM market_data AS bar
        WHERE bar.symbol = said.symbol AND bar.timestamp > said.timestamp
    ) AS bars
FROM unnest(%(symbols)s::text[]) AS asked (symbol)
CROSS JOIN LATERAL (
    SELECT symbol, timestamp, model, action, price, predicted_price, confidence, reason, outcome
    FROM signals
    WHERE signals.symbol = asked.symbol AND model IS NOT NULL
    ORDER BY signals.timestamp DESC
    LIMIT %(each)s
) AS said
ORDER BY said.timestamp, said.symbol
LIMIT %(limit)s;

-- name: last_loop_closes
-- The last closes of several symbols with their times, the oldest first.
SELECT bar.symbol, bar.timestamp, bar.close
FROM unnest(%(symbols)s::text[]) AS asked (symbol)
CROSS JOIN LATERAL (
    SELECT symbol, timestamp, close
    FROM market_data
    WHERE market_data.symbol = asked.symbol
    ORDER BY market_data.timestamp DESC
    LIMIT %(each)s
) AS bar
ORDER BY bar.timestamp, bar.symbol
LIMIT %(limit)s;
