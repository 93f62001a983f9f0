/**
 * A panel: one question to the API, drawn, and everything that can be wrong with it said in place.
 *
 * Panels share nothing but the page. Each asks for itself, keeps its own error with a retry, and
 * whatever its drawing throws ends there. Older data stay on the screen when their source fails, and
 * are called stale; what is missing from an answer is called partial; an account's data go when the
 * key does.
 */

import { Failure } from "./ask.js";
import { h, replace } from "./dom.js";
import { clockTime } from "./format.js";
import { askedOf, formOf } from "./form.js";
import { button, notice } from "./notice.js";
import { Refresher } from "./schedule.js";

/** A refresh asks for every page that is shown, so there is an end to them. */
const MOST_PAGES = 20;

const WORDS = {
  loading: "loading",
  good: "",
  partial: "◧ partial",
  stale: "◐ stale",
  failed: "✕ failed",
  locked: "⚿ needs a key",
};

export class Panel {
  #definition;
  #tools;
  #refresher;
  #parts;
  #asked;
  #answer = null;
  #failure = null;
  #drawn = true;
  #acting = false;
  #mistake = null;
  #pages = [];
  #wanted = 1;
  #state = "loading";

  /**
   * `definition` is what a module of `panels/` exports; `tools` are the page's asker, clock and
   * `announce`, and what the definition wants told: `header`, `hidden`.
   */
  constructor(place, definition, tools) {
    this.#definition = definition;
    this.#tools = tools;
    this.#asked = askedOf(definition.form ?? [], tools.last.of(definition.id));
    this.#parts = shell(place, () => this.ask());
    if (definition.form) this.#parts.form.replaceWith(this.#formed());
    this.#refresher = new Refresher({
      clock: tools.clock,
      ask: () => this.#ask(),
      fallbackS: definition.fallbackS,
      planned: (ms) => this.#planned(ms),
      hidden: tools.hidden,
    });
    place.dataset.fallback = definition.fallbackS;
  }

  get topics() {
    return this.#definition.topics ?? [];
  }

  get state() {
    return this.#state;
  }

  /** Ask now. */
  ask() {
    this.#refresher.now();
  }

  /** Ask because something with one of the panel's topics changed. */
  push() {
    this.#refresher.push();
  }

  setHidden(hidden) {
    this.#refresher.setHidden(hidden);
  }

  /** Another person may be at the keyboard now: start with nothing. */
  restart() {
    this.#answer = null;
    this.#pages = [];
    this.#wanted = 1;
    this.ask();
  }

  #formed() {
    return formOf(this.#definition.id, this.#definition.form, this.#asked, (asked) => {
      this.#asked = asked;
      this.#tools.last.keep(this.#definition.id, asked);
      this.restart();
    });
  }

  /** Ask, draw, and return the outcome that the next request follows from; never reject. */
  async #ask() {
    this.#parts.place.setAttribute("aria-busy", "true");
    try {
      const answer = await this.#fetch();
      this.#failure = null;
      const same = answer.unchanged && this.#drawn && this.#answer !== null;
      this.#answer = answer;
      if (!same) this.#draw();
      return { freshS: this.#freshS(answer) };
    } catch (error) {
      this.#failure = error instanceof Failure ? error : new Failure(`this page failed: ${error.message}`);
      if (this.#failure.needsKey) this.#answer = null;
      this.#draw();
      return { failed: true, retryAfterS: this.#failure.retryAfterS, needsKey: this.#failure.needsKey };
    } finally {
      this.#parts.place.setAttribute("aria-busy", "false");
      this.#settle();
    }
  }

  /** Fetch as many pages as are shown, each known by its address, and join them. */
  async #fetch() {
    const known = new Map(this.#pages.map((page) => [page.path, page]));
    const pages = [];
    let path = this.#definition.path(this.#asked);
    while (path !== null && pages.length < this.#wanted) {
      pages.push({ ...(await this.#tools.asker.get(path, known.get(path))), path });
      path = this.#next(pages.at(-1));
    }
    const unchanged = pages.length === this.#pages.length && pages.every((page) => page.unchanged);
    this.#pages = pages;
    return { ...joined(pages), unchanged, arrived: this.#tools.clock.wall() };
  }

  #next(page) {
    const cursor = page.data?.next_cursor;
    if (!cursor) return null;
    const path = this.#definition.path(this.#asked);
    return `${path}${path.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(cursor)}`;
  }

  /**
   * Return for how long an answer is fresh. One with a failed part states no freshness as a whole;
   * then its first part to change decides, or the fallback where that is sooner.
   */
  #freshS(answer) {
    if (answer.freshS > 0) return answer.freshS;
    const parts = this.#definition.parts?.(answer.data) ?? [];
    const left = parts
      .map((part) => (Date.parse(part?.fresh_until ?? "") - answer.at.getTime()) / 1000)
      .filter((seconds) => seconds > 0);
    return left.length > 0 ? Math.min(...left, this.#definition.fallbackS) : 0;
  }

  #draw() {
    try {
      const nodes = this.#answer === null ? [] : this.#definition.view(this.#answer.data, this.#reach());
      replace(this.#parts.body, [nodes, this.#more()].flat(Infinity).filter((node) => node !== null));
      this.#drawn = true;
    } catch (error) {
      this.#drawn = false;
      this.#failure = new Failure(`this panel could not be drawn: ${error.message}`);
      this.#parts.body.replaceChildren();
    }
  }

  /** What a drawing may use: the page's tools, what was asked, and ways to ask and to change. */
  #reach() {
    const ask = (asked) => {
      this.#asked = asked;
      this.restart();
    };
    return { ...this.#tools, asked: this.#asked, ask, retry: () => this.ask(), act: (run) => this.#act(run) };
  }

  /** Send one change at a time; a button that was disabled meanwhile would lose the focus. */
  async #act(run) {
    if (this.#acting) return;
    this.#acting = true;
    this.#mistake = null;
    try {
      await run(this.#tools.asker);
    } catch (error) {
      this.#mistake = error.detail ?? error.message;
      this.#tools.announce(`${this.#definition.title}: ${this.#mistake}`);
    } finally {
      this.#acting = false;
    }
    this.#settle();
    this.ask();
  }

  #more() {
    if (this.#answer === null || this.#pages.at(-1) === undefined) return null;
    if (this.#next(this.#pages.at(-1)) === null || this.#wanted >= MOST_PAGES) return null;
    const more = () => {
      this.#wanted += 1;
      this.ask();
    };
    return h("button", { class: "more", type: "button", "data-focus": "more", click: more }, "More");
  }

  #settle() {
    const before = this.#state;
    this.#state = this.#judge();
    const { place, word, notices, asOf } = this.#parts;
    place.dataset.state = this.#state;
    word.textContent = WORDS[this.#state];
    notices.replaceChildren(...this.#said());
    asOf.textContent = this.#answer === null ? "" : `as of ${clockTime(this.#answer.arrived)}`;
    this.#tell(before);
    this.#definition.tell?.(this.#state === "failed" ? null : (this.#answer?.data ?? null), this.#tools);
  }

  #judge() {
    if (this.#failure?.needsKey) return "locked";
    if (this.#failure !== null && (this.#answer === null || !this.#drawn)) return "failed";
    if (this.#failure !== null || this.#answer.stale) return "stale";
    return this.#missing().length > 0 ? "partial" : "good";
  }

  #missing() {
    return this.#answer === null || !this.#drawn ? [] : (this.#definition.partial?.(this.#answer.data) ?? []);
  }

  /** Return what there is to say about the answer, each with the way out of it. */
  #said() {
    const said = [];
    if (this.#mistake) said.push(notice("failed", `The change was not made: ${this.#mistake}`));
    if (this.#state === "locked") {
      said.push(notice("locked", this.#failure.detail, button("Enter key", () => this.#tools.askKey())));
    } else if (this.#state === "failed") {
      said.push(notice("failed", this.#failure.detail, this.#retry()));
    } else if (this.#state === "stale") {
      const why = this.#failure === null ? "" : ` (${this.#failure.detail})`;
      said.push(notice("stale", `stale: the source failed, showing older data${why}`, this.#retry()));
    }
    for (const missing of this.#missing()) said.push(notice("partial", `partial: ${missing}`));
    return said;
  }

  #retry() {
    return button("Retry", () => this.ask(), `Retry ${this.#definition.title}`);
  }

  #tell(before) {
    if (before === this.#state) return;
    this.#tools.settled(this, before);
    const bad = { failed: "failed", stale: "shows older data", partial: "is partial" };
    const { title } = this.#definition;
    if (this.#state in bad) this.#tools.announce(`${title} ${bad[this.#state]}`);
    else if (before in bad && this.#state === "good") this.#tools.announce(`${title} is back`);
  }

  #planned(ms) {
    const { place, next } = this.#parts;
    const { clock } = this.#tools;
    if (ms === null) delete place.dataset.due;
    else place.dataset.due = String(clock.now() + ms);
    const at = ms > 0 ? new Date(clock.wall().getTime() + ms) : null;
    next.textContent = at === null ? "" : `next ${clockTime(at)}`;
  }
}

function joined(pages) {
  const [first] = pages;
  if (pages.length === 1) return { ...first };
  return {
    ...first,
    data: { ...first.data, items: pages.flatMap((page) => page.data.items) },
    freshS: Math.min(...pages.map((page) => page.freshS)),
    stale: pages.some((page) => page.stale),
  };
}

/** Fill an empty panel with its frame, and return the places in it. */
function shell(place, refresh) {
  const title = place.querySelector("h3").textContent;
  const parts = {
    place,
    word: h("span", { class: "word" }),
    form: h("span", { hidden: true }),
    notices: h("div", { class: "notices" }),
    body: h("div", { class: "body" }),
    asOf: h("span"),
    next: h("span"),
  };
  const again = h("button", {
    type: "button", class: "again", title: "Refresh now", "aria-label": `Refresh ${title}`, click: refresh,
  }, "↻");
  place.querySelector("header").append(parts.word, again);
  place.append(parts.form, parts.notices, parts.body, h("footer", {}, parts.asOf, parts.next));
  return parts;
}
