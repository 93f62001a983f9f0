"""A worker that tells when it is at its job, and never ends it: to be killed."""

import asyncio
import sys

from ava.background.job import Job
from ava.background.timetable import Every
from ava.background.worker import working
from ava.core import Core
from ava.section import Secret
from ava.settings import DatabaseSettings, Settings


async def endless(_core, _tick):
    """Say that it began, and wait for ever."""
    print("at it", flush=True)
    await asyncio.Event().wait()


async def main():
    """Work on the database whose DSN comes on stdin."""
    settings = Settings(database=DatabaseSettings(url=Secret(sys.stdin.read()), pool_min=1))
    job = Job(name="job", title="A job", timetable=Every(900), work=endless, grace_s=900)
    async with Core.open(settings) as core, working(core, {"job": job}):
        await asyncio.Event().wait()


asyncio.run(main())
