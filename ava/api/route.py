"""How an area declares its routes, and how a handler's answer becomes a response.

A handler is a coroutine function that FastAPI reads parameters for and that returns `Fresh`, or a
bare value where nothing is known of its freshness. The answer is encoded by msgspec from the very
structs that services return: they are the one description of a response, and the schemas of the
OpenAPI document are made from them too. The headers say what the service knows:

- `Cache-Control: private, max-age=N` and `X-Fresh-For: seconds` of the real freshness, `no-cache`
  where there is none or something is missing;
- `ETag` over the bytes, so that an unchanged answer is 304 and empty;
- `X-Stale: 1` where an older value stands in for one that could not be fetched.

Errors are raised, and become problem answers (RFC 9457) in `ava.api.app`.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from ava.api.access import Access, admit
from ava.api.openapi import names, operation_id, problems
from ava.errors import BadBodyError
from ava.services.fresh import Fresh

Handler = Callable[..., Coroutine[Any, Any, Any]]

JSON: Final = "application/json"
# Left in the scope for the layers around: what invalidates the response, and how long it is good.
TAGS: Final = "ava.tags"
FRESH: Final = "ava.fresh_s"
# Put there by a layer that gets whole answers to keep, where they are good for a time, and compares
# their ETags itself.
WHOLE: Final = "ava.whole"


@dataclass(frozen=True, slots=True)
class Described:
    """A type of a body with an example, and the place in a route's description for both."""

    kind: Any
    example: Any
    place: dict[str, Any]


class Routes:
    """The routes of one area, below `prefix`; `router` is what the application includes."""

    def __init__(self, prefix: str, tag: str) -> None:
        self.router = APIRouter(prefix=prefix, tags=[tag])
        self.described: list[Described] = []
        self._tag = tag

    def get(
        self,
        path: str,
        *,
        answers: Any,
        example: Any,
        access: Access = Access.OPEN,
        also: Sequence[HTTPStatus] = (),
    ) -> Callable[[Handler], Handler]:
        """Declare a question; `answers` is the type of the value and `example` one of them.

        A handler that returns a response of its own, made by `respond`, may give the same type of
        value with the statuses `also`.
        """
        answer, statuses = (answers, example), (HTTPStatus.OK, *also)
        return self._declare("GET", path, statuses, access, answer=answer, takes=None)

    def change(  # noqa: PLR0913 - what a route is
        self,
        method: str,
        path: str,
        *,
        answers: Any,
        example: Any,
        takes: Any = None,
        given: Any = None,
        status: HTTPStatus = HTTPStatus.OK,
    ) -> Callable[[Handler], Handler]:
        """Declare what changes state or costs quota: it needs a key.

        With `takes`, the handler gets the body as a value of that type in its parameter `body`;
        `given` is an example of it.
        """
        body = None if takes is None else (takes, given)
        answer = (answers, example)
        return self._declare(method, path, (status,), Access.KEY, answer=answer, takes=body)

    def _declare(  # noqa: PLR0913 - what a route is
        self,
        method: str,
        path: str,
        statuses: Sequence[HTTPStatus],
        access: Access,
        *,
        answer: tuple[Any, Any],
        takes: tuple[Any, Any] | None,
    ) -> Callable[[Handler], Handler]:
        shown = {"description": "The answer.", "content": {JSON: self._content(*answer)}}
        status, extra = statuses[0], dict[str, Any]()
        extra["responses"] = {str(int(one)): shown for one in statuses}
        if method == "GET":
            extra["responses"]["304"] = {"description": "What If-None-Match names is still true."}
        if takes is not None:
            extra["requestBody"] = {"required": True, "content": {JSON: self._content(*takes)}}
        if access is Access.KEY:
            extra["security"] = [{"key": []}]
        kind = None if takes is None else takes[0]
        whole = self.router.prefix + path

        def register(handler: Handler) -> Handler:
            failures = problems(
                whole,
                keyed=access is Access.KEY,
                takes=takes is not None,
                asks=bool(names(inspect.signature(handler).parameters)),
            )
            self.router.add_api_route(
                path,
                _responding(handler, status, kind),
                methods=[method],
                response_model=None,
                status_code=int(status),
                operation_id=operation_id(self._tag, handler.__name__),
                responses=failures,
                openapi_extra=extra,
                route_class_override=_Guarded if access is Access.KEY else None,
            )
            return handler

        return register

    def _content(self, kind: Any, example: Any) -> dict[str, Any]:
        place: dict[str, Any] = {}
        self.described.append(Described(kind, example, place))
        return place


class _Guarded(APIRoute):
    """A route that only callers with a key reach."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        admit(scope)
        await super().handle(scope, receive, send)


def respond(answer: Any, request: Request, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Return the response to a request: the value's bytes, or 304 where they are known already."""
    fresh = answer if isinstance(answer, Fresh) else Fresh(answer)
    body = msgspec.json.encode(fresh.value)
    headers = headers_of(fresh, body)
    scope = request.scope
    scope[TAGS], scope[FRESH] = fresh.tags, keepable_s(fresh)
    compared_later = WHOLE in scope and scope[FRESH] > 0
    asked = scope["method"] == "GET" and status is HTTPStatus.OK and not compared_later
    if asked and is_known(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, status_code=int(status), headers=headers, media_type=JSON)


def headers_of(fresh: Fresh[Any], body: bytes) -> dict[str, str]:
    """Return the headers that tell a client how long the answer is good for."""
    seconds = int(keepable_s(fresh))
    headers = {
        "ETag": f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"',
        "Cache-Control": cache_control(seconds),
        "X-Fresh-For": f"{keepable_s(fresh):.3f}",
        "Vary": "Authorization",
    }
    if fresh.stale:
        headers["X-Stale"] = "1"
    return headers


def cache_control(seconds: int) -> str:
    """Return how long a client may keep an answer; for less than a second, not unasked."""
    return f"private, max-age={seconds}" if seconds else "private, no-cache"


def keepable_s(fresh: Fresh[Any]) -> float:
    """Return for how long an answer may be kept: a stand-in for one that failed, not at all."""
    return 0.0 if fresh.stale else fresh.fresh_s


def is_known(if_none_match: str | None, etag: str) -> bool:
    """Say whether a client that sent this header has the answer already (weak comparison)."""
    if if_none_match is None:
        return False
    known = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in known or known == ["*"]


def _responding(handler: Handler, status: HTTPStatus, takes: Any) -> Handler:
    """Return the handler with its answer turned into a response.

    FastAPI reads the parameters of the handler, less `body`, which is decoded here, and with the
    request, which the response is made for.
    """
    signature = inspect.signature(handler)
    seen = [p for name, p in signature.parameters.items() if name not in {"body", "request"}]
    seen.append(inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request))
    wants_request = "request" in signature.parameters

    @functools.wraps(handler)
    async def endpoint(request: Request, **asked: Any) -> Response:
        if takes is not None:
            asked["body"] = _decoded(await request.body(), takes)
        if wants_request:
            asked["request"] = request
        answer = await handler(**asked)
        if isinstance(answer, Response):  # its status is one of several: made by `respond`
            return answer
        return respond(answer, request, status)

    endpoint.__signature__ = signature.replace(parameters=seen)  # type: ignore[attr-defined]
    return endpoint


def _decoded(body: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadBodyError(f"the body is not what is asked for: {error}") from None
