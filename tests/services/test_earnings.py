"""The calendar of earnings: one call, one statement, and reports that are the same ones later."""

from datetime import date, timedelta

import pytest
from sports_platform import DAY, opened, simulated

from ava.providers.market import EarningsDate, ReportTime
from ava.services.earnings import Earnings, _rows
from perf.lab.providers import Fault, Kind

pytestmark = pytest.mark.anyio

PERIOD = date(2025, 12, 31)
REPORT = date(2026, 1, 29)


@pytest.fixture(scope="module")
def simulation():
    """The providers of this module."""
    with simulated() as running:
        yield running


@pytest.fixture
async def core(simulation, platform_dsn, tmp_path):
    """A platform with an empty calendar."""
    simulation.reset()
    simulation.fault(None)
    async with opened(simulation, platform_dsn, tmp_path) as made:
        yield made


@pytest.fixture
def store(core):
    """Store reports as a sync does, and return how many were new and changed."""
    service = core.service(Earnings)

    async def put(*reports):
        return await service._store(_rows(reports, DAY, DAY + timedelta(days=60)))

    return put


def report(symbol="AAPL", day=REPORT, **more):
    """Return a report that is due."""
    return EarningsDate(symbol=symbol, day=day, **more)


async def stored(core):
    """Return the calendar."""
    return await core.database.fetch(
        "SELECT symbol, report_date, fiscal_period_end, time_of_day, eps_estimate, eps_actual"
        " FROM earnings ORDER BY symbol, report_date"
    )


async def test_a_sync_is_one_call(core, simulation):
    """Finnhub tells of all companies at once."""
    done = await core.service(Earnings).sync()
    assert simulation.counts("finnhub").requests == 1
    assert done.provider == "finnhub"
    assert done.added == done.reports > 100


async def test_a_second_sync_changes_nothing(core):
    """The same calendar again is the same rows."""
    await core.service(Earnings).sync()
    again = await core.service(Earnings).sync()
    assert (again.added, again.changed) == (0, 0)


async def test_alpha_vantage_answers_where_finnhub_does_not(core, simulation):
    """And it says who answered."""
    simulation.fault("finnhub", Fault(Kind.STATUS, times=None))
    done = await core.service(Earnings).sync()
    assert done.provider == "alpha_vantage"
    assert done.added > 0


async def test_a_report_that_moves_is_the_same_report(core, store):
    """Half a quarter is the furthest that a date is taken for another one."""
    assert await store(report()) == (1, 0)
    assert await store(report(day=REPORT + timedelta(days=6))) == (0, 1)
    (row,) = await stored(core)
    assert row["report_date"] == REPORT + timedelta(days=6)


async def test_the_period_is_learnt_from_who_knows_it(core, store):
    """Finnhub names no period and Alpha Vantage does: it is one report, and keeps its period."""
    await store(report(eps_estimate=2.5, time=ReportTime.AFTER_CLOSE))
    assert await store(report(fiscal_end=PERIOD)) == (0, 1)
    assert await store(report()) == (0, 0)
    (row,) = await stored(core)
    assert row["fiscal_period_end"] == PERIOD
    assert row["time_of_day"] == "post-market"
    assert float(row["eps_estimate"]) == 2.5


async def test_two_periods_are_two_reports(core, store):
    """However near their dates are."""
    await store(report(fiscal_end=PERIOD))
    late = report(day=REPORT + timedelta(days=20), fiscal_end=date(2026, 3, 31))
    assert await store(late) == (1, 0)
    assert len(await stored(core)) == 2


async def test_the_calendar_is_listed_in_pages(core, store):
    """Soonest first, and the second page goes on where the first ended."""
    row = await core.database.fetch_one("SELECT CURRENT_DATE AS today")
    service = core.service(Earnings)
    reports = [report(f"S{n}", row["today"] + timedelta(days=n)) for n in range(3)]
    await service._store(_rows(reports, row["today"], row["today"] + timedelta(days=9)))
    first = (await service.upcoming(days=7, limit=2)).value
    rest = (await service.upcoming(days=7, limit=2, cursor=first.next_cursor)).value
    assert [r.symbol for r in [*first.items, *rest.items]] == ["S0", "S1", "S2"]
