-- What the health of the platform is told by.

-- name: worker_heartbeats
-- How many workers gave a sign of life lately, and when the last one did.
SELECT
    count(*) FILTER (WHERE last_heartbeat > now() - make_interval(secs => %(silent_s)s)) AS alive,
    max(last_heartbeat) AS last_heartbeat
FROM procrastinate_workers
LIMIT 1;
