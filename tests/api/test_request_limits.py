"""What a request may take, and how a refusal reads."""

import asyncio
import logging

import pytest
from api_asking import KEYED, SECRET, asking, opened, serving
from msgspec import Struct

from ava.api.access import Access
from ava.api.app import create_app
from ava.api.limits import ALWAYS
from ava.api.route import Routes
from ava.api.traffic import Traffic
from ava.clock import ManualClock
from ava.errors import OutageError
from ava.net.deadline import left_s
from ava.services.fresh import Fresh

pytestmark = pytest.mark.anyio

PROBLEM = "application/problem+json"


class Text(Struct):
    """A body."""

    text: str


def area_of(handler, **how):
    """Return an area with one GET."""
    area = Routes("/api/v1/one", "one")
    area.get("", answers=str, example="a", **how)(handler)
    return area


def echo():
    """Return an area that takes a body."""
    area = Routes("/api/v1/echo", "echo")

    @area.change("POST", "", takes=Text, given=Text("a"), answers=str, example="a")
    async def say(body: Text) -> str:
        """Say it again."""
        return body.text

    return area


async def ok() -> str:
    """Answer."""
    return "ok"


async def raw(app, method="GET", path="/api/v1/one", *, headers=(), messages=()):
    """Ask by bare messages; return what was sent."""
    sent, waiting = [], list(messages)
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "scheme": "http", "server": ("ava", 80), "client": ("c", 1), "headers": list(headers),
    }  # fmt: skip

    async def receive():
        return waiting.pop(0)

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    return sent


async def test_a_body_that_says_it_is_too_long_is_not_read():
    """The refusal comes before the first byte, and names the limit."""
    async with opened(body_bytes=64) as core, asking(create_app(core, [echo()])) as client:
        answer = await client.post("/api/v1/echo", headers=KEYED, json={"text": "x" * 100})
        good = await client.post("/api/v1/echo", headers=KEYED, json={"text": "x"})
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)
    assert answer.json()["type"] == "urn:ava:problem:too_large"
    assert "64" in answer.json()["detail"]
    assert good.json() == "x"


async def test_a_body_without_a_length_is_read_no_further_than_allowed():
    """It comes in pieces, and the second is one too many."""
    bearer = (b"authorization", f"Bearer {SECRET}".encode())
    pieces = [{"type": "http.request", "body": b"x" * 40, "more_body": True} for _ in range(3)]
    async with opened(body_bytes=64) as core:
        app = create_app(core, [echo()])
        sent = await raw(app, "POST", "/api/v1/echo", headers=[bearer], messages=pieces)
    assert sent[0]["status"] == 413


@pytest.mark.parametrize("length", [b"9" * 5000, b"65"])
async def test_a_length_of_any_size_is_understood(length):
    """Also one with more digits than Python reads at once."""
    async with opened(body_bytes=64) as core:
        app = create_app(core, [echo()])
        sent = await raw(app, "POST", "/api/v1/echo", headers=[(b"content-length", length)])
    assert sent[0]["status"] == 413


async def test_a_long_address_is_refused():
    """Path and query together."""
    async with opened(address_bytes=256) as core, asking(create_app(core, [area_of(ok)])) as client:
        answer = await client.get("/api/v1/one?q=" + "x" * 300)
        good = await client.get("/api/v1/one?q=x")
    assert (answer.status_code, good.status_code) == (414, 200)
    assert answer.headers["content-type"] == PROBLEM


