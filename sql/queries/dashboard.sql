-- What the first screen shows. Each list is bounded by the page that asks for it.

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
