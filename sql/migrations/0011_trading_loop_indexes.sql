-- no-transaction
-- One signal of a model for a symbol at a moment, however often it is written.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS idx_signals_said
ON signals (symbol, timestamp, model) WHERE model IS NOT NULL;
