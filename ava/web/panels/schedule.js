/** Every job of the background work: when it runs next, and what came of its latest run. */

import { h } from "../dom.js";
import { nearTime } from "../format.js";
import { state, table } from "../table.js";

const KINDS = { succeeded: "good", running: "good", failed: "bad" };

function latest({ last }) {
  if (!last) return state("off", "never");
  return h("span", { title: last.error ?? last.result ?? null }, state(KINDS[last.status] ?? "warn", last.status));
}

function columns(now) {
  return [
    { head: "Job", kind: "name", cell: ({ title, timetable }) => [title, h("small", {}, timetable)] },
    { head: "Next", kind: "when", cell: ({ enabled, next_at: at }) => (enabled ? nearTime(at, now) : state("off", "off")) },
    { head: "Latest run", cell: latest },
  ];
}

export default {
  topics: ["tasks", "automation"],
  fallbackS: 30,
  path: () => "/api/v1/tasks/schedule",
  view: (jobs, { clock }) => table("Schedule", columns(clock.wall()), jobs, "No job is known."),
};
