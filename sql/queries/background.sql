-- Work in the background: its runs, and the jobs that a dead worker left.

-- name: begin_run
-- Record that a job runs: its first attempt, or another one of the same run.
INSERT INTO tasks (kind, title, status, priority, attempts, scheduled_at, started_at, job_id)
VALUES (
    %(kind)s, %(title)s, 'running', %(priority)s, %(attempts)s, %(scheduled_at)s, now(), %(job_id)s
)
ON CONFLICT (job_id) WHERE job_id IS NOT NULL DO UPDATE
SET status = 'running', attempts = EXCLUDED.attempts, started_at = now(), finished_at = NULL,
    result = NULL
RETURNING id;

-- name: end_run
-- Record how a job's attempt ended; one that waits for its next attempt is not finished.
UPDATE tasks
SET status = %(status)s, error = %(error)s, result = %(result)s,
    finished_at = CASE WHEN %(status)s = 'pending' THEN NULL ELSE now() END
WHERE job_id = %(job_id)s;

-- name: take_over
-- Put the jobs of workers that are silent, or gone, back into the queue, and give up those that had
-- all their attempts. A job is taken over once, however many workers look.
WITH stalled AS (
    SELECT job.id
    FROM procrastinate_jobs AS job
    LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
    WHERE job.status = 'doing'
        AND (worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => %(silent_s)s))
    ORDER BY job.id
    LIMIT %(limit)s
    FOR UPDATE OF job SKIP LOCKED
),
freed AS (
    UPDATE procrastinate_jobs AS job
    SET status = CASE
            WHEN job.attempts + 1 >= %(attempts)s THEN 'failed' ELSE 'todo'
        END::procrastinate_job_status,
        attempts = job.attempts + 1, scheduled_at = NULL, worker_id = NULL
    FROM stalled
    WHERE job.id = stalled.id
    RETURNING job.id, job.task_name, job.status
),
told AS (
    UPDATE tasks
    SET status = CASE freed.status WHEN 'todo' THEN 'pending' ELSE 'failed' END,
        error = 'its worker ended while it ran',
        finished_at = CASE freed.status WHEN 'todo' THEN NULL ELSE now() END
    FROM freed
    WHERE tasks.job_id = freed.id
)
SELECT id, task_name, status::text AS status FROM freed ORDER BY id LIMIT %(limit)s;

-- name: latest_runs
-- The latest run of each of these kinds.
SELECT run.kind, run.status, run.attempts, run.error, run.result, run.scheduled_at, run.started_at,
    run.finished_at
FROM unnest(%(kinds)s::text[]) AS asked (kind)
CROSS JOIN LATERAL (
    SELECT kind, status, attempts, error, result, scheduled_at, started_at, finished_at
    FROM tasks
    WHERE kind = asked.kind
    ORDER BY id DESC
    LIMIT 1
) AS run
ORDER BY run.kind
LIMIT %(limit)s;

-- name: recent_tasks
-- Runs, the newest first; a page.
SELECT
    id, kind, title, status, priority, attempts, error, result, scheduled_at, started_at,
    finished_at, created_at
FROM tasks
WHERE /* after */ true
ORDER BY id DESC
LIMIT %(limit)s;

-- name: forget_runs
-- Delete the runs that ended some days ago and the jobs they belong to, the oldest first and a
-- bounded number: there is a next day.
WITH old_runs AS (
    SELECT id FROM tasks
    WHERE job_id IS NOT NULL AND finished_at < now() - make_interval(days => %(days)s)
    ORDER BY id
    LIMIT %(limit)s
),
forgotten AS (
    DELETE FROM tasks USING old_runs WHERE tasks.id = old_runs.id
),
old_jobs AS (
    SELECT job.id FROM procrastinate_jobs AS job
    WHERE job.status IN ('succeeded', 'failed', 'cancelled', 'aborted')
        AND NOT EXISTS (
            SELECT FROM procrastinate_events AS event
            WHERE event.job_id = job.id AND event.at >= now() - make_interval(days => %(days)s)
        )
    ORDER BY job.id
    LIMIT %(limit)s
)
DELETE FROM procrastinate_jobs USING old_jobs WHERE procrastinate_jobs.id = old_jobs.id;

-- name: popular_symbols
-- The symbols that stand on the most watchlists and in open positions, the most popular first.
SELECT symbol, count(*) AS wanted
FROM (
    SELECT symbol FROM watchlist_items
    UNION ALL
    SELECT stock.symbol
    FROM positions AS position
    INNER JOIN stocks AS stock ON stock.id = position.stock_id
    WHERE position.closed_at IS NULL
) AS lists
GROUP BY symbol
ORDER BY wanted DESC, symbol
LIMIT %(limit)s;
