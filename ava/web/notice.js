/**
 * Sentences about what is shown, and the buttons that lead out of them.
 */

import { h } from "./dom.js";

/** Return a sentence about what is shown; `kind` says how bad it is, and the text says it too. */
export function notice(kind, text, ...ways) {
  return h("p", { class: "notice", "data-kind": kind }, h("span", {}, text), ...ways);
}

/** Return a button. */
export function button(text, click, label = null) {
  return h("button", { type: "button", click, "aria-label": label }, text);
}
