-- no-transaction
-- Signals by what they are asked for (document 003.7), and the time columns (document 004 PERF-005):
-- an index that leads with the symbol cannot answer "the latest of all symbols".

CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_signals_confidence ON signals (confidence);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_signals_created ON signals (created_at);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_signals_symbol_time ON signals (symbol, timestamp);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_signals_symbol_outcome ON signals (symbol, outcome);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_signals_time_outcome ON signals (timestamp, outcome);

CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_market_data_time ON market_data (timestamp DESC);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_predictions_time ON predictions (timestamp DESC);
-- Document 004 takes this one for granted. For market_data it is the primary key.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_predictions_symbol_time
ON predictions (symbol, timestamp DESC);

-- Reports of the coming days.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_earnings_report_date ON earnings (report_date);

-- The work list: the few tasks not yet finished, most urgent first.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_tasks_active
ON tasks (priority DESC, scheduled_at) WHERE status IN ('pending', 'running');
