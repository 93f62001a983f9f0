/**
 * When a panel asks again: exactly when its data can have changed, and never on a fixed beat.
 *
 * The server says with each answer for how long it is fresh; that is when the next request goes out.
 * Where it says nothing, or the answer failed, the panel's own stated interval takes its place. A
 * push asks at once. While the page is hidden nothing is asked; what fell due then goes out when the
 * page is seen again.
 */

/** No answer is asked for again sooner than this, whatever the server says. */
export const SHORTEST_MS = 1000;
/** Timers overflow at 24.8 days; nothing here stays fresh for one. */
export const LONGEST_MS = 86_400_000;
/** A source that goes on failing is asked ever less often, down to once in this time. */
export const PATIENCE_MS = 300_000;

/**
 * Return the milliseconds until the next request, or null for none until something happens.
 *
 * `outcome` is what the request ended with: `freshS` where it succeeded, `failed` with
 * `retryAfterS` where the server said so, `needsKey` where only a key will help. `failures` counts
 * the failures in a row, this one included.
 */
export function waitMs(outcome, fallbackS, failures) {
  if (outcome.needsKey) return null;
  if (!outcome.failed) return bounded((outcome.freshS > 0 ? outcome.freshS : fallbackS) * 1000);
  const patience = Math.min(fallbackS * 1000 * 2 ** Math.max(0, failures - 1), PATIENCE_MS);
  return bounded(Math.max(patience, (outcome.retryAfterS ?? 0) * 1000));
}

function bounded(ms) {
  return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, Math.ceil(ms)));
}

/**
 * Asks on time, one request at a time. `ask` returns a promise of an outcome and never rejects.
 *
 * A push or a retry that comes while a request is under way is kept and asks once more after it: the
 * answer on its way may be older than the change.
 */
export class Refresher {
  #clock;
  #ask;
  #fallbackS;
  #planned;
  #hidden = false;
  #asking = false;
  #again = false;
  #failures = 0;
  #dueAt = null;
  #askedAt = -Infinity;
  #cancel = () => {};

  constructor({ clock, ask, fallbackS, planned = () => {}, hidden = false }) {
    this.#clock = clock;
    this.#ask = ask;
    this.#fallbackS = fallbackS;
    this.#planned = planned;
    this.#hidden = hidden;
  }

  /** The time of the next request on the clock, or null. */
  get dueAt() {
    return this.#dueAt;
  }

  /** Ask now, or as soon as the page is seen and the request under way has ended. */
  now() {
    if (this.#asking) this.#again = true;
    else this.#plan(0);
  }

  /** Ask because something changed: at once, and at most once in `SHORTEST_MS`. */
  push() {
    if (this.#asking) this.#again = true;
    else this.#plan(Math.max(0, this.#askedAt + SHORTEST_MS - this.#clock.now()));
  }

  /** Pause while the page is hidden; when it is seen again, ask for what fell due. */
  setHidden(hidden) {
    this.#hidden = hidden;
    if (hidden) this.#cancel();
    else if (this.#dueAt !== null) this.#plan(Math.max(0, this.#dueAt - this.#clock.now()));
  }

  #plan(ms) {
    this.#cancel();
    this.#dueAt = ms === null ? null : this.#clock.now() + ms;
    this.#planned(ms);
    if (ms === null || this.#hidden) return;
    if (ms === 0) this.#run();
    else this.#cancel = this.#clock.after(ms, () => this.#run());
  }

  async #run() {
    this.#cancel = () => {};
    this.#dueAt = null;
    this.#asking = true;
    this.#askedAt = this.#clock.now();
    const outcome = await this.#ask();
    this.#asking = false;
    this.#failures = outcome.failed ? this.#failures + 1 : 0;
    if (this.#again) {
      this.#again = false;
      this.push();
    } else {
      this.#plan(waitMs(outcome, this.#fallbackS, this.#failures));
    }
  }
}
