"""The client against routed answers: errors, retries, deadlines, sharing and counts."""

import asyncio
import gzip
import random
from contextlib import suppress

import httpx
import msgspec
import pytest
import respx

from ava.clock import ManualClock
from ava.errors import (
    AuthenticationError,
    BadDataError,
    BadRequestError,
    CircuitOpenError,
    DeadlineError,
    NotFoundError,
    OutageError,
    PlanError,
    ProviderError,
    QuotaExhaustedError,
    RateLimitedError,
)
from ava.net.client import Client, Request
from ava.net.limits import TRAVEL_S
from ava.net.spec import Budget, Priority, ProviderSpec, RetryRule, Timeouts, Window

pytestmark = pytest.mark.anyio

URL = "http://provider.test/v1"
QUOTE = Request("/quote", {"symbol": "AAA"})


class Chance(random.Random):
    """A random source that always draws the largest value, and remembers the bounds."""

    def __init__(self):
        super().__init__()
        self.bounds = []

    def uniform(self, a, b):
        self.bounds.append((a, b))
        return b


class Guards:
    """Breaker, quota and limiter in one, which record what they are told."""

    def __init__(self, refuse=()):
        self.refuse = dict(refuse)
        self.verdicts, self.given_back, self.observed, self.pauses = [], [], [], []
        self.inside = self.taken = self.on_way = 0
        self.ends = []

    def enter(self):
        if error := self.refuse.pop("breaker", None):
            raise error
        self.inside += 1
        return self.inside

    def leave(self, _permit, ok):
        self.inside -= 1
        self.verdicts.append(ok)

    async def take(self, cost=1):
        await asyncio.sleep(0)
        if error := self.refuse.pop("quota", None):
            raise error
        self.taken += cost
        return cost

    async def give_back(self, taking):
        await asyncio.sleep(0)
        self.given_back.append(taking)

    async def observe(self, budget, taking):
        assert taking == 1
        self.observed.append(budget)

    async def acquire(self, **_how):
        await asyncio.sleep(0)
        if error := self.refuse.pop("limiter", None):
            raise error

    def begin(self):
        self.on_way += 1
        return self.end

    def end(self, at):
        self.on_way -= 1
        self.ends.append(at)

    def pause(self, seconds):
        self.pauses.append(seconds)

    @property
    def judged(self):
        """The verdicts on attempts; each also leaves once to renew its permit."""
        return self.verdicts[1::2]


@pytest.fixture
def router():
    """Routes by path below the base URL; what is not routed fails the test."""
    return respx.Router(base_url=URL, assert_all_called=False)


@pytest.fixture
def clock():
    """A clock that jumps over every wait."""
    return ManualClock(jump=True)


@pytest.fixture
def make(router, clock):
    """Make a client on the routes, with guards if given."""

    def make(guards=None, key=None, rng=None, **spec):
        transport = httpx.MockTransport(router.async_handler)
        return Client(
            ProviderSpec("acme", URL, **spec),
            httpx.AsyncClient(transport=transport),
            key=key,
            clock=clock,
            rng=rng or Chance(),
            limiter=guards,
            quota=guards,
            breaker=guards,
        )

    return make


def price(answer):
    """Read the price of an answer."""
    return msgspec.json.decode(answer.body, type=dict[str, float])["price"]


def priced(value=10.5, **extra):
    """Return an answer with a price."""
    return httpx.Response(200, json={"price": value}, **extra)


async def test_an_answer_is_read_by_the_reader(router, make):
    """The value is what the reader makes of the body, and the path is added to the base URL."""
    route = router.get("/quote", params={"symbol": "AAA"}).mock(return_value=priced())
    client = make()
    assert await client.fetch(QUOTE, price) == 10.5
    assert route.call_count == 1
    assert client.stats().to_dict() == {
        "requests": 1, "successes": 1, "failures": 0, "retries": 0, "cache_hits": 0,
        "circuit_breaks": 0,
    }  # fmt: skip


async def test_body_method_and_headers_are_sent(router, make):
    """A POST carries what the request says."""
    route = router.post("/chat").mock(return_value=priced())
    asked = Request("/chat", method="POST", body=b"{}", headers={"content-type": "text/x"})
    await make().fetch(asked, price)
    sent = route.calls[0].request
    assert (sent.content, sent.headers["content-type"]) == (b"{}", "text/x")


