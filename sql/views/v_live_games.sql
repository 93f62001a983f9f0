-- Games being played, of the four sports, in one statement.

CREATE OR REPLACE VIEW v_live_games AS
SELECT
    'nfl'::text AS sport,
    game_id,
    home_team,
    away_team,
    home_score,
    away_score,
    game_time,
    period,
    time_remaining,
    moneyline_home,
    moneyline_away,
    spread_home,
    over_under,
    last_synced
FROM nfl_games
WHERE game_status = 'live'
UNION ALL
SELECT
    'nba'::text AS sport,
    game_id,
    home_team,
    away_team,
    home_score,
    away_score,
    game_time,
    period,
    time_remaining,
    moneyline_home,
    moneyline_away,
    spread_home,
    over_under,
    last_synced
FROM nba_games
WHERE game_status = 'live'
UNION ALL
SELECT
    'ncaa_football'::text AS sport,
    game_id,
    home_team,
    away_team,
    home_score,
    away_score,
    game_time,
    period,
    time_remaining,
    moneyline_home,
    moneyline_away,
    spread_home,
    over_under,
    last_synced
FROM ncaa_football_games
WHERE game_status = 'live'
UNION ALL
SELECT
    'ncaa_basketball'::text AS sport,
    game_id,
    home_team,
    away_team,
    home_score,
    away_score,
    game_time,
    period,
    time_remaining,
    moneyline_home,
    moneyline_away,
    spread_home,
    over_under,
    last_synced
FROM ncaa_basketball_games
WHERE game_status = 'live';
