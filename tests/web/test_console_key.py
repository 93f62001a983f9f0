"""The key: entered once, sent as a header, and nowhere to be seen."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from perf.claims.system.console_stage import panel, settle, states

KEY = "s3cret-Key+/="
ENCODED = "s3cret-Key%2B%2F%3D"


def places(page):
    """Return every place of a page where a key could lie and must not."""
    return page.evaluate(
        """() => [location.href, document.documentElement.outerHTML, document.cookie,
        JSON.stringify(localStorage), JSON.stringify(history.state),
        ...[...document.querySelectorAll('input')].map((input) => input.value)]"""
    )


@pytest.mark.shown("alerts", "portfolio")
def test_a_key_in_the_fragment_is_taken_and_removed(page, url, stand_in):
    """It is sent with every question, and the address and the page do not hold it."""
    stand_in.key = KEY
    page.goto(f"{url}/#key={ENCODED}")
    settle(page)
    assert set(states(page).values()) == {"good"}
    assert set(stand_in.authorisations) == {f"Bearer {KEY}"}
    assert page.url == f"{url}/"
    held = "\n".join(places(page))
    assert KEY not in held
    assert ENCODED not in held


@pytest.mark.shown("alerts", "expiry")
def test_a_link_to_a_panel_may_carry_the_key(page, url):
    """The rest of the fragment stays."""
    page.goto(f"{url}/#/expiry&key={ENCODED}")
    settle(page)
    assert page.url == f"{url}/#/expiry"
    expect(panel(page, "expiry").locator("h3")).to_be_focused()


@pytest.mark.shown("alerts", "portfolio")
def test_without_a_key_each_panel_says_what_is_missing(page, url, stand_in):
    """The server's sentence stands there with a way to the entry, and nobody asks again in vain."""
    stand_in.key = KEY
    page.goto(url)
    settle(page)
    assert set(states(page).values()) == {"locked"}
    alerts = panel(page, "alerts")
    expect(alerts).to_contain_text("this needs a key: send one")
    expect(alerts).not_to_have_attribute("data-due", "0")
    alerts.get_by_role("button", name="Enter key").click()
    expect(page.get_by_label("API key")).to_be_focused()


@pytest.mark.shown("alerts", "portfolio")
def test_a_key_that_is_entered_opens_the_panels(page, url, stand_in):
    """Every panel asks again, the field is empty, and forgetting the key clears what it showed."""
    stand_in.key = KEY
    page.goto(url)
    settle(page)
    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="Use").click()
    expect(panel(page, "alerts")).to_have_attribute("data-state", "good")
    settle(page)
    assert KEY not in "\n".join(places(page))
    page.get_by_role("button", name="Forget").click()
    expect(panel(page, "portfolio")).to_have_attribute("data-state", "locked")
    expect(panel(page, "portfolio").locator("table")).to_have_count(0)
    assert page.evaluate("() => JSON.stringify(sessionStorage)") == "{}"


@pytest.mark.shown("alerts")
def test_the_stream_gets_the_key_as_its_first_word(page, url, stand_in):
    """A browser can set no header there."""
    page.goto(f"{url}/#key={ENCODED}")
    settle(page)
    expect(page.locator('[data-place="stream"]')).to_have_text("● live")
    assert stand_in.heard[0] == {"type": "hello", "key": KEY}


@pytest.mark.shown("alerts")
@pytest.mark.parametrize("fragment", ["#key=", "#key=%"])
def test_a_key_that_is_none_does_no_harm(page, url, fragment):
    """An empty or garbled one leaves a page that works."""
    page.goto(f"{url}/{fragment}")
    settle(page)
    assert set(states(page).values()) == {"good"}
