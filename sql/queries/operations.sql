-- The work of the platform itself.

-- name: active_tasks
-- Tasks that wait or run, the most urgent and then the longest waiting first; a page.
SELECT
    id, kind, title, status, priority, attempts, error, scheduled_at, started_at, created_at
FROM tasks
WHERE /* after */ status IN ('pending', 'running')
ORDER BY priority DESC, scheduled_at, id
LIMIT %(limit)s;

-- name: automation_switch
-- One automation switch by name.
SELECT name, enabled, updated_at, updated_by
FROM automation_switches
WHERE name = %(name)s
LIMIT 1;

-- name: automation_switches
-- Every automation switch by name; a page.
SELECT name, enabled, updated_at, updated_by
FROM automation_switches
WHERE /* after */ true
ORDER BY name
LIMIT %(limit)s;

-- name: set_automation_switch
-- Turn an automation on or off, and return the switch as it then stands.
INSERT INTO automation_switches (name, enabled, updated_by)
VALUES (%(name)s, %(enabled)s, %(updated_by)s)
ON CONFLICT (name) DO UPDATE
SET enabled = EXCLUDED.enabled, updated_by = EXCLUDED.updated_by, updated_at = now()
RETURNING name, enabled, updated_at, updated_by;
