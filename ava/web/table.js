/**
 * Tables of a panel: columns by name, numbers right-aligned, a stated word where there is nothing.
 *
 * A narrow panel leaves out the columns marked `wide: 2`, a very narrow one those marked `wide: 1`
 * too; what is still too wide scrolls inside the panel and never widens the page.
 */

import { h } from "./dom.js";

/**
 * Return a table that scrolls by itself.
 *
 * A column is `{head, cell(row), kind, wide}`; `kind` is "num", "text" or "name", and the cell of
 * the first column is its row's heading. `kind` "short" is for a panel with several lists.
 */
export function table(caption, columns, rows, empty = "Nothing.", kind = null) {
  if (rows.length === 0) return h("p", { class: "empty" }, empty);
  return scrolling(caption, columns, h("tbody", {}, lines(columns, rows)), kind);
}

/** Return a table whose rows stand in groups, `[{title, rows}]`, each under its own heading. */
export function grouped(caption, columns, groups, empty = "Nothing.", kind = null) {
  if (groups.length === 0) return h("p", { class: "empty" }, empty);
  const bodies = groups.map(({ title, rows }) => h("tbody", {},
    h("tr", { class: "group" }, h("th", { scope: "rowgroup", colspan: columns.length }, title)), lines(columns, rows)));
  return scrolling(caption, columns, bodies, kind);
}

function lines(columns, rows) {
  return rows.map((row) => h("tr", {}, columns.map((column, place) => cell(column, row, place))));
}

function scrolling(caption, columns, bodies, kind = null) {
  const head = h("tr", {}, columns.map((column) => h("th", { scope: "col", class: classes(column) }, column.head)));
  const made = h("table", {}, h("caption", {}, caption), h("thead", {}, head), bodies);
  const classed = kind === null ? "list" : `list ${kind}`;
  return h("div", { class: classed, role: "region", "aria-label": caption, tabindex: 0, "data-scroll": caption }, made);
}

function cell(column, row, place) {
  const held = column.cell(row);
  const attributes = { class: classes(column) };
  return place === 0 ? h("th", { scope: "row", ...attributes }, held) : h("td", attributes, held);
}

function classes({ kind = "text", wide = 0 }) {
  return wide ? `${kind} wide-${wide}` : kind;
}

/** Return pairs of a name and a value as a list, in as many columns as fit. */
export function facts(pairs) {
  const shown = pairs.filter((pair) => pair !== null);
  return h("dl", { class: "facts" }, shown.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** Return a state as a glyph and a word in its colour; never the colour alone. */
export function state(kind, word) {
  const glyphs = { good: "●", bad: "✕", warn: "▲", off: "○" };
  return h("span", { class: "state", "data-kind": kind }, `${glyphs[kind]} ${word}`);
}

/** Return a gain or a loss, which its sign and its colour both tell. */
export function signed(text, value) {
  const number = Number(value);
  const kind = number > 0 ? "up" : number < 0 ? "down" : null;
  return h("span", { class: kind }, text);
}
