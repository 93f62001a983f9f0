/**
 * The key that the operator entered: in this tab's session storage, and nowhere else.
 *
 * A link may carry it in its fragment, which browsers send to no server; it is taken out of the
 * address before anything else runs, so that it stays out of the history and of screenshots.
 */

const NAME = "ava.key";
const IN_FRAGMENT = /(^#|&)key=([^&]*)/;

export class Key {
  #storage;
  #listeners = [];

  constructor(storage) {
    this.#storage = storage;
  }

  get value() {
    return this.#storage.getItem(NAME);
  }

  /** Keep a key, or forget it with null; tell those who listen. */
  set(value) {
    if (value) this.#storage.setItem(NAME, value);
    else this.#storage.removeItem(NAME);
    for (const listener of this.#listeners) listener(this.value);
  }

  onChange(listener) {
    this.#listeners.push(listener);
  }

  /** Take the key out of the address, leaving the rest of the fragment. */
  takeFrom(location, history) {
    const found = IN_FRAGMENT.exec(location.hash);
    if (found === null) return;
    const rest = location.hash.replace(IN_FRAGMENT, "").replace(/^[#&]*/, "");
    history.replaceState(null, "", location.pathname + location.search + (rest ? `#${rest}` : ""));
    this.set(decoded(found[2]).trim());
  }
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
