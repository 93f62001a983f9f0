-- What the first screen shows. Each list is bounded by the page that asks for it.

-- name: accounts
-- The accounts there are; a page.
SELECT id, account_name, created_at
FROM trading_accounts
WHERE /* after */ true
ORDER BY id
LIMIT %(limit)s;

-- name: account_summary
-- One account with its last balance; an account that never had one has NULL for it.
SELECT
    trading_accounts.id AS account_id, trading_accounts.account_name, latest.date,
    latest.portfolio_value, latest.cash, latest.total_equity
FROM trading_accounts
LEFT JOIN LATERAL (
    SELECT
        portfolio_balances.date, portfolio_balances.portfolio_value, portfolio_balances.cash,
        portfolio_balances.total_equity
    FROM portfolio_balances
    WHERE portfolio_balances.account_id = trading_accounts.id
    ORDER BY portfolio_balances.date DESC
    LIMIT 1
) AS latest ON true
WHERE trading_accounts.id = %(account_id)s
LIMIT 1;

-- name: recent_activity
-- The latest trades of all accounts, newest first.
SELECT symbol, action, quantity, price, total_value, executed_at, order_type
FROM trade_history
ORDER BY executed_at DESC
LIMIT %(limit)s;

-- name: portfolio_history
-- The daily values of one account over the last days, oldest first; a page.
SELECT date, portfolio_value, day_change, day_change_pct
FROM portfolio_history
WHERE /* after */ account_id = %(account_id)s
    AND date >= CURRENT_DATE - make_interval(days => %(days)s)
ORDER BY date
LIMIT %(limit)s;

-- name: active_alerts
-- Alerts nobody has dismissed, the most urgent and then the newest first; a page.
SELECT id, alert_type, symbol, message, priority, created_at, is_read
FROM alerts
WHERE /* after */ NOT is_dismissed
ORDER BY priority DESC, created_at DESC, id DESC
LIMIT %(limit)s;

-- name: mark_alert
-- Mark one alert read or dismissed, or take that back, and return it; NULL leaves a mark as it is.
UPDATE alerts
SET
    is_read = coalesce(%(is_read)s::boolean, is_read),
    is_dismissed = coalesce(%(is_dismissed)s::boolean, is_dismissed)
WHERE id = %(alert_id)s
RETURNING id, alert_type, symbol, message, priority, created_at, is_read, is_dismissed;