async def test_a_compressed_body_is_decoded(router, make):
    """gzip is asked for and undone."""
    body = gzip.compress(b'{"price": 3}')
    route = router.get("/quote").mock(
        return_value=httpx.Response(200, content=body, headers={"content-encoding": "gzip"})
    )
    assert await make().fetch(QUOTE, price) == 3
    assert "gzip" in route.calls[0].request.headers["accept-encoding"]


@pytest.mark.parametrize(
    ("status", "kind", "calls"),
    [
        (302, BadDataError, 2),
        (400, BadRequestError, 1),
        (401, AuthenticationError, 1),
        (402, PlanError, 1),
        (403, PlanError, 1),
        (404, NotFoundError, 1),
        (408, OutageError, 3),
        (410, NotFoundError, 1),
        (422, BadRequestError, 1),
        (429, RateLimitedError, 3),
        (500, OutageError, 3),
        (503, OutageError, 3),
    ],
)
async def test_statuses_are_mapped_and_only_passing_ones_repeated(
    router, make, status, kind, calls
):
    """Each status is one error, with provider and status; only passing failures are repeated."""
    route = router.get("/quote").mock(return_value=httpx.Response(status))
    client = make()
    with pytest.raises(kind, match=rf"acme: GET /quote answered {status}") as caught:
        await client.fetch(QUOTE, price)
    assert (caught.value.provider, caught.value.status) == ("acme", status)
    assert route.call_count == calls
    stats = client.stats()
    assert (stats.requests, stats.failures, stats.retries) == (1, 1, calls - 1)


async def test_the_complaint_of_a_spec_comes_before_the_status(router, make):
    """A refusal inside a 200 is the error that the spec finds in it."""
    refusal = QuotaExhaustedError("spent", provider="acme")
    router.get("/quote").mock(return_value=priced())
    client = make(complaint=lambda _: refusal)
    with pytest.raises(QuotaExhaustedError):
        await client.fetch(QUOTE, price)


async def test_a_complaint_that_cannot_be_read_leaves_the_status(router, make):
    """A body that the spec cannot read is judged by its status, then by the reader."""

    def complaint(answer):
        return msgspec.json.decode(answer.body)["error"]

    router.get("/quote").mock(return_value=httpx.Response(500, text="<html>"))
    with pytest.raises(OutageError):
        await make(complaint=complaint).fetch(QUOTE, price)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"price": "x"}', b'{"cost": 1.0}', b'{"pri'])
async def test_what_cannot_be_read_is_bad_data_and_repeated_once(router, make, body):
    """Garbage, truncation, a wrong type and a missing field are one kind of error."""
    route = router.get("/quote").mock(return_value=httpx.Response(200, content=body))
    with pytest.raises(BadDataError, match="acme: the answer to GET /quote cannot be read"):
        await make().fetch(QUOTE, price)
    assert route.call_count == 2


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout(""),
        httpx.ReadTimeout(""),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("garbled"),
        httpx.PoolTimeout(""),
    ],
    ids=lambda failure: type(failure).__name__,
)
async def test_transport_failures_are_outages_and_repeated(router, make, failure):
    """Each foreign error becomes ours, which carries nothing of it, and a retry succeeds."""
    router.get("/quote").mock(side_effect=[failure, failure, priced(), failure, failure, failure])
    client = make()
    assert await client.fetch(QUOTE, price) == 10.5
    with pytest.raises(OutageError, match=type(failure).__name__) as caught:
        await client.fetch(QUOTE, price)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


async def test_a_body_beyond_the_bound_is_refused(router, clock):
    """What is read stops at the bound, decoded size included."""
    router.get("/quote").mock(return_value=httpx.Response(200, content=b"x" * 1001))
    http = httpx.AsyncClient(transport=httpx.MockTransport(router.async_handler))
    client = Client(ProviderSpec("acme", URL), http, clock=clock, max_body=1000)
    with pytest.raises(BadDataError, match="larger than 1000 bytes"):
        await client.fetch(QUOTE, lambda answer: answer.body)


