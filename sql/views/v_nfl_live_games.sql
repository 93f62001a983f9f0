-- NFL games being played.

CREATE OR REPLACE VIEW v_nfl_live_games AS
SELECT
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
WHERE game_status = 'live';
