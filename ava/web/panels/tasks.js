/** What the background work did and does, the newest first. */

import { nearTime, number, span, UNKNOWN } from "../format.js";
import { state, table } from "../table.js";

const KINDS = { pending: "off", running: "good", succeeded: "good", failed: "bad", cancelled: "off", retrying: "warn" };

function took({ started_at: started, finished_at: finished }) {
  if (!started || !finished) return UNKNOWN;
  return span((Date.parse(finished) - Date.parse(started)) / 1000);
}

const columns = (now) => [
  { head: "Task", kind: "name", cell: ({ title }) => title },
  { head: "State", cell: ({ status }) => state(KINDS[status] ?? "warn", status) },
  { head: "Due", kind: "when", wide: 1, cell: (task) => nearTime(task.scheduled_at, now) },
  { head: "Took", kind: "num", cell: took },
  { head: "Attempts", kind: "num", wide: 1, cell: (task) => number(task.attempts) },
  { head: "Outcome", cell: ({ error, result }) => error ?? result ?? UNKNOWN },
];

export default {
  topics: ["tasks"],
  fallbackS: 10,
  path: () => "/api/v1/tasks/recent?limit=25",
  view: ({ items }, { clock }) => table("Background tasks", columns(clock.wall()), items, "No task ever ran: start `ava worker`."),
};
