/** What selling options would bring, by days to expiry: the soonest first, the best of each day. */

import { CANDIDATE, leftOut, PREMIUM_FORM } from "../candidates.js";
import { h } from "../dom.js";
import { day, number, share } from "../format.js";
import { query } from "../form.js";
import { failedNames } from "../parts.js";
import { grouped } from "../table.js";

function group({ expires, days, symbols, best_annualised: best, candidates }) {
  const of = `${number(symbols)} ${symbols === 1 ? "symbol" : "symbols"}`;
  return { title: `${number(days)} days · ${day(expires)} · ${of} · at best ${share(best)} a year`, rows: candidates };
}

export default {
  topics: ["scans", "symbol"],
  fallbackS: 60,
  form: PREMIUM_FORM,
  path: (asked) => query("/api/v1/scanner/expiry", asked),
  partial: ({ failed }) => failedNames(failed),
  view: ({ expiries, expiries_left_out: left }) => [
    grouped("Options by days to expiry", CANDIDATE, expiries.map(group), "No option fits.", "tall"),
    left > 0 ? h("p", { class: "note" }, leftOut(left)) : null,
  ],
};
