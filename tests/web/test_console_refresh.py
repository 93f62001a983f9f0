"""When panels ask: exactly when their data can have changed, and when they are told to."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from perf.claims.system.console_stage import panel, pass_time, settle, states

START = 1_767_600_000  # a Monday
MINUTES_S = 600


@pytest.fixture
def context(browser):
    """A profile for each test: a clock that is held is held for all pages of its profile."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as made:
        yield made


def hold(page):
    """Hold the page's clock still, before it is loaded."""
    page.clock.install(time=START)
    page.clock.pause_at(START + 1)


@pytest.fixture
def held(page, url, stand_in):
    """The console with its clock held still, and no stream to tell it anything."""
    stand_in.streams = False
    hold(page)
    page.goto(url)
    settle(page)
    return page


@pytest.mark.shown("alerts", "automation", "dashboard", "portfolio", "watchlists")
def test_panels_ask_as_often_as_the_server_says(page, url, stand_in):
    """In ten minutes each asks once, and again whenever its answer ends; no more, no less."""
    fresh = {"/api/v1/alerts": 15.0, "/api/v1/automation": 0.0, "/api/v1/portfolio": 30.0}
    fresh |= {"/api/v1/dashboard": 61.5, "/api/v1/watchlists": 3600.0}
    stand_in.fresh_s.update(fresh)
    stand_in.streams = False
    hold(page)
    page.goto(url)
    settle(page)
    pass_time(page, MINUTES_S)
    asked = {path: stand_in.asked[path] for path in fresh}
    assert asked == {
        "/api/v1/alerts": 1 + 40,
        "/api/v1/automation": 1 + 20,  # the server states no freshness: every 30 s, as stated
        "/api/v1/portfolio": 1 + 20,
        "/api/v1/dashboard": 1 + 9,
        "/api/v1/watchlists": 1,
    }


@pytest.mark.shown("alerts")
def test_what_is_the_same_is_not_sent_again(held, stand_in):
    """A refresh of unchanged data is 304."""
    pass_time(held, 31)
    assert stand_in.statuses["/api/v1/alerts", 304] == 1
    assert stand_in.statuses["/api/v1/alerts", 200] == 1
    assert states(held)["alerts"] == "good"


@pytest.mark.shown("automation")
def test_a_failing_panel_asks_ever_less_often(held, stand_in):
    """Its interval doubles with each failure, up to five minutes."""
    stand_in.fail("/api/v1/automation", "no")
    held.get_by_role("button", name="Refresh Automation").click()
    settle(held)
    before = stand_in.asked["/api/v1/automation"]
    pass_time(held, 30 + 60 + 120 + 240)
    assert stand_in.asked["/api/v1/automation"] == before + 4


@pytest.mark.shown("alerts", "automation", "dashboard", "portfolio", "watchlists")
def test_a_hidden_page_asks_nothing(held, stand_in):
    """What fell due meanwhile is asked for once when the page is seen again."""
    hide(held, hidden=True)
    before = stand_in.asked.total()
    held.clock.run_for(600_000)
    assert stand_in.asked.total() == before
    hide(held, hidden=False)
    expect(panel(held, "alerts")).to_have_attribute("aria-busy", "false")
    settle(held)
    assert stand_in.asked.total() == before + len(states(held)) + 1  # and the exchange's hours


def hide(page, *, hidden):
    """Tell the page that its tab is hidden, or seen."""
    page.evaluate(
        """(hidden) => {
          Object.defineProperty(document, 'hidden', { get: () => hidden, configurable: true });
          document.dispatchEvent(new Event('visibilitychange'));
        }""",
        hidden,
    )


@pytest.fixture
def told(page, url, stand_in):
    """The console with its clock held still and the stream open, a while after its start."""
    hold(page)
    page.goto(url)
    settle(page)
    expect(page.locator('[data-place="stream"]')).to_have_text("● live")
    pass_time(page, 2)
    return page


