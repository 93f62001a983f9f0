/** The companies that report in the coming days. */

import { day, money } from "../format.js";
import { query } from "../form.js";
import { table } from "../table.js";

const COLUMNS = [
  { head: "Symbol", kind: "name", cell: (report) => report.symbol },
  { head: "Reports", kind: "when", cell: (report) => day(report.report_date) },
  { head: "When", cell: ({ time_of_day: when }) => (when === "unknown" ? "–" : when) },
  { head: "Estimate", kind: "num", cell: (report) => money(report.eps_estimate) },
  { head: "Actual", kind: "num", wide: 1, cell: (report) => money(report.eps_actual) },
];

export default {
  topics: ["earnings"],
  fallbackS: 300,
  form: [{ name: "days", label: "Days ahead", value: "7", type: "number", min: 1, max: 90, step: 1, required: true }],
  path: (asked) => query("/api/v1/earnings", { ...asked, limit: 50 }),
  view: ({ items }) => table("Earnings", COLUMNS, items, "No report is due."),
};
