-- What accounts hold, what they did, and what there is to trade.

-- name: positions
-- The open positions of one account with their value at the last price; a page.
SELECT
    positions.id, positions.account_id, positions.cycle_id, stocks.symbol, stocks.company_name,
    positions.quantity, positions.entry_price, positions.current_price, positions.opened_at,
    positions.quantity * positions.current_price AS current_value,
    (positions.current_price - positions.entry_price) * positions.quantity AS unrealized_pnl
FROM positions
JOIN stocks ON stocks.id = positions.stock_id
WHERE /* after */ positions.account_id = %(account_id)s AND positions.closed_at IS NULL
ORDER BY positions.id
LIMIT %(limit)s;

-- name: trade_history
-- The trades of all accounts, newest first; a page.
SELECT
    id, account_id, symbol, action, quantity, price, total_value, order_type, executed_at
FROM trade_history
WHERE /* after */ true
ORDER BY executed_at DESC, id DESC
LIMIT %(limit)s;

-- name: trade_history_by_account
-- The trades of one account, newest first; a page. Apart from the one for all accounts, because
-- "account is null or equal" would be planned once for both and suit neither.
SELECT
    id, account_id, symbol, action, quantity, price, total_value, order_type, executed_at
FROM trade_history
WHERE /* after */ account_id = %(account_id)s
ORDER BY executed_at DESC, id DESC
LIMIT %(limit)s;

-- name: trade_history_by_symbol
-- The trades of one symbol in all accounts, newest first; a page.
SELECT
    id, account_id, symbol, action, quantity, price, total_value, order_type, executed_at
FROM trade_history
WHERE /* after */ symbol = %(symbol)s
ORDER BY executed_at DESC, id DESC
LIMIT %(limit)s;

-- name: trade_history_by_account_and_symbol
-- The trades of one symbol in one account, newest first; a page.
SELECT
    id, account_id, symbol, action, quantity, price, total_value, order_type, executed_at
FROM trade_history
WHERE /* after */ account_id = %(account_id)s AND symbol = %(symbol)s
ORDER BY executed_at DESC, id DESC
LIMIT %(limit)s;

-- name: options_chain
-- The options of one stock that have not expired, by expiration and strike; a page.
SELECT
    stock_id, expiration_date, strike_price, option_type, bid_price, ask_price, volume,
    open_interest, delta, theta, gamma, vega, implied_volatility
FROM options_chains
WHERE /* after */ stock_id = %(stock_id)s AND expiration_date >= CURRENT_DATE
ORDER BY expiration_date, strike_price, option_type
LIMIT %(limit)s;

-- name: stocks
-- Every stock by symbol; a page.
SELECT id, symbol, company_name, sector, market_cap, current_price, optionable
FROM stocks
WHERE /* after */ true
ORDER BY symbol
LIMIT %(limit)s;

-- name: upcoming_earnings
-- Earnings reports of the coming days, soonest first; a page.
SELECT
    id, symbol, fiscal_period_end, report_date, time_of_day, eps_estimate, eps_actual, updated_at
FROM earnings
WHERE /* after */ report_date >= CURRENT_DATE
    AND report_date < CURRENT_DATE + make_interval(days => %(days)s)
ORDER BY report_date, id
LIMIT %(limit)s;

-- name: store_earnings
-- Store the reports of a calendar in one statement, and count those that are new and those that
-- changed. A report is a stored one when both name the same fiscal period, or, where one of them
-- names none, when their dates lie within 45 days: half a quarter. What a source does not know
-- leaves what is stored.
WITH given AS MATERIALIZED (
    SELECT position, symbol, report_date, fiscal_period_end, time_of_day, eps_estimate, eps_actual
    FROM unnest(
        %(symbol)s::text[], %(report_date)s::date[], %(fiscal_period_end)s::date[],
        %(time_of_day)s::text[], %(eps_estimate)s::numeric(12, 4)[],
        %(eps_actual)s::numeric(12, 4)[]
    ) WITH ORDINALITY AS rows (
        symbol, report_date, fiscal_period_end, time_of_day, eps_estimate, eps_actual, position
    )
),
matched AS MATERIALIZED (
    SELECT DISTINCT ON (nearest.id) nearest.id, given.position
    FROM given
    CROSS JOIN LATERAL (
        SELECT
            stored.id,
            abs(stored.report_date - given.report_date) AS days,
            stored.fiscal_period_end IS NOT DISTINCT FROM given.fiscal_period_end AS same
        FROM earnings AS stored
        WHERE stored.symbol = given.symbol
            AND (
                stored.fiscal_period_end = given.fiscal_period_end
                OR (
                    (stored.fiscal_period_end IS NULL OR given.fiscal_period_end IS NULL)
                    AND abs(stored.report_date - given.report_date) <= 45
                )
            )
        ORDER BY same DESC, days, stored.id
        LIMIT 1
    ) AS nearest
    ORDER BY nearest.id, nearest.same DESC, nearest.days, given.position
),
changed AS (
    UPDATE earnings AS stored
    SET report_date = given.report_date,
        fiscal_period_end = coalesce(given.fiscal_period_end, stored.fiscal_period_end),
        time_of_day = CASE given.time_of_day
            WHEN 'unknown' THEN stored.time_of_day ELSE given.time_of_day
        END,
        eps_estimate = coalesce(given.eps_estimate, stored.eps_estimate),
        eps_actual = coalesce(given.eps_actual, stored.eps_actual),
        updated_at = now()
    FROM matched
    INNER JOIN given ON given.position = matched.position
    WHERE stored.id = matched.id
        AND (
            stored.report_date <> given.report_date
            OR stored.fiscal_period_end IS DISTINCT FROM
            coalesce(given.fiscal_period_end, stored.fiscal_period_end)
            OR given.time_of_day NOT IN ('unknown', stored.time_of_day)
            OR stored.eps_estimate IS DISTINCT FROM
            coalesce(given.eps_estimate, stored.eps_estimate)
            OR stored.eps_actual IS DISTINCT FROM coalesce(given.eps_actual, stored.eps_actual)
        )
    RETURNING stored.id
),
added AS (
    INSERT INTO earnings (
        symbol, report_date, fiscal_period_end, time_of_day, eps_estimate, eps_actual
    )
    SELECT symbol, report_date, fiscal_period_end, time_of_day, eps_estimate, eps_actual
    FROM given
    WHERE NOT EXISTS (SELECT FROM matched WHERE matched.position = given.position)
    RETURNING id
)
SELECT
    (SELECT count(*) FROM added) AS added,
    (SELECT count(*) FROM changed) AS changed
LIMIT 1;
