"""Rows K4, K5, K8: how long values stay fresh, by the exchange's real sessions.

Counted on moments laid out over years, so nothing here rests on a clock except how long a question
takes. The exchange's calendar is held against the library it was made from, which brings pandas
and is needed for that one claim only.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from ava.cache import ttls
from ava.cache.freshness import CRYPTO, SCANS, STOCKS, MarketRule, ttl_at
from ava.cache.keys import key
from ava.cache.movement import SIGNIFICANT, MoveWatch
from ava.cache.sessions import AlwaysOpen, new_york
from perf.claim import Category, Plan, at_most, claim, counter_example, exactly
from perf.claims.document import caching
from perf.instruments import Arm, Bench, Count, Counted, Latency, Occurrence, Witness
from perf.lab import Unavailable
from perf.lab.lab import Lab
from perf.sample import Measurement

NY = ZoneInfo("America/New_York")
_QUESTIONS = 1000


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NY)


def _each_half_minute(first: date, days: int) -> Iterator[datetime]:
    start = datetime.combine(first, datetime.min.time(), NY).astimezone(UTC)
    return (start + timedelta(seconds=30 * n) for n in range(days * 2880))


# Rule, a moment in New York, volatile or not, and the ttl the documents ask for.
Row = tuple[str, MarketRule, str, bool, float]
MARKET: Sequence[Row] = (
    ("scans", SCANS, "2026-01-05T11:00", False, 60),
    ("scans", SCANS, "2026-01-05T20:00", False, 1800),
    ("stocks", STOCKS, "2026-01-05T11:00", True, 10),
    ("stocks", STOCKS, "2026-01-05T11:00", False, 20),
    ("stocks", STOCKS, "2026-01-05T20:00", True, 300),
    ("stocks", STOCKS, "2026-01-05T20:00", False, 300),
    ("crypto", CRYPTO, "2026-01-05T11:00", True, 10),
    ("crypto", CRYPTO, "2026-01-05T11:00", False, 30),
    ("crypto", CRYPTO, "2025-12-25T03:00", True, 10),
    ("crypto", CRYPTO, "2025-12-25T03:00", False, 30),
)


@claim(
    id="K5.ttl.{kind}.wrong",
    rows=["K5"],
    title="The time to live of {kind} is the documents' at each of their market states",
    source="000.5, 003.1",
    category=Category.CACHING,
    target=exactly(0, "wrong times"),
    cases=[{"kind": "scans"}, {"kind": "stocks"}, {"kind": "crypto"}],
)
def market_ttls(_lab: Lab, kind: str) -> Plan:
    """Ask for each state of the documents' table."""
    sessions = AlwaysOpen() if kind == "crypto" else new_york()

    def count() -> Counted:
        rows = [
            [moment, volatile, wanted, ttl_at(rule, _at(moment), sessions, volatile=volatile)]
            for name, rule, moment, volatile, wanted in MARKET
            if name == kind
        ]
        wrong = sum(got != wanted for *_, wanted, got in rows)
        columns = ["moment in New York", "volatile", "documents, s", "ours, s"]
        return Counted(wrong, {"table": {"columns": columns, "rows": rows}})

    return Count(count, "wrong times")


@claim(
    id="K5.sessions.wrong-days",
    rows=["K5"],
    title="Openings and closes of every day from 1990 to 2040 are those of exchange_calendars",
    source="product target: real sessions, holidays and early closes",
    category=Category.CACHING,
    target=exactly(0, "days"),
    profiles=("full",),
)
def sessions_against_library(_lab: Lab) -> Plan:
    """Compare all days of the table."""
    try:
        # It ships no type information, and brings pandas, which is needed here only.
        import exchange_calendars  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError:
        raise Unavailable(
            "exchange_calendars is not installed", "pip install exchange-calendars"
        ) from None
    first, last = date(1990, 1, 1), date(2040, 12, 31)

    def count() -> Counted:
        plan = exchange_calendars.get_calendar("XNYS", start=str(first), end=str(last)).schedule
        library = {
            day.date(): (opens.to_pydatetime(), closes.to_pydatetime())
            for day, opens, closes in zip(plan.index, plan["open"], plan["close"], strict=True)
        }
        days = [first + timedelta(n) for n in range((last - first).days + 1)]
        ours = {s.day: (s.opens, s.closes) for s in map(new_york().session_of, days) if s}
        wrong = sum(library.get(day) != ours.get(day) for day in days)
        return Counted(wrong, {"days": len(days), "sessions": len(library)})

    return Count(count, "days", repeats=1)


@claim(
    id="K5.sessions.question",
    rows=["K5"],
    title="Whether the market is open is known within two microseconds",
    source="product target",
    category=Category.LATENCY,
    target=at_most(2, "us"),
)
def session_question(_lab: Lab) -> Plan:
    """Ask about moments all over a year, a thousand a call."""
    rng = random.Random(5)  # noqa: S311 - spreads moments
    year = datetime(2026, 1, 1, tzinfo=UTC)
    moments = [year + timedelta(minutes=rng.randrange(525_600)) for _ in range(_QUESTIONS)]
    is_open = new_york().is_open

    def ask() -> int:
        return sum(map(is_open, moments))

    return _Each(Latency(Arm(ask), unit="us", facts={"questions_a_call": _QUESTIONS}))


@dataclass(frozen=True, slots=True)
class _Each:
    """A latency plan whose call asks many questions; the figure is one of them."""

    plan: Latency

    def measure(self, bench: Bench) -> Measurement:
        """Measure, and share each call's time out."""
        measured = self.plan.measure(bench)
        each = {
            name: [value / _QUESTIONS for value in values]
            for name, values in measured.samples.items()
        }
        return replace(measured, samples=each)


