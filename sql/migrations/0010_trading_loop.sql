-- What the trading loop decides and does. Signals get the model that made them, so that a write
-- repeated after a lost answer finds its own rows; those of before have none. An order without a
-- fill may have been executed without our knowing, and is sent again under its id.

ALTER TABLE signals
ADD COLUMN model text,
ADD COLUMN predicted_price numeric(14, 4),
ADD COLUMN outcome_price numeric(14, 4);

CREATE TABLE paper_orders (
    order_id text PRIMARY KEY,
    symbol text NOT NULL,
    action text NOT NULL CHECK (action IN ('buy', 'sell')),
    quantity numeric(18, 8) NOT NULL CHECK (quantity > 0),
    price numeric(18, 8) NOT NULL CHECK (price > 0),
    decided_at timestamptz NOT NULL
);

CREATE TABLE paper_fills (
    order_id text PRIMARY KEY REFERENCES paper_orders (order_id),
    symbol text NOT NULL,
    action text NOT NULL CHECK (action IN ('buy', 'sell')),
    quantity numeric(18, 8) NOT NULL CHECK (quantity > 0),
    price numeric(18, 8) NOT NULL CHECK (price >= 0),
    filled_at timestamptz NOT NULL
);

CREATE TABLE paper_holdings (
    symbol text PRIMARY KEY,
    quantity numeric(18, 8) NOT NULL,
    average_price numeric(18, 8) NOT NULL,
    realised numeric(18, 8) NOT NULL,
    updated_at timestamptz NOT NULL
);
