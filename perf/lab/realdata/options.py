"""End-of-day option chains: AAPL around its split of June 2014, and a sample of SPX.

A quote without any price is kept out: no market is not a price of zero. So is a pair of a call and
a put that disagrees with the underlying by more than a quarter of its price: after the split the
AAPL file lists every old strike beside the new ones, and only parity shows it. Greeks computed at
a volatility of zero mean nothing and become unknown with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from perf.lab.realdata.reader import Loaded, Record, Rejected, read, records, sift

_TYPES = {"C": "call", "P": "put", "call": "call", "put": "put"}
_TOLERANCE = Decimal("0.25")


@dataclass(frozen=True, slots=True)
class OptionQuote:
    """One option on one day; None where the file does not say.

    `close` is the day's last price or quote, `underlying` the price the option refers to. Greeks
    are as the source computes them.
    """

    line: int
    symbol: str
    day: date
    expiration: date
    strike: Decimal
    type: str
    underlying: Decimal
    close: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    volume: int
    open_interest: int | None
    implied_volatility: float | None
    delta: float | None
    gamma: float | None
    theta: float | None
    vega: float | None


Identity = tuple[str, date, date, Decimal, str]


def spx_sample(path: Path) -> Loaded[OptionQuote]:
    """Load `options_spx_sample_2014_2015.csv`; raise DataFileError."""
    columns = (
        "underlying underlying_last type expiration quotedate strike bid ask volume openinterest "
        "impliedvol delta gamma theta vega"
    )
    return read(path, columns.split(), _spx, _identity)


def aapl_chain(path: Path) -> Loaded[OptionQuote]:
    """Load `options_chain_eod_aapl_201406.csv.gz`; raise DataFileError.

    The rows without expiry are the underlying's own and become each day's `underlying`.
    """
    columns = (
        "underlying quote_date expiry strike right close volume open_interest implied_volatility "
        "delta gamma vega theta"
    )
    lines = list(records(path, columns.split()))
    options = [line for line in lines if line.values.get("expiry", "").strip()]
    spots = sift(
        (line for line in lines if not line.values.get("expiry", "").strip()), _spot, _spot_day
    )
    closes = dict(spots.rows)
    loaded = sift(options, lambda record: _aapl(record, closes), _identity)
    return _in_parity(Loaded(loaded.rows, spots.rejected + loaded.rejected))


def _spx(record: Record) -> OptionQuote:
    bid, ask = record.rounded("bid"), record.rounded("ask")
    if ask <= 0:
        raise record.refuse("ask", "is 0: there is no market")
    if bid > ask:
        raise record.refuse("bid", "is above the ask")
    return _quote(
        record,
        names=("quotedate", "expiration", "type", "openinterest", "impliedvol"),
        underlying=record.price("underlying_last"),
        prices=(None, bid, ask),
    )


def _aapl(record: Record, spots: Mapping[date, Decimal]) -> OptionQuote:
    day = record.day("quote_date")
    if day not in spots:
        raise record.refuse("quote_date", "has no price of the underlying")
    close = record.rounded("close")
    if close <= 0:
        raise record.refuse("close", "is 0: there is no price")
    return _quote(
        record,
        names=("quote_date", "expiry", "right", "open_interest", "implied_volatility"),
        underlying=spots[day],
        prices=(close, None, None),
    )


def _quote(
    record: Record,
    *,
    names: tuple[str, str, str, str, str],
    underlying: Decimal,
    prices: tuple[Decimal | None, Decimal | None, Decimal | None],
) -> OptionQuote:
    day, expiration, kind, interest, implied = names
    if record.text(kind) not in _TYPES:
        raise record.refuse(kind, "is neither call nor put")
    if record.day(expiration) < record.day(day):
        raise record.refuse(expiration, "is before the day of the quote")
    if record.exact("strike", 2) <= 0:
        raise record.refuse("strike", "is not above 0")
    volatility = record.real(implied)
    greeks = [record.real(name) for name in ("delta", "gamma", "theta", "vega")]
    known = volatility > 0
    delta, gamma, theta, vega = greeks if known else (None,) * 4
    close, bid, ask = prices
    return OptionQuote(
        line=record.line,
        symbol=record.text("underlying"),
        day=record.day(day),
        expiration=record.day(expiration),
        strike=record.exact("strike", 2),
        type=_TYPES[record.text(kind)],
        underlying=underlying,
        close=close,
        bid=bid,
        ask=ask,
        volume=record.count("volume"),
        open_interest=record.count(interest) if record.known(interest) else None,
        implied_volatility=volatility if known else None,
        delta=delta,
        gamma=gamma,
        theta=theta,
        vega=vega,
    )


def _spot(record: Record) -> tuple[date, Decimal]:
    return record.day("quote_date"), record.price("close")


def _spot_day(spot: tuple[date, Decimal]) -> date:
    return spot[0]


def _identity(quote: OptionQuote) -> Identity:
    return quote.symbol, quote.day, quote.expiration, quote.strike, quote.type


def _in_parity(loaded: Loaded[OptionQuote]) -> Loaded[OptionQuote]:
    """Keep out the pairs of call and put that disagree with their underlying."""
    by_identity = {_identity(quote): quote for quote in loaded.rows}
    rows, rejected = [], list(loaded.rejected)
    for quote in loaded.rows:
        contract = _identity(quote)[:4]
        call, put = (by_identity.get((*contract, kind)) for kind in ("call", "put"))
        if call and put and _disagree(call, put):
            rejected.append(_not_in_parity(quote))
        else:
            rows.append(quote)
    return Loaded(rows, tuple(sorted(rejected, key=_line)))


def _disagree(call: OptionQuote, put: OptionQuote) -> bool:
    if call.close is None or put.close is None:
        return False
    gap = call.close - put.close - (call.underlying - call.strike)
    return abs(gap) > _TOLERANCE * call.underlying


def _not_in_parity(quote: OptionQuote) -> Rejected:
    reason = "is on another footing than the underlying: call and put break parity"
    return Rejected(quote.line, "strike", str(quote.strike), reason)


def _line(rejected: Rejected) -> int:
    return rejected.line
