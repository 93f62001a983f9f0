"""Whole responses kept ready: who gets them, for how long, and what ends them."""

import asyncio
from itertools import pairwise

import msgspec
import pytest
from api_asking import KEYED, asking, opened

from ava.api.access import Access
from ava.api.app import create_app
from ava.api.fastpath import name_of
from ava.api.parameters import Limit
from ava.api.route import Routes
from ava.api.traffic import Traffic
from ava.cache.keep import Keep
from ava.clock import ManualClock
from ava.services.fresh import Fresh

pytestmark = pytest.mark.anyio


class Row(msgspec.Struct, kw_only=True):
    """What the routes here answer."""

    number: int
    text: str = ""


class Area:
    """Routes whose handlers count how often they run."""

    def __init__(self, core, *, fresh_s=60.0, access=Access.OPEN, stale=False, text=""):
        self.core = core
        self.runs = 0
        self.area = Routes("/api/v1/rows", "rows")
        declare = self.area.get("", answers=Row, example=Row(number=1), access=access)

        @declare
        async def rows(limit: Limit = 10, symbols: str = "") -> Fresh[Row]:
            """Count."""
            self.runs += 1
            return Fresh(Row(number=self.runs, text=symbols + text), fresh_s, ("rows",), stale)

    def app(self):
        return create_app(self.core, [self.area])


async def test_a_second_question_runs_no_handler(core):
    """The same bytes come again, from memory."""
    area = Area(core)
    async with asking(area.app()) as client:
        first, second = [await client.get("/api/v1/rows") for _ in range(2)]
    assert (first.content, area.runs) == (second.content, 1)
    assert first.headers["etag"] == second.headers["etag"]
    traffic = core.service(Traffic)
    assert (traffic.hits, traffic.misses, traffic.kept) == (1, 1, 1)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("limit=1&symbols=A", "symbols=A&limit=1", True),
        ("symbols=%41", "symbols=A", True),
        ("symbols=A+B", "symbols=A%20B", True),
        ("symbols=A,B", "symbols=A%2CB", True),
        ("symbols=", "symbols", True),
        ("", "&", True),
        ("symbols=A&symbols=B", "symbols=B&symbols=A", False),
        ("symbols=A", "symbols=A&symbols=A", False),
        ("symbols=A", "symbols=a", False),
        ("symbols=A%26limit=2", "symbols=A&limit=2", False),
    ],
)
def test_queries_that_are_read_the_same_have_one_name(first, second, same):
    """Order of names and escaping make no difference; everything else does."""
    names = {name_of("/a", query.encode(), None) for query in (first, second)}
    assert (len(names) == 1) is same


def test_paths_and_callers_have_names_of_their_own():
    """No path, query or key can be made to look like another."""
    asked = [("/a", b"b=1", None), ("/a\0b=1", b"", None), ("/a", b"b=1", "desk")]
    assert len({name_of(*one) for one in asked}) == len(asked)


async def test_another_spelling_gets_the_same_entry(core):
    """The second spelling is parsed once, and then known by its bytes."""
    area = Area(core)
    async with asking(area.app()) as client:
        for query in ("limit=1&symbols=A", "symbols=A&limit=1", "symbols=A&limit=1"):
            await client.get(f"/api/v1/rows?{query}")
    assert area.runs == 1
    assert core.service(Traffic).hits == 2


async def test_what_was_made_for_a_key_reaches_nobody_without_it(core):
    """Neither the refusal nor the answer is given to the other."""
    area = Area(core, access=Access.KEY)
    async with asking(area.app()) as client:
        assert (await client.get("/api/v1/rows")).status_code == 401
        assert (await client.get("/api/v1/rows", headers=KEYED)).status_code == 200
        assert (await client.get("/api/v1/rows", headers=KEYED)).status_code == 200
        assert (await client.get("/api/v1/rows")).status_code == 401
        wrong = await client.get("/api/v1/rows", headers={"Authorization": "Bearer wrong"})
    assert wrong.status_code == 401
    assert area.runs == 1


async def test_what_is_ready_is_given_to_no_wrong_key(core):
    """An answer that is open to anybody is kept, and a wrong key is still refused."""
    area = Area(core)
    async with asking(area.app()) as client:
        await client.get("/api/v1/rows")
        wrong = await client.get("/api/v1/rows", headers={"authorization": "Bearer nobody"})
    assert wrong.status_code == 401
    assert core.service(Traffic).hits == 0


