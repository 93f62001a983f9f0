"""The console before the platform itself: `ava serve`, PostgreSQL, Redis, simulated providers."""

from __future__ import annotations

from contextlib import contextmanager

import httpx
import psycopg
import pytest
from playwright.sync_api import expect

from perf.claims.system.console_stage import panel, settle, states
from perf.claims.system.processes import simulated, started

KEY = "sesame-of-the-desk"
KEYED = {"Authorization": f"Bearer {KEY}"}
ROWS = """
INSERT INTO trading_accounts (account_name) VALUES ('Account 001');
INSERT INTO automation_switches (name, enabled, updated_by) VALUES ('wheel', true, 'desk');
INSERT INTO alerts (alert_type, symbol, message, priority) VALUES ('risk', 'AAPL', 'Look.', 5);
"""


@contextmanager
def serving(settings, folder):
    """Run `ava serve`, and return where it serves once it does."""
    with started(["serve", "--port", "0"], settings, folder / "serve.log") as process:
        process.come_up("serves")
        yield process.url


@pytest.fixture
def platform(lab, platform_dsn, redis_url, tmp_path):
    """The address of a platform with an account, a switch and an alert."""
    with psycopg.connect(platform_dsn) as connection:
        connection.execute(ROWS)
    settings = {
        "AVA_DATABASE_URL": platform_dsn,
        "AVA_REDIS_URL": redis_url,
        "AVA_STATE_DIRECTORY": str(tmp_path),
        "AVA_API_KEYS": f"desk:{KEY}",
        **simulated(lab.providers("yahoo", "robinhood")),
    }
    with serving(settings, tmp_path) as url:
        yield url


def test_every_panel_finds_its_route(page, platform):
    """All are drawn from what the platform really answers, and a change reaches the page at once.

    The switch is turned by somebody else; its panel is told by the stream, long before its time.
    """
    page.goto(f"{platform}/#key={KEY}")
    settle(page)
    # A symbol that a simulated provider refuses for its speed is a part that is missing.
    assert set(states(page).values()) <= {"good", "partial"}
    expect(page.locator('[data-place="market"]')).to_contain_text("market")
    expect(page.locator('[data-place="stream"]')).to_have_text("● live")
    path = f"{platform}/api/v1/automation/wheel"
    httpx.put(path, json={"enabled": False}, headers=KEYED).raise_for_status()
    switch = panel(page, "automation").get_by_role("switch", name="wheel")
    expect(switch).to_have_attribute("aria-checked", "false")


def test_a_machine_without_a_database_says_what_to_set(page, tmp_path):
    """What needs PostgreSQL names the setting; what does not is there."""
    settings = {"AVA_API_KEYS": f"desk:{KEY}", "AVA_STATE_DIRECTORY": str(tmp_path)}
    with serving(settings, tmp_path) as url:
        page.goto(f"{url}/#key={KEY}")
        settle(page)
        expect(panel(page, "alerts")).to_contain_text("set AVA_DATABASE_URL")
        found = states(page)
        assert (found["alerts"], found["providers"], found["cache"]) == ("failed", "good", "good")
        expect(page.locator('[data-place="health"]')).to_contain_text("degraded")
        head = httpx.head(f"{url}/")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers.get_list("x-content-type-options") == ["nosniff"]
