-- The store of one machine. Times are whole microseconds since 1970 in UTC; prices and quantities
-- are whole hundred-millionths, so that what is read is exactly what was written, and sums are exact
-- too. A REAL holds 0.1 only nearly, and a bar that is nearly right breaks equality and replay.
-- Tables are kept in the order of their keys (WITHOUT ROWID): a symbol's bars lie side by side.

CREATE TABLE market_data (
    symbol TEXT NOT NULL CHECK (symbol <> ''),
    timestamp INTEGER NOT NULL,
    open INTEGER NOT NULL,
    high INTEGER NOT NULL,
    low INTEGER NOT NULL,
    close INTEGER NOT NULL,
    volume INTEGER NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (symbol, timestamp)
) STRICT, WITHOUT ROWID;

CREATE TABLE predictions (
    symbol TEXT NOT NULL CHECK (symbol <> ''),
    timestamp INTEGER NOT NULL,
    model TEXT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('up', 'down', 'flat')),
    predicted_price INTEGER NOT NULL,
    confidence REAL NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    PRIMARY KEY (symbol, timestamp, model)
) STRICT, WITHOUT ROWID;

CREATE TABLE trades (
    trade_id TEXT NOT NULL PRIMARY KEY CHECK (trade_id <> ''),
    symbol TEXT NOT NULL CHECK (symbol <> ''),
    action TEXT NOT NULL CHECK (action IN ('buy', 'sell')),
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    price INTEGER NOT NULL CHECK (price >= 0),
    executed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE positions (
    symbol TEXT NOT NULL PRIMARY KEY CHECK (symbol <> ''),
    quantity INTEGER NOT NULL,
    average_price INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- "The latest of all symbols" (document 004, PERF-005); the key's rest makes the order unique.
CREATE INDEX idx_market_data_time ON market_data (timestamp, symbol);
CREATE INDEX idx_predictions_time ON predictions (timestamp, symbol, model);
CREATE INDEX idx_trades_time ON trades (executed_at, trade_id);
