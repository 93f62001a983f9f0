/**
 * The head of the page: how the platform is, whether the market is open, whether the page is live,
 * which panels failed, and the key.
 */

import { h } from "./dom.js";
import { span, weekTime } from "./format.js";
import { state } from "./table.js";

/** As many failed panels are named; the rest are counted. */
const SHOWN = 3;

export class Header {
  #places;
  #key;
  #panels = new Map();

  constructor(root, key) {
    const named = (name) => root.querySelector(`[data-place="${name}"]`);
    this.#places = { health: named("health"), market: named("market"), stream: named("stream"), failed: named("failed") };
    this.#key = key;
    this.#keyed(root);
  }

  /** Say how the platform is, `{kind, word}`; null while that is not known. */
  health(found) {
    this.#put("health", found?.kind ?? "off", found ? `platform ${found.word}` : "health unknown");
  }

  /** Say whether the exchange is open, and when that changes; null while that is not known. */
  market(found) {
    if (found === null) return this.#put("market", "off", "market unknown");
    const { open, until } = found;
    const word = `market ${open ? "open" : "closed"}, ${open ? "closes" : "opens"} ${weekTime(until)}`;
    return this.#put("market", open ? "good" : "off", word);
  }

  /** Say how news reach the page; `more` is the wait in ms, or the reason of a refusal. */
  stream(name, more) {
    const said = {
      live: ["good", "live"],
      connecting: ["off", "connecting"],
      refused: ["warn", `not live: ${more}`],
      lost: ["warn", `not live, next attempt in ${span(Math.ceil(more / 1000))}`],
    };
    this.#put("stream", ...said[name]);
  }

  /** Count the panels that are not as they should be, with links to them. */
  panel(name, title, bad) {
    if (bad) this.#panels.set(name, title);
    else this.#panels.delete(name);
    const links = [...this.#panels].map(([id, text]) => h("a", { href: `#/${id}` }, text));
    const shown = links.slice(0, SHOWN).flatMap((link, place) => (place === 0 ? [link] : [", ", link]));
    if (links.length > SHOWN) shown.push(` and ${links.length - SHOWN} more`);
    this.#places.failed.hidden = links.length === 0;
    this.#places.failed.replaceChildren(state("bad", "failing"), " ", ...shown);
  }

  /** Lead to where the key is entered. */
  askKey() {
    this.#places.keyInput.focus();
  }

  #put(name, kind, word) {
    this.#places[name].replaceChildren(state(kind, word));
  }

  #keyed(root) {
    const form = root.querySelector("form");
    const input = form.querySelector("input");
    const forget = form.querySelector("button[type=button]");
    this.#places.keyInput = input;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const entered = input.value.trim();
      form.reset();
      if (entered) this.#key.set(entered);
    });
    forget.addEventListener("click", () => this.#key.set(null));
    const show = (value) => {
      input.placeholder = value ? "key is set" : "API key";
      forget.hidden = !value;
    };
    this.#key.onChange(show);
    show(this.#key.value);
  }
}
