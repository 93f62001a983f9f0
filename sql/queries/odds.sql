-- Odds as the provider offers them, written to the games they belong to. {table} stands for the
-- table of a sport, put in as an identifier from a closed list.

-- name: sync_odds
-- Store the odds of many games at once, and return those that could not be: `ambiguous` says that
-- an offer fits several games or several offers fit its game; the others fit none. A game is the
-- offer's when both full team names agree, but for case and spaces, and it starts within twelve
-- hours of the offer's time. An odd that is not offered leaves the stored one.
WITH offered AS MATERIALIZED (
    SELECT
        position, commence_time, moneyline_home, moneyline_away, spread_home, spread_odds_home,
        spread_odds_away, over_under, over_odds, under_odds,
        lower(btrim(regexp_replace(home_team, '\s+', ' ', 'g'))) AS home,
        lower(btrim(regexp_replace(away_team, '\s+', ' ', 'g'))) AS away
    FROM unnest(
        %(home_team)s::text[], %(away_team)s::text[], %(commence_time)s::timestamptz[],
        %(moneyline_home)s::integer[], %(moneyline_away)s::integer[],
        %(spread_home)s::numeric(4, 1)[], %(spread_odds_home)s::integer[],
        %(spread_odds_away)s::integer[], %(over_under)s::numeric(5, 1)[],
        %(over_odds)s::integer[], %(under_odds)s::integer[]
    ) WITH ORDINALITY AS odds (
        home_team, away_team, commence_time, moneyline_home, moneyline_away, spread_home,
        spread_odds_home, spread_odds_away, over_under, over_odds, under_odds, position
    )
),
candidate AS MATERIALIZED (
    SELECT
        offered.position, game.id,
        count(*) OVER (PARTITION BY offered.position) AS games,
        count(*) OVER (PARTITION BY game.id) AS offers
    FROM offered
    JOIN {table} AS game
        ON game.game_status = 'scheduled'
        AND game.game_time >= offered.commence_time - interval '12 hours'
        AND game.game_time <= offered.commence_time + interval '12 hours'
        AND lower(btrim(regexp_replace(game.home_team, '\s+', ' ', 'g'))) = offered.home
        AND lower(btrim(regexp_replace(game.away_team, '\s+', ' ', 'g'))) = offered.away
),
applied AS (
    UPDATE {table} AS game
    SET moneyline_home = coalesce(offered.moneyline_home, game.moneyline_home),
        moneyline_away = coalesce(offered.moneyline_away, game.moneyline_away),
        spread_home = coalesce(offered.spread_home, game.spread_home),
        spread_odds_home = coalesce(offered.spread_odds_home, game.spread_odds_home),
        spread_odds_away = coalesce(offered.spread_odds_away, game.spread_odds_away),
        over_under = coalesce(offered.over_under, game.over_under),
        over_odds = coalesce(offered.over_odds, game.over_odds),
        under_odds = coalesce(offered.under_odds, game.under_odds),
        last_synced = now()
    FROM candidate
    JOIN offered ON offered.position = candidate.position
    -- The status is asked again, because the game may have begun since the candidates were read.
    WHERE game.id = candidate.id AND game.game_status = 'scheduled'
        AND candidate.games = 1 AND candidate.offers = 1
    RETURNING candidate.position
)
SELECT
    offered.position,
    EXISTS (
        SELECT FROM candidate
        WHERE candidate.position = offered.position AND (candidate.games > 1 OR candidate.offers > 1)
    ) AS ambiguous
FROM offered
WHERE NOT EXISTS (SELECT FROM applied WHERE applied.position = offered.position)
ORDER BY offered.position
LIMIT %(limit)s;

-- name: record_odds_sync
-- Record what came of a sync.
INSERT INTO odds_syncs (sport, synced_at, credits_left, updated, unmatched, ambiguous)
VALUES (
    %(sport)s, %(synced_at)s, %(credits_left)s, %(updated)s, %(unmatched)s, %(ambiguous)s
);

-- name: odds_syncs_since
-- The syncs made since a time, in order. The newest count: a month of credits has far fewer.
SELECT sport, synced_at, credits_left
FROM (
    SELECT id, sport, synced_at, credits_left
    FROM odds_syncs
    WHERE synced_at >= %(since)s
    ORDER BY synced_at DESC, id DESC
    LIMIT %(limit)s
) AS newest
ORDER BY synced_at, id
LIMIT %(limit)s;
