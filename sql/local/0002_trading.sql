-- What the trading loop decides and does. A fill is a row of `trades` whose id is its order's; an
-- order without one may have been executed without our knowing, and is sent again. Amounts and times
-- are kept as in 0001.

CREATE TABLE orders (
    order_id TEXT NOT NULL PRIMARY KEY CHECK (order_id <> ''),
    symbol TEXT NOT NULL CHECK (symbol <> ''),
    action TEXT NOT NULL CHECK (action IN ('buy', 'sell')),
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    price INTEGER NOT NULL CHECK (price > 0),
    decided_at INTEGER NOT NULL,
    filled INTEGER NOT NULL DEFAULT 0 CHECK (filled IN (0, 1))
) STRICT, WITHOUT ROWID;

-- Those to be sent again after a crash: none or a few, out of all that ever were.
CREATE INDEX idx_orders_unfilled ON orders (decided_at, order_id) WHERE filled = 0;

CREATE TABLE signals (
    symbol TEXT NOT NULL CHECK (symbol <> ''),
    timestamp INTEGER NOT NULL,
    model TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('buy', 'sell', 'hold')),
    price INTEGER NOT NULL CHECK (price > 0),
    predicted_price INTEGER,
    confidence REAL NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    reason TEXT NOT NULL,
    outcome TEXT CHECK (outcome IN ('win', 'loss', 'flat')),
    outcome_price INTEGER,
    PRIMARY KEY (symbol, timestamp, model)
) STRICT, WITHOUT ROWID;

ALTER TABLE positions ADD COLUMN realised INTEGER NOT NULL DEFAULT 0;
