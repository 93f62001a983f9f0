"""The gateway: one client a provider, failover, health and spend."""

import asyncio

import pytest

from ava.clock import ManualClock
from ava.errors import (
    AuthenticationError,
    BadDataError,
    CircuitOpenError,
    DeadlineError,
    NotFoundError,
    OutageError,
    PlanError,
    QuotaExhaustedError,
    RateLimitedError,
    SettingsError,
)
from ava.net.breaker import BreakerState
from ava.net.client import Request
from ava.net.gateway import Deployment, Gateway
from ava.net.ledger import LedgerQuota
from ava.net.limiter import LocalLimiter
from ava.net.shared_limiter import SharedLimiter
from ava.net.shared_quota import SharedQuota
from ava.net.spec import Period, ProviderSpec, QuotaRule, RetryRule, Timeouts, Window
from ava.redis import RedisLink
from ava.section import Secret
from ava.settings import ProviderKeys, RedisSettings

pytestmark = pytest.mark.anyio

SPEC = ProviderSpec("acme", "http://127.0.0.1:1", limits=(Window(60, 60),), concurrency=3)
METERED = ProviderSpec("metered", "http://127.0.0.1:1", quota=QuotaRule(25, Period.DAY))
KEYED = ProviderSpec("finnhub", "http://127.0.0.1:1")


@pytest.fixture
def clock():
    """A clock that jumps over every wait."""
    return ManualClock(jump=True)


@pytest.fixture
async def gateway(tmp_path, clock):
    """A gateway without keys and without Redis."""
    made = Gateway(ProviderKeys(), ledger=tmp_path / "state" / "quotas", clock=clock)
    yield made
    await made.aclose()


def answering(value):
    """Return a question that is answered."""

    async def ask():
        return value

    return ask


def failing(error):
    """Return a question that fails."""

    async def ask():
        raise error

    return ask


async def test_there_is_one_client_a_provider(gateway):
    """The same spec gives the same client; another under its name is refused."""
    assert gateway.client(SPEC) is gateway.client(SPEC)
    with pytest.raises(ValueError, match="another spec"):
        gateway.client(ProviderSpec("acme", "http://elsewhere.test"))


async def test_a_provider_without_its_key_is_off(gateway):
    """The error names the setting; a provider that needs none is on."""
    with pytest.raises(AuthenticationError, match="AVA_KEY_FINNHUB"):
        gateway.client(KEYED)
    assert (gateway.offers("finnhub"), gateway.offers("yahoo")) == (False, True)
    with_key = Gateway(ProviderKeys(finnhub=Secret("k")))
    assert with_key.offers("finnhub")
    assert with_key.client(KEYED).spec == KEYED
    await with_key.aclose()


async def test_without_redis_limits_and_quotas_are_local(gateway):
    """Speed is limited in this process, the quota in a file."""
    assert isinstance(gateway.client(SPEC).gate.limiter, LocalLimiter)
    assert isinstance(gateway.client(METERED).gate.quota, LedgerQuota)


async def test_with_redis_limits_are_shared(redis_url, tmp_path):
    """Quotas too, where several machines use the key."""
    link = RedisLink.open(RedisSettings(url=Secret(redis_url), timeout_s=60))
    gateways = [
        Gateway(
            ProviderKeys(), link=link, ledger=tmp_path / "q", deployment=Deployment(4, machines)
        )
        for machines in (1, 2)
    ]
    assert isinstance(gateways[0].client(SPEC).gate.limiter, SharedLimiter)
    quotas = [gateway.client(METERED).gate.quota for gateway in gateways]
    assert [type(quota) for quota in quotas] == [LedgerQuota, SharedQuota]
    for gateway in gateways:
        await gateway.aclose()
    await link.aclose()


async def test_a_quota_needs_a_ledger():
    """A count that ends with the process is no count: the error names the setting."""
    with pytest.raises(SettingsError, match="AVA_STATE_DIRECTORY"):
        Gateway(ProviderKeys()).client(METERED)


async def test_urls_and_pace_place_a_provider_in_a_simulator(tmp_path):
    """The base URL is replaced by name, and limits run as fast as the simulator's clock."""
    gateway = Gateway(ProviderKeys(), urls={"acme": "http://127.0.0.1:9/acme"}, pace=10)
    spec = gateway.client(SPEC).spec
    assert (spec.base_url, spec.limits) == ("http://127.0.0.1:9/acme", (Window(60, 6),))
    await gateway.aclose()


async def test_health_tells_unused_degraded_and_down(gateway):
    """A provider that cannot be reached is down once its breaker has opened."""
    client = gateway.client(SPEC)
    assert gateway.health()["acme"].state == "unused"
    assert gateway.health()["acme"].latency_s is None
    for _ in range(2):
        with pytest.raises(OutageError):
            await client.fetch(Request("/x", repeatable=False), len)
    assert gateway.health()["acme"].state == "degraded"
    for _ in range(3):
        with pytest.raises(OutageError):
            await client.fetch(Request("/x", repeatable=False), len)
    health = gateway.health()["acme"]
    assert (health.state, health.breaker, health.error_share) == ("down", BreakerState.OPEN, 1.0)
    assert health.stats.failures == 5
    with pytest.raises(CircuitOpenError):
        await client.fetch(Request("/x"), len)