@claim(
    id="K5.refuted.fixed-hours",
    rows=["K5"],
    title="Fixed hours from 9:30 to 16:00 take a holiday and an early close for open market",
    source="003.1",
    category=Category.CACHING,
    target=counter_example(),
)
def fixed_hours(_lab: Lab) -> Plan:
    """Ask the document's rule on Independence Day and on the afternoon after Thanksgiving."""
    moments = ("2025-07-04T11:00", "2025-11-28T14:00", "2012-10-29T11:00")

    def example() -> Occurrence:
        rows = [[m, caching.is_market_open(_at(m)), new_york().is_open(_at(m))] for m in moments]
        columns = ["moment in New York", "fixed hours say open", "exchange was open"]
        return Occurrence(
            all(says and not was for _, says, was in rows),
            "the exchange was closed on each of these weekdays, within the fixed hours",
            {"table": {"columns": columns, "rows": rows}},
        )

    return Witness(example)


@claim(
    id="K5.opening.stale-moments",
    rows=["K5"],
    title="Nothing fetched while the market is closed is served once it is open",
    source="product target; 000.5 keeps closed-market scans 1800 s",
    category=Category.CACHING,
    target=exactly(0, "moments"),
)
def stale_at_opening(_lab: Lab) -> Plan:
    """Fetch at each half-minute of a week and see whether the value outlives the next opening."""

    def count() -> Counted:
        moments = list(_each_half_minute(date(2025, 11, 24), 7))
        ours = _outliving(moments, lambda at: ttl_at(SCANS, at, new_york()))
        document = _outliving(moments, caching.scan_ttl_s)
        facts = {
            "before": "000.5: 60 s from 9:30 to 16:00, else 1800 s",
            "after": "1800 s at most, and never past the next opening of the exchange",
            "moments": {"before": document, "after": ours},
            "week": "24 to 30 November 2025, Thanksgiving in it; scans, a fetch each half-minute",
        }
        return Counted(ours, facts)

    return Count(count, "moments")


def _outliving(moments: Sequence[datetime], ttl_s: Callable[[datetime], float]) -> int:
    """Count the moments out of session whose value is still fresh after the opening."""
    market = new_york()
    return sum(
        at + timedelta(seconds=ttl_s(at)) > market.next_open(at)
        for at in moments
        if not market.is_open(at)
    )


@claim(
    id="K4.moves.missed",
    rows=["K4"],
    title="Every move of half a percent since the last one invalidates what rests on the price",
    source="000.5, 003.2",
    category=Category.CACHING,
    target=exactly(0, "moves"),
)
def significant_moves(_lab: Lab) -> Plan:
    """Walk a price and compare with the definition, tick by tick."""

    def count() -> Counted:
        rng = random.Random(3)  # noqa: S311 - a price walk
        watch, price = MoveWatch(), 100.0
        reference, missed, reported, drift = price, 0, 0, 0
        watch.moved("X", price)
        for _ in range(20_000):
            before, price = price, price * (1 + rng.gauss(0, 0.0008))
            far = abs(price - reference) / reference >= SIGNIFICANT
            drift += far and abs(price - before) / before < SIGNIFICANT
            told = bool(watch.moved("X", price))
            missed += far != told
            reported += told
            reference = price if far else reference
        facts = {"ticks": 20_000, "moves": reported, "moves_made_of_smaller_steps": drift}
        return Counted(missed, facts)

    return Count(count, "moves")


TTLS = (
    ("PORTFOLIO_SUMMARY", 60, "001.2"),
    ("ACTIVITY", 30, "001.2"),
    ("PERFORMANCE", 300, "001.2"),
    ("ALERTS", 15, "001.2"),
    ("PORTFOLIO", 30, "001.1"),
    ("LIVE_GAMES", 30, "002.5"),
    ("SCAN", 300, "000.5"),
    ("PREMIUM_SCAN", 300, "000.15"),
    ("AI_RECOMMENDATION", 300, "000.23"),
)


@claim(
    id="K8.ttls.wrong",
    rows=["K8"],
    title="Dashboards, games, scans and recommendations are kept as long as the documents say",
    source="001.1, 001.2, 002.5, 000.23",
    category=Category.CACHING,
    target=exactly(0, "wrong times"),
)
def dashboard_ttls(_lab: Lab) -> Plan:
    """Compare each constant with its document."""

    def count() -> Counted:
        rows = [[name, source, ttl, getattr(ttls, name).ttl_s] for name, ttl, source in TTLS]
        columns = ["kind", "document", "documents, s", "ours, s"]
        wrong = sum(ours != wanted for *_, wanted, ours in rows)
        return Counted(wrong, {"table": {"columns": columns, "rows": rows}})

    return Count(count, "wrong times")


@claim(
    id="K2.refuted.hash-keys",
    rows=["K2"],
    title="A cache key made with hash() differs from process to process, so it is never shared",
    source="000.5",
    category=Category.CACHING,
    target=counter_example(),
)
def hash_keys(_lab: Lab) -> Plan:
    """Make the document's key of one scan in two interpreters, and ours beside it."""
    ours = "from ava.cache.keys import key; print(key('scan', {'AAPL', 'MSFT'}, dte=30))"

    def example() -> Occurrence:
        document = [_printed(caching.SCAN_KEY, seed) for seed in ("1", "2")]
        canonical = {_printed(ours, seed) for seed in ("1", "2")}
        return Occurrence(
            document[0] != document[1] and canonical == {key("scan", {"AAPL", "MSFT"}, dte=30)},
            "hash() of text is seeded anew in each process; canonical text is the same in both",
            {"keys": {"before": document, "after": sorted(canonical)}},
        )

    return Witness(example)


def _printed(code: str, seed: str) -> str:
    """Return what an interpreter with that hash seed prints."""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.strip()
