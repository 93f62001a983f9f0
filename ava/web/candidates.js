/**
 * Options worth selling, as the scanners find them: the columns, the fields that they are asked
 * with, and what an answer says about those that it does not show.
 */

import { day, fixed, money, number, share } from "./format.js";

/** Symbols that a scan starts with, until others are entered. */
export const SYMBOLS = "AAPL,AMD,AMZN,JPM,MSFT,NVDA";

/** The field of the symbols to scan. */
export const symbolsField = {
  name: "symbols", label: "Symbols", title: "with commas between", value: SYMBOLS, type: "text", required: true, maxlength: 4000, class: "long",
};

/** The fields that the premium scanner and the expiry view share. */
export const PREMIUM_FORM = [
  symbolsField,
  { name: "strategy", label: "Sell", value: "cash_secured_put", options: [["cash_secured_put", "puts, cash-secured"], ["covered_call", "calls, covered"]] },
  { name: "max_days", label: "Days at most", value: "45", type: "number", min: 0, max: 3650, step: 1 },
  { name: "min_delta", label: "Delta from", value: "0.15", type: "number", min: 0, max: 1, step: 0.01 },
  { name: "max_delta", label: "to", value: "0.30", type: "number", min: 0, max: 1, step: 0.01 },
  { name: "min_open_interest", label: "Open interest", value: "50", type: "number", min: 0, step: 1 },
  { name: "min_volume", label: "Volume", value: "100", type: "number", min: 0, step: 1 },
];

const EARNINGS = new Map([[true, "▲ before"], [false, "no"]]);

/** Columns of a candidate; what is not known is a dash. */
export const CANDIDATE = [
  { head: "Symbol", kind: "name", cell: (found) => found.symbol },
  { head: "Strike", kind: "num", cell: (found) => money(found.strike) },
  { head: "Spot", kind: "num", wide: 2, cell: (found) => money(found.spot) },
  { head: "Bid", kind: "num", cell: (found) => money(found.bid) },
  { head: "Premium", kind: "num", wide: 2, cell: (found) => share(found.premium, 2) },
  { head: "A year", kind: "num", cell: (found) => share(found.annualised) },
  { head: "Delta", kind: "num", cell: (found) => fixed(found.delta, 2) },
  { head: "Worthless", kind: "num", wide: 1, cell: (found) => share(found.probability_otm, 0) },
  { head: "Break-even", kind: "num", wide: 2, cell: (found) => money(found.break_even) },
  { head: "Cushion", kind: "num", wide: 1, cell: (found) => share(found.cushion) },
  { head: "IV", kind: "num", wide: 2, cell: (found) => share(found.volatility, 0) },
  { head: "Earnings", wide: 1, cell: (found) => EARNINGS.get(found.earnings_before_expiry) ?? "–" },
  { head: "Open int.", kind: "num", wide: 2, cell: (found) => number(found.open_interest) },
  { head: "Score", kind: "num", wide: 1, cell: (found) => fixed(found.score, 3) },
];

/** The same with the expiry, where a list is not ordered by it. */
export const DATED = [
  CANDIDATE[0],
  { head: "Days", kind: "num", cell: (found) => number(found.days) },
  { head: "Expires", kind: "when", wide: 2, cell: (found) => day(found.expires) },
  ...CANDIDATE.slice(1),
];

/** Return the sentence about expiries that a scan had no room for, or null. */
export function leftOut(count) {
  return count > 0 ? `${number(count)} more expiries lie in these days and were not scanned.` : null;
}

/** Return the reasons why others are not shown, as one sentence, or null. */
export function reasons(what, counts) {
  const said = Object.entries(counts ?? {}).sort((one, other) => other[1] - one[1]);
  if (said.length === 0) return null;
  return `${what}: ${said.map(([why, count]) => `${number(count)} for ${why.replaceAll("_", " ")}`).join(", ")}.`;
}
