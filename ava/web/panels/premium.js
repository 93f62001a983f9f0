/** What selling options would bring, the best first. */

import { DATED, leftOut, PREMIUM_FORM, reasons } from "../candidates.js";
import { h } from "../dom.js";
import { number } from "../format.js";
import { query } from "../form.js";
import { failedNames } from "../parts.js";
import { table } from "../table.js";

function notes({ candidates, found, dropped, expiries_left_out: left }) {
  const shown = found > candidates.length ? `The best ${number(candidates.length)} of ${number(found)}.` : null;
  return [shown, reasons("Dropped", dropped), leftOut(left)].filter((note) => note !== null);
}

export default {
  topics: ["scans", "symbol"],
  fallbackS: 60,
  form: PREMIUM_FORM,
  path: (asked) => query("/api/v1/scanner/premium", { ...asked, limit: 100 }),
  partial: ({ failed }) => failedNames(failed),
  view: (scan) => [
    table("Premiums", DATED, scan.candidates, "No option fits."),
    h("p", { class: "note" }, notes(scan).join(" ")),
  ],
};
