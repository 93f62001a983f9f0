"""The application: every area's routes, found by name, with one form for errors.

Around FastAPI lie plain ASGI layers (`layered`). A problem is answered as RFC 9457 says, whoever
noticed it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from ava.api import routes as areas
from ava.api.access import CALLER, Keys
from ava.api.answers import answer_problem, hardened
from ava.api.directory import Directory
from ava.api.fastpath import FastPath
from ava.api.limits import RequestLimits
from ava.api.methods import Methods, Paths
from ava.api.openapi import describe
from ava.api.route import Routes
from ava.api.traffic import Traffic
from ava.core import Core
from ava.errors import AvaError, UnauthorisedError
from ava.problems import Problem, problem, problem_of
from ava.telemetry.http import Instrumented
from ava.telemetry.telemetry import Telemetry

# FastAPI's own (since 0.165; older ones ignore this) would put paths and queries into spans, where
# a tracer is registered, and would miss what the fast path answers: `ava.telemetry` does it here.
_NO_TELEMETRY: Final[Any] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "auto_configure": False,
}

__all__ = ["Doorman", "answer_problem", "create_app", "discover", "layered"]


def create_app(core: Core, found: Sequence[Routes] | None = None) -> ASGIApp:
    """Return the application that serves a core; whoever opened the core closes it.

    `found` are the areas to serve, by default every one there is.
    """
    found = discover(core) if found is None else found
    app = FastAPI(
        title="AVA",
        version=version("ava-perf"),
        docs_url="/docs",
        redoc_url=None,
        telemetry=_NO_TELEMETRY,
    )
    for area in found:
        # As they are, and not as a router in a router, which would be asked each time.
        app.router.routes.extend(area.router.routes)
    app.router.middleware_stack = Directory(app.router)
    describe(app, found)
    app.state.paths = Paths(app.routes)
    app.state.traffic = core.service(Traffic)
    # One for Exception alone would answer and then raise again, as if nobody had expected it.
    for kind in (AvaError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, _failed)
    app.add_exception_handler(ClientDisconnect, _left)
    return layered(app, core)


def layered(app: FastAPI, core: Core) -> ASGIApp:
    """Put the layers around the routes, the innermost first.

    What looks at every request (`Instrumented`) is around all of them: in the scope it finds the
    caller's name (`CALLER`) and, where a route answered, `route`. What the layers did themselves is
    in `core.service(Traffic)`.
    """
    api, clock, traffic = core.settings.api, core.clock, core.service(Traffic)
    limits = RequestLimits(app, api, clock, traffic)
    fast = FastPath(limits, core.platform.cache, api, clock, traffic)
    methods = Methods(fast, app.state.paths)
    door = Doorman(methods, Keys(api.keys))
    return Instrumented(door, core.service(Telemetry), fast.ready)


def discover(core: Core) -> list[Routes]:
    """Return the routes of every area."""
    names = sorted(module.name for module in pkgutil.iter_modules(areas.__path__))
    modules = [importlib.import_module(f"{areas.__name__}.{name}") for name in names]
    return [module.routes(core) for module in modules]


class Doorman:
    """Notes who asks; answers a wrong key itself."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its caller's name."""
        if scope["type"] == "http":
            try:
                scope[CALLER] = self._keys.caller(scope["headers"])
            except UnauthorisedError as error:
                await hardened(answer_problem(problem_of(error)))(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _failed(request: Request, error: Exception) -> Response:
    answer = answer_problem(_problem(error, request))
    if answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        answer.headers["Allow"] = request.app.state.paths.allowed(request.url.path)
    return answer


async def _left(request: Request, error: Exception) -> Response:  # noqa: ARG001 - a handler's form
    """Answer a client that left before its request was read, which is no failure."""
    request.app.state.traffic.left += 1
    return Response(status_code=HTTPStatus.BAD_REQUEST)


def _problem(error: Exception, request: Request) -> Problem:
    match error:
        case RequestValidationError():
            found = problem("bad_request", HTTPStatus.UNPROCESSABLE_ENTITY, _said(error.errors()))
        case HTTPException():
            status = HTTPStatus(error.status_code)
            found = problem(status.phrase.lower().replace(" ", "_"), status, str(error.detail))
        case _:
            found = problem_of(error)
    return msgspec.structs.replace(found, instance=request.url.path)


def _said(errors: Sequence[Any]) -> str:
    """Return what is wrong with which parameter; the values stay out of it."""
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in errors)
