/** How the platform and its parts are, and what is lacking. */

import { h } from "../dom.js";
import { dayTime, number, percent, share, span } from "../format.js";
import { facts, state } from "../table.js";

const KINDS = { ok: "good", healthy: "good", busy: "warn", degraded: "warn", absent: "warn", unknown: "warn", down: "bad", unhealthy: "bad" };

function shown(status) {
  return state(KINDS[status] ?? "warn", status);
}

function lacking(said, spikes) {
  const slow = spikes.map(({ kind, name, usual_s: usual, recent_s: recent, since }) =>
    `${kind} ${name} takes ${span(recent)} instead of ${span(usual)} since ${dayTime(since)}`);
  const all = [...said, ...slow];
  return all.length === 0 ? null : h("ul", { class: "lacking" }, all.map((sentence) => h("li", {}, sentence)));
}

function figures({ performance, database, redis, worker }) {
  return facts([
    ["Database", shown(database.status)],
    ["Round trip", span(database.latency_s)],
    ["Connections", number(database.connections)],
    ["Pool in use", share(database.saturation, 0)],
    ["Redis", redis.status === "absent" ? state("off", "none") : shown(redis.status)],
    ["Workers", worker.status === "ok" ? state("good", number(worker.alive)) : shown(worker.status)],
    ["Cache hits", percent(performance.cache_hit_rate)],
    ["Provider calls", span(performance.avg_api_latency)],
    ["Signals take", span(performance.avg_signal_generation_time)],
    ["Symbols skipped", percent(performance.skip_rate)],
    ["Running for", span(performance.uptime_seconds)],
  ]);
}

export default {
  topics: [],
  fallbackS: 10,
  path: () => "/api/v1/health",
  tell: (data, { header }) => header.health(data === null ? null : { word: data.status, kind: KINDS[data.status] }),
  view: ({ lacking: said, services, spikes }) => [lacking(said, spikes), figures(services)],
};
