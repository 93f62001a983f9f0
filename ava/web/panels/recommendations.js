/** What the rules advise for symbols that are not held, with their reasons. */

import { symbolsField } from "../candidates.js";
import { day, money, share } from "../format.js";
import { query } from "../form.js";
import { failedNames } from "../parts.js";
import { table } from "../table.js";

const COLUMNS = [
  { head: "Symbol", kind: "name", cell: ({ symbol }) => symbol },
  { head: "Advice", cell: ({ recommendation }) => recommendation.action.replaceAll("_", " ") },
  { head: "Confidence", kind: "num", cell: ({ recommendation }) => share(recommendation.confidence, 0) },
  { head: "Why", cell: ({ recommendation }) => recommendation.reasons.join("; ") },
  { head: "Price", kind: "num", wide: 1, cell: ({ recommendation }) => money(recommendation.figures.price) },
  { head: "As of", kind: "when", wide: 1, cell: ({ recommendation }) => day(recommendation.as_of) },
];

function failures(items) {
  return Object.fromEntries(items.filter((item) => item.problem).map((item) => [item.symbol, item.problem]));
}

export default {
  topics: ["recommendations", "symbol"],
  fallbackS: 60,
  form: [symbolsField],
  path: (asked) => query("/api/v1/recommendations", asked),
  partial: ({ items }) => failedNames(failures(items)),
  view: ({ items }) => table("Recommendations", COLUMNS, items.filter((item) => item.recommendation), "No advice."),
};
