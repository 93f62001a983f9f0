-- Work that waits or runs; readers order and limit it (idx_tasks_active serves both).

CREATE OR REPLACE VIEW v_active_tasks AS
SELECT
    id AS task_id,
    kind,
    title,
    status,
    priority,
    attempts,
    error,
    scheduled_at,
    started_at,
    created_at
FROM tasks
WHERE status IN ('pending', 'running');
