-- What the local store runs. Lists continue strictly after the key of the last row seen.

-- name: put_bar
-- Store a bar; a later one of the same symbol and time corrects it.
INSERT INTO market_data (symbol, timestamp, open, high, low, close, volume, source)
VALUES (:symbol, :timestamp, :open, :high, :low, :close, :volume, :source)
ON CONFLICT (symbol, timestamp) DO UPDATE SET
    open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
    volume = excluded.volume, source = excluded.source;

-- name: put_prediction
-- Store what a model says of a symbol at a time; a later word replaces it.
INSERT INTO predictions (symbol, timestamp, model, direction, predicted_price, confidence)
VALUES (:symbol, :timestamp, :model, :direction, :predicted_price, :confidence)
ON CONFLICT (symbol, timestamp, model) DO UPDATE SET
    direction = excluded.direction, predicted_price = excluded.predicted_price,
    confidence = excluded.confidence;

-- name: put_trade
-- Store a trade once; a trade of that id that is there already stays as it is.
INSERT INTO trades (trade_id, symbol, action, quantity, price, executed_at)
VALUES (:trade_id, :symbol, :action, :quantity, :price, :executed_at)
ON CONFLICT (trade_id) DO NOTHING;

-- name: trade
-- One trade.
SELECT trade_id, symbol, action, quantity, price, executed_at FROM trades WHERE trade_id = :trade_id;

-- name: put_position
-- Store what is held of a symbol now.
INSERT INTO positions (symbol, quantity, average_price, updated_at)
VALUES (:symbol, :quantity, :average_price, :updated_at)
ON CONFLICT (symbol) DO UPDATE SET
    quantity = excluded.quantity, average_price = excluded.average_price,
    updated_at = excluded.updated_at;

-- name: latest_bars
-- A symbol's bars, newest first.
SELECT symbol, timestamp, open, high, low, close, volume, source
FROM market_data
WHERE symbol = :symbol AND timestamp < :after_0
ORDER BY timestamp DESC
LIMIT :limit;

-- name: bars_between
-- The bars of all symbols up to, and without, a time, oldest first.
SELECT symbol, timestamp, open, high, low, close, volume, source
FROM market_data
WHERE (timestamp, symbol) > (:after_0, :after_1) AND timestamp < :end
ORDER BY timestamp, symbol
LIMIT :limit;

-- name: recent_predictions
-- The predictions of all models, newest first.
SELECT symbol, timestamp, model, direction, predicted_price, confidence
FROM predictions
WHERE (timestamp, symbol, model) < (:after_0, :after_1, :after_2)
ORDER BY timestamp DESC, symbol DESC, model DESC
LIMIT :limit;

-- name: recent_trades
-- Trades, newest first.
SELECT trade_id, symbol, action, quantity, price, executed_at
FROM trades
WHERE (executed_at, trade_id) < (:after_0, :after_1)
ORDER BY executed_at DESC, trade_id DESC
LIMIT :limit;

-- name: positions
-- What is held, by symbol.
SELECT symbol, quantity, average_price, updated_at
FROM positions
WHERE symbol > :after_0
ORDER BY symbol
LIMIT :limit;
