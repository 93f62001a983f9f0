/**
 * Elements from data. Text is only ever set as text, so nothing that a provider or a user wrote can
 * become markup; there is no other way in, and the page's policy allows none.
 */

const SVG = "http://www.w3.org/2000/svg";

/** Return an element; attributes that are functions listen, `true` is set empty, false left out. */
export function h(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** Return an element of an inline drawing. */
export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(key, value === true ? "" : value);
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * Put `nodes` in place of what `place` holds, keeping the reader where they were: the focus, by
 * `data-focus`, and how far each list is scrolled, by `data-scroll`.
 */
export function replace(place, nodes) {
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
  const scrolled = new Map();
  for (const list of place.querySelectorAll("[data-scroll]")) {
    scrolled.set(list.dataset.scroll, [list.scrollTop, list.scrollLeft]);
  }
  place.replaceChildren(...nodes);
  for (const list of place.querySelectorAll("[data-scroll]")) {
    [list.scrollTop, list.scrollLeft] = scrolled.get(list.dataset.scroll) ?? [0, 0];
  }
  if (focused) place.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}
