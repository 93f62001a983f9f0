"""Panels alone: what fails in one stays in one, says so, and comes back."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from playwright.sync_api import expect

from perf.claims.system.console_stage import panel, settle, states


def others(page, *names):
    """Return the states of all panels but those named."""
    return {state for name, state in states(page).items() if name not in names}


def test_a_provider_that_is_down_is_one_failed_panel(page, url, stand_in):
    """The panel has the server's sentence and a retry, all others their data; a retry heals it."""
    stand_in.fail("/api/v1/portfolio", "robinhood does not answer")
    page.goto(url)
    settle(page)
    portfolio = panel(page, "portfolio")
    assert states(page)["portfolio"] == "failed"
    assert others(page, "portfolio") == {"good"}
    expect(portfolio).to_contain_text("robinhood does not answer")
    expect(page.locator('[data-place="failed"]')).to_contain_text("Portfolio")
    stand_in.heal("/api/v1/portfolio")
    asked = stand_in.asked.copy()
    portfolio.get_by_role("button", name="Retry Portfolio").click()
    expect(portfolio).to_have_attribute("data-state", "good")
    expect(portfolio).to_contain_text("AAPL")
    expect(page.locator('[data-place="failed"]')).to_be_hidden()
    expect(page.get_by_role("status")).to_have_text("Portfolio is back")
    assert stand_in.asked - asked == {"/api/v1/portfolio": 1}


@pytest.mark.shown("dashboard", "alerts")
def test_a_failed_part_of_the_dashboard_leaves_three(page, url, stand_in):
    """Its sentence stands in its place, and the panel says that it is partial."""
    stand_in.answers["/api/v1/dashboard"] = {
        **stand_in.answers["/api/v1/dashboard"],
        "performance": {"data": None, "problem": {"detail": "the statement took too long"}},
    }
    page.goto(url)
    settle(page)
    dashboard = panel(page, "dashboard")
    expect(dashboard).to_have_attribute("data-state", "partial")
    expect(dashboard).to_contain_text("partial: 1 of 4 parts failed (performance)")
    expect(dashboard.locator('[data-part="Performance"]')).to_contain_text("took too long")
    expect(dashboard.locator('[data-part="Activity"]')).to_contain_text("AAPL")
    assert others(page, "dashboard") == {"good"}


@pytest.mark.shown("dashboard")
def test_a_part_that_cannot_be_drawn_leaves_three(page, url, stand_in):
    """A surprise in one part is that part's, and has a retry."""
    dashboard = stand_in.answers["/api/v1/dashboard"]
    stand_in.answers["/api/v1/dashboard"] = {**dashboard, "summary": {"data": 5, "problem": None}}
    stand_in.answers["/api/v1/dashboard"]["activity"] = {"data": {"items": None}}
    page.goto(url)
    settle(page)
    expect(panel(page, "dashboard").locator('[data-part="Activity"]')).to_contain_text(
        "not be drawn"
    )
    expect(panel(page, "dashboard").locator('[data-part="Alerts"]')).to_contain_text("AAPL")


@pytest.mark.shown("alerts", "dashboard", "portfolio")
def test_a_panel_that_throws_leaves_the_others(page, url, stand_in):
    """A drawing that fails ends in its panel, which can be asked again."""
    whole = stand_in.answers["/api/v1/alerts"]
    stand_in.answers["/api/v1/alerts"] = {"items": [None]}
    page.goto(url)
    settle(page)
    assert states(page)["alerts"] == "failed"
    assert others(page, "alerts") == {"good"}
    expect(panel(page, "alerts")).to_contain_text("this panel could not be drawn")
    stand_in.answers["/api/v1/alerts"] = whole
    panel(page, "alerts").get_by_role("button", name="Retry Alerts").click()
    expect(panel(page, "alerts")).to_have_attribute("data-state", "good")


@pytest.mark.shown("alerts", "dashboard", "portfolio")
def test_a_module_that_does_not_load_is_one_panel(page, url, stand_in):
    """A page is not lost for a broken file."""
    stand_in.site.replace("panels/alerts.js", "export {")
    page.goto(url)
    settle(page)
    assert states(page)["alerts"] == "failed"
    assert others(page, "alerts") == {"good"}
    expect(panel(page, "alerts")).to_contain_text("this panel could not be loaded")


@pytest.mark.shown("alerts")
def test_older_data_stay_and_are_called_stale(console, stand_in):
    """A failing refresh takes nothing away, and hides nothing."""
    stand_in.fail("/api/v1/alerts", "the database does not answer")
    alerts = panel(console, "alerts")
    alerts.get_by_role("button", name="Refresh Alerts").click()
    expect(alerts).to_have_attribute("data-state", "stale")
    expect(alerts).to_contain_text("stale: the source failed, showing older data")
    expect(alerts).to_contain_text("the database does not answer")
    expect(alerts).to_contain_text("AAPL")


