-- Open positions with what they are worth now; an unpriced position has unknown value, not none.

CREATE OR REPLACE VIEW v_current_positions AS
SELECT
    p.id AS position_id,
    p.account_id,
    a.account_name,
    p.stock_id,
    s.symbol,
    s.company_name,
    s.sector,
    p.cycle_id,
    c.cycle_number,
    p.quantity,
    p.entry_price,
    p.current_price,
    p.quantity * p.current_price AS current_value,
    p.quantity * (p.current_price - p.entry_price) AS unrealized_pnl,
    p.opened_at
FROM positions AS p
INNER JOIN stocks AS s ON s.id = p.stock_id
INNER JOIN trading_accounts AS a ON a.id = p.account_id
LEFT JOIN wheel_cycles AS c ON c.id = p.cycle_id
WHERE p.closed_at IS NULL;
