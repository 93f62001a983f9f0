-- no-transaction
-- Built CONCURRENTLY, so that a table in use stays writable. Each statement may be run again.
-- options_chains needs nothing here: its primary key (stock_id, expiration_date, ...) serves the
-- chain query and the foreign key alike.

-- A watchlist in the order its items were added.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_watchlist_items_added
ON watchlist_items (watchlist_id, created_at);

-- Recent activity of the whole desk, of one symbol, of one account (also the foreign key's index).
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_trade_history_executed
ON trade_history (executed_at DESC);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_trade_history_symbol
ON trade_history (symbol, executed_at DESC);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_trade_history_account
ON trade_history (account_id, executed_at DESC);

-- The dashboard's curve from the index alone. The document made this partial on CURRENT_DATE, which
-- PostgreSQL refuses: an index predicate must be immutable.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_portfolio_history_date
ON portfolio_history (date) INCLUDE (portfolio_value, day_change, day_change_pct);

CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_alerts_active
ON alerts (priority DESC, created_at DESC) WHERE NOT is_dismissed;

-- Foreign keys: without these, deleting or re-keying a parent row reads the whole child table.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_positions_account ON positions (account_id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_positions_stock ON positions (stock_id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_positions_cycle ON positions (cycle_id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_wheel_cycles_stock ON wheel_cycles (stock_id);
