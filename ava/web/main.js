/**
 * The console: builds the page from `layout.js`, loads each panel's module by itself, so that one
 * that cannot be loaded is one panel that says so, and passes on what the live connection tells.
 */

import { Asker } from "./ask.js";
import { systemClock } from "./clock.js";
import { h } from "./dom.js";
import { LastAsked } from "./form.js";
import { Header } from "./header.js";
import { Key } from "./key.js";
import { SECTIONS } from "./layout.js";
import { MarketWatch } from "./market.js";
import { button, notice } from "./notice.js";
import { Panel } from "./panel.js";
import { follow } from "./route.js";
import { Stream } from "./stream.js";

const BAD = new Set(["failed", "stale"]);

/** Build the page in `document`; clock, chance and the way to the server are passed in. */
export async function start({ window, clock, random, fetch, WebSocket }) {
  const { document, sessionStorage, localStorage, location, history } = window;
  const key = new Key(sessionStorage);
  key.takeFrom(location, history);
  const header = new Header(document.querySelector("body > header"), key);
  const panels = new Map(); // whatever asks for something, by name
  const tools = {
    clock,
    header,
    asker: new Asker({ clock, key, fetch }),
    last: new LastAsked(localStorage),
    askKey: () => header.askKey(),
    announce: announcer(document.getElementById("news")),
    hidden: document.hidden,
  };
  const places = build(document);
  panels.set("market", new MarketWatch(tools));
  panels.get("market").ask();
  const again = follow(window);
  const stream = new Stream({
    clock, random, key,
    make: () => new WebSocket(streamAddress(location)),
    topics: () => [...new Set([...panels.values()].flatMap((panel) => panel.topics))],
    on: {
      state: (name, more) => {
        header.stream(name, more);
        if (name === "lost" || name === "refused") tools.announce("Live updates are lost");
      },
      changed: (topic) => each(panels, (panel) => panel.topics.includes(topic) && panel.push()),
      missed: () => {
        tools.announce("Live updates are back");
        each(panels, (panel) => panel.topics.length > 0 && panel.push());
      },
    },
  });
  key.onChange(() => each(panels, (panel) => panel.restart()));
  key.onChange(() => stream.open());
  document.addEventListener("visibilitychange", () => {
    tools.hidden = document.hidden;
    each(panels, (panel) => panel.setHidden(document.hidden));
  });
  await Promise.all(places.map((place) => load(place, { ...tools, again }, panels)));
  stream.open();
}

function each(panels, run) {
  for (const panel of panels.values()) run(panel);
}

function streamAddress(location) {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/stream`;
}

/** Return what says a sentence to those who listen to the page rather than see it. */
function announcer(place) {
  return (sentence) => {
    if (place.textContent !== sentence) place.textContent = sentence;
  };
}

/** Lay out sections, empty panels and the links to them; return the panels' places. */
function build(document) {
  const main = document.querySelector("main");
  const nav = document.querySelector("nav ul");
  const places = [];
  for (const section of SECTIONS) {
    const framed = section.panels.map((panel) => ({ ...panel, element: frame(panel) }));
    const id = `section-${section.title.split(" ")[0].toLowerCase()}`;
    main.append(h("section", { "aria-labelledby": id }, h("h2", { id }, section.title),
      h("div", { class: "grid" }, framed.map(({ element }) => element))));
    nav.append(h("li", {}, h("span", {}, section.title), h("ul", {},
      section.panels.map(({ name, title }) => h("li", {}, h("a", { href: `#/${name}` }, title))))));
    places.push(...framed);
  }
  return places;
}

function frame({ name, title, wide }) {
  const id = `title-${name}`;
  return h("article", {
    class: wide ? "panel wide" : "panel", "data-panel": name, "data-state": "loading",
    "aria-labelledby": id, "aria-busy": "true",
  }, h("header", {}, h("h3", { id, tabindex: -1 }, title)));
}

/** Load a panel's module and start it; a module that fails is said in the panel's place. */
async function load({ name, title, element }, tools, panels) {
  try {
    const { default: definition } = await import(`./panels/${name}.js`);
    const settled = (panel, before) => {
      tools.header.panel(name, title, BAD.has(panel.state));
      if (before === "loading") tools.again();
    };
    const panel = new Panel(element, { ...definition, title, id: name }, { ...tools, settled });
    panels.set(name, panel);
    panel.ask();
  } catch (error) {
    element.dataset.state = "failed";
    element.setAttribute("aria-busy", "false");
    tools.header.panel(name, title, true);
    element.append(notice("failed", `this panel could not be loaded: ${error.message}`,
      button("Reload the page", () => window.location.reload())));
  }
}

await start({
  window,
  clock: systemClock,
  random: Math.random,
  fetch: (...asked) => window.fetch(...asked),
  WebSocket: window.WebSocket,
});
