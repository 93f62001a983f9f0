"""One option as a seller sees it: a candidate with its figures, or the reason why it is none.

Plain functions of a contract, its underlying and the criteria; nothing is fetched here. Two ways to
sell: a put secured by cash, and a call covered by shares. The seller gets the bid, so that is the
premium, less what is intrinsic: the part of an in-the-money option's price that is handed over
again is no income. Quotes that nobody can trade on (no bid, bid above ask, no trade for days, a
call dearer than its stock) are dropped. Unknown is None, and a criterion that needs the unknown is
not met.

Defaults are those of free projects: deltas 0.15 to 0.30 and the score of options-wheel, the floors
of open interest and volume of document 000.7.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct

from ava.providers.market import OptionChain, OptionContract, Right
from ava.services.pricing import YEAR_S, Chances, chances

SHARES = 100  # a contract's
NEW_YORK = ZoneInfo("America/New_York")
CLOSE = time(16)
LEAST_VOLATILITY = 0.01  # Yahoo sends 0.00001 after hours for "unknown"
_DIGITS = 6


class Strategy(StrEnum):
    """What is sold."""

    PUT = "cash_secured_put"
    CALL = "covered_call"

    @property
    def right(self) -> Right:
        """The right that its contracts give."""
        return Right.PUT if self is Strategy.PUT else Right.CALL


class Drop(StrEnum):
    """Why a contract is no candidate; the first reason found."""

    GARBLED = "garbled"
    ZERO_BID = "zero_bid"
    CROSSED = "crossed"
    STALE = "stale"
    EXPIRED = "expired"
    NO_VOLATILITY = "no_volatility"
    ARBITRAGE = "arbitrage"
    NO_TIME_VALUE = "no_time_value"
    DAYS = "days_to_expiry"
    DELTA = "delta"
    OPEN_INTEREST = "open_interest"
    VOLUME = "volume"
    SPREAD = "spread"
    CREDIT = "credit"
    COLLATERAL = "collateral"
    PREMIUM = "premium"
    EARNINGS = "earnings"


class Criteria(Struct, frozen=True, kw_only=True):
    """What a seller wants; shares and yields are fractions, money is dollars.

    `max_spread` is of the mid price, `max_collateral` and `min_credit` are of a contract of 100
    shares and of one share, as both are usually quoted. `trade_days` is how old the last trade may
    be, where it is known.
    """

    min_days: int = 0
    max_days: int = 45
    min_delta: float = 0.15
    max_delta: float = 0.30
    min_open_interest: int = 50
    min_volume: int = 100
    max_spread: float = 0.10
    min_premium: float = 0.0
    min_credit: float = 0.05
    max_collateral: float | None = None
    skip_earnings: bool = False
    trade_days: float = 5.0


@dataclass(frozen=True, slots=True)
class Underlying:
    """A stock at a moment; `volatility_rank` is where its implied one stands within its year."""

    symbol: str
    price: float
    now: datetime
    reports_at: datetime | None = None
    volatility_rank: float | None = None


class Candidate(Struct, frozen=True, kw_only=True):
    """An option worth selling. Yields, deltas and probabilities are fractions.

    `premium` is time value over what is tied up: the strike of a put, the shares' price of a call.
    `volatility_rank` is the stock's, within its year. `cushion` is how far it may fall before the
    position loses. `if_called` is a call's return where the shares are handed over, None for a put.
    """

    symbol: str
    contract: str
    strategy: Strategy
    expires: date
    days: int
    strike: float
    spot: float
    bid: float
    ask: float
    spread: float
    credit: float
    collateral: float
    premium: float
    annualised: float
    delta: float
    volatility: float
    volatility_rank: float | None
    probability_otm: float
    break_even: float
    cushion: float
    if_called: float | None
    earnings_before_expiry: bool | None
    open_interest: int | None
    volume: int | None
    score: float


def judge(
    contract: OptionContract, strategy: Strategy, under: Underlying, criteria: Criteria
) -> Candidate | Drop:
    """Return the candidate that a contract is, or why it is none."""
    quote = _quote(contract, under.now, criteria)
    if isinstance(quote, Drop):
        return quote
    odds = _odds(contract, under)
    if isinstance(odds, Drop):
        return odds
    days = days_to(contract.expires, under.now)
    refused = _refused(contract, quote, odds, days, criteria)
    if refused is not None:
        return refused
    candidate = _candidate(contract, strategy, under, odds, quote)
    return _unwanted(candidate, criteria) or candidate


def sift(
    chain: OptionChain, strategy: Strategy, under: Underlying, criteria: Criteria
) -> tuple[list[Candidate], Counter[Drop]]:
    """Return the candidates among a chain's contracts of that right, and why others are none."""
    found: list[Candidate] = []
    dropped: Counter[Drop] = Counter()
    for contract in chain.contracts:
        if contract.right is strategy.right:
            judged = judge(contract, strategy, under, criteria)
            if isinstance(judged, Drop):
                dropped[judged] += 1
            else:
                found.append(judged)
    return found, dropped


def underlying_of(
    symbol: str, chain: OptionChain, now: datetime, volatility_rank: float | None = None
) -> Underlying | None:
    """Return the stock as its chain tells of it, None where that has no price."""
    price = chain.underlying_price
    if price is None or price <= 0:
        return None
    return Underlying(symbol, price, now, chain.reports_at, volatility_rank)


