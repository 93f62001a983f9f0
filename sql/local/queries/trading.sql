-- What the trading loop writes, each write harmless when it is repeated, and what it takes up again.

-- name: put_signal
-- Store a signal once.
INSERT INTO signals (
    symbol, timestamp, model, action, price, predicted_price, confidence, reason
)
VALUES (
    :symbol, :timestamp, :model, :action, :price, :predicted_price, :confidence, :reason
)
ON CONFLICT (symbol, timestamp, model) DO NOTHING;

-- name: put_outcome
-- Store how a signal ended, once.
UPDATE signals SET outcome = :outcome, outcome_price = :outcome_price
WHERE symbol = :symbol AND timestamp = :timestamp AND model = :model AND outcome IS NULL;

-- name: put_order
-- Store an order once; one that is there stays as it is, filled or not.
INSERT INTO orders (order_id, symbol, action, quantity, price, decided_at)
VALUES (:order_id, :symbol, :action, :quantity, :price, :decided_at)
ON CONFLICT (order_id) DO NOTHING;

-- name: mark_filled
-- Note that an order was executed.
UPDATE orders SET filled = 1 WHERE order_id = :order_id;

-- name: put_holding
-- Store what is held of a symbol now, and the profit taken.
INSERT INTO positions (symbol, quantity, average_price, updated_at, realised)
VALUES (:symbol, :quantity, :average_price, :updated_at, :realised)
ON CONFLICT (symbol) DO UPDATE SET
    quantity = excluded.quantity, average_price = excluded.average_price,
    updated_at = excluded.updated_at, realised = excluded.realised;

-- name: unfilled_orders
-- Orders without a fill, the oldest first.
SELECT order_id, symbol, action, quantity, price, decided_at
FROM orders
WHERE filled = 0
ORDER BY decided_at, order_id
LIMIT :limit;

-- name: holdings
-- What is held of every symbol that was ever traded.
SELECT symbol, quantity, average_price, realised
FROM positions
ORDER BY symbol
LIMIT :limit;

-- name: last_signals
-- The last signals of a symbol, newest first, with the number of bars since each.
SELECT
    symbol, timestamp, model, action, price, predicted_price, confidence, reason, outcome,
    (
        SELECT count(*) FROM market_data AS bar
        WHERE bar.symbol = signals.symbol AND bar.timestamp > signals.timestamp
    ) AS bars
FROM signals
WHERE symbol = :symbol
ORDER BY timestamp DESC, model DESC
LIMIT :limit;

-- name: last_closes
-- The last closes of a symbol with their times, newest first.
SELECT timestamp, close
FROM market_data
WHERE symbol = :symbol
ORDER BY timestamp DESC
LIMIT :limit;

-- name: filled_quantities
-- What the fills of all orders add up to, by symbol; trades that are no order's do not count.
SELECT
    trades.symbol,
    sum(CASE trades.action WHEN 'buy' THEN trades.quantity ELSE -trades.quantity END) AS quantity
FROM trades
WHERE EXISTS (SELECT 1 FROM orders WHERE orders.order_id = trades.trade_id)
GROUP BY trades.symbol
ORDER BY trades.symbol
LIMIT :limit;
