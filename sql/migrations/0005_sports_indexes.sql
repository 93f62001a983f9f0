-- no-transaction
-- Of each sport: games by status and time, the live ones, and those to come by who plays.
-- The live index repeats what (game_status, game_time) could answer. It is kept on purpose: it holds
-- the few rows of tonight instead of every season, and live games are asked for every few seconds.
-- The teams' index is on the very expression by which the odds sync matches names (sync_odds).

CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_nfl_games_status
ON nfl_games (game_status, game_time);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_nfl_games_live
ON nfl_games (game_time) WHERE game_status = 'live';
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_nfl_games_teams
ON nfl_games (
    lower(btrim(regexp_replace(home_team, '\s+', ' ', 'g'))),
    lower(btrim(regexp_replace(away_team, '\s+', ' ', 'g'))),
    game_time
) WHERE game_status = 'scheduled';

CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_nba_games_status
ON nba_games (game_status, game_time);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_nba_games_live
ON nba_games (game_time) WHERE game_status = 'live';
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_nba_games_teams
ON nba_games (
    lower(btrim(regexp_replace(home_team, '\s+', ' ', 'g'))),
    lower(btrim(regexp_replace(away_team, '\s+', ' ', 'g'))),
    game_time
) WHERE game_status = 'scheduled';

CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_ncaa_football_games_status
ON ncaa_football_games (game_status, game_time);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_ncaa_football_games_live
ON ncaa_football_games (game_time) WHERE game_status = 'live';
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_ncaa_football_games_teams
ON ncaa_football_games (
    lower(btrim(regexp_replace(home_team, '\s+', ' ', 'g'))),
    lower(btrim(regexp_replace(away_team, '\s+', ' ', 'g'))),
    game_time
) WHERE game_status = 'scheduled';

CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_ncaa_basketball_games_status
ON ncaa_basketball_games (game_status, game_time);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_ncaa_basketball_games_live
ON ncaa_basketball_games (game_time) WHERE game_status = 'live';
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_ncaa_basketball_games_teams
ON ncaa_basketball_games (
    lower(btrim(regexp_replace(home_team, '\s+', ' ', 'g'))),
    lower(btrim(regexp_replace(away_team, '\s+', ' ', 'g'))),
    game_time
) WHERE game_status = 'scheduled';

-- The best predictions of a market. It leads with the foreign key, so it is that key's index too.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_kalshi_predictions_rank
ON kalshi_predictions (market_id, overall_rank);
