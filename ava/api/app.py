"""The application: every area's routes, found by name, with one form for errors.

Around FastAPI lie plain ASGI layers, the outermost first: who asks (`ava.api.access`). A problem is
answered as RFC 9457 says, whoever noticed it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from ava.api import routes as areas
from ava.api.access import CALLER, Keys
from ava.api.route import Routes
from ava.core import Core
from ava.errors import AvaError, UnauthorisedError
from ava.problems import Problem, problem, problem_of

_REFERENCE = "#/components/schemas/{name}"


def create_app(core: Core) -> ASGIApp:
    """Return the application that serves a core; whoever opened the core closes it."""
    app = FastAPI(title="AVA", version=version("ava-perf"), docs_url="/docs", redoc_url=None)
    areas_found = discover(core)
    for area in areas_found:
        app.include_router(area.router)
    _describe(app, areas_found)
    # One for Exception alone would answer and then raise again, as if nobody had expected it.
    for kind in (AvaError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, _failed)
    return Doorman(app, Keys(core.settings.api.keys))


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
                await answer_problem(problem_of(error))(scope, receive, send)
                return
        await self._app(scope, receive, send)


def answer_problem(found: Problem) -> Response:
    """Return the response that states a problem."""
    headers = {"Cache-Control": "no-store"}
    if found.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if found.retry_after_s is not None:
        headers["Retry-After"] = str(int(found.retry_after_s) + 1)
    body = msgspec.json.encode(found)
    return Response(body, found.status, headers, media_type="application/problem+json")


async def _failed(request: Request, error: Exception) -> Response:
    return answer_problem(_problem(error, request))


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


def _describe(app: FastAPI, found: Sequence[Routes]) -> None:
    """Put the schemas of all bodies into the application's document."""
    described = [one for area in found for one in area.described]
    schemas, components = msgspec.json.schema_components(
        [one.kind for one in described], ref_template=_REFERENCE
    )
    for one, schema in zip(described, schemas, strict=True):
        one.place["schema"] = schema
    made = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        held = document.setdefault("components", {})
        held.setdefault("schemas", {}).update(components)
        held["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend it
