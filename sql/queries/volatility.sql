-- How volatile the market takes stocks for, over time.

-- name: volatility_ranges
-- The lowest, highest and latest implied volatility since a day, of each symbol asked for.
SELECT
    symbol,
    count(volatility) AS days,
    min(volatility) AS lowest,
    max(volatility) AS highest,
    (array_agg(volatility ORDER BY day DESC))[1] AS latest
FROM volatility_history
WHERE symbol = ANY(%(symbols)s::text []) AND day >= %(since)s
GROUP BY symbol
ORDER BY symbol
LIMIT %(limit)s;
