"""Routes of fixed paths found by one look-up.

A router asks its routes one after the other whether a request is theirs, and most of ours have a
path without parameters: what the last of them costs would grow with each area that is added. What
is not in the directory goes the router's way: paths with parameters, methods a path does not have,
and paths that nobody has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import Receive, Scope, Send


class Directory:
    """What a router is asked through: `router.middleware_stack`."""

    def __init__(self, router: APIRouter) -> None:
        self._router = router
        self._rest = router.middleware_stack
        self._fixed = dict(_fixed(router.routes))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the route answer that a request is for."""
        route = None
        if scope["type"] == "http" and not scope.get("root_path"):
            route = self._fixed.get((scope["method"], scope["path"]))
        if route is None:
            await self._rest(scope, receive, send)
            return
        scope["router"], scope["route"] = self._router, route
        scope["endpoint"], scope["path_params"] = route.endpoint, {}
        await route.handle(scope, receive, send)


def _fixed(routes: Sequence[BaseRoute]) -> Iterator[tuple[tuple[str, str], APIRoute]]:
    """Yield what the router would choose for each path without parameters."""
    for route in routes:
        if isinstance(route, APIRoute) and "{" not in route.path:
            for method in route.methods or ():
                if _chosen(routes, method, route.path) is route:
                    yield (method, route.path), route


def _chosen(routes: Sequence[BaseRoute], method: str, path: str) -> BaseRoute | None:
    """Return the first route that takes such a request."""
    return next((route for route in routes if _takes(route, method, path)), None)


def _takes(route: BaseRoute, method: str, path: str) -> bool:
    pattern, methods = getattr(route, "path_regex", None), getattr(route, "methods", None)
    if pattern is None or isinstance(route, WebSocketRoute):
        return False
    return (methods is None or method in methods) and pattern.match(path) is not None
