/** What wants attention, the most urgent first; a key may dismiss it. */

import { ALERTS } from "../columns.js";
import { h } from "../dom.js";
import { table } from "../table.js";

function dismiss(reach) {
  return {
    head: "",
    cell: ({ id, symbol }) => h("button", {
      type: "button", "data-focus": `dismiss-${id}`, "aria-label": `Dismiss the alert of ${symbol}`,
      click: () => reach.act((asker) => asker.change("PATCH", `/api/v1/alerts/${id}`, { dismissed: true })),
    }, "Dismiss"),
  };
}

export default {
  topics: ["alerts"],
  fallbackS: 15,
  path: () => "/api/v1/alerts?limit=25",
  view: ({ items }, reach) => table("Alerts", [...ALERTS, dismiss(reach)], items, "No alerts: nothing wants attention.", "tall"),
};
