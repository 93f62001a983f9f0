"""A platform with nothing beside it: what it says of itself, and which of it works."""

import re
import subprocess
import sys
from collections import defaultdict
from urllib.parse import urlencode

import pytest
from running import KEY, running

from ava.serving.missing import STORED

SERVE = ("serve", "--port", "0")
NOWHERE = {"AVA_PROVIDERS_URLS": "yahoo=http://127.0.0.1:1,yahoo_door=http://127.0.0.1:1"}
HEAVY = (
    "exchange_calendars",
    "jinja2",
    "locust",
    "numpy",
    "opentelemetry.exporter",
    "pandas",
    "perf",
    "playwright",
    "procrastinate",
    "pytest",
)
OPENED = """
import asyncio, sys
import ava.cli.commands.serve, ava.serving.server
from ava.api.app import create_app
from ava.core import Core
from ava.settings import Settings

async def opened():
    async with Core.open(Settings()) as core:
        create_app(core)

asyncio.run(opened())
print("\\n".join(sys.modules))
"""


@pytest.fixture(scope="module")
def lonely(alone):
    """A process that serves with nothing beside it, for the tests that only ask."""
    with running(*SERVE, **alone | NOWHERE) as serving:
        yield serving


def test_it_says_what_is_not_there(lonely):
    """Neither Redis nor PostgreSQL: each is named with its setting, and no key is shown."""
    assert lonely.ask("GET", "/api/v1/health/live", key=None)[0] == 200
    assert "no Redis (AVA_REDIS_URL is not set)" in lonely.text
    assert "no PostgreSQL (AVA_DATABASE_URL is not set)" in lonely.text
    assert "AVA_API_KEYS" not in lonely.text
    assert KEY not in lonely.text


def test_its_health_names_what_is_missing(lonely):
    """It serves, and says that it does so in part."""
    status, report = lonely.ask("GET", "/api/v1/health", key=None)
    assert status == 200
    assert report["status"] == "degraded"
    assert any("AVA_DATABASE_URL" in sentence for sentence in report["lacking"])
    assert any("AVA_REDIS_URL" in sentence for sentence in report["lacking"])


def test_it_says_exactly_which_areas_are_refused_without_postgresql(lonely):
    """The line at its start is what its routes do."""
    document = lonely.ask("GET", "/openapi.json")[1]
    refused = defaultdict(set)
    for path, methods in document["paths"].items():
        if "get" in methods:
            (area,) = methods["get"]["tags"]
            answer = lonely.ask("GET", address(path, methods["get"]))[1]
            kind = answer.get("type") if isinstance(answer, dict) else None
            refused[area].add(kind == "urn:ava:problem:no_database")
    assert tuple(sorted(area for area, found in refused.items() if found == {True})) == STORED
    assert f"is not set): refused is what it holds: {', '.join(STORED)}" in lonely.text


def address(path, question):
    """Return a route's path with a value for each parameter that it needs."""
    asked = {}
    for parameter in question.get("parameters", ()):
        schema = parameter["schema"]
        value = schema.get("examples", ["1"])[0]
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(value))
        elif parameter.get("required"):
            asked[parameter["name"]] = value
    return f"{path}?{urlencode(asked)}" if asked else path


def test_what_a_serving_process_does_not_need_it_does_not_import():
    """Neither at its start nor in its memory: what only workers, tests and reports use."""
    done = subprocess.run(
        [sys.executable, "-c", OPENED], capture_output=True, text=True, check=True, timeout=60
    )
    pattern = re.compile("|".join(rf"{re.escape(name)}(\..*)?" for name in HEAVY))
    assert [name for name in done.stdout.split() if pattern.fullmatch(name)] == []
