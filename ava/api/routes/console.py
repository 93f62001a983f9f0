"""The console: the page at `/` and its files under `/console/`, served from memory.

The files lie in `ava/web` and are read once. A browser may keep them and asks each time whether
they are still the same, which an ETag answers without sending them again, so that a new version is
seen at once. The page may load nothing from anywhere else, and nothing in it may be made into
script or style: its policy says so, and the browser keeps to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Final

from fastapi import Request, Response
from starlette.exceptions import HTTPException

from ava.api.route import Routes, is_known
from ava.core import Core

WEB: Final = Path(__file__).parents[2] / "web"
PAGE: Final = "index.html"
TYPES: Final[Mapping[str, str]] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY: Final = (
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "object-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent."""

    body: bytes
    media_type: str
    etag: str


class Site:
    """The files of the console by their path below `web`."""

    def __init__(self, web: Path = WEB) -> None:
        found = sorted(path for path in web.rglob("*") if path.suffix in TYPES)
        named = ((path.relative_to(web).as_posix(), path.read_bytes()) for path in found)
        self.assets = {name: _asset(name, body) for name, body in named}
        self._preload = {"Link": _preload(self.assets)}

    def replace(self, path: str, text: str) -> None:
        """Serve another text at a path."""
        self.assets[path] = _asset(path, text.encode())

    def page(self, request: Request) -> Response:
        """Return the page, which names every module so that none waits for another."""
        return _respond(self.assets[PAGE], request, self._preload)

    def file(self, path: str, request: Request) -> Response:
        """Return a file of the page; raise HTTPException for one there is not."""
        found = self.assets.get(path)
        if found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"the console has no file {path!r}")
        return _respond(found, request)


def routes(_core: Core) -> Routes:
    """Return the routes; they are no part of the API's document."""
    area = Routes("", "console")
    site = Site()

    async def page(request: Request) -> Response:
        return site.page(request)

    async def file(request: Request, path: str) -> Response:
        return site.file(path, request)

    for path, handler in (("/", page), ("/console/{path:path}", file)):
        area.router.add_api_route(
            path, handler, methods=["GET", "HEAD"], response_model=None, include_in_schema=False
        )
    return area


def _respond(asset: Asset, request: Request, extra: Mapping[str, str] | None = None) -> Response:
    """Return a file, or 304 where the browser has it already."""
    headers = {**_HEADERS, "ETag": asset.etag, **(extra or {})}
    if is_known(request.headers.get("if-none-match"), asset.etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(asset.body, headers=headers, media_type=asset.media_type)


def _asset(name: str, body: bytes) -> Asset:
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    return Asset(body, TYPES[PurePosixPath(name).suffix], etag)


def _preload(assets: Mapping[str, Asset]) -> str:
    """Return the Link header that names every module, so that none waits for the one before it."""
    modules = (path for path in assets if path.endswith(".js"))
    return ", ".join(f"</console/{path}>; rel=modulepreload" for path in modules)