async def test_what_is_ready_carries_the_caller_s_request_id(core):
    """As every other answer does."""
    area = Area(core)
    async with asking(area.app()) as client:
        found = [
            await client.get("/api/v1/rows", headers={"x-request-id": name}) for name in ("a", "b")
        ]
        plain = await client.get("/api/v1/rows")
    assert [one.headers["x-request-id"] for one in found] == ["a", "b"]
    assert "x-request-id" not in plain.headers
    assert area.runs == 1


async def test_keys_do_not_share_answers(core):
    """A handler may answer by who asks, so each name has its own."""
    area = Area(core, access=Access.KEY)
    async with asking(area.app()) as client:
        await client.get("/api/v1/rows", headers=KEYED)
        await client.get("/api/v1/rows", headers={"Authorization": "Bearer other"})
    assert area.runs == 2


async def test_invalidating_a_tag_drops_the_response():
    """The next question gets what is true now."""
    async with opened() as core:
        area = Area(core)
        async with asking(area.app()) as client:
            await client.get("/api/v1/rows")
            await core.platform.cache.invalidate_tags("others")
            assert (await client.get("/api/v1/rows")).json()["number"] == 1
            await core.platform.cache.invalidate_tags("rows")
            assert (await client.get("/api/v1/rows")).json()["number"] == 2


async def test_an_answer_overtaken_on_its_way_is_not_kept(core):
    """It was begun before the invalidation, so it may be what is no longer true."""
    area = Routes("/api/v1/rows", "rows")
    runs = []

    @area.get("", answers=Row, example=Row(number=1))
    async def rows() -> Fresh[Row]:
        """Change the rows while they are read."""
        runs.append(1)
        if len(runs) == 1:
            await core.platform.cache.invalidate_tags("rows")
        return Fresh(Row(number=len(runs)), 60.0, ("rows",))

    async with asking(create_app(core, [area])) as client:
        answers = [(await client.get("/api/v1/rows")).json()["number"] for _ in range(3)]
    assert answers == [1, 2, 2]


async def test_a_hit_says_what_is_left():
    """Both headers count down with the clock, and the entry goes before the time is over."""
    clock = ManualClock()
    async with opened(clock=clock) as core:
        area = Area(core, fresh_s=30.0)
        async with asking(area.app()) as client:
            seen = []
            for _ in range(4):
                answer = await client.get("/api/v1/rows")
                seen.append((answer.headers["cache-control"], answer.headers["x-fresh-for"]))
                await clock.advance(7.25)
            assert area.runs == 1
            await client.get("/api/v1/rows")
            assert area.runs == 2
    assert seen == [
        ("private, max-age=30", "30.000"),
        ("private, max-age=22", "22.750"),
        ("private, max-age=15", "15.500"),
        ("private, max-age=8", "8.250"),
    ]


async def test_the_cache_below_still_fetches_ahead():
    """The handler is asked in the last part of a value's life, so nobody waits at its end."""
    clock = ManualClock()
    async with opened(clock=clock) as core:
        fetched = []

        async def fetch() -> int:
            fetched.append(clock.monotonic())
            return len(fetched)

        area = Routes("/api/v1/rows", "rows")
        keep = Keep(30, refresh_at=0.8, jitter=0.0)

        @area.get("", answers=int, example=1)
        async def rows() -> Fresh[int]:
            """Ask the cache."""
            return await core.kept("rows", fetch, kind=int, keep=keep)

        async with asking(create_app(core, [area])) as client:
            for _ in range(60):
                await client.get("/api/v1/rows")
                await clock.advance(1.0)
    assert len(fetched) >= 2
    assert all(later - earlier < 30 for earlier, later in pairwise(fetched))


async def test_a_client_that_has_it_gets_304(core):
    """Whether the answer was kept or made anew."""
    area = Area(core)
    async with asking(area.app()) as client:
        first = await client.get("/api/v1/rows")
        known = {"If-None-Match": first.headers["etag"]}
        hit = await client.get("/api/v1/rows", headers=known)
        await core.platform.cache.invalidate_tags("rows")
        changed = await client.get("/api/v1/rows", headers=known)
        other = await client.get("/api/v1/rows", headers={"If-None-Match": '"x"'})
    assert (hit.status_code, hit.content) == (304, b"")
    assert hit.headers["etag"] == first.headers["etag"]
    assert "content-type" not in hit.headers
    assert [changed.status_code, other.status_code] == [200, 200]
    assert core.service(Traffic).not_modified == 1


