-- Games of the four sports as one list: one statement instead of one a sport.

-- name: live_games
-- The games being played now, longest running first; a page.
SELECT
    sport, id, game_id, season, home_team, away_team, home_score, away_score, game_time,
    game_status, period, time_remaining, moneyline_home, moneyline_away, spread_home,
    spread_odds_home, spread_odds_away, over_under, over_odds, under_odds, last_synced
FROM (
    SELECT
        'nfl' AS sport, id, game_id, season, home_team, away_team, home_score, away_score,
        game_time, game_status, period, time_remaining, moneyline_home, moneyline_away,
        spread_home, spread_odds_home, spread_odds_away, over_under, over_odds, under_odds,
        last_synced
    FROM nfl_games
    WHERE game_status = 'live'
    UNION ALL
    SELECT
        'nba' AS sport, id, game_id, season, home_team, away_team, home_score, away_score,
        game_time, game_status, period, time_remaining, moneyline_home, moneyline_away,
        spread_home, spread_odds_home, spread_odds_away, over_under, over_odds, under_odds,
        last_synced
    FROM nba_games
    WHERE game_status = 'live'
    UNION ALL
    SELECT
        'ncaa_football' AS sport, id, game_id, season, home_team, away_team, home_score, away_score,
        game_time, game_status, period, time_remaining, moneyline_home, moneyline_away,
        spread_home, spread_odds_home, spread_odds_away, over_under, over_odds, under_odds,
        last_synced
    FROM ncaa_football_games
    WHERE game_status = 'live'
    UNION ALL
    SELECT
        'ncaa_basketball' AS sport, id, game_id, season, home_team, away_team, home_score, away_score,
        game_time, game_status, period, time_remaining, moneyline_home, moneyline_away,
        spread_home, spread_odds_home, spread_odds_away, over_under, over_odds, under_odds,
        last_synced
    FROM ncaa_basketball_games
    WHERE game_status = 'live'
) AS games
WHERE /* after */ true
ORDER BY game_time, sport, id
LIMIT %(limit)s;

-- name: upcoming_games
-- The games of the coming days, soonest first; a page.
SELECT
    sport, id, game_id, season, home_team, away_team, home_score, away_score, game_time,
    game_status, period, time_remaining, moneyline_home, moneyline_away, spread_home,
    spread_odds_home, spread_odds_away, over_under, over_odds, under_odds, last_synced
FROM (
    SELECT
        'nfl' AS sport, id, game_id, season, home_team, away_team, home_score, away_score,
        game_time, game_status, period, time_remaining, moneyline_home, moneyline_away,
        spread_home, spread_odds_home, spread_odds_away, over_under, over_odds, under_odds,
        last_synced
    FROM nfl_games
    WHERE game_status = 'scheduled'
        AND game_time >= now() AND game_time < now() + make_interval(days => %(days)s)
    UNION ALL
    SELECT
        'nba' AS sport, id, game_id, season, home_team, away_team, home_score, away_score,
        game_time, game_status, period, time_remaining, moneyline_home, moneyline_away,
        spread_home, spread_odds_home, spread_odds_away, over_under, over_odds, under_odds,
        last_synced
    FROM nba_games
    WHERE game_status = 'scheduled'
        AND game_time >= now() AND game_time < now() + make_interval(days => %(days)s)
    UNION ALL
    SELECT
        'ncaa_football' AS sport, id, game_id, season, home_team, away_team, home_score, away_score,
        game_time, game_status, period, time_remaining, moneyline_home, moneyline_away,
        spread_home, spread_odds_home, spread_odds_away, over_under, over_odds, under_odds,
        last_synced
    FROM ncaa_football_games
    WHERE game_status = 'scheduled'
        AND game_time >= now() AND game_time < now() + make_interval(days => %(days)s)
    UNION ALL
    SELECT
        'ncaa_basketball' AS sport, id, game_id, season, home_team, away_team, home_score, away_score,
        game_time, game_status, period, time_remaining, moneyline_home, moneyline_away,
        spread_home, spread_odds_home, spread_odds_away, over_under, over_odds, under_odds,
        last_synced
    FROM ncaa_basketball_games
    WHERE game_status = 'scheduled'
        AND game_time >= now() AND game_time < now() + make_interval(days => %(days)s)
) AS games
WHERE /* after */ true
ORDER BY game_time, sport, id
LIMIT %(limit)s;
