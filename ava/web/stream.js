/**
 * The live connection: the server says what changed, and the panels ask for it.
 *
 * It carries news and no data, so the page is as right without it: each panel goes on by its own
 * schedule, and the page says that it is not live. The server beats at an interval that it states;
 * two beats missed and the connection counts as lost, since a dead one makes no sound. It is opened
 * again with growing waits and chance in them, so that a restarted server is not met by everybody at
 * once. A server that closes it on principle (a key that it does not know) is not asked again before
 * there is another key.
 */

export const FIRST_WAIT_MS = 1000;
export const LONGEST_WAIT_MS = 60_000;
/** Until the server has stated its beat, this is taken for it. */
export const BEAT_S = 25;
/** The code of a WebSocket that is closed on principle. */
export const POLICY = 1008;
const MISSED_BEATS = 2;
const GRACE_MS = 5000;

/** Return how long to wait before attempt number `attempt` (from 1): half of it is chance. */
export function reconnectMs(attempt, random) {
  const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1));
  return Math.round(longest / 2 + (longest / 2) * random());
}

export class Stream {
  #clock;
  #random;
  #make;
  #key;
  #topics;
  #on;
  #socket = null;
  #attempt = 0;
  #isLive = false;
  #wasLive = false;
  #beatS = BEAT_S;
  #cancelBeat = () => {};
  #cancelWait = () => {};

  /**
   * `make` opens a WebSocket; `on.state(name, more)` is told `connecting`, `live`, `lost` with the
   * wait in ms and `refused` with the reason, `on.changed(topic)` of each change and `on.missed()`
   * when news may have been missed.
   */
  constructor({ clock, random, make, key, topics, on }) {
    this.#clock = clock;
    this.#random = random;
    this.#make = make;
    this.#key = key;
    this.#topics = topics;
    this.#on = on;
  }

  /** Connect now, ending what there is. */
  open() {
    this.#drop();
    this.#isLive = false;
    this.#on.state("connecting");
    const socket = this.#make();
    this.#socket = socket;
    socket.addEventListener("open", () => this.#greet(socket));
    socket.addEventListener("message", (event) => this.#hear(socket, event.data));
    socket.addEventListener("close", (event) => this.#closed(socket, event));
    this.#watch();
  }

  #drop() {
    this.#cancelBeat();
    this.#cancelWait();
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #greet(socket) {
    if (socket !== this.#socket) return;
    const key = this.#key.value;
    socket.send(JSON.stringify(key ? { type: "hello", key } : { type: "hello" }));
    socket.send(JSON.stringify({ type: "subscribe", topics: this.#topics() }));
    this.#watch();
  }

  #hear(socket, text) {
    if (socket !== this.#socket) return;
    const message = parsed(text);
    if (message.every_s > 0) this.#beatS = message.every_s;
    this.#watch();
    this.#live();
    if (message.type === "changed") this.#on.changed(message.topic);
  }

  /** The first word from the server, not the open socket, is what makes the connection live. */
  #live() {
    if (this.#isLive) return;
    const missed = this.#wasLive && this.#attempt > 0;
    this.#attempt = 0;
    this.#isLive = true;
    this.#wasLive = true;
    this.#on.state("live");
    if (missed) this.#on.missed();
  }

  #watch() {
    this.#cancelBeat();
    const patience = this.#beatS * 1000 * MISSED_BEATS + GRACE_MS;
    const socket = this.#socket;
    this.#cancelBeat = this.#clock.after(patience, () => this.#lose(socket));
  }

  #closed(socket, { code, reason }) {
    if (socket !== this.#socket) return;
    if (code !== POLICY) return this.#lose(socket);
    this.#drop();
    this.#on.state("refused", reason || "the server refused the connection");
  }

  #lose(socket) {
    if (socket !== this.#socket) return;
    this.#drop();
    this.#attempt += 1;
    const wait = reconnectMs(this.#attempt, this.#random);
    this.#on.state("lost", wait);
    this.#cancelWait = this.#clock.after(wait, () => this.open());
  }
}

function parsed(text) {
  try {
    const message = JSON.parse(text);
    return typeof message === "object" && message !== null ? message : {};
  } catch {
    return {};
  }
}
