"""The page as a whole: served safely, quiet, the same for keyboard, phone and dark room."""

from __future__ import annotations

import re
from http import HTTPStatus

import httpx
import pytest
from playwright.sync_api import expect

from ava.api.routes.console import WEB
from perf.claims.system.console_stage import panel, settle, states

TEXTS = """() => {
  const over = (below, [r, g, b, a]) => [r, g, b].map((part, n) => part * a + below[n] * (1 - a));
  const colour = (text) => {
    const parts = text.match(/[\\d.]+/g).map(Number);
    return parts.length === 3 ? [...parts, 1] : parts;
  };
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      layers.push(colour(getComputedStyle(at).backgroundColor));
    }
    return layers.reverse().reduce(over, [255, 255, 255]);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
    const ground = behind(element);
    const style = getComputedStyle(element);
    const stated = element.closest('.state, .up, .down, .notice, .word') !== null;
    found.push([walker.currentNode.textContent, over(ground, colour(style.color)), ground, stated]);
  }
  return found;
}"""

CONTROLS = """() => {
  const all = document.querySelectorAll(
    'a[href], button:enabled, input:enabled, select:enabled, [tabindex="0"]');
  window.reachable = new Set([...all].filter((one) => one.checkVisibility()));
  window.unmarked = [];
  document.addEventListener('focusin', ({ target }) => {
    window.reachable.delete(target);
    if (getComputedStyle(target).outlineStyle === 'none') window.unmarked.push(target.outerHTML);
  });
  return window.reachable.size;
}"""


TURNING = """() => {
  const one = document.querySelector('article');
  one.setAttribute('aria-busy', 'true');
  return getComputedStyle(one.querySelector('.again')).animationName;
}"""


def luminance(colour):
    """Return the relative luminance of WCAG 2.2."""
    parts = [part / 255 for part in colour]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """Return the ratio of WCAG 2.2, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def ratio(text):
    """Return the contrast of a text found in the page."""
    _, colour, ground, _ = text
    return contrast(colour, ground)


def least(text):
    """Return the contrast that a text needs: more for what states something."""
    *_, stated = text
    return 6 if stated else 4.5


def test_every_panel_shows_the_answer_of_its_route(console, seen):
    """Each draws the example of the API's document, without a complaint or an outside request."""
    assert set(states(console).values()) == {"good"}
    assert seen.complaints == []
    assert seen.outside == []


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/console/console.css", "text/css; charset=utf-8"),
        ("/console/main.js", "text/javascript; charset=utf-8"),
        ("/console/icon.svg", "image/svg+xml"),
    ],
)
def test_a_file_is_sent_once(url, path, kind):
    """Whoever has it gets 304, and asks each time."""
    first = httpx.get(url + path)
    again = httpx.get(url + path, headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code) == (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED)
    assert (again.content, first.headers["content-type"]) == (b"", kind)
    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["content-security-policy"].startswith("default-src 'self';")


def test_panels_take_nothing_from_one_another():
    """A module that cannot be loaded is one panel, so none may need another's."""
    panels = (WEB / "panels").glob("*.js")
    assert [path.name for path in panels if re.search(r'from "\./', path.read_text())] == []


def test_the_page_names_every_module_ahead(url):
    """No module waits for the one that imports it."""
    link = httpx.get(url).headers["link"]
    assert "</console/panels/expiry.js>; rel=modulepreload" in link


def test_nothing_of_the_page_is_written_into_it(url):
    """No script, style or handler stands in the markup, which the policy would refuse."""
    text = httpx.get(url).text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", text)


def test_the_expiry_view_is_reached_by_a_link(page, url):
    """The address leads to the panel, with the focus on its heading."""
    page.goto(f"{url}/#/expiry")
    settle(page)
    heading = panel(page, "expiry").locator("h3")
    expect(heading).to_be_focused()
    expect(heading).to_be_in_viewport()
    expect(page.locator('nav a[aria-current="location"]')).to_have_text("Days to expiry")


@pytest.mark.shown("alerts", "live")
def test_a_link_in_the_page_leads_to_its_panel(console):
    """The list of panels works without a new request of the page."""
    console.locator("nav").get_by_role("link", name="Live").click()
    expect(panel(console, "live").locator("h3")).to_be_focused()


def test_the_keyboard_reaches_every_control(console):
    """Tab comes to each of them, and each shows that it has the focus."""
    controls = console.evaluate(CONTROLS)
    for _ in range(controls + 1):
        console.keyboard.press("Tab")
    assert console.evaluate("() => [...window.reachable].map((one) => one.outerHTML)") == []
    assert console.evaluate("() => window.unmarked") == []


def test_no_width_makes_the_page_scroll_sideways(console, stand_in):
    """What is wide scrolls within its panel; a word without an end is broken."""
    stand_in.fail("/api/v1/alerts", "x" * 200)
    panel(console, "alerts").get_by_role("button", name="Refresh Alerts").click()
    expect(panel(console, "alerts")).to_have_attribute("data-state", "stale")
    for width in (360, 768, 1920):
        console.set_viewport_size({"width": width, "height": 800})
        assert console.evaluate("() => document.scrollingElement.scrollWidth") <= width


def test_every_text_stands_out(page, url, stand_in):
    """4.5:1 for every text and 6:1 for what states something, in the light and in the dark."""
    stand_in.stale.add("/api/v1/alerts")
    stand_in.fail("/api/v1/portfolio", "robinhood does not answer")
    page.goto(url)
    settle(page)
    grounds = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        texts = page.evaluate(TEXTS)
        assert [text for text in texts if ratio(text) < least(text)] == []
        assert sum(stated for *_, stated in texts) >= 10
        grounds.append(luminance(texts[0][2]))
    assert grounds[0] > 0.8
    assert grounds[1] < 0.1


@pytest.mark.shown("alerts")
def test_who_wants_no_motion_sees_none(page, url, stand_in):
    """The sign of a request under way does not turn."""
    page.emulate_media(reduced_motion="reduce")
    page.goto(url)
    settle(page)
    assert page.evaluate(TURNING) == "none"
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(TURNING) == "turn"