async def test_waits_double_up_to_the_cap_with_full_jitter(router, make, clock):
    """The wait after the n-th failure is drawn from 0 to base x 2^(n-1), at most the cap."""
    router.get("/quote").mock(return_value=httpx.Response(500))
    chance = Chance()
    rule = RetryRule(attempts=5, base_s=1.0, cap_s=3.0)
    with pytest.raises(OutageError):
        await make(retry=rule, rng=chance).fetch(QUOTE, price)
    assert chance.bounds == [(0, 1.0), (0, 2.0), (0, 3.0), (0, 3.0)]
    assert clock.slept == [1.0, 2.0, 3.0, 3.0]


@pytest.mark.parametrize(
    ("header", "waits"),
    [("7", [7.0]), ("Mon, 05 Jan 2026 14:30:09 GMT", [9.0]), ("soon", [0.5]), ("-5", [0.5])],
)
async def test_retry_after_is_honoured(router, make, clock, header, waits):
    """Seconds and HTTP dates are waited out; what cannot be read leaves the usual wait."""
    limited = httpx.Response(429, headers={"retry-after": header})
    router.get("/quote").mock(side_effect=[limited, priced()])
    assert await make().fetch(QUOTE, price) == 10.5
    assert clock.slept == waits


async def test_a_wait_stated_in_the_body_is_honoured(router, make, clock):
    """The spec's complaint may know the wait; a header does not replace it."""
    said = [RateLimitedError("slow", provider="acme", retry_after_s=4), None]
    router.get("/quote").mock(return_value=priced(headers={"retry-after": "9"}))
    assert await make(complaint=lambda _: said.pop(0)).fetch(QUOTE, price) == 10.5
    assert clock.slept == [4]


async def test_a_wait_beyond_the_cap_is_given_to_the_caller(router, make, clock):
    """Nobody waits an hour inside a call: the error comes at once and states the wait."""
    limited = httpx.Response(429, headers={"retry-after": "3600"})
    route = router.get("/quote").mock(return_value=limited)
    with pytest.raises(RateLimitedError) as caught:
        await make().fetch(QUOTE, price, deadline_s=9999)
    assert (caught.value.retry_after_s, route.call_count, clock.slept) == (3600, 1, [])


async def test_a_request_that_must_not_be_repeated_is_not(router, make):
    """An order is sent once, whatever happens to it."""
    route = router.post("/orders").mock(return_value=httpx.Response(503))
    with pytest.raises(OutageError):
        await make().fetch(Request("/orders", method="POST", repeatable=False), price)
    assert route.call_count == 1


async def test_in_an_outage_retries_stay_within_the_budget(router, make):
    """Of 100 failing requests at most a tenth, and the reserve, are repeated."""
    route = router.get("/quote").mock(return_value=httpx.Response(503))
    client = make(retry=RetryRule(attempts=3, budget=0.1, reserve=5))
    for n in range(100):
        with pytest.raises(OutageError):
            await client.fetch(Request("/quote", {"n": str(n)}), price)
    assert client.stats().retries == route.call_count - 100 <= 15


async def test_no_wait_passes_the_deadline(router, make, clock):
    """Where the next wait would pass the deadline, the error comes now."""
    router.get("/quote").mock(return_value=httpx.Response(503))
    rule = RetryRule(attempts=9, base_s=4.0, cap_s=4.0)
    with pytest.raises(OutageError):
        await make(retry=rule).fetch(QUOTE, price, deadline_s=10)
    assert clock.slept == [4.0, 4.0]


async def test_a_deadline_in_the_line_names_the_last_error(router, make):
    """A retry that gets no turn in time ends as DeadlineError, which repeats what went wrong."""
    router.get("/quote").mock(return_value=httpx.Response(503))
    guards = Guards()
    client = make(guards)

    async def acquire(*, priority, deadline):
        if len(guards.verdicts) > 1:
            raise DeadlineError("acme: no permit in time", provider="acme")

    guards.acquire = acquire
    with pytest.raises(DeadlineError, match=r"no permit in time.*before that: .*503"):
        await client.fetch(QUOTE, price)


