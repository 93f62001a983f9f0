/** The first screen of one account; each of its four parts fails alone. */

import { ALERTS } from "../columns.js";
import { h, svg } from "../dom.js";
import { change, day, dayTime, money, number, percent } from "../format.js";
import { query } from "../form.js";
import { failedParts, part } from "../parts.js";
import { facts, signed, table } from "../table.js";

const TRADES = [
  { head: "Symbol", kind: "name", cell: (trade) => trade.symbol },
  { head: "Action", cell: (trade) => trade.action },
  { head: "Number", kind: "num", cell: (trade) => number(trade.quantity, 4) },
  { head: "Price", kind: "num", cell: (trade) => money(trade.price) },
  { head: "Time", kind: "when", cell: (trade) => dayTime(trade.executed_at) },
];

function parts({ summary, activity, performance, alerts }) {
  return { summary, activity, performance, alerts };
}

function balance({ account_name: name, balance: held }) {
  return facts([
    ["Account", name],
    ["Value", money(held?.portfolio_value)],
    ["Cash", money(held?.cash)],
    ["Equity", money(held?.total_equity)],
    ["As of", day(held?.date)],
  ]);
}

function performance({ items }) {
  const last = items.at(-1);
  if (last === undefined) return h("p", { class: "empty" }, "No days yet.");
  const first = items[0];
  const whole = Number(last.portfolio_value) - Number(first.portfolio_value);
  return [
    curve(items),
    facts([
      [`Since ${day(first.date)}`, signed(change(whole, 0), whole)],
      ["Last day", signed(`${change(last.day_change, 0)} (${percent(last.day_change_pct, 2, true)})`, last.day_change)],
    ]),
  ];
}

function curve(items) {
  const values = items.map((item) => Number(item.portfolio_value));
  const low = Math.min(...values);
  const height = Math.max(...values) - low || 1;
  const points = values.map((value, place) => `${place},${(20 - ((value - low) / height) * 18 - 1).toFixed(2)}`);
  const last = Math.max(1, values.length - 1);
  const title = `Value from ${money(values[0], 0)} to ${money(values.at(-1), 0)}, lowest ${money(low, 0)}`;
  return svg("svg", { class: "spark", viewBox: `0 0 ${last} 20`, preserveAspectRatio: "none", role: "img", "aria-label": title },
    svg("polyline", { points: points.join(" ") }));
}

export default {
  topics: ["portfolio", "activity", "alerts"],
  fallbackS: 30,
  form: [{ name: "account_id", label: "Account", value: "1", type: "number", min: 1, step: 1, required: true }],
  path: (asked) => query("/api/v1/dashboard", asked),
  parts: (data) => Object.values(parts(data)),
  partial: (data) => failedParts(parts(data)),
  view: (data, reach) => h("div", { class: "parts" },
    part("Balance", data.summary, balance, reach),
    part("Performance", data.performance, performance, reach),
    part("Activity", data.activity, ({ items }) => table("Latest trades", TRADES, items, "No trades yet."), reach),
    part("Alerts", data.alerts, ({ items }) => table("Alerts of the account", ALERTS, items, "No alerts."), reach)),
};
