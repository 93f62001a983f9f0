"""Cores with keys, and ways to ask an application: in this process, or over a real server."""

import asyncio
import socket
from contextlib import asynccontextmanager

import httpx
import uvicorn

from ava.core import Core
from ava.section import Secret
from ava.settings import ApiSettings, RedisSettings, Settings

SECRET = "s3cret-of-the-desk"  # noqa: S105 - a key of these tests
KEYED = {"Authorization": f"Bearer {SECRET}"}


@asynccontextmanager
async def opened(*, redis=None, clock=None, **api):
    """Open a core without a database, with two keys; `api` are settings of the API."""
    settings = Settings(
        api=ApiSettings(keys=Secret(f"desk:{SECRET},bot:other"), **api),
        redis=RedisSettings(url=None if redis is None else Secret(redis), timeout_s=60),
    )
    async with Core.open(settings, clock=clock) as core:
        yield core


@asynccontextmanager
async def asking(app):
    """Ask an application in this process."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://ava") as client:
        yield client


@asynccontextmanager
async def serving(app, *, send_bytes=None, **config):
    """Serve an application on loopback, in this loop; yield host and port."""
    listener = socket.socket()
    if send_bytes is not None:  # accepted connections inherit it
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_bytes)
    listener.bind(("127.0.0.1", 0))
    host, port = listener.getsockname()
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, **config))
    running = asyncio.create_task(server.serve([listener]))
    try:
        async with asyncio.timeout(60):
            while not server.started:  # noqa: ASYNC110 - uvicorn sets no event
                await asyncio.sleep(0.002)
        yield f"{host}:{port}"
    finally:
        server.should_exit = True
        await running
