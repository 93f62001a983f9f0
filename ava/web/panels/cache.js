/** What the cache did since the server started. */

import { bytes, number, percent } from "../format.js";
import { facts, state } from "../table.js";

export default {
  topics: ["cache"],
  fallbackS: 15,
  path: () => "/api/cache/stats",
  view: (found) => facts([
    ["Shared tier", found.connected ? state("good", found.backend) : state("warn", `${found.backend} only`)],
    ["Hit rate", percent(found.hit_rate)],
    ["Hits", number(found.hits)],
    ["Misses", number(found.misses)],
    ["From memory", number(found.l1_hits)],
    ["From Redis", number(found.l2_hits)],
    ["Fetches", number(found.fetches)],
    ["Fetches failed", number(found.fetch_errors)],
    ["Refreshed ahead", number(found.refreshes)],
    ["Served stale", number(found.stale_served)],
    ["Invalidations", number(found.invalidations)],
    ["Outages of Redis", number(found.outages)],
    ["Entries", number(found.items)],
    found.bytes === null || found.bytes === undefined ? null : ["Size", bytes(found.bytes)],
    ["Evicted", number(found.evictions)],
    ["Expired", number(found.expirations)],
  ]),
};
