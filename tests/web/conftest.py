"""The console in headless Chromium before the stand-in; skipped where there is no Chromium."""

from __future__ import annotations

import pytest

from perf.claims.system.console_stage import StandIn, chromium, served, settle
from perf.lab import Unavailable


def pytest_configure(config):
    """Make the mark of this folder known."""
    config.addinivalue_line("markers", "shown(*panels): lay out these panels of the console alone")


@pytest.fixture(scope="module")
def browser():
    """One browser for a module: while it runs, this thread can run no other event loop."""
    try:
        with chromium() as started:
            yield started
    except Unavailable as error:
        pytest.skip(str(error))


class Door:
    """Serves whichever stand-in stands behind it, so that a module needs one server and address."""

    app = None

    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def door():
    """The door of a module, and its address."""
    made = Door()
    with served(made) as address:
        made.address = address
        yield made


@pytest.fixture
def stand_in(door, request):
    """The API's stand-in, all well; the mark `shown` lays out fewer panels, which load faster."""
    door.app = StandIn()
    shown = request.node.get_closest_marker("shown")
    if shown is not None:
        door.app.show(*shown.args)
    return door.app


@pytest.fixture
def url(door, stand_in):
    """Where the stand-in is served."""
    return door.address


class Seen:
    """What a page did that nobody asked it to."""

    def __init__(self, page, url):
        self.complaints = []
        self.outside = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._asked(request.url, url))

    def _said(self, message):
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _asked(self, asked, url):
        if not asked.startswith((url, url.replace("http:", "ws:"))):
            self.outside.append(asked)


@pytest.fixture(scope="module")
def context(browser):
    """A fresh profile for a module, so that the files of the console are kept from test to test."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as made:
        yield made


@pytest.fixture
def page(context):
    """An empty tab, which has no key."""
    made = context.new_page()
    made.set_default_timeout(10_000)
    yield made
    made.close()


@pytest.fixture
def seen(page, url):
    """What the page says and where it asks, from its start."""
    return Seen(page, url)


@pytest.fixture
def console(page, url, seen):
    """The console, loaded, with an answer in every panel."""
    page.goto(url)
    settle(page)
    return page