async def test_a_provider_that_never_answers_is_cut_at_the_deadline(router, make):
    """The deadline bounds an exchange; cut so soon, it says nothing of the provider."""
    router.get("/quote").mock(side_effect=never)
    guards = Guards()
    client = make(guards)
    with pytest.raises(DeadlineError, match="no answer after"):
        await client.fetch(QUOTE, price, deadline_s=0.02)
    assert guards.judged == [None]
    assert client.stats().failures == 1


async def never(_request):
    await asyncio.Event().wait()


async def test_an_attempt_has_its_own_bound(router, make):
    """A provider that never answers is an outage after one attempt's time, and asked again."""
    calls = []

    async def first_never(request):
        calls.append(request)
        return await never(request) if len(calls) == 1 else priced()

    router.get("/quote").mock(side_effect=first_never)
    guards = Guards()
    client = make(guards, timeouts=Timeouts(connect_s=0.01, read_s=0.01))
    assert await client.fetch(QUOTE, price) == 10.5
    assert guards.judged == [False, True]


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (priced(), True),
        (httpx.Response(404), True),
        (httpx.Response(401), True),
        (httpx.Response(403), True),
        (httpx.Response(400), True),
        (httpx.Response(429), None),
        (httpx.Response(500), False),
        (httpx.Response(200, text="<html>"), False),
        (httpx.ReadError("reset"), False),
    ],
)
async def test_only_a_broken_provider_counts_against_it(router, make, answer, verdict):
    """Outages and rubbish do; an answer about the question proves it sound; a 429 nothing."""
    router.get("/quote").mock(side_effect=[answer])
    guards = Guards()
    client = make(guards, retry=RetryRule(attempts=1))
    with suppress(ProviderError):
        await client.fetch(QUOTE, price)
    assert guards.judged == [verdict]
    assert guards.inside == 0


async def test_too_fast_pauses_the_limiter(router, make):
    """For as long as the provider says, else for one permit of the slowest limit."""
    router.get("/quote").mock(
        side_effect=[httpx.Response(429, headers={"retry-after": "3"}), httpx.Response(429)]
    )
    guards = Guards()
    client = make(guards, limits=(Window(5, 60), Window(3, 1)), retry=RetryRule(attempts=2))
    with pytest.raises(RateLimitedError):
        await client.fetch(QUOTE, price)
    assert guards.pauses == [3, 12]


async def test_quota_headers_are_observed(router, make):
    """What the answer's headers say of the quota is handed on, with failures too."""
    router.get("/quote").mock(return_value=priced(headers={"x-left": "41"}))

    def budget(answer):
        return Budget(remaining=int(answer.headers["x-left"]))

    guards = Guards()
    await make(guards, budget=budget).fetch(QUOTE, price)
    assert guards.observed == [Budget(remaining=41)]


async def test_a_spent_quota_is_made_known(router, make):
    """A provider that says its quota is spent corrects the count to nothing left."""
    router.get("/quote").mock(return_value=priced())
    guards = Guards()
    client = make(guards, complaint=lambda _: QuotaExhaustedError("spent", provider="acme"))
    with pytest.raises(QuotaExhaustedError):
        await client.fetch(QUOTE, price)
    assert guards.observed == [Budget(remaining=0)]
    assert guards.verdicts == [None, None]


async def test_units_come_back_only_if_the_request_never_left(router, make):
    """A refused connection costs no quota; one that broke in the middle does."""
    router.get("/quote").mock(side_effect=[httpx.ConnectError("no"), httpx.ReadError("reset")])
    guards = Guards()
    with pytest.raises(OutageError):
        await make(guards, retry=RetryRule(attempts=2)).fetch(
            Request("/quote", cost=3, repeatable=True), price
        )
    assert (guards.taken, guards.given_back) == (6, [3])


@pytest.mark.parametrize(
    ("failure", "arrived_by"),
    [(None, 3.0), (httpx.ReadError("reset"), 3.0 + TRAVEL_S), (httpx.ConnectError("no"), 0.0)],
    ids=["answered", "sent", "never sent"],
)
async def test_the_limiter_learns_by_when_a_call_has_arrived(
    router, make, clock, failure, arrived_by
):
    """By its answer, or a little after it broke; one that never left counts from its grant."""

    async def after_three_seconds(_request):
        await clock.sleep(3)
        if failure is not None:
            raise failure
        return priced()

    router.get("/quote").mock(side_effect=after_three_seconds)
    guards = Guards()
    with suppress(OutageError):
        await make(guards, retry=RetryRule(attempts=1)).fetch(QUOTE, price)
    assert (guards.on_way, guards.ends) == (0, [arrived_by])


