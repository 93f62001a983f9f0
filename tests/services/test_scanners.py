"""The scanners at simulated providers: keys, freshness, failures, moves and bounds."""

import subprocess
import sys
from datetime import date

import msgspec
import pytest
from market_desk import DAY, opened, paths, simulated

from ava.cache.codec import encode
from ava.cache.parcel import MAX_VALUE_BYTES
from ava.errors import BadValueError, OutageError
from ava.providers.market import OptionChain, OptionContract, Right
from ava.services import premium_scanner
from ava.services.chains import nearest, spread_over
from ava.services.option_scanner import OptionScanner, ScanQuestion
from ava.services.premium import Criteria, Strategy
from ava.services.premium_scanner import PremiumQuestion, PremiumScanner
from ava.services.scans import Scans
from perf.lab.providers import Fault, Kind

pytestmark = pytest.mark.anyio

DOWN = Fault(Kind.STATUS, times=None, status=503)
TECH, BANKS = "Information Technology", "Financials"


def failing(symbol):
    """Return the fault of one symbol's options."""
    return Fault(Kind.STATUS, times=None, status=503, path=f"*/options/{symbol}")


def question(*symbols, **how):
    return ScanQuestion(symbols=frozenset(symbols), **({"min_premium_pct": 0.1} | how))


def premiums(*symbols, **how):
    return PremiumQuestion(symbols=frozenset(symbols), **how)


@pytest.fixture(scope="module")
def simulation():
    """The providers of this module."""
    with simulated() as running:
        yield running


@pytest.fixture(autouse=True)
def well(simulation):
    """Providers without faults, which have counted nothing."""
    simulation.reset()


@pytest.fixture
async def core(simulation, tmp_path):
    """A platform with a brokerage."""
    async with opened(simulation, tmp_path, keys=("robinhood",)) as made:
        yield made


@pytest.fixture
def scanner(core):
    return core.service(OptionScanner)


@pytest.fixture
def premium(core):
    return core.service(PremiumScanner)


# The option scanner.


async def test_the_best_put_of_each_symbol_is_found(scanner):
    """At the expiry nearest to the day asked for, the best first."""
    found = (await scanner.scan(question("AAPL", "JPM", "MSFT", days=30))).value
    assert {one.symbol for one in found.results} == {"AAPL", "JPM", "MSFT"}
    assert [one.best.score for one in found.results] == sorted(
        (one.best.score for one in found.results), reverse=True
    )
    assert {one.best.strategy for one in found.results} == {Strategy.PUT}
    assert all(abs(one.best.days - 30) <= 8 for one in found.results)
    assert all(one.best.premium >= 0.001 for one in found.results)
    assert sum(found.dropped.values()) > 0


async def test_sectors_narrow_before_anything_is_asked(scanner, simulation):
    """A symbol of another sector costs no call for its chain."""
    found = (await scanner.scan(question("AAPL", "JPM", sectors=frozenset({BANKS})))).value
    assert [(one.symbol, one.sector) for one in found.results] == [("JPM", BANKS)]
    assert found.passed_over == {"sector": 1}
    assert not any("AAPL" in path for path in paths(simulation))


async def test_sectors_are_part_of_the_key(scanner, simulation):
    """Another sector is another scan, not a filter over a kept one."""
    both = question("AAPL", "JPM", sectors=frozenset({BANKS, TECH}))
    assert len((await scanner.scan(both)).value.results) == 2
    one = question("AAPL", "JPM", sectors=frozenset({TECH}))
    assert [r.symbol for r in (await scanner.scan(one)).value.results] == ["AAPL"]
    assert both.key != one.key != question("AAPL", "JPM").key


async def test_a_dear_stock_is_passed_over(scanner):
    """Apple costs more than a hundred here, and is asked no further."""
    found = (await scanner.scan(question("AAPL", "JPM", max_price=10.0))).value
    assert (found.results, found.passed_over) == ([], {"price": 2})


