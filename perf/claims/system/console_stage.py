"""The console on a stage: real Chromium before a stand-in for the API that a test can direct.

The stand-in serves the console by the platform's own route. What the API would answer it takes from
the examples in the API's own document, and makes responses of them with the API's own code, so that
a panel that no longer fits its route is found. Freshness, failures and news are set from outside,
and every question is counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from ava.api.answers import answer_problem
from ava.api.app import create_app
from ava.api.route import respond
from ava.api.routes.console import Site
from ava.core import Core
from ava.problems import Problem, problem
from ava.services.fresh import Fresh
from ava.settings import Settings
from perf.lab import Unavailable

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

CONSOLE = "/console/"
FRESH_S = 30.0  # of an answer for which nothing else was set
HEARTBEAT_S = 25.0
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)
_PANEL = "article[aria-busy]"
_BUSY = 'article[aria-busy="true"]'
_STATES = """() => [...document.querySelectorAll('article')]
    .map((panel) => [panel.dataset.panel, panel.dataset.state])"""
_NEXT_DUE_MS = """() => Math.min(...[...document.querySelectorAll('article[data-due]')]
    .map((panel) => Number(panel.dataset.due) - performance.now()))"""


@cache
def documented() -> Mapping[str, Any]:
    """Return the OpenAPI document of the whole API."""

    async def read() -> Mapping[str, Any]:
        async with Core.open(Settings()) as core:
            app: Any = create_app(core)
            while not hasattr(app, "openapi"):  # the application lies within layers of its own
                app = next(value for value in vars(app).values() if callable(value))
            document: Mapping[str, Any] = app.openapi()
            return document

    # In a thread of its own: while Playwright runs, this one has a loop already.
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(lambda: asyncio.run(read())).result()


def examples() -> dict[str, Any]:
    """Return an answer to each question of the API, by its path."""
    found = {}
    for path, methods in documented()["paths"].items():
        content = methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        if "example" in content.get("application/json", {}):
            found[path] = content["application/json"]["example"]
    return found


class StandIn:
    """The stand-in, an ASGI application; what is set takes effect with the next question."""

    def __init__(self, answers: Mapping[str, Any] | None = None) -> None:
        self.answers = dict(examples() if answers is None else answers)
        self.fresh_s: dict[str, float] = {}
        self.stale: set[str] = set()
        self.problems: dict[str, Problem] = {}
        self.asked: Counter[str] = Counter()
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.authorisations: list[str | None] = []
        self.changes: list[tuple[str, str, Any]] = []
        self.key: str | None = None
        self.streams = True
        self.heartbeat_s = HEARTBEAT_S
        self.heard: list[Any] = []
        self.site = Site()
        self._sockets: set[WebSocket] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def show(self, *names: str) -> None:
        """Lay out these panels alone, for what concerns no others; takes effect with a new page."""
        panels = [{"name": name, "title": name.capitalize()} for name in names]
        text = f"export const SECTIONS = {json.dumps([{'title': 'Shown', 'panels': panels}])};"
        self.site.replace("layout.js", text)

    def fail(self, path: str, detail: str, status: HTTPStatus = HTTPStatus.BAD_GATEWAY) -> None:
        """Let a question fail from now on."""
        self.problems[path] = problem("outage", status, detail)

    def heal(self, path: str) -> None:
        """Let a question succeed again."""
        self.problems.pop(path, None)

    def push(self, message: Mapping[str, Any]) -> None:
        """Send a message to everybody who listens."""
        for socket in list(self._sockets):
            self._do(socket.send_json(message))

    def drop(self) -> None:
        """End every connection that is open."""
        for socket in list(self._sockets):
            self._do(socket.close(1012))

    def refuse(self, reason: str) -> None:
        """End every connection on principle."""
        for socket in list(self._sockets):
            self._do(socket.close(1008, reason))

    @property
    def listening(self) -> int:
        """How many are connected."""
        return len(self._sockets)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        self._loop = asyncio.get_running_loop()
        if scope["type"] == "websocket":
            await self._stream(WebSocket(scope, receive, send))
            return
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        if path == "/":
            return self.site.page(request)
        if path.startswith(CONSOLE):
            return self.site.file(path.removeprefix(CONSOLE), request)
        if request.method != "GET":
            self.changes.append((request.method, path, json.loads(await request.body() or b"null")))
        else:
            self.asked[path] += 1
        self.authorisations.append(request.headers.get("authorization"))
        response = self._respond(request, path)
        self.statuses[path, response.status_code] += 1
        return response

    def _respond(self, request: Request, path: str) -> Response:
        if self.key is not None and request.headers.get("authorization") != f"Bearer {self.key}":
            return _refusal(HTTPStatus.UNAUTHORIZED, "this needs a key: send one")
        if path in self.problems:
            return answer_problem(self.problems[path])
        asked = f"{path}?{request.url.query}"
        data = self.answers.get(asked, self.answers.get(path))
        if data is None and request.method == "GET":
            return _refusal(HTTPStatus.NOT_FOUND, f"there is nothing at {path}")
        fresh_s = self.fresh_s.get(path, FRESH_S)
        return respond(Fresh(data, fresh_s, stale=path in self.stale), request)

    async def _stream(self, socket: WebSocket) -> None:
        if not self.streams:
            await socket.close(1013)
            return
        await socket.accept()
        self._sockets.add(socket)
        try:
            while True:
                self.heard.append(heard := await socket.receive_json())
                await socket.send_json(self._reply(heard))
        except WebSocketDisconnect:
            pass
        finally:
            self._sockets.discard(socket)

    def _reply(self, heard: Mapping[str, Any]) -> Mapping[str, Any]:
        if heard["type"] == "hello":
            return {"type": "welcome", "caller": None, "every_s": self.heartbeat_s}
        return {"type": "subscribed", "topics": heard["topics"]}

    def _do(self, work: Any) -> None:
        assert self._loop is not None  # noqa: S101 - there is a socket, so there is a loop
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)


def _refusal(status: HTTPStatus, detail: str) -> Response:
    return answer_problem(problem("refused", status, detail))


@contextlib.contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """Serve an application on this machine for the length of a block, and return its address."""
    config = uvicorn.Config(app, port=0, log_level="error", lifespan="off", ws="websockets-sansio")
    server = uvicorn.Server(config)
    started = threading.Event()
    inner = server.startup

    async def startup(*args: Any, **named: Any) -> None:
        await inner(*args, **named)
        started.set()

    server.startup = startup  # type: ignore[method-assign] # uvicorn tells nobody that it is up
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    started.wait(10)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(10)


def chromium_path() -> Path:
    """Return where Chromium is; raise Unavailable where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise Unavailable("no Chromium was found", "apt-get install chromium")
    return Path(found)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start a headless Chromium with a profile of its own; raise Unavailable without one."""
    path = chromium_path()
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - for development only
    except ImportError:
        raise Unavailable("Playwright is not installed", "pip install playwright") from None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def settle(page: Page) -> None:
    """Wait until no panel is waiting for an answer."""
    from playwright.sync_api import expect  # noqa: PLC0415 - for development only

    page.locator(_PANEL).first.wait_for(state="attached")
    expect(page.locator(_BUSY)).to_have_count(0)


def panel(page: Page, name: str) -> Locator:
    """Return a panel of the page."""
    return page.locator(f'article[data-panel="{name}"]')


def states(page: Page) -> dict[str, str]:
    """Return the state of every panel by its name."""
    found: dict[str, str] = dict(page.evaluate(_STATES))
    return found


def pass_time(page: Page, seconds: float, *, after_each: Callable[[], None] = lambda: None) -> None:
    """Let time pass in a page whose clock is held, and let every request on the way be answered."""
    left_ms = round(seconds * 1000)
    while left_ms > 0:
        due_ms = page.evaluate(_NEXT_DUE_MS)
        step_ms = left_ms if due_ms is None else max(1, min(left_ms, round(due_ms)))
        page.clock.run_for(step_ms)
        left_ms -= step_ms
        settle(page)
        after_each()
