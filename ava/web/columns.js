/**
 * Columns that several panels have in common. Panels take nothing from one another: a module that
 * cannot be loaded is then one panel that is lost.
 */

import { dayTime } from "./format.js";

/** The columns of alerts, here and on the dashboard. */
export const ALERTS = [
  { head: "Symbol", kind: "name", cell: (alert) => alert.symbol },
  { head: "Priority", kind: "num", cell: (alert) => alert.priority },
  { head: "Message", cell: (alert) => alert.message },
  { head: "Since", kind: "when", wide: 1, cell: (alert) => dayTime(alert.created_at) },
];
