"""What every cached answer pays: a key in canonical text, a value packed, a time to live."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from ava.cache import codec
from ava.cache.freshness import MarketRule, ttl_at
from ava.cache.keys import key
from ava.cache.sessions import new_york


class _Quote(msgspec.Struct, frozen=True):
    symbol: str
    price: float
    volume: int


_QUOTES = [_Quote(f"S{number:04}", 100.0 + number, number) for number in range(50)]
_OPEN = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)


def test_key_of_two_parts(benchmark: Any) -> None:
    """A key as a service makes it for one symbol."""
    benchmark(lambda: key("quote", symbol="AAPL", span="1d"))


def test_key_with_a_list(benchmark: Any) -> None:
    """A key that holds a scan's sectors and symbols."""
    symbols = [quote.symbol for quote in _QUOTES]
    benchmark(lambda: key("scan", symbols=symbols, sectors={"tech", "energy"}, dte=30))


def test_encode_fifty(benchmark: Any) -> None:
    """Fifty quotes packed for Redis."""
    benchmark(codec.encode, _QUOTES)


def test_decode_fifty(benchmark: Any) -> None:
    """Fifty quotes read and checked."""
    raw = codec.encode(_QUOTES)
    benchmark(codec.decode, raw, list[_Quote])


def test_time_to_live(benchmark: Any) -> None:
    """How long a price may be kept at this moment of the exchange's day."""
    sessions, rule = new_york(), MarketRule(open_s=20, closed_s=300, volatile_s=10)
    benchmark(lambda: ttl_at(rule, _OPEN, sessions))
