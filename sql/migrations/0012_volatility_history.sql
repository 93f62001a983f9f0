-- What options of about a month were priced at, stock by stock: a value a day, the last one seen.
-- Without a year of it nobody can say whether today's volatility is high for that stock.

CREATE TABLE volatility_history (
    symbol text NOT NULL,
    day date NOT NULL,
    volatility double precision NOT NULL CHECK (volatility > 0),
    PRIMARY KEY (symbol, day)
);
