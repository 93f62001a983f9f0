"""HEAD and OPTIONS for every route, and which methods a path has.

A HEAD is a GET whose body is not sent: the same handler, the same headers, the same entry of the
fast path. OPTIONS is answered from the routes with 204 and `Allow`; there is nothing in it for
scripts of other sites, since no route is meant for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ava.api.answers import answer_problem, hardened
from ava.problems import problem

# What the layers around want to read of a request after it was answered.
_LEFT: Final = ("route", "path_params", "endpoint")


class Paths:
    """Which methods each path has."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._known: list[tuple[re.Pattern[str], frozenset[str]]] = []
        for route in routes:
            pattern = getattr(route, "path_regex", None)
            methods = getattr(route, "methods", None)
            if pattern is not None and methods:
                self._known.append((pattern, frozenset(methods)))

    def allowed(self, path: str) -> str:
        """Return what `Allow` says of a path; nothing for one that is not known."""
        methods = {name for pattern, some in self._known if pattern.match(path) for name in some}
        if "GET" in methods:
            methods.add("HEAD")
        return ", ".join(sorted(methods | {"OPTIONS"})) if methods else ""


class Methods:
    """The layer."""

    def __init__(self, app: ASGIApp, paths: Paths) -> None:
        self._app = app
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Turn HEAD into GET, answer OPTIONS, pass on the rest."""
        method = scope["method"] if scope["type"] == "http" else None
        if method == "HEAD":
            await self._head(scope, receive, send)
        elif method == "OPTIONS":
            await self._options(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = {**scope, "method": "GET"}  # the server must go on seeing HEAD

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app(asked, receive, without_body)
        scope.update({name: asked[name] for name in _LEFT if name in asked})

    async def _options(self, scope: Scope, receive: Receive, send: Send) -> None:
        allowed = self._paths.allowed(scope["path"])
        if allowed:
            answer = Response(status_code=HTTPStatus.NO_CONTENT, headers={"Allow": allowed})
        else:
            answer = answer_problem(problem("not_found", HTTPStatus.NOT_FOUND, "Not Found"))
        await hardened(answer)(scope, receive, send)
