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