async def test_a_304_of_the_handler_leaves_an_entry(core):
    """Who polls with an ETag does not keep the answer from being kept for all."""
    area = Area(core)
    async with asking(area.app()) as client:
        etag = (await client.get("/api/v1/rows")).headers["etag"]
        core.platform.cache.release(name_of("/api/v1/rows", b"", None))
        area.runs = 0
        again = await client.get("/api/v1/rows", headers={"If-None-Match": etag})
        plain = await client.get("/api/v1/rows")
    assert (again.status_code, plain.status_code, area.runs) == (304, 200, 1)


async def test_an_answer_that_is_not_kept_is_compared_as_well(core):
    """Its handler runs, and the client that has the same bytes is sent none."""
    area = Routes("/api/v1/rows", "rows")

    @area.get("", answers=Row, example=Row(number=1))
    async def rows() -> Row:
        """Answer without freshness."""
        return Row(number=1)

    async with asking(create_app(core, [area])) as client:
        etag = (await client.get("/api/v1/rows")).headers["etag"]
        again = await client.get("/api/v1/rows", headers={"If-None-Match": f'W/{etag}, "x"'})
    assert (again.status_code, again.content) == (304, b"")


async def test_a_head_is_answered_from_the_get(core):
    """The same headers and no body, from the same entry."""
    area = Area(core)
    async with asking(area.app()) as client:
        got = await client.get("/api/v1/rows")
        head = await client.head("/api/v1/rows")
    assert (head.status_code, head.content, area.runs) == (200, b"", 1)
    assert head.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize("how", [{"fresh_s": 0.0}, {"stale": True}, {"text": "x" * (1 << 20)}])
async def test_what_is_not_kept(core, how):
    """An answer without freshness, one that stands in for a better one, and a large one."""
    area = Area(core, **how)
    async with asking(area.app()) as client:
        for _ in range(2):
            assert (await client.get("/api/v1/rows")).status_code == 200
    assert area.runs == 2


async def test_a_refusal_is_not_kept(core):
    """What a handler refused once it may grant the next time."""
    area = Area(core)
    async with asking(area.app()) as client:
        for _ in range(2):
            assert (await client.get("/api/v1/rows?limit=0")).status_code == 422
    assert core.service(Traffic).kept == 0


async def test_the_bytes_of_all_entries_are_bounded():
    """The oldest go, and are asked for anew."""
    async with opened(responses_bytes=10_000) as core:
        area = Area(core, text="x" * 1000)
        async with asking(area.app()) as client:
            for number in range(10):
                await client.get(f"/api/v1/rows?symbols={number}")
            await client.get("/api/v1/rows?symbols=9")
            assert area.runs == 10
            await client.get("/api/v1/rows?symbols=0")
    assert area.runs == 11
    assert core.service(Traffic).crowded_out >= 7


async def test_many_at_once_are_all_answered(core):
    """Misses at the same time each have their own answer."""
    area = Area(core)
    async with asking(area.app()) as client:
        answers = await asyncio.gather(*(client.get("/api/v1/rows") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}


async def test_another_process_s_invalidation_reaches_whole_responses(redis_url):
    """Two cores on one Redis: what one invalidates, the other no longer serves."""
    async with opened(redis=redis_url) as core, opened(redis=redis_url) as other:
        area = Area(core)
        async with asking(area.app()) as client:
            assert (await client.get("/api/v1/rows")).json()["number"] == 1
            assert await other.platform.cache.invalidate_tags("rows")
            async with asyncio.timeout(30):
                # Nothing tells when the message has come.
                while (await client.get("/api/v1/rows")).json()["number"] == 1:  # noqa: ASYNC110
                    await asyncio.sleep(0.002)


async def test_the_console_s_own_etags_are_left_alone(core):
    """What says nothing of its freshness is passed on as it is."""
    area = Routes("/file", "file")

    @area.router.get("")
    async def file():
        """Answer without this package's routes."""
        return {"a": 1}

    async with asking(create_app(core, [area])) as client:
        answer = await client.get("/file", headers={"If-None-Match": "*"})
    assert answer.status_code == 200
    assert core.service(Traffic).misses == 0
