/** Each provider: its health, its breaker, its limiter, and what is spent of its quota. */

import { h } from "../dom.js";
import { dayTime, number, share, span, UNKNOWN } from "../format.js";
import { state, table } from "../table.js";

const STATES = { ok: "good", degraded: "warn", down: "bad", unused: "off", off: "off" };
const BREAKERS = { closed: "good", half_open: "warn", open: "bad" };

const COLUMNS = [
  { head: "Provider", kind: "name", cell: ({ provider }) => provider.replaceAll("_", " ") },
  { head: "State", cell: (found) => h("span", { title: found.off ?? null }, state(STATES[found.state] ?? "warn", found.state)) },
  { head: "Breaker", cell: breaker },
  { head: "Calls", kind: "num", cell: ({ calls }) => number(calls?.requests) },
  { head: "Failed", kind: "num", wide: 1, cell: (found) => share(found.error_share) },
  { head: "Median", kind: "num", wide: 1, cell: (found) => span(found.latency_s) },
  { head: "95 %", kind: "num", wide: 2, cell: (found) => span(found.latency_p95_s) },
  { head: "Waiting", kind: "num", wide: 1, cell: ({ limiter }) => number(limiter?.waiting) },
  { head: "Paused", kind: "num", wide: 2, cell: ({ limiter }) => (limiter?.paused_s > 0 ? span(limiter.paused_s) : UNKNOWN) },
  { head: "Spent", kind: "num", cell: ({ quota }) => spent(quota) },
  { head: "Renewed", kind: "when", wide: 2, cell: ({ quota }) => dayTime(quota?.resets_at) },
];

function breaker({ breaker: found }) {
  if (!found) return UNKNOWN;
  return state(BREAKERS[found.state] ?? "warn", found.state.replaceAll("_", " "));
}

/** Return a quota's use as figures and as a bar, which warns from nine tenths on. */
function spent(quota) {
  if (!quota) return UNKNOWN;
  const text = `${number(quota.used)} of ${number(quota.limit)}`;
  if (quota.used === null || quota.used === undefined) return text;
  const bar = h("meter", { class: "wide-1", min: 0, max: quota.limit, high: quota.limit * 0.9, optimum: 0, value: quota.used, "aria-hidden": "true" });
  return [bar, " ", text];
}

function off(providers) {
  const said = providers.filter((found) => found.off).map((found) => `${found.provider}: ${found.off}`);
  return said.length === 0 ? null : h("p", { class: "note" }, `Off: ${said.join("; ")}.`);
}

export default {
  topics: ["providers"],
  fallbackS: 15,
  path: () => "/api/v1/providers",
  partial: ({ problem }) => (problem ? [`what is spent is not known (${problem.detail})`] : []),
  view: ({ providers }) => [table("Providers", COLUMNS, providers), off(providers)],
};
