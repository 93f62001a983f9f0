/**
 * What a panel can be asked for: a few fields above it, sent as the query of its request.
 *
 * A definition's `form` lists fields: `name`, `label`, `value`, and either `options` or the
 * attributes of an input.
 */

import { h } from "./dom.js";

/** Return the values that a form starts with: what was asked last, else its own. */
export function askedOf(fields, last = {}) {
  return Object.fromEntries(fields.map((field) => [field.name, last[field.name] ?? field.value ?? ""]));
}

/**
 * What each panel was asked last, so that a person's own symbols and accounts are there again. It
 * holds no secret: keys are kept elsewhere, and for a tab only.
 */
export class LastAsked {
  #storage;

  constructor(storage) {
    this.#storage = storage;
  }

  of(id) {
    try {
      return JSON.parse(this.#storage.getItem(`ava.asked.${id}`)) ?? {};
    } catch {
      return {};
    }
  }

  keep(id, asked) {
    this.#storage.setItem(`ava.asked.${id}`, JSON.stringify(asked));
  }
}

/** Return a form whose values go to `submitted` when it is sent. */
export function formOf(id, fields, asked, submitted) {
  const submit = (event) => {
    event.preventDefault();
    submitted(Object.fromEntries([...new FormData(event.target)].map(([name, value]) => [name, value.trim()])));
  };
  return h("form", { class: "asked", submit }, fields.map((field) => labelled(id, field, asked[field.name])),
    h("button", { type: "submit" }, "Show"));
}

function labelled(id, { name, label, options, value: _, ...attributes }, value) {
  const input = options ? select(name, options, value) : h("input", { name, value, ...attributes });
  input.id = `${id}-${name}`;
  return h("label", { for: input.id }, h("span", {}, label), input);
}

function select(name, options, value) {
  return h("select", { name }, options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)));
}

/** Return a path with the fields that were filled in as its query. */
export function query(path, asked) {
  const given = Object.entries(asked).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}
