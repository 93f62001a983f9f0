"""The layer around the application: ids, access lines, and what is left alone."""

import asyncio
import io
import json
import logging

import pytest
from telemetry_asking import opened

from ava.clock import ManualClock
from ava.db.query import named
from ava.settings import LogSettings, Settings
from ava.telemetry.http import Instrumented
from ava.telemetry.logs import configure_logging
from ava.telemetry.telemetry import Telemetry

pytestmark = pytest.mark.anyio

KEYED = {"Authorization": "Bearer desk-secret"}


async def access_lines(*asked, access="on", **request):
    """Ask for paths, and return the answers with the lines of the access log."""
    stream = io.StringIO()
    settings = Settings(log=LogSettings(form="json", access=access))
    with configure_logging(settings, stream=stream):
        async with opened() as (_, client):
            answers = [await client.get(path, **request) for path in asked]
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    return answers, [line for line in lines if line["logger"] == "ava.access"]


async def test_a_line_for_each_request():
    """Route, status, duration, bytes, who asked; not the path, and not with what."""
    [answer], [line] = await access_lines("/example/lasting/secret-name?q=secret", headers=KEYED)
    assert line["message"] == "GET /example/lasting/{name} 200"
    assert line["bytes"] == len(answer.content)
    assert line["caller"] == "desk"
    assert line["ms"] >= 0
    assert line["request"]
    assert "secret" not in json.dumps(line)


async def test_no_line_where_it_is_switched_off():
    """As it is by default: metrics count requests anyway."""
    _, lines = await access_lines("/example/passing", access="off")
    assert lines == []


async def test_the_callers_own_id_is_kept():
    """So that it finds its request in our log."""
    headers = {"X-Request-Id": "order-17.a_b"}
    [answer], [line] = await access_lines("/example/passing", headers=headers)
    assert answer.headers["x-request-id"] == line["request"] == "order-17.a_b"


@pytest.mark.parametrize("strange", ["a b", "x" * 65, "a\u00e9", '","level":"error'])
async def test_an_id_that_could_forge_a_line_is_not_taken(strange):
    """One of our own stands for it."""
    headers = {"X-Request-Id": strange.encode("latin-1")}
    _, [line] = await access_lines("/example/passing", headers=headers)
    assert strange not in line["request"]
    assert line["level"] == "info"


async def test_what_is_logged_on_the_way_names_the_request():
    """The response of the failure carries the same id."""
    stream = io.StringIO()
    with configure_logging(Settings(log=LogSettings(form="json")), stream=stream):
        async with opened() as (_, client):
            answer = await client.get("/example/failing")
    assert answer.status_code == 500
    errors = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert "odd" in errors[0]["error"]
    assert {line["request"] for line in errors} == {answer.headers["x-request-id"]}


async def test_a_slow_route_is_a_spike_and_the_fast_path_hides_nothing():
    """A hundred answers of 1 ms, then twenty of 100 ms, among hits that take no time."""
    clock = ManualClock()
    async with opened(clock=clock) as (core, _):
        telemetry = core.service(Telemetry)
        times = iter([0.001] * 100 + [0.1] * 20)

        async def app(scope, receive, send):
            if scope["path"] == "/slow":
                scope["endpoint"] = app
                clock._elapsed += next(times)
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        layer = Instrumented(app, telemetry)
        for _ in range(120):
            for path in ("/slow", "/kept", "/kept"):
                await layer(_scope(path), None, _ignore)
        [spike] = telemetry.spikes.active()
    assert (spike.kind, spike.name) == ("route", "GET app")


async def test_a_client_that_leaves_counts_as_gone():
    """Nothing was sent, and nobody was at fault: 499."""
    async with opened() as (core, _):
        telemetry = core.service(Telemetry)

        async def app(_scope, _receive, _send):
            raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await Instrumented(app, telemetry)(_scope("/x"), None, _ignore)
        [(labels, _)] = telemetry.http.tallies.items()
    assert labels == ("GET", "unmatched", "499")
    assert telemetry.http.in_progress == 0


async def test_an_error_that_nobody_answers_counts_as_500():
    """And goes on to the server."""
    async with opened() as (core, _):
        telemetry = core.service(Telemetry)

        async def app(_scope, _receive, _send):
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await Instrumented(app, telemetry)(_scope("/x"), None, _ignore)
        [(labels, _)] = telemetry.http.tallies.items()
    assert labels == ("GET", "unmatched", "500")


async def test_the_message_that_the_fast_path_shares_is_not_changed():
    """One message serves many; an id goes into a copy."""
    start = {"type": "http.response.start", "status": 200, "headers": []}
    sent = []

    async def app(_scope, _receive, send):
        await send(start)

    async def send(message):
        sent.append(message)

    async with opened() as (core, _):
        layer = Instrumented(app, core.service(Telemetry))
        await layer(_scope("/x", headers=[(b"x-request-id", b"mine")]), None, send)
    assert sent[0]["headers"] == [(b"x-request-id", b"mine")]
    assert start["headers"] == []


async def test_while_it_serves_the_loop_is_watched():
    """From the start of the application's life to its end, and no longer."""
    async with opened() as (core, _):
        telemetry = core.service(Telemetry)
        names = []

        async def app(_scope, _receive, _send):
            names.extend(task.get_name() for task in asyncio.all_tasks())

        await Instrumented(app, telemetry)({"type": "lifespan"}, None, _ignore)
        after = [task.get_name() for task in asyncio.all_tasks()]
    assert "lag of the event loop" in names
    assert "lag of the event loop" not in after


async def test_it_is_watched_once():
    """Whoever runs the application may have begun already."""
    async with opened() as (core, _):
        telemetry = core.service(Telemetry)
        async with telemetry.watching(), telemetry.watching():
            names = [task.get_name() for task in asyncio.all_tasks()]
        async with telemetry.watching():
            again = [task.get_name() for task in asyncio.all_tasks()]
    assert names.count("lag of the event loop") == 1
    assert again.count("lag of the event loop") == 1


async def test_a_spike_has_the_health_looked_at_again():
    """What shows it is invalidated, when it begins."""
    async with opened() as (core, _):
        seen = []
        core.platform.cache.watch(seen.append)
        telemetry = core.service(Telemetry)
        for n in range(130):
            telemetry.spikes.observe("statement", "alerts", 0.01 if n < 100 else 1.0)
        for _ in range(5):
            await asyncio.sleep(0)
        assert any("health" in str(what) for what in seen)


async def test_the_slow_statements_are_in_the_log_and_in_the_api(platform_dsn, caplog):
    """By name, never by value; the latest first."""
    async with opened(dsn=platform_dsn) as (core, client):
        telemetry = core.service(Telemetry)
        timer = core.database.timer
        with caplog.at_level(logging.WARNING, logger="ava.db.slow"):
            for seconds in (1.5, 0.2, 2.5):
                timer.record(named("automation_switch"), seconds, 1)
        answer = await client.get("/api/v1/statements/slow", headers=KEYED)
        refused = await client.get("/api/v1/statements/slow")
    shown = answer.json()
    assert shown["slower_than_s"] == 1.0
    assert [one["seconds"] for one in shown["statements"]] == [2.5, 1.5]
    assert [record.statement for record in caplog.records] == ["automation_switch"] * 2
    assert len(telemetry.slow().statements) == 2
    assert refused.status_code == 401


def _scope(path, headers=()):
    return {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": list(headers),
    }


async def _ignore(_message):
    pass