@pytest.mark.parametrize(
    ("guard", "error", "back"),
    [
        ("breaker", CircuitOpenError("open", provider="acme"), []),
        ("quota", QuotaExhaustedError("spent", provider="acme"), []),
        ("limiter", DeadlineError("late", provider="acme"), [1]),
    ],
)
async def test_a_refusal_on_the_way_leaves_nothing_behind(router, make, guard, error, back):
    """No request is sent, the permit and the units are back, and the next call succeeds."""
    route = router.get("/quote").mock(return_value=priced())
    guards = Guards({guard: error})
    client = make(guards)
    with pytest.raises(type(error)):
        await client.fetch(QUOTE, price)
    assert (route.call_count, guards.inside, guards.given_back) == (0, 0, back)
    assert client.stats().circuit_breaks == (guard == "breaker")
    assert await client.fetch(QUOTE, price) == 10.5


async def test_a_breaker_that_opened_during_the_wait_stops_the_request(router, make):
    """Who stood in line when the provider broke is not sent to it, and pays nothing."""
    route = router.get("/quote").mock(return_value=priced())
    guards = Guards()

    async def acquire(*, priority, deadline):
        guards.refuse["breaker"] = CircuitOpenError("open", provider="acme")

    guards.acquire = acquire
    with pytest.raises(CircuitOpenError):
        await make(guards).fetch(QUOTE, price)
    assert (route.call_count, guards.inside, guards.given_back) == (0, 0, [1])
    assert (guards.on_way, len(guards.ends)) == (0, 1)


async def test_a_retry_that_the_breaker_refuses_ends_as_its_cause(router, make):
    """The caller learns what broke the provider, not that it is left alone."""
    router.get("/quote").mock(return_value=httpx.Response(500))
    guards = Guards()
    client = make(guards)
    leave = guards.leave

    def opened(permit, ok):
        leave(permit, ok)
        if ok is False:
            guards.refuse["breaker"] = CircuitOpenError("open", provider="acme")

    guards.leave = opened
    with pytest.raises(OutageError):
        await client.fetch(QUOTE, price)
    assert client.stats().circuit_breaks == 1


async def test_the_same_question_asked_together_is_asked_once(router, make):
    """100 callers share one request, though each brings its own reader."""
    route = router.get("/quote").mock(return_value=priced())
    client = make()
    reads = [lambda answer, n=n: (price(answer), n) for n in range(100)]
    values = await asyncio.gather(*[client.fetch(QUOTE, read) for read in reads])
    assert values == [(10.5, n) for n in range(100)]
    assert (route.call_count, client.stats().requests) == (1, 1)


async def test_different_questions_are_not_shared(router, make):
    """Parameters, headers, methods and priorities tell questions apart."""
    got = router.get("/quote").mock(return_value=priced())
    posted = router.post("/quote").mock(return_value=priced())
    client = make()
    asked = [
        QUOTE,
        Request("/quote", {"symbol": "BBB"}),
        Request("/quote", {"symbol": "AAA"}, headers={"authorization": "other"}),
        Request("/quote", {"symbol": "AAA"}, method="POST", body=b"1"),
        Request("/quote", {"symbol": "AAA"}, method="POST", body=b"1"),
    ]
    calls = [client.fetch(request, price) for request in asked]
    calls.append(client.fetch(QUOTE, price, priority=Priority.BACKGROUND))
    await asyncio.gather(*calls)
    assert (got.call_count, posted.call_count) == (4, 2)


async def test_a_reader_that_fails_fails_its_own_caller(router, make):
    """Of two who share an answer, the one that cannot read it gets BadDataError."""
    router.get("/quote").mock(return_value=priced())
    client = make()
    values = await asyncio.gather(
        client.fetch(QUOTE, price),
        client.fetch(QUOTE, lambda _: int("x")),
        return_exceptions=True,
    )
    assert values[0] == 10.5
    assert isinstance(values[1], BadDataError)


