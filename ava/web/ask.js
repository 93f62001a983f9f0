/**
 * Requests to the platform's own API: the key in a header, what is known already not sent again, and
 * every failure as the one sentence that a person can act on.
 */

/** The server gives up after 30 s; a little later so does the page. */
export const DEADLINE_MS = 35_000;

/** A request that did not succeed; `detail` is the server's own sentence where there is one. */
export class Failure extends Error {
  constructor(detail, { status = 0, title = null, provider = null, retryAfterS = null } = {}) {
    super(detail);
    this.detail = detail;
    this.status = status;
    this.title = title;
    this.provider = provider;
    this.retryAfterS = retryAfterS;
  }

  /** Whether only a key, or another one, will help. */
  get needsKey() {
    return this.status === 401;
  }
}

export class Asker {
  #clock;
  #key;
  #fetch;

  constructor({ clock, key, fetch = (...asked) => globalThis.fetch(...asked) }) {
    this.#clock = clock;
    this.#key = key;
    this.#fetch = fetch;
  }

  /**
   * Ask for `path`; `known` is the answer to it that is held already, if any.
   *
   * Return `{data, etag, freshS, stale, at, unchanged}`, `at` being the server's time, or throw a
   * Failure.
   */
  async get(path, known = null) {
    const headers = known?.etag ? { "If-None-Match": known.etag } : {};
    const response = await this.#send(path, { method: "GET", headers });
    const found = told(response.headers);
    if (response.status === 304 && known) return { ...found, data: known.data, unchanged: true };
    if (!isAnswer(response)) throw await failure(response);
    return { ...found, data: await body(response), unchanged: false };
  }

  /** Send a change; return the server's answer, or throw a Failure. */
  async change(method, path, value) {
    const sent = value === undefined ? {} : { body: JSON.stringify(value) };
    const headers = value === undefined ? {} : { "Content-Type": "application/json" };
    const response = await this.#send(path, { method, headers, ...sent });
    if (!response.ok) throw await failure(response);
    return response.status === 204 ? null : body(response);
  }

  async #send(path, { headers, ...rest }) {
    const ending = new AbortController();
    const cancel = this.#clock.after(DEADLINE_MS, () => ending.abort());
    const key = this.#key.value;
    const all = { Accept: "application/json", ...headers };
    if (key) all.Authorization = `Bearer ${key}`;
    try {
      // The page holds what it knows itself: the browser's own store would hide a 304 from it.
      return await this.#fetch(path, { ...rest, headers: all, cache: "no-store", signal: ending.signal });
    } catch (error) {
      throw new Failure(unreached(error), { title: "unreachable" });
    } finally {
      cancel();
    }
  }
}

function unreached(error) {
  return error.name === "AbortError"
    ? `the server did not answer within ${DEADLINE_MS / 1000} s`
    : "the server cannot be reached";
}

async function body(response) {
  try {
    return await response.json();
  } catch {
    throw new Failure("the server's answer is not readable JSON", { status: response.status });
  }
}

/** Return the failure that a response states; problem answers have their sentence in `detail`. */
async function failure(response) {
  const status = response.status;
  const said = await response.json().catch(() => ({}));
  const retryAfterS = seconds(said.retry_after_s ?? response.headers.get("Retry-After"));
  const detail = typeof said.detail === "string" ? said.detail : `the server answered ${status}`;
  return new Failure(detail, { status, title: said.title, provider: said.provider, retryAfterS });
}

/**
 * Say whether a response is an answer. One in the API's own type is, whatever its status: a platform
 * that is unhealthy says so with 503 and its whole report. Problems have a type of their own.
 */
function isAnswer(response) {
  return response.ok || response.headers.get("Content-Type") === "application/json";
}

/** Return what the headers of an answer tell about it. */
function told(headers) {
  return {
    etag: headers.get("ETag"),
    freshS: seconds(headers.get("X-Fresh-For")) ?? 0,
    stale: headers.get("X-Stale") === "1",
    at: new Date(headers.get("Date") ?? Number.NaN),
  };
}

function seconds(text) {
  const number = Number.parseFloat(text ?? "");
  return Number.isFinite(number) && number >= 0 ? number : null;
}
