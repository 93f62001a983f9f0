/** What the account at the brokerage holds, and what it is worth as far as that is known. */

import { h } from "../dom.js";
import { change, day, dayTime, fixed, money, number } from "../format.js";
import { facts, signed, table } from "../table.js";

const profit = { head: "Profit", kind: "num", cell: (held) => signed(change(held.profit), held.profit) };
const value = { head: "Value", kind: "num", cell: (held) => money(held.value) };

const STOCKS = [
  { head: "Symbol", kind: "name", cell: (held) => held.name },
  { head: "Shares", kind: "num", cell: (held) => number(held.quantity, 4) },
  { head: "Cost each", kind: "num", wide: 1, cell: (held) => money(held.average_price) },
  { head: "Price", kind: "num", wide: 1, cell: (held) => money(held.price) },
  value,
  profit,
  { head: "Quoted", kind: "when", wide: 1, cell: (held) => dayTime(held.quoted_at) },
];

const OPTIONS = [
  { head: "Contract", kind: "name", cell: contract },
  { head: "Side", cell: (held) => held.side },
  { head: "Number", kind: "num", cell: (held) => number(held.quantity, 4) },
  { head: "Price", kind: "num", wide: 1, cell: (held) => money(held.price) },
  { head: "Break-even", kind: "num", wide: 1, cell: (held) => money(held.break_even) },
  { head: "Delta", kind: "num", wide: 1, cell: (held) => fixed(held.greeks?.delta, 2) },
  value,
  profit,
];

function contract({ underlying, terms, name }) {
  if (!terms) return name;
  return `${underlying} ${number(terms.strike, 2)} ${terms.right} ${day(terms.expires)}`;
}

function missing(totals) {
  const said = [];
  if (totals.unpriced.length > 0) said.push(`no price for ${totals.unpriced.join(", ")}, so no total value`);
  if (totals.uncosted.length > 0) said.push(`no cost for ${totals.uncosted.join(", ")}, so no total profit`);
  return said;
}

export default {
  topics: ["portfolio"],
  fallbackS: 30,
  path: () => "/api/v1/portfolio",
  partial: ({ totals }) => missing(totals),
  view: ({ stocks, options, totals }) => [
    facts([
      ["Value", money(totals.value)],
      ["Cost", money(totals.cost)],
      ["Profit", signed(change(totals.profit), totals.profit)],
    ]),
    h("h4", {}, "Shares"),
    table("Shares held", STOCKS, stocks, "No shares.", "short"),
    h("h4", {}, "Options"),
    table("Options held", OPTIONS, options, "No options.", "short"),
  ],
};
