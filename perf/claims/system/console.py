"""Rows U1 to U3: what the console promises the people who run the platform, in real Chromium.

The page is the platform's own; what answers it is the stage's stand-in, which fails, ages and
counts as told. Time is simulated in the page: ten minutes take a moment, every request in them is
counted. U4's claim is with the API's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from perf.claim import Category, Plan, claim, exactly
from perf.claims.system.console_stage import (
    StandIn,
    chromium,
    panel,
    pass_time,
    served,
    settle,
    states,
)
from perf.instruments import Count, Counted
from perf.lab.lab import Lab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MINUTES_S = 600
BROKEN = ("portfolio", "alerts", "schedule")
HALF_WAY = 450  # of the window's 900 px
NOT_MODIFIED = 304
START = 1_767_600_000  # the page's clock, in UTC seconds: a Monday
# The dashboards' times of 001.1 and 001.2, of the scans (000.5) and a source that states none.
FRESH_S: Mapping[str, tuple[str, float]] = {
    "alerts": ("/api/v1/alerts", 15.0),
    "live": ("/api/v1/sports/live", 30.0),
    "portfolio": ("/api/v1/portfolio", 60.0),
    "expiry": ("/api/v1/scanner/expiry", 300.0),
    "watchlists": ("/api/v1/watchlists", 3600.0),
    "automation": ("/api/v1/automation", 0.0),
}


def _browser(lab: Lab) -> Browser:
    """Start the browser of a claim, which goes with its lab; raise Unavailable without one."""
    return lab.keep(chromium())


@contextmanager
def _opened(
    browser: Browser, stand_in: StandIn, fragment: str = "", *, held: bool = False
) -> Iterator[Page]:
    """Open the console before a stand-in; `held` holds the page's clock still."""
    window = browser.new_context(viewport={"width": 1280, "height": 900})
    with served(stand_in) as url, window:
        page = window.new_page()
        if held:
            page.clock.install(time=START)
            page.clock.pause_at(START + 1)
        page.goto(f"{url}/{fragment}")
        settle(page)
        yield page


@claim(
    id="U1.panels.others-live",
    rows=["U1"],
    profiles=("full",),
    title="Panels whose provider, drawing or module fails leave every other panel with its data",
    source="000.11",
    target=exactly(0, "other panels lost"),
    category=Category.RESILIENCE,
    deadline_s=90,
)
def others_live(lab: Lab) -> Plan:
    """Break three panels in three ways, look at the others, and heal one by its retry."""
    browser = _browser(lab)

    def count() -> Counted:
        stand_in = StandIn()
        stand_in.fail("/api/v1/portfolio", "robinhood does not answer")
        stand_in.answers["/api/v1/alerts"] = {"items": [None]}
        stand_in.site.replace("panels/schedule.js", "export {")
        with _opened(browser, stand_in) as page:
            found = states(page)
            broken = {name: panel(page, name).locator(".notice").inner_text() for name in BROKEN}
            lost = [name for name in found if name not in BROKEN and found[name] != "good"]
            stand_in.heal("/api/v1/portfolio")
            panel(page, "portfolio").get_by_role("button", name="Retry Portfolio").click()
            panel(page, "portfolio").locator("table").first.wait_for()
        unsaid = [name for name in BROKEN if found[name] != "failed"]
        if unsaid:
            raise RuntimeError(f"these should have failed, and did not: {unsaid}")
        facts = {"panels": len(found), "broken": broken, "lost": lost, "healed": "portfolio"}
        return Counted(len(lost), facts)

    return Count(count, "other panels lost")


@claim(
    id="U2.requests.as-fresh",
    rows=["U2"],
    profiles=("full",),
    title="In ten minutes each panel asks once, and again whenever its answer ends, not oftener",
    source="001.4",
    target=exactly(0, "requests too many or too few"),
    category=Category.THROUGHPUT,
    deadline_s=90,
)
def as_fresh(lab: Lab) -> Plan:
    """Let ten minutes pass in the page, and count what the stand-in was asked."""
    browser = _browser(lab)

    def count() -> Counted:
        stand_in = StandIn()
        stand_in.show(*FRESH_S)
        stand_in.fresh_s.update(FRESH_S.values())
        stand_in.streams = False
        with _opened(browser, stand_in, held=True) as page:
            fallback_s = float(panel(page, "automation").get_attribute("data-fallback") or 0)
            pass_time(page, MINUTES_S)
        rows = [_asked(stand_in, *one, fallback_s) for one in FRESH_S.values()]
        off = sum(abs(row[2] - row[3]) for row in rows)
        columns = ["question", "fresh for, s", "expected", "asked"]
        unchanged = sum(n for (_, status), n in stand_in.statuses.items() if status == NOT_MODIFIED)
        facts = {"table": {"columns": columns, "rows": rows}, "answered_by_304": unchanged}
        return Counted(off, facts)

    return Count(count, "requests too many or too few")


def _asked(stand_in: StandIn, path: str, fresh_s: float, fallback_s: float) -> list[Any]:
    """Return a row of the table: what the server says, what follows from it, and what was."""
    expected = 1 + int(MINUTES_S // (fresh_s or fallback_s))
    return [path, fresh_s, expected, stand_in.asked[path]]


@claim(
    id="U3.expiry.by-link",
    rows=["U3", "S4"],
    profiles=("full",),
    title="The link #/expiry leads to the days-to-expiry view, drawn and with the focus",
    source="001.4",
    target=exactly(1, "views reached"),
    category=Category.RESILIENCE,
    deadline_s=60,
)
def expiry_by_link(lab: Lab) -> Plan:
    """Open the page by the link and look where it led."""
    browser = _browser(lab)

    def count() -> Counted:
        stand_in = StandIn()
        expiries = len(stand_in.answers["/api/v1/scanner/expiry"]["expiries"])
        with _opened(browser, stand_in, "#/expiry") as page:
            focused = page.evaluate("() => document.activeElement.textContent")
            top = page.evaluate("() => document.activeElement.getBoundingClientRect().top")
            drawn = panel(page, "expiry").locator("tr.group").count()
        reached = focused == "Days to expiry" and 0 <= top < HALF_WAY and drawn == expiries > 0
        return Counted(int(reached), {"focus": focused, "px_from_the_top": top, "expiries": drawn})

    return Count(count, "views reached")