async def test_spend_tells_what_is_used_and_when_there_is_more(gateway):
    """A request that never left costs nothing; providers without a quota are not there."""
    gateway.client(SPEC)
    quota = gateway.client(METERED).gate.quota
    await quota.take(3)
    with pytest.raises(OutageError):
        await gateway.client(METERED).fetch(Request("/x", repeatable=False), len)
    spend = await gateway.spend()
    assert list(spend) == ["metered"]
    assert (spend["metered"].limit, spend["metered"].used, spend["metered"].left) == (25, 3, 22)
    assert spend["metered"].resets_at.isoformat() == "2026-01-06T00:00:00+00:00"


async def test_the_first_who_answers_is_named(gateway):
    """The answer says who gave it, and who was asked in vain and why."""
    outage = OutageError("down", provider="a")
    asked = [("a", failing(outage)), ("b", answering(7)), ("c", answering(8))]
    answer = await gateway.first("price of X", asked)
    assert (answer.provider, answer.value, answer.passed) == ("b", 7, {"a": outage})


@pytest.mark.parametrize(
    ("errors", "kind"),
    [
        ([NotFoundError, NotFoundError], NotFoundError),
        ([NotFoundError, AuthenticationError], NotFoundError),
        ([NotFoundError, OutageError], OutageError),
        ([NotFoundError, QuotaExhaustedError], QuotaExhaustedError),
        ([PlanError, AuthenticationError], PlanError),
        ([AuthenticationError, BadDataError, RateLimitedError], RateLimitedError),
    ],
)
async def test_when_all_fail_the_most_telling_error_names_every_reason(gateway, errors, kind):
    """That there is no such thing is told only where nobody failed who may know better later."""
    asked = [
        (f"p{n}", failing(error(f"reason {n}", provider=f"p{n}"))) for n, error in enumerate(errors)
    ]
    with pytest.raises(kind, match="nobody answered 'price of X'") as caught:
        await gateway.first("price of X", asked)
    assert all(f"p{n}: reason {n}" in str(caught.value) for n in range(len(errors)))
    assert len(caught.value.__cause__.exceptions) == len(errors)


async def test_the_original_errors_are_left_as_they_were(gateway):
    """The summary is an error of its own: the provider's may be shared by others."""
    error = RateLimitedError("slow", provider="a", retry_after_s=9)
    other = RateLimitedError("slower", provider="b", retry_after_s=3)
    with pytest.raises(RateLimitedError) as caught:
        await gateway.first("x", [("a", failing(error)), ("b", failing(other))])
    assert caught.value.retry_after_s == 3
    assert (str(error), error.retry_after_s) == ("slow", 9)


async def test_a_provider_that_hangs_leaves_time_for_the_next(tmp_path):
    """Each gets an equal part of what is left, so the last one is always asked."""

    async def never():
        await asyncio.Event().wait()

    gateway = Gateway(ProviderKeys())
    answer = await gateway.first("x", [("a", never), ("b", answering(1))], deadline_s=0.1)
    assert (answer.provider, type(answer.passed["a"])) == ("b", DeadlineError)


async def test_a_provider_that_is_paused_too_long_is_passed_over(gateway, clock):
    """It is not even asked; one whose pause ends in time is."""
    calls = []

    async def ask():
        calls.append(1)
        return 1

    gateway.client(SPEC).gate.limiter.pause(20)
    answer = await gateway.first("x", [("acme", ask), ("b", answering(2))], deadline_s=30)
    assert (answer.provider, calls) == ("b", [])
    answer = await gateway.first("x", [("acme", ask), ("b", answering(2))], deadline_s=60)
    assert (answer.provider, calls) == ("acme", [1])


async def test_a_line_that_is_too_long_is_left_at_once(gateway, clock):
    """The limiter knows the caller's share of the time, and refuses without waiting it out."""
    spec = ProviderSpec("slow", "http://127.0.0.1:1", limits=(Window(1, 100),))
    client = gateway.client(spec)
    await client.gate.limiter.acquire()

    async def ask():
        return await client.fetch(Request("/x"), len)

    answer = await gateway.first("x", [("slow", ask), ("b", answering(2))], deadline_s=30)
    assert (answer.provider, clock.slept) == ("b", [])


async def test_a_foreign_error_is_not_hidden(gateway):
    """A mistake in an adapter is no reason to ask somebody else."""
    with pytest.raises(KeyError):
        await gateway.first("x", [("a", failing(KeyError("bug"))), ("b", answering(1))])


async def test_nobody_to_ask_is_a_mistake(gateway):
    """An empty list of providers is refused by name of the question."""
    with pytest.raises(ValueError, match="price of X"):
        await gateway.first("price of X", [])


async def test_closing_ends_the_pools(tmp_path):
    """A client of a closed gateway asks nobody."""
    gateway = Gateway(ProviderKeys())
    spec = ProviderSpec("acme", "http://127.0.0.1:1", retry=RetryRule(1), timeouts=Timeouts(1, 1))
    client = gateway.client(spec)
    await gateway.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await client.fetch(Request("/x"), len)