async def test_a_scan_lasts_a_minute_while_the_market_is_open(core, scanner, simulation):
    """And half an hour after it has closed, up to the opening."""
    fresh = await scanner.scan(question("AAPL"))
    assert 50 < fresh.fresh_s <= 60
    asked = paths(simulation)
    await scanner.scan(question("AAPL"))
    assert paths(simulation) == asked
    await core.clock.advance(8 * 3600)
    assert 1600 < (await scanner.scan(question("AAPL"))).fresh_s <= 1800


async def test_there_is_one_layer_of_cache(core, scanner):
    """The chains that a scan reads are not kept as well."""
    await scanner.scan(question("AAPL"))
    assert core.platform.cache.stats().items == 1


KEYS = """
from ava.services.option_scanner import ScanQuestion
from ava.services.premium_scanner import PremiumQuestion
symbols, sectors = frozenset({"AAPL", "MSFT", "JPM", "BRK.B"}), frozenset({"Energy", "Financials"})
print(ScanQuestion(symbols=symbols, sectors=sectors, max_price=50.0).key)
print(PremiumQuestion(symbols=symbols).key)
"""


def test_the_keys_are_the_same_in_every_process():
    """Whatever seed their hashes have, which orders sets."""
    told = {
        subprocess.run(
            [sys.executable, "-c", KEYS],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1
    assert "scan:" in told.pop()


async def test_an_unknown_symbol_is_reported_and_the_rest_is_kept(scanner, simulation):
    """Asking again would not change what the provider knows."""
    fresh = await scanner.scan(question("AAPL", "NOSUCH"))
    assert fresh.value.failed["NOSUCH"].kind == "not_found"
    assert fresh.fresh_s > 0
    asked = paths(simulation)
    await scanner.scan(question("AAPL", "NOSUCH"))
    assert paths(simulation) == asked


async def test_a_provider_that_fails_in_the_middle_is_reported(scanner, simulation):
    """What was found stands, what failed is named, and the next scan asks again."""
    simulation.fault("yahoo", failing("MSFT"))
    fresh = await scanner.scan(question("AAPL", "MSFT"))
    assert [one.symbol for one in fresh.value.results] == ["AAPL"]
    assert fresh.value.failed["MSFT"].kind == "outage"
    assert fresh.fresh_s == 0.0
    simulation.reset()
    whole = await scanner.scan(question("AAPL", "MSFT"))
    assert whole.value.failed == {}
    assert whole.fresh_s > 0


async def test_with_everything_down_the_failure_is_raised(scanner, simulation):
    """An empty list would say that there is nothing to sell."""
    simulation.fault("yahoo", DOWN)
    with pytest.raises(OutageError):
        await scanner.scan(question("AAPL", "MSFT"))


async def test_a_whole_old_scan_comes_before_a_partial_new_one(core, scanner, simulation):
    """For five minutes past its time, and it is said to be old."""
    await scanner.scan(question("AAPL", "MSFT"))
    await core.clock.advance(61)
    simulation.fault("yahoo", failing("MSFT"))
    fresh = await scanner.scan(question("AAPL", "MSFT"))
    assert (fresh.stale, fresh.value.failed) == (True, {})


async def test_five_calls_at_once_are_the_most(scanner, simulation):
    """However many symbols there are (000.7)."""
    symbols = ("AAPL", "AMZN", "GOOG", "JPM", "UNH", "BA", "XOM", "WMT", "NEE", "LIN", "AMT")
    simulation.set_latency(0.005)
    await scanner.scan(question(*symbols))
    simulation.set_latency(0.0)
    assert simulation.counts("yahoo").peak_at_once <= 5


# Moves.


async def test_a_move_drops_what_rests_on_it(core, scanner, simulation):
    """Half a per cent of Apple drops the scans that hold Apple, and no others."""
    scans = core.service(Scans)
    await scanner.scan(question("AAPL"))
    await scanner.scan(question("MSFT"))
    assert await scans.saw({"AAPL": 1.0}) is True  # far from what the scan saw
    assert await scans.saw({"AAPL": 1.004}) is False
    asked = paths(simulation)
    await scanner.scan(question("MSFT"))
    assert paths(simulation) == asked
    await scanner.scan(question("AAPL"))
    assert paths(simulation) != asked


async def test_a_scan_that_sees_a_move_is_kept_and_older_ones_are_not(core, scanner, simulation):
    """It is newer than the move, and other scans of the symbol are not."""
    scans = core.service(Scans)
    await scanner.scan(question("AAPL", "JPM"))
    await scans.saw({"AAPL": 1.0})
    old = question("AAPL", "JPM")
    await scanner.scan(old)  # sees a price that is not 1: significant
    fresh = await scanner.scan(question("AAPL"))
    assert fresh.fresh_s > 0
    asked = paths(simulation)
    await scanner.scan(question("AAPL"))
    await scanner.scan(old)
    assert paths(simulation) == asked
    await scans.saw({"AAPL": 1.0})
    seeing = await scanner.scan(question("AAPL", days=60))
    assert seeing.fresh_s > 0
    asked = paths(simulation)
    await scanner.scan(question("AAPL", days=60))
    assert paths(simulation) == asked  # the one that saw it is kept
    await scanner.scan(question("AAPL"))
    assert paths(simulation) != asked  # what was there before is gone


async def test_a_move_reaches_other_processes(simulation, tmp_path, redis_url, eventually):
    """They share the scan through Redis, and the one that sees the move has the newer one."""
    async with (
        opened(simulation, tmp_path / "a", redis=redis_url) as one,
        opened(simulation, tmp_path / "b", redis=redis_url) as other,
    ):
        theirs, ours = one.service(OptionScanner), other.service(OptionScanner)
        await theirs.scan(question("AAPL"))
        asked = paths(simulation)
        await ours.scan(question("AAPL"))
        assert paths(simulation) == asked
        await other.service(Scans).saw({"AAPL": 1.0})
        assert (await ours.scan(question("AAPL", days=60))).fresh_s > 0  # sees the move
        asked = paths(simulation)
        await ours.scan(question("AAPL", days=60))
        assert paths(simulation) == asked

        async def scans_again():
            await theirs.scan(question("AAPL"))
            return paths(simulation) != asked

        await eventually(scans_again)


async def test_a_partial_scan_is_not_shared(simulation, tmp_path, redis_url):
    """The next process asks for itself what this one could not."""
    simulation.fault("yahoo", failing("MSFT"))
    async with opened(simulation, tmp_path / "a", redis=redis_url) as one:
        partial = await one.service(OptionScanner).scan(question("AAPL", "MSFT"))
        assert list(partial.value.failed) == ["MSFT"]
    simulation.reset()
    async with opened(simulation, tmp_path / "b", redis=redis_url) as other:
        whole = await other.service(OptionScanner).scan(question("AAPL", "MSFT"))
        assert whole.value.failed == {}


# The premium scanner.


async def test_premiums_are_ranked_and_counted(premium):
    """More qualify than are shown, and what does not is counted by its reason."""
    fresh = await premium.scan(premiums("AAPL", "JPM", "MSFT"), limit=2)
    found = fresh.value
    assert len(found.candidates) == 2
    assert found.found > 2
    assert found.candidates[0].score >= found.candidates[1].score
    assert found.dropped["delta"] > 0
    assert 270 <= fresh.fresh_s <= 300


async def test_a_limit_is_no_part_of_the_scan(premium, simulation):
    """Whoever wants fewer gets the beginning of the same."""
    many = (await premium.scan(premiums("AAPL", "JPM"), limit=100)).value.candidates
    asked = paths(simulation)
    assert (await premium.scan(premiums("AAPL", "JPM"), limit=1)).value.candidates == many[:1]
    assert paths(simulation) == asked


@pytest.mark.parametrize("strategy", Strategy)
async def test_every_candidate_meets_the_criteria(premium, strategy):
    """All of them, on a chain that has volumes missing and bids of nothing."""
    wanted = Criteria(min_delta=0.2, max_delta=0.4, min_days=7, max_days=40, max_spread=0.2)
    asked = premiums("AAPL", "BA", "XOM", strategy=strategy, criteria=wanted)
    found = (await premium.scan(asked)).value
    assert found.candidates
    for one in found.candidates:
        assert 0.2 <= abs(one.delta) <= 0.4
        assert 7 <= one.days <= 40
        assert one.spread <= 0.2
        assert one.open_interest >= 50
        assert one.volume >= 100
        assert (one.if_called is None) is (strategy is Strategy.PUT)


async def test_the_view_by_expiry_is_the_same_scan(premium, simulation):
    """Grouped by day, nearest first, at no further call."""
    scan = (await premium.scan(premiums("AAPL", "JPM"))).value
    asked = paths(simulation)
    view = (await premium.by_expiry(premiums("AAPL", "JPM"), limit=1)).value
    assert paths(simulation) == asked
    assert {e.expires for e in view.expiries} == {c.expires for c in scan.candidates}
    assert [e.days for e in view.expiries] == sorted(e.days for e in view.expiries)
    assert all(len(e.candidates) == 1 for e in view.expiries)
    assert view.expiries[0].best_annualised == max(
        c.annualised for c in scan.candidates if c.expires == view.expiries[0].expires
    )


async def test_a_scan_too_wide_is_refused(premium, simulation):
    """Before the first call."""
    with pytest.raises(BadValueError, match="500 calls"):
        await premium.scan(premiums(*(f"S{n}" for n in range(100)), expiries=12))
    assert paths(simulation) == {}


async def test_a_symbol_that_failed_is_not_half_shown(premium, simulation):
    """Its first expiry was read; the others were not."""
    simulation.fault("yahoo", Fault(Kind.STATUS, times=None, status=503, path="*/options/JPM"))
    found = (await premium.scan(premiums("AAPL", "JPM"))).value
    assert {one.symbol for one in found.candidates} == {"AAPL"}
    assert list(found.failed) == ["JPM"]


def wide_chain(symbol, number):
    """Return a chain of thirty-four puts of one expiry, all of which qualify."""
    expires = date.fromordinal(DAY.toordinal() + 7 * number + 4)
    contracts = tuple(
        OptionContract(
            symbol=f"{symbol}{number:02}{strike:04}",
            underlying=symbol,
            right=Right.PUT,
            strike=90 + strike / 100,
            expires=expires,
            bid=1.0,
            ask=1.05,
            volume=1000,
            open_interest=1000,
            implied_volatility=0.5,
        )
        for strike in range(0, 100, 3)
    )
    return OptionChain(
        underlying=symbol, underlying_price=100.0, expirations=(expires,), contracts=contracts
    )


async def test_a_scan_is_small_however_much_qualifies(core):
    """Sixteen thousand candidates are counted, a thousand kept, and Redis takes them."""
    wanted = Criteria(min_delta=0.0, max_delta=1.0, max_days=365)
    run = premium_scanner._Run(premiums(criteria=wanted), core.clock.now(), {})
    for symbol in (f"SYMBOL{n:02}" for n in range(40)):
        run.choose(symbol, wide_chain(symbol, 0))
        for number in range(12):
            run.read(symbol, wide_chain(symbol, number))
    scan = run.result({})
    assert scan.found == 40 * 12 * 34
    assert len(scan.candidates) == premium_scanner.MOST
    assert len(encode(scan)) < MAX_VALUE_BYTES
    assert msgspec.json.decode(msgspec.json.encode(scan), type=premium_scanner.PremiumScan) == scan


# Choosing expiries.


@pytest.mark.parametrize(("days", "chosen"), [(0, 4), (7, 4), (8, 11), (30, 25), (999, 25)])
def test_the_nearest_expiry_is_chosen(days, chosen):
    """The earlier of two, and never one that is past."""
    expiries = [date.fromordinal(DAY.toordinal() + n) for n in (-3, 4, 11, 25)]
    assert (nearest(expiries, DAY, days) - DAY).days == chosen
    assert nearest(expiries[:1], DAY, days) is None


@pytest.mark.parametrize(
    ("most", "chosen"),
    [
        (1, [0]),
        (2, [0, 6]),
        (3, [0, 3, 6]),
        (4, [0, 2, 4, 6]),
        (7, list(range(7))),
        (9, list(range(7))),
    ],
)
def test_expiries_are_spread_over_those_there_are(most, chosen):
    """From the first to the last, evenly."""
    expiries = [date.fromordinal(DAY.toordinal() + n) for n in range(7)]
    assert [(day - DAY).days for day in spread_over(reversed(expiries), most)] == chosen