async def test_a_leader_with_no_time_does_not_fail_those_who_have(router, make):
    """A caller that joined another asks again when that one's deadline ends the request."""
    calls = []

    async def slow_first(request):
        calls.append(request)
        return await never(request) if len(calls) == 1 else priced()

    router.get("/quote").mock(side_effect=slow_first)
    client = make()
    values = await asyncio.gather(
        client.fetch(QUOTE, price, deadline_s=0.05), client.fetch(QUOTE, price),
        return_exceptions=True,
    )  # fmt: skip
    assert isinstance(values[0], DeadlineError)
    assert values[1] == 10.5
    assert len(calls) == 2


async def test_no_more_than_the_stated_number_are_under_way(router, make):
    """The spec's concurrency bounds the requests at the provider, and all are served."""
    under_way = most = 0

    async def answer(_request):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return priced()

    router.get("/quote").mock(side_effect=answer)
    client = make(concurrency=4)
    asked = [Request("/quote", {"n": str(n)}) for n in range(20)]
    assert len(await asyncio.gather(*[client.fetch(r, price) for r in asked])) == 20
    assert most == 4


async def test_latency_and_error_share_are_of_the_last_exchanges(router, make):
    """Before the first they are unknown, not zero."""
    router.get("/quote").mock(side_effect=[priced(), httpx.Response(500), httpx.Response(404)])
    client = make(retry=RetryRule(attempts=1))
    assert (client.recent.latency_s(), client.recent.error_share()) == (None, None)
    for _ in range(3):
        try:
            await client.fetch(QUOTE, price)
        except (OutageError, NotFoundError):
            continue
    assert client.recent.error_share() == pytest.approx(1 / 3)
    assert client.recent.latency_s() == 0  # the clock stands still


@pytest.mark.parametrize("turns", range(14))
async def test_cancelled_at_any_await_it_leaves_no_trace(router, make, turns):
    """Permit, place and units are as before, unless the request left; the next call succeeds."""
    arrived = []

    async def answer(request):
        arrived.append(request)
        await asyncio.sleep(0)
        return priced()

    router.get("/quote").mock(side_effect=answer)
    guards = Guards()
    client = make(guards, concurrency=1)
    task = asyncio.ensure_future(client.fetch(QUOTE, price))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    for _ in range(10):
        await asyncio.sleep(0)
    assert (guards.inside, guards.on_way) == (0, 0)
    assert guards.taken - len(guards.given_back) == len(arrived)
    assert client.stats().requests <= len(arrived)
    assert await client.fetch(QUOTE, price) == 10.5


async def test_a_cancelled_retry_leaves_no_trace(router, make):
    """Cancelled while it waits to ask again, a call holds no permit and no place."""
    router.get("/quote").mock(side_effect=[httpx.Response(500), priced()])
    guards, still = Guards(), ManualClock()
    client = make(guards, concurrency=1)
    client._clock = still
    task = asyncio.ensure_future(client.fetch(QUOTE, price))
    while not still.slept:  # noqa: ASYNC110 - the clock has no event
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert guards.inside == 0
    assert (client.stats().retries, client._budget.left) == (0, 10)
    assert await client.fetch(QUOTE, price) == 10.5


@pytest.mark.parametrize("path", ["http://evil.test/x", "//evil.test/x", "quote?key=1", "a#b"])
def test_a_path_names_no_other_host(path):
    """A key is sent to the base URL's host alone."""
    with pytest.raises(ValueError, match="path"):
        Request(path)


def test_a_canonical_name_does_not_depend_on_order_or_show_headers():
    """The same question has one name; bodies and headers appear as digests."""
    one = Request("/q", {"a": "1", "b": "2 3"}, headers={"X": "secret"})
    two = Request("q", {"b": "2 3", "a": "1"}, headers={"x": "secret"})
    assert one.name("acme") == two.name("acme")
    assert one.name("acme").startswith("acme:/q?a=1&b=2+3#h")
    assert "secret" not in one.name("acme") + repr(one)
    assert Request("q", method="POST", body=b"1").name("a") != Request("q", method="POST").name("a")
