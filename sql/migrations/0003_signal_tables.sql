-- Market bars, what the models said of them, and the work of the platform itself.

CREATE TABLE market_data (
    symbol text NOT NULL,
    timestamp timestamptz NOT NULL,
    open numeric(14, 4) NOT NULL,
    high numeric(14, 4) NOT NULL,
    low numeric(14, 4) NOT NULL,
    close numeric(14, 4) NOT NULL,
    volume bigint NOT NULL,
    source text NOT NULL,
    PRIMARY KEY (symbol, timestamp)
);

CREATE TABLE predictions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    symbol text NOT NULL,
    timestamp timestamptz NOT NULL,
    model text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('up', 'down', 'flat')),
    predicted_price numeric(14, 4) NOT NULL,
    confidence double precision NOT NULL CHECK (confidence BETWEEN 0 AND 1)
);

CREATE TABLE signals (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    symbol text NOT NULL,
    timestamp timestamptz NOT NULL,
    action text NOT NULL CHECK (action IN ('buy', 'sell', 'hold')),
    price numeric(14, 4) NOT NULL,
    confidence double precision NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    reason text NOT NULL DEFAULT '',
    outcome text CHECK (outcome IN ('win', 'loss', 'flat')),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE tasks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    title text NOT NULL,
    status text NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending', 'running', 'succeeded', 'failed', 'cancelled')),
    priority smallint NOT NULL DEFAULT 3 CHECK (priority BETWEEN 1 AND 5),
    attempts integer NOT NULL DEFAULT 0,
    error text,
    scheduled_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE automation_switches (
    name text PRIMARY KEY,
    enabled boolean NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by text NOT NULL DEFAULT 'system'
);