@pytest.mark.shown("alerts", "portfolio")
def test_what_the_server_calls_stale_is_shown_so(page, url, stand_in):
    """Older data that stand in for new ones are marked."""
    stand_in.stale.add("/api/v1/alerts")
    page.goto(url)
    settle(page)
    expect(panel(page, "alerts")).to_contain_text("stale: the source failed, showing older data")
    assert others(page, "alerts") == {"good"}


@pytest.mark.shown("portfolio")
def test_a_total_that_lacks_a_price_is_unknown_and_partial(page, url, stand_in):
    """Unknown is a dash and never nought, and the panel says what is missing."""
    portfolio = stand_in.answers["/api/v1/portfolio"]
    totals = {"value": None, "cost": "1605.00", "profit": None, "unpriced": ["GME"], "uncosted": []}
    stand_in.answers["/api/v1/portfolio"] = {**portfolio, "totals": totals}
    page.goto(url)
    settle(page)
    found = panel(page, "portfolio")
    expect(found).to_have_attribute("data-state", "partial")
    expect(found).to_contain_text("partial: no price for GME, so no total value")
    expect(found.locator(".facts").first).to_contain_text("Value\N{EN DASH}")


@pytest.mark.shown("alerts")
def test_no_database_reads_well(page, url, stand_in):
    """The setting that is missing stands in the panel."""
    detail = "this needs PostgreSQL, and there is none: set AVA_DATABASE_URL"
    stand_in.fail("/api/v1/alerts", detail, HTTPStatus.SERVICE_UNAVAILABLE)
    page.goto(url)
    settle(page)
    expect(panel(page, "alerts")).to_contain_text(detail)


@pytest.mark.shown("alerts")
def test_a_server_that_is_gone_is_said(console, browser):
    """A request that reaches nobody is a failure like any other."""
    console.context.set_offline(True)
    panel(console, "alerts").get_by_role("button", name="Refresh Alerts").click()
    expect(panel(console, "alerts")).to_contain_text("the server cannot be reached")
    console.context.set_offline(False)


@pytest.mark.shown("alerts")
def test_more_goes_on_where_the_page_ended(page, url, stand_in):
    """The second page is added to the first, and a refresh asks for both."""
    alert = stand_in.answers["/api/v1/alerts"]["items"][0]
    first = {"items": [{**alert, "symbol": "ONE"}], "next_cursor": "a+b"}
    stand_in.answers["/api/v1/alerts"] = first
    second = {"items": [{**alert, "symbol": "TWO"}], "next_cursor": None}
    stand_in.answers["/api/v1/alerts?limit=25&cursor=a%2Bb"] = second
    page.goto(url)
    settle(page)
    alerts = panel(page, "alerts")
    alerts.get_by_role("button", name="More").click()
    expect(alerts.locator("tbody tr")).to_have_count(2)
    expect(alerts.get_by_role("button", name="More")).to_have_count(0)
    assert alerts.locator("tbody th").all_inner_texts() == ["ONE", "TWO"]
    asked = stand_in.asked["/api/v1/alerts"]
    alerts.get_by_role("button", name="Refresh Alerts").click()
    settle(page)
    assert stand_in.asked["/api/v1/alerts"] == asked + 2


@pytest.mark.shown("automation")
def test_a_switch_is_turned_and_shown_again(console, stand_in):
    """The change is sent, and the panel asks for what became of it; the focus stays."""
    switch = panel(console, "automation").get_by_role("switch", name="odds_sync")
    stand_in.answers["/api/v1/automation/odds_sync"] = {}
    row = stand_in.answers["/api/v1/automation"]["items"][0]
    stand_in.answers["/api/v1/automation"] = {"items": [{**row, "enabled": False}]}
    switch.focus()
    console.keyboard.press("Enter")
    expect(switch).to_have_attribute("aria-checked", "false")
    expect(switch).to_be_focused()
    assert stand_in.changes == [("PUT", "/api/v1/automation/odds_sync", {"enabled": False})]


@pytest.mark.shown("automation")
def test_a_change_that_is_refused_is_said(console, stand_in):
    """The sentence stands in the panel, and the switch is as the server has it."""
    stand_in.fail("/api/v1/automation/odds_sync", "the database is read-only")
    automation = panel(console, "automation")
    automation.get_by_role("switch", name="odds_sync").click()
    expect(automation).to_contain_text("The change was not made: the database is read-only")
    expect(automation.get_by_role("switch", name="odds_sync")).to_be_enabled()


@pytest.mark.shown("alerts")
def test_markup_in_data_is_text(page, url, stand_in):
    """What a provider wrote is shown as it is, and becomes nothing else."""
    alert = stand_in.answers["/api/v1/alerts"]["items"][0]
    hostile = "<img src=x onerror=alert(1)>"
    stand_in.answers["/api/v1/alerts"] = {"items": [{**alert, "message": hostile}]}
    page.goto(url)
    settle(page)
    expect(panel(page, "alerts")).to_contain_text(hostile)
    expect(panel(page, "alerts").locator("img")).to_have_count(0)
