/**
 * Links into the page: `#/expiry` leads to the panel of that name and puts the focus on its heading.
 */

const NAMED = /^#\/([a-z-]+)$/;

/** Return the panel that an address names, or null. */
export function named(hash) {
  return NAMED.exec(hash)?.[1] ?? null;
}

/**
 * Follow the address now and whenever it changes; return what goes there again, as the panels above
 * grow with their first answers. Once the reader has touched anything the page stays where it is.
 */
export function follow(window) {
  let touched = false;
  for (const kind of ["wheel", "touchstart", "pointerdown", "keydown"]) {
    window.addEventListener(kind, () => { touched = true; }, { passive: true, once: true });
  }
  const go = () => lead(window);
  window.addEventListener("hashchange", go);
  go();
  return () => {
    if (!touched) go();
  };
}

function lead({ document, location }) {
  const name = named(location.hash);
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#/${name}`) link.setAttribute("aria-current", "location");
    else link.removeAttribute("aria-current");
  }
  const heading = name === null ? null : document.querySelector(`[data-panel="${name}"] h3`);
  if (heading === null) return;
  heading.closest("article").scrollIntoView({ block: "start" });
  heading.focus({ preventScroll: true });
}
