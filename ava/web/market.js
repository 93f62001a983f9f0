/**
 * Whether the exchange trades, for the head of the page: asked again exactly when that changes.
 */

import { Refresher } from "./schedule.js";

const FALLBACK_S = 60;

/** Watches the exchange as a panel watches its data; tells `header` what it hears. */
export class MarketWatch {
  topics = [];
  #asker;
  #header;
  #refresher;
  #answer = null;

  constructor({ asker, clock, header, hidden }) {
    this.#asker = asker;
    this.#header = header;
    this.#refresher = new Refresher({ clock, hidden, fallbackS: FALLBACK_S, ask: () => this.#ask() });
  }

  ask() {
    this.#refresher.now();
  }

  restart() {
    this.ask();
  }

  setHidden(hidden) {
    this.#refresher.setHidden(hidden);
  }

  async #ask() {
    try {
      this.#answer = await this.#asker.get("/api/v1/exchange", this.#answer);
      this.#header.market(this.#answer.data);
      return { freshS: this.#answer.freshS };
    } catch (error) {
      this.#answer = null;
      this.#header.market(null);
      return { failed: true, retryAfterS: error.retryAfterS };
    }
  }
}