@pytest.mark.shown("alerts", "automation", "dashboard", "portfolio", "watchlists")
def test_news_refresh_the_panels_of_their_topic(told, stand_in):
    """Alerts changed: the alerts and the dashboard ask, nobody else does."""
    before = stand_in.asked.copy()
    alert = {**stand_in.answers["/api/v1/alerts"]["items"][0], "symbol": "NEWS"}
    dashboard = stand_in.answers["/api/v1/dashboard"]
    stand_in.answers["/api/v1/alerts"] = {"items": [alert]}
    news = {**dashboard, "alerts": {"data": {"items": [alert]}}}
    stand_in.answers["/api/v1/dashboard"] = news
    stand_in.push({"type": "changed", "topic": "alerts"})
    expect(panel(told, "alerts")).to_contain_text("NEWS")
    expect(panel(told, "dashboard")).to_contain_text("NEWS")
    settle(told)
    assert stand_in.asked - before == {"/api/v1/alerts": 1, "/api/v1/dashboard": 1}


@pytest.mark.shown("alerts", "automation")
def test_a_burst_of_news_is_two_questions(told, stand_in):
    """One at once, and one more a second later for what came meanwhile."""
    before = stand_in.asked["/api/v1/automation"]
    row = stand_in.answers["/api/v1/automation"]["items"][0]
    for number in range(50):
        changed = {"items": [{**row, "name": f"switch-{number}"}]}
        stand_in.answers["/api/v1/automation"] = changed
        stand_in.push({"type": "changed", "topic": "automation"})
    alert = stand_in.answers["/api/v1/alerts"]["items"][0]
    stand_in.answers["/api/v1/alerts"] = {"items": [{**alert, "symbol": "LAST"}]}
    stand_in.push({"type": "changed", "topic": "alerts"})  # behind all others on the wire
    expect(panel(told, "alerts")).to_contain_text("LAST")
    settle(told)
    assert stand_in.asked["/api/v1/automation"] == before + 1
    pass_time(told, 1)
    expect(panel(told, "automation")).to_contain_text("switch-49")
    assert stand_in.asked["/api/v1/automation"] == before + 2


@pytest.mark.shown("alerts")
def test_words_that_nobody_knows_are_ignored(console, stand_in, seen):
    """A newer server may say more."""
    for message in ({"type": "unheard"}, {"type": "changed", "topic": "nothing"}, {}):
        stand_in.push(message)
    stand_in.push({"type": "changed", "topic": "alerts"})
    settle(console)
    assert seen.complaints == []


@pytest.mark.shown("alerts", "portfolio")
def test_a_lost_connection_is_shown_and_comes_back(told, stand_in):
    """Panels go on by schedule meanwhile; afterwards they ask for what they may have missed."""
    place = told.locator('[data-place="stream"]')
    stand_in.drop()
    expect(place).to_have_text("▲ not live, next attempt in 1 s")
    expect(told.get_by_role("status")).to_have_text("Live updates are lost")
    assert set(states(told).values()) == {"good"}
    before = stand_in.asked["/api/v1/alerts"]
    pass_time(told, 1)
    expect(place).to_have_text("● live")
    expect(told.get_by_role("status")).to_have_text("Live updates are back")
    settle(told)
    assert stand_in.asked["/api/v1/alerts"] == before + 1


@pytest.mark.shown("alerts", "portfolio")
def test_without_a_stream_panels_go_on_by_schedule(held, stand_in):
    """The page says that it is not live, and asks as it would."""
    expect(held.locator('[data-place="stream"]')).to_contain_text("not live")
    pass_time(held, 31)
    assert stand_in.asked["/api/v1/alerts"] == 2
    assert set(states(held).values()) == {"good"}


@pytest.mark.shown("alerts")
def test_a_connection_that_fell_silent_is_lost(page, url, stand_in):
    """Two beats missed, by the beat that the server states, and it counts as lost."""
    stand_in.heartbeat_s = 7.0
    hold(page)
    page.goto(url)
    settle(page)
    place = page.locator('[data-place="stream"]')
    expect(place).to_have_text("● live")
    pass_time(page, 18.9)
    expect(place).to_have_text("● live")
    pass_time(page, 0.2)
    expect(place).to_contain_text("not live")


@pytest.mark.shown("alerts")
def test_a_key_that_the_stream_refuses_is_not_repeated(page, url, stand_in):
    """A connection closed on principle says why, and waits for another key."""
    page.goto(url)
    settle(page)
    expect(page.locator('[data-place="stream"]')).to_have_text("● live")
    stand_in.refuse("the key is not known")
    expect(page.locator('[data-place="stream"]')).to_have_text("▲ not live: the key is not known")
    page.get_by_label("API key").fill("another")
    page.get_by_role("button", name="Use").click()
    expect(page.locator('[data-place="stream"]')).to_have_text("● live")
