/**
 * Time and chance, passed in everywhere, so that a test can hold the one still and fix the other.
 */

/** The browser's own time. */
export const systemClock = {
  /** Milliseconds since the page was opened; they never go back. */
  now: () => performance.now(),
  /** The date and time for people. */
  wall: () => new Date(),
  /** Call `run` after `ms`; return what cancels it. */
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** A clock that moves when told to; what is due on the way runs in order. */
export class ManualClock {
  #now = 0;
  #waiting = [];

  now() {
    return this.#now;
  }

  wall() {
    return new Date(this.#now);
  }

  after(ms, run) {
    const timer = { at: this.#now + ms, run };
    this.#waiting.push(timer);
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== timer);
    };
  }

  /** Let time pass; what a call awaits is settled before the next one runs. */
  async advance(ms) {
    const until = this.#now + ms;
    await settled();
    for (;;) {
      const [next] = this.#waiting.filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#waiting = this.#waiting.filter((timer) => timer !== next);
      this.#now = next.at;
      next.run();
      await settled();
    }
    this.#now = until;
    await settled();
  }
}

/** Wait until every promise that can be settled without the clock is. */
export async function settled() {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
