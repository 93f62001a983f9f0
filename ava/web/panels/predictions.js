/** What the models said, the newest first. */

import { dayTime, money, share } from "../format.js";
import { query } from "../form.js";
import { table } from "../table.js";

const COLUMNS = [
  { head: "Symbol", kind: "name", cell: (found) => found.symbol },
  { head: "Direction", cell: ({ direction }) => direction },
  { head: "Price", kind: "num", cell: (found) => money(found.predicted_price) },
  { head: "Confidence", kind: "num", cell: (found) => share(found.confidence, 0) },
  { head: "Model", wide: 1, cell: (found) => found.model },
  { head: "Made", kind: "when", cell: (found) => dayTime(found.timestamp) },
];

export default {
  topics: ["predictions"],
  fallbackS: 30,
  form: [{ name: "symbol", label: "Symbol", placeholder: "all", type: "text", maxlength: 32 }],
  path: ({ symbol }) => query("/api/v1/predictions", { symbol: symbol.toUpperCase(), limit: 50 }),
  view: ({ items }) => table("Predictions", COLUMNS, items, "No predictions."),
};
