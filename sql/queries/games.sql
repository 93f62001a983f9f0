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

-- name: games_ahead
-- When the scheduled games of each sport start, within a span; the soonest.
SELECT sport, game_time
FROM (
    SELECT 'nfl' AS sport, game_time
    FROM nfl_games
    WHERE game_status = 'scheduled'
        AND game_time >= %(since)s AND game_time < %(until)s
    UNION ALL
    SELECT 'nba' AS sport, game_time
    FROM nba_games
    WHERE game_status = 'scheduled'
        AND game_time >= %(since)s AND game_time < %(until)s
    UNION ALL
    SELECT 'ncaa_football' AS sport, game_time
    FROM ncaa_football_games
    WHERE game_status = 'scheduled'
        AND game_time >= %(since)s AND game_time < %(until)s
    UNION ALL
    SELECT 'ncaa_basketball' AS sport, game_time
    FROM ncaa_basketball_games
    WHERE game_status = 'scheduled'
        AND game_time >= %(since)s AND game_time < %(until)s
) AS games
ORDER BY game_time, sport
LIMIT %(limit)s;

-- name: games_unfinished
-- The days, on New York's calendar as the leagues count them, of games that should be under way or
-- over and are not known to be over; the latest.
SELECT sport, (game_time AT TIME ZONE 'America/New_York')::date AS day
FROM (
    SELECT 'nfl' AS sport, game_time
    FROM nfl_games
    WHERE game_status IN ('scheduled', 'live')
        AND game_time >= %(since)s AND game_time < %(until)s
    UNION ALL
    SELECT 'nba' AS sport, game_time
    FROM nba_games
    WHERE game_status IN ('scheduled', 'live')
        AND game_time >= %(since)s AND game_time < %(until)s
    UNION ALL
    SELECT 'ncaa_football' AS sport, game_time
    FROM ncaa_football_games
    WHERE game_status IN ('scheduled', 'live')
        AND game_time >= %(since)s AND game_time < %(until)s
    UNION ALL
    SELECT 'ncaa_basketball' AS sport, game_time
    FROM ncaa_basketball_games
    WHERE game_status IN ('scheduled', 'live')
        AND game_time >= %(since)s AND game_time < %(until)s
) AS games
GROUP BY 1, 2
ORDER BY day DESC, sport
LIMIT %(limit)s;

-- name: upsert_games
-- Store how the games of a sport stand, and count those that are new and those that changed; what is
-- as it was is not written, and odds are left alone. {table} stands for the table of the sport, put
-- in as an identifier from a closed list.
WITH written AS (
    INSERT INTO {table} AS game (
        game_id, season, home_team, away_team, home_score, away_score, game_time, game_status,
        period, time_remaining
    )
    SELECT
        game_id, season, home_team, away_team, home_score, away_score, game_time, game_status,
        period, time_remaining
    FROM unnest(
        %(game_id)s::text[], %(season)s::integer[], %(home_team)s::text[], %(away_team)s::text[],
        %(home_score)s::integer[], %(away_score)s::integer[], %(game_time)s::timestamptz[],
        %(game_status)s::text[], %(period)s::text[], %(time_remaining)s::text[]
    ) AS given (
        game_id, season, home_team, away_team, home_score, away_score, game_time, game_status,
        period, time_remaining
    )
    ON CONFLICT (game_id) DO UPDATE
    SET season = EXCLUDED.season, home_team = EXCLUDED.home_team, away_team = EXCLUDED.away_team,
        home_score = EXCLUDED.home_score, away_score = EXCLUDED.away_score,
        game_time = EXCLUDED.game_time, game_status = EXCLUDED.game_status,
        period = EXCLUDED.period, time_remaining = EXCLUDED.time_remaining
    WHERE (
        game.season, game.home_team, game.away_team, game.home_score, game.away_score,
        game.game_time, game.game_status, game.period, game.time_remaining
    ) IS DISTINCT FROM (
        EXCLUDED.season, EXCLUDED.home_team, EXCLUDED.away_team, EXCLUDED.home_score,
        EXCLUDED.away_score, EXCLUDED.game_time, EXCLUDED.game_status, EXCLUDED.period,
        EXCLUDED.time_remaining
    )
    -- A row version that nobody has replaced has no xmax: it was inserted.
    RETURNING (game.xmax = 0) AS fresh
)
SELECT
    count(*) FILTER (WHERE fresh) AS added,
    count(*) FILTER (WHERE NOT fresh) AS changed
FROM written
LIMIT 1;
