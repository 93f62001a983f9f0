-- Accounts, instruments and everything an account holds or has done.
-- Money is numeric; prices carry four decimals, as exchanges quote them.

CREATE TABLE stocks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    symbol text NOT NULL UNIQUE,
    company_name text NOT NULL,
    sector text NOT NULL,
    market_cap numeric(20, 2),
    current_price numeric(14, 4),
    optionable boolean NOT NULL DEFAULT true
);

CREATE TABLE trading_accounts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_name text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE wheel_cycles (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES trading_accounts (id),
    stock_id bigint NOT NULL REFERENCES stocks (id),
    cycle_number integer NOT NULL CHECK (cycle_number > 0),
    opened_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    UNIQUE (account_id, stock_id, cycle_number)
);

CREATE TABLE positions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES trading_accounts (id),
    stock_id bigint NOT NULL REFERENCES stocks (id),
    cycle_id bigint REFERENCES wheel_cycles (id),
    quantity numeric(18, 4) NOT NULL,
    entry_price numeric(14, 4) NOT NULL,
    current_price numeric(14, 4),
    opened_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz
);

CREATE TABLE options_chains (
    stock_id bigint NOT NULL REFERENCES stocks (id),
    expiration_date date NOT NULL,
    strike_price numeric(12, 2) NOT NULL CHECK (strike_price > 0),
    option_type text NOT NULL CHECK (option_type IN ('call', 'put')),
    bid_price numeric(12, 4),
    ask_price numeric(12, 4),
    volume integer,
    open_interest integer,
    delta double precision,
    theta double precision,
    gamma double precision,
    vega double precision,
    implied_volatility double precision,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stock_id, expiration_date, strike_price, option_type)
);

CREATE TABLE trade_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES trading_accounts (id),
    symbol text NOT NULL,
    action text NOT NULL CHECK (action IN ('buy', 'sell')),
    quantity numeric(18, 4) NOT NULL CHECK (quantity > 0),
    price numeric(14, 4) NOT NULL CHECK (price >= 0),
    total_value numeric(20, 4) NOT NULL,
    order_type text NOT NULL CHECK (order_type IN ('market', 'limit', 'stop')),
    executed_at timestamptz NOT NULL
);

CREATE TABLE portfolio_history (
    account_id bigint NOT NULL REFERENCES trading_accounts (id),
    date date NOT NULL,
    portfolio_value numeric(20, 4) NOT NULL,
    day_change numeric(20, 4) NOT NULL,
    day_change_pct double precision NOT NULL,
    PRIMARY KEY (account_id, date)
);

CREATE TABLE portfolio_balances (
    account_id bigint NOT NULL REFERENCES trading_accounts (id),
    date date NOT NULL,
    portfolio_value numeric(20, 4) NOT NULL,
    cash numeric(20, 4) NOT NULL,
    total_equity numeric(20, 4) NOT NULL,
    PRIMARY KEY (account_id, date)
);

CREATE TABLE alerts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_type text NOT NULL,
    symbol text NOT NULL,
    message text NOT NULL,
    priority smallint NOT NULL CHECK (priority BETWEEN 1 AND 5),
    is_read boolean NOT NULL DEFAULT false,
    is_dismissed boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE watchlists (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner text NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (owner, name)
);

CREATE TABLE watchlist_items (
    watchlist_id bigint NOT NULL REFERENCES watchlists (id) ON DELETE CASCADE,
    symbol text NOT NULL,
    notes text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (watchlist_id, symbol)
);

CREATE TABLE earnings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    symbol text NOT NULL,
    fiscal_period_end date NOT NULL,
    report_date date NOT NULL,
    time_of_day text NOT NULL DEFAULT 'unknown'
    CHECK (time_of_day IN ('pre-market', 'post-market', 'unknown')),
    eps_estimate numeric(12, 4),
    eps_actual numeric(12, 4),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (symbol, fiscal_period_end)
);
