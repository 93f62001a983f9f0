"""Owners read their watchlists to the end, page by page, each page after the one before.

The next page is asked for when the one before is there and by its cursor, as a client has to.
"""

import json
from random import Random
from urllib.parse import quote

from loadtests.people import LISTS, OWNER, mixed
from perf.load.popularity import Popular
from perf.load.scenario import (
    Answer,
    Ask,
    Phase,
    Scenario,
    error_rate,
    for_locust,
    memory,
    p95,
    throughput,
)

_A_PAGE = 5
_LIST = Popular(LISTS, exponent=0.8)


def _page(address: str, name: str, cursor: str | None = None) -> Ask:
    def follow(answer: Answer) -> Ask | None:
        following = json.loads(answer.body)["next_cursor"] if answer.body else None
        return None if following is None else _page(address, "next page", following)

    more = "" if cursor is None else f"&cursor={quote(cursor)}"
    return Ask(name, f"{address}limit={_A_PAGE}{more}", follow=follow)


def _lists(random: Random) -> Ask:
    return _page(f"/api/v1/watchlists?owner={OWNER.pick(random)}&", "lists of an owner")


def _items(random: Random) -> Ask:
    return _page(f"/api/v1/watchlists/{_LIST.pick(random)}/items?", "first page")


SCENARIO = Scenario(
    name="watchlists",
    title="Owners read their watchlists page by page",
    phases=(Phase("reading", 30.0, rate=30, warmup_s=3.0),),
    asks=mixed([(_lists, 1), (_items, 3)]),
    thresholds=(
        p95(500, request="first page"),
        p95(500, request="next page"),
        p95(100, request="lists of an owner"),
        error_rate(0),
        throughput(30, phase="reading"),
        memory(300),
    ),
    users=30,
)

LoadTest = for_locust(SCENARIO)
