-- no-transaction
-- The run of a job, and the runs of a kind, newest first.

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS idx_tasks_job ON tasks (job_id)
WHERE job_id IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_tasks_kind ON tasks (kind, id DESC);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_odds_syncs_time ON odds_syncs (synced_at);
