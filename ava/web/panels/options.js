/** The best put of each symbol near a day to come. */

import { DATED, reasons, symbolsField } from "../candidates.js";
import { h } from "../dom.js";
import { query } from "../form.js";
import { failedNames } from "../parts.js";
import { table } from "../table.js";

const [SYMBOL, ...FIGURES] = DATED;
const COLUMNS = [SYMBOL, { head: "Sector", wide: 2, cell: ({ sector }) => sector ?? "–" }, ...FIGURES];

function notes({ passed_over: passed, dropped }) {
  return [reasons("Symbols passed over", passed), reasons("Contracts dropped", dropped)].filter((note) => note !== null);
}

export default {
  topics: ["scans", "symbol"],
  fallbackS: 60,
  form: [
    symbolsField,
    { name: "sectors", label: "Sectors", title: "with commas between", placeholder: "all", type: "text", maxlength: 500 },
    { name: "max_price", label: "Price at most", placeholder: "any", type: "number", min: 0, step: 0.01 },
    { name: "min_premium_pct", label: "Premium %", value: "1", type: "number", min: 0, max: 100, step: 0.1 },
    { name: "dte", label: "Days", value: "30", type: "number", min: 0, max: 3650, step: 1 },
  ],
  path: (asked) => query("/api/v1/scanner/options", asked),
  partial: ({ failed }) => failedNames(failed),
  view: (scan) => [
    table("Best puts", COLUMNS, scan.results.map(({ sector, best }) => ({ ...best, sector })), "No put fits."),
    h("p", { class: "note" }, notes(scan).join(" ")),
  ],
};