async def test_one_request_too_many_is_told_when_to_come_again():
    """Those being answered are not disturbed, and what tells how it goes is let through."""
    release = asyncio.Event()

    async def slow() -> str:
        """Wait."""
        await release.wait()
        return "ok"

    live = Routes("", "live")
    live.get(min(ALWAYS), answers=str, example="a")(ok)
    async with opened(in_flight=2) as core:
        app = create_app(core, [area_of(slow), live])
        async with asking(app) as client:
            first = [asyncio.create_task(client.get("/api/v1/one")) for _ in range(2)]
            while core.service(Traffic).in_flight < 2:  # noqa: ASYNC110 - a plain integer
                await asyncio.sleep(0)
            busy = await client.get("/api/v1/one")
            healthy = await client.get(min(ALWAYS))
            release.set()
            answers = await asyncio.gather(*first)
            assert core.service(Traffic).in_flight == 0
    assert (busy.status_code, busy.json()["type"]) == (503, "urn:ava:problem:busy")
    assert int(busy.headers["retry-after"]) >= 1
    assert healthy.status_code == 200
    assert [answer.status_code for answer in answers] == [200, 200]


async def test_a_request_ends_by_its_deadline():
    """The handler is cancelled, and the client is told."""
    ended = []

    async def endless() -> str:
        """Wait for ever."""
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append(True)
            raise
        return ""

    async with opened(deadline_s=0.02) as core, asking(create_app(core, [area_of(endless)])) as c:
        answer = await c.get("/api/v1/one")
        assert core.service(Traffic).in_flight == 0
    assert (answer.status_code, answer.json()["type"]) == (504, "urn:ava:problem:deadline")
    assert ended == [True]


async def test_calls_of_providers_know_the_deadline():
    """They have a tenth less, so that the handler can say which of them was late."""
    clock = ManualClock()

    async def handler() -> float:
        """Tell what is left."""
        return left_s(clock)

    async with (
        opened(clock=clock, deadline_s=10) as core,
        asking(create_app(core, [area_of(handler)])) as client,
    ):
        assert (await client.get("/api/v1/one")).json() == 9.0
    assert left_s(clock) == float("inf")


async def test_a_timeout_of_the_handler_s_own_is_not_the_deadline(caplog):
    """A fault of ours is no lateness."""

    async def handler() -> str:
        """Fail."""
        raise TimeoutError("a secret")

    async with opened() as core, asking(create_app(core, [area_of(handler)])) as client:
        answer = await client.get("/api/v1/one")
    assert answer.status_code == 500
    assert "a secret" not in answer.text
    assert "an error nobody expected" in caplog.text


async def test_a_key_may_ask_so_often_and_no_oftener():
    """Each key for itself; what needs no key is not counted."""
    clock = ManualClock()
    async with opened(clock=clock, rate=1.0, rate_burst=2) as core:
        open_area = Routes("/api/v1/open", "open")
        open_area.get("", answers=str, example="a")(ok)
        app = create_app(core, [area_of(ok, access=Access.KEY), open_area])
        async with asking(app) as client:
            asked = [(await client.get("/api/v1/one", headers=KEYED)) for _ in range(3)]
            bot = await client.get("/api/v1/one", headers={"Authorization": "Bearer other"})
            anyone = await client.get("/api/v1/open", headers=KEYED)
            await clock.advance(1.0)
            later = await client.get("/api/v1/one", headers=KEYED)
    assert [answer.status_code for answer in asked] == [200, 200, 429]
    assert int(asked[2].headers["retry-after"]) >= 1
    assert [bot.status_code, anyone.status_code, later.status_code] == [200, 200, 200]


