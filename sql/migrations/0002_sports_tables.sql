-- One table a sport, of one shape, so that one UNION ALL reads the four of them.
-- Odds are American (+150, -110); a spread is seen from the home side.

CREATE TABLE nfl_games (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    game_id text NOT NULL UNIQUE,
    season integer NOT NULL,
    home_team text NOT NULL,
    away_team text NOT NULL,
    home_score integer,
    away_score integer,
    game_time timestamptz NOT NULL,
    game_status text NOT NULL CHECK (game_status IN ('scheduled', 'live', 'final', 'postponed')),
    period text,
    time_remaining text,
    moneyline_home integer,
    moneyline_away integer,
    spread_home numeric(4, 1),
    spread_odds_home integer,
    spread_odds_away integer,
    over_under numeric(5, 1),
    over_odds integer,
    under_odds integer,
    last_synced timestamptz
);

CREATE TABLE nba_games (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    game_id text NOT NULL UNIQUE,
    season integer NOT NULL,
    home_team text NOT NULL,
    away_team text NOT NULL,
    home_score integer,
    away_score integer,
    game_time timestamptz NOT NULL,
    game_status text NOT NULL CHECK (game_status IN ('scheduled', 'live', 'final', 'postponed')),
    period text,
    time_remaining text,
    moneyline_home integer,
    moneyline_away integer,
    spread_home numeric(4, 1),
    spread_odds_home integer,
    spread_odds_away integer,
    over_under numeric(5, 1),
    over_odds integer,
    under_odds integer,
    last_synced timestamptz
);

CREATE TABLE ncaa_football_games (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    game_id text NOT NULL UNIQUE,
    season integer NOT NULL,
    home_team text NOT NULL,
    away_team text NOT NULL,
    home_score integer,
    away_score integer,
    game_time timestamptz NOT NULL,
    game_status text NOT NULL CHECK (game_status IN ('scheduled', 'live', 'final', 'postponed')),
    period text,
    time_remaining text,
    moneyline_home integer,
    moneyline_away integer,
    spread_home numeric(4, 1),
    spread_odds_home integer,
    spread_odds_away integer,
    over_under numeric(5, 1),
    over_odds integer,
    under_odds integer,
    last_synced timestamptz
);

CREATE TABLE ncaa_basketball_games (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    game_id text NOT NULL UNIQUE,
    season integer NOT NULL,
    home_team text NOT NULL,
    away_team text NOT NULL,
    home_score integer,
    away_score integer,
    game_time timestamptz NOT NULL,
    game_status text NOT NULL CHECK (game_status IN ('scheduled', 'live', 'final', 'postponed')),
    period text,
    time_remaining text,
    moneyline_home integer,
    moneyline_away integer,
    spread_home numeric(4, 1),
    spread_odds_home integer,
    spread_odds_away integer,
    over_under numeric(5, 1),
    over_odds integer,
    under_odds integer,
    last_synced timestamptz
);

CREATE TABLE kalshi_markets (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticker text NOT NULL UNIQUE,
    title text NOT NULL,
    category text NOT NULL,
    status text NOT NULL CHECK (status IN ('unopened', 'open', 'closed', 'settled')),
    yes_price numeric(6, 4) CHECK (yes_price BETWEEN 0 AND 1),
    no_price numeric(6, 4) CHECK (no_price BETWEEN 0 AND 1),
    close_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE kalshi_predictions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    market_id bigint NOT NULL REFERENCES kalshi_markets (id) ON DELETE CASCADE,
    predicted_outcome text NOT NULL CHECK (predicted_outcome IN ('yes', 'no')),
    confidence double precision NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    edge double precision NOT NULL,
    overall_rank integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