def rank(candidate: Candidate) -> tuple[float, str]:
    """Return what candidates are ordered by: the score, then the contract, so that order is one."""
    return candidate.score, candidate.contract


def days_to(expires: date, now: datetime) -> int:
    """Return the days to an expiry by New York's calendar, below 0 for one that is past."""
    return (expires - now.astimezone(NEW_YORK).date()).days


@lru_cache(maxsize=1024)
def close_of(expires: date) -> datetime:
    """Return when options of that day stop trading; in UTC, which is quick to reckon with."""
    return datetime.combine(expires, CLOSE, NEW_YORK).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class _Quote:
    bid: float
    ask: float

    @property
    def spread(self) -> float:
        return 2 * (self.ask - self.bid) / (self.ask + self.bid)


def _quote(contract: OptionContract, now: datetime, criteria: Criteria) -> _Quote | Drop:
    bid, ask, traded = contract.bid, contract.ask, contract.traded_at
    if contract.strike <= 0:
        return Drop.GARBLED
    if bid is None or bid <= 0:
        return Drop.ZERO_BID
    if ask is None or ask < bid:
        return Drop.CROSSED
    if traded is not None and now - traded > timedelta(days=criteria.trade_days):
        return Drop.STALE
    return _Quote(bid, ask)


def _odds(contract: OptionContract, under: Underlying) -> Chances | Drop:
    """Return the provider's delta, or the one that its volatility implies, and the probability."""
    left_s = (close_of(contract.expires) - under.now).total_seconds()
    if left_s <= 0:
        return Drop.EXPIRED
    volatility = contract.implied_volatility
    if volatility is None or volatility < LEAST_VOLATILITY:
        return Drop.NO_VOLATILITY
    found = chances(
        contract.right,
        spot=under.price,
        strike=contract.strike,
        years=left_s / YEAR_S,
        volatility=volatility,
    )
    if contract.delta is None:
        return found
    return Chances(contract.delta, found.out_of_the_money)


def _refused(
    contract: OptionContract, quote: _Quote, odds: Chances, days: int, criteria: Criteria
) -> Drop | None:
    """Return what the contract fails by itself, the criteria that sift most first."""
    if not criteria.min_days <= days <= criteria.max_days:
        return Drop.DAYS
    if not criteria.min_delta <= abs(odds.delta) <= criteria.max_delta:
        return Drop.DELTA
    if (contract.open_interest or 0) < criteria.min_open_interest:
        return Drop.OPEN_INTEREST
    if (contract.volume or 0) < criteria.min_volume:
        return Drop.VOLUME
    if quote.bid < criteria.min_credit:
        return Drop.CREDIT
    return Drop.SPREAD if quote.spread > criteria.max_spread else None


def _unwanted(candidate: Candidate, criteria: Criteria) -> Drop | None:
    """Return what the position fails that the contract would make."""
    if candidate.break_even <= 0:  # a quote that is older than the stock's price
        return Drop.ARBITRAGE
    if candidate.premium <= 0:
        return Drop.NO_TIME_VALUE
    if candidate.premium < criteria.min_premium:
        return Drop.PREMIUM
    if criteria.max_collateral is not None and candidate.collateral > criteria.max_collateral:
        return Drop.COLLATERAL
    if criteria.skip_earnings and candidate.earnings_before_expiry is not False:
        return Drop.EARNINGS
    return None


def _candidate(
    contract: OptionContract,
    strategy: Strategy,
    under: Underlying,
    odds: Chances,
    quote: _Quote,
) -> Candidate:
    spot, strike, bid = under.price, contract.strike, quote.bid
    is_put = strategy is Strategy.PUT
    time_value = bid - max(0.0, strike - spot if is_put else spot - strike)
    tied_up = strike if is_put else spot
    days = days_to(contract.expires, under.now)
    break_even = tied_up - bid
    return Candidate(
        symbol=under.symbol,
        contract=contract.symbol,
        strategy=strategy,
        expires=contract.expires,
        days=days,
        strike=strike,
        spot=spot,
        bid=bid,
        ask=quote.ask,
        spread=_round(quote.spread),
        credit=_round(SHARES * bid),
        collateral=_round(SHARES * tied_up),
        premium=_round(time_value / tied_up),
        annualised=_round(time_value / tied_up * 365 / max(days, 1)),
        delta=_round(odds.delta),
        volatility=contract.implied_volatility or 0.0,
        volatility_rank=under.volatility_rank,
        probability_otm=_round(odds.out_of_the_money),
        break_even=_round(break_even),
        cushion=_round((spot - break_even) / spot),
        if_called=None if is_put else _round((strike - spot + bid) / spot),
        earnings_before_expiry=_reports_before(contract.expires, under),
        open_interest=_whole(contract.open_interest),
        volume=_whole(contract.volume),
        score=_round((1 - abs(odds.delta)) * 250 / (max(days, 0) + 5) * time_value / strike),
    )


def _reports_before(expires: date, under: Underlying) -> bool | None:
    """Say whether a report comes by the day of expiry; one made already says nothing of the next.

    None where no report to come is known.
    """
    if under.reports_at is None or under.reports_at < under.now:
        return None
    return under.reports_at.astimezone(NEW_YORK).date() <= expires


def _whole(value: float | None) -> int | None:
    return None if value is None or not math.isfinite(value) else int(value)


def _round(value: float) -> float:
    return round(value, _DIGITS)