async def test_what_the_fast_path_answers_counts_for_nothing():
    """A page that polls what is cached is never told to slow down."""

    async def handler() -> Fresh[str]:
        """Answer for a minute."""
        return Fresh("ok", 60.0)

    async with opened(rate=0.001, rate_burst=1) as core:
        app = create_app(core, [area_of(handler, access=Access.KEY)])
        async with asking(app) as client:
            codes = {(await client.get("/api/v1/one", headers=KEYED)).status_code for _ in range(9)}
    assert codes == {200}


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"Authorization": "Bearer nobody"}, 401), ({"Authorization": "Basic eA=="}, 401)],
)
async def test_a_wrong_key_is_refused_and_repeated_nowhere(core, caplog, headers, status):
    """Neither the answer nor the log holds what was sent."""
    caplog.set_level(logging.DEBUG)
    async with asking(create_app(core, [area_of(ok, access=Access.KEY)])) as client:
        answer = await client.get("/api/v1/one", headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (status, "Bearer")
    assert "nobody" not in answer.text + caplog.text
    assert SECRET not in answer.text + caplog.text


async def test_a_wrong_key_is_refused_where_none_is_needed(core):
    """Its sender believes to be somebody."""
    async with asking(create_app(core, [area_of(ok)])) as client:
        answer = await client.get("/api/v1/one", headers={"Authorization": "Bearer nobody"})
    assert answer.status_code == 401


async def test_a_fault_of_ours_says_nothing_of_itself(core, caplog):
    """The text of the exception is in the log and nowhere else, and the key in neither."""

    async def handler() -> str:
        """Fail."""
        raise ValueError("the password is swordfish")

    async with asking(create_app(core, [area_of(handler)])) as client:
        answer = await client.get("/api/v1/one", headers=KEYED)
    assert (answer.status_code, answer.headers["content-type"]) == (500, PROBLEM)
    assert "swordfish" not in answer.text
    assert "swordfish" in caplog.text
    assert SECRET not in caplog.text


async def test_a_provider_s_failure_is_a_problem_with_its_name(core):
    """The status is the gateway's, and what the provider said is there."""

    async def handler() -> str:
        """Fail."""
        raise OutageError("espn is down", provider="espn")

    async with asking(create_app(core, [area_of(handler)])) as client:
        answer = await client.get("/api/v1/one")
    assert (answer.status_code, answer.json()["provider"]) == (502, "espn")
    assert answer.json()["instance"] == "/api/v1/one"


async def test_a_client_that_leaves_is_no_error(core, caplog):
    """It is counted, and the log stays empty."""
    bearer = (b"authorization", f"Bearer {SECRET}".encode())
    left = [{"type": "http.disconnect"}]
    app = create_app(core, [echo()])
    await raw(app, "POST", "/api/v1/echo", headers=[bearer], messages=left)
    assert core.service(Traffic).left == 1
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("path", ["/api/v1/one", "/api/v1/none", "/docs", "/openapi.json"])
async def test_no_answer_is_sniffed(core, path):
    """Good ones, refusals and pages alike say that they are what they say."""
    async with asking(create_app(core, [area_of(ok)])) as client:
        answers = [await client.get(path), await client.options(path), await client.head(path)]
        answers.append(await client.get(path, headers={"Authorization": "Bearer nobody"}))
    assert [a.headers.get_list("x-content-type-options") for a in answers] == [["nosniff"]] * 4


async def test_options_tells_the_methods_of_a_path(core):
    """Without a word for scripts of other sites."""
    area = Routes("/api/v1/echo", "echo")
    area.get("/{name}", answers=str, example="a")(named)
    both = echo()
    both.get("", answers=str, example="a")(ok)
    async with asking(create_app(core, [area, both])) as client:
        options = await client.options("/api/v1/echo", headers={"Origin": "http://elsewhere"})
        wrong = await client.delete("/api/v1/echo/a")
        nothing = await client.options("/nothing")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert nothing.status_code == 404
    assert not any(name.startswith("access-control") for name in options.headers)


async def named(name: str) -> str:
    """Answer."""
    return name


async def test_a_real_server_closes_after_a_body_it_did_not_read(core):
    """The refusal arrives though the client is still sending."""
    async with opened(body_bytes=1000) as small, serving(create_app(small, [echo()])) as place:
        reader, writer = await asyncio.open_connection(*place.split(":"))
        head = f"POST /api/v1/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n{_line()}\r\n"
        writer.write(head.encode())
        await writer.drain()
        status = await asyncio.wait_for(reader.readline(), 30)
        writer.close()
    assert b" 413 " in status


def _line():
    return f"Authorization: Bearer {SECRET}\r\n"
