"""What to do with a position, by rules that anybody can check.

Five figures of the last three months of closes: the price, its means of 20 and 50 sessions, the
return of 20 sessions, and the yearly deviation. Two of them lean: the trend (price above its mean
and that above the longer one, or both below) and the momentum (a return beyond half of what 20
sessions usually bring). Together they give a lean from -2 to 2. Then the first rule that fits:

- nothing held: buy at 2, avoid at -2, else wait;
- shares: close a loss of 15 % that leans against, reduce a gain of 25 % that does, reduce where
  both lean against, else hold;
- options sold: close when half of the premium is earned; roll what is in the money in its last week
  or leans further in, and what is nearer to the strike in that week than half of a usual move;
- options bought: close what is out of the money in its last week, or leans against in its last
  three; reduce what has doubled.

The same closes and position give the same answer. Confidence begins with the rule's own, and falls
where prices are wild or the history is short. These are rules of thumb, with no record behind them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from itertools import pairwise
from statistics import fmean, stdev
from typing import Annotated

from msgspec import Meta, Struct

from ava.providers.market import Right

SHORT_MEAN, LONG_MEAN = 20, 50  # sessions
LEAST = SHORT_MEAN + 1  # closes that give 20 returns
YEAR = 252  # sessions
STRONG = 0.5  # of the deviation of 20 sessions
LOSS, GAIN, EARNED = -0.15, 0.25, 0.5
LAST_WEEK, LAST_WEEKS = 7, 21  # days
WILD = 0.6  # deviation a year
_DIGITS = 6

Positive = Annotated[float, Meta(gt=0, le=1e9)]
Quantity = Annotated[float, Meta(ge=-1e9, le=1e9)]


class HeldShares(Struct, frozen=True, kw_only=True, tag="shares", tag_field="kind"):
    """HeldShares held, or owed where the quantity is below 0; `cost` is of one."""

    quantity: Quantity
    cost: Positive | None = None


class HeldOption(Struct, frozen=True, kw_only=True, tag="option", tag_field="kind"):
    """Options bought, or sold where the quantity is below 0; `cost` and `price` are of one share.

    `price` is what the option costs now.
    """

    quantity: Quantity
    right: Right
    strike: Positive
    expires: date
    cost: Positive | None = None
    price: Positive | None = None


Position = HeldShares | HeldOption


class Action(StrEnum):
    """What to do."""

    BUY = "buy"
    WAIT = "wait"
    AVOID = "avoid"
    HOLD = "hold"
    REDUCE = "reduce"
    CLOSE = "close"
    ROLL = "roll"
    EXPIRED = "expired"
    NO_OPINION = "no_opinion"


class Trend(StrEnum):
    """Where the price stands to its means."""

    UP = "up"
    FLAT = "flat"
    DOWN = "down"


class Figures(Struct, frozen=True, kw_only=True):
    """What the closes say, `price` the last of them; returns and deviation are fractions."""

    price: float
    mean_20: float
    mean_50: float | None
    momentum: float
    volatility: float
    trend: Trend
    lean: int


class Recommendation(Struct, frozen=True, kw_only=True):
    """What to do, how sure the rule is (0 to 1), and why; without figures there is no opinion."""

    symbol: str
    action: Action
    confidence: float
    reasons: tuple[str, ...]
    figures: Figures | None
    as_of: date | None


class _Rule(Struct, frozen=True):
    action: Action
    confidence: float
    reason: str


def recommend(
    symbol: str,
    closes: Sequence[float],
    position: Position | None,
    today: date,
    *,
    as_of: date | None = None,
) -> Recommendation:
    """Return what to do with a position in a symbol, given its closes, the oldest first."""
    figures = read_figures(closes)
    if figures is None:
        reason = f"{len(closes)} closes are too few: {LEAST} are needed"
        rule = _Rule(Action.NO_OPINION, 0.0, reason)
        return _told(symbol, rule, None, as_of, len(closes))
    match position:
        case None:
            rule = _without(figures)
        case HeldShares():
            rule = _shares(position, figures)
        case HeldOption():
            rule = _contracts(position, figures, (position.expires - today).days)
    return _told(symbol, rule, figures, as_of, len(closes))


def read_figures(closes: Sequence[float]) -> Figures | None:
    """Return the figures of the closes, None where there are too few."""
    if len(closes) < LEAST:
        return None
    price, mean = closes[-1], fmean(closes[-SHORT_MEAN:])
    longer = fmean(closes[-LONG_MEAN:]) if len(closes) >= LONG_MEAN else None
    recent = closes[-LEAST:]
    returns = [math.log(b / a) for a, b in pairwise(recent)]
    volatility = stdev(returns) * math.sqrt(YEAR)
    momentum = price / recent[0] - 1
    trend = _trend(price, mean, mean if longer is None else longer)
    usual = volatility * math.sqrt(SHORT_MEAN / YEAR)
    pull = 0 if abs(momentum) <= STRONG * usual else int(math.copysign(1, momentum))
    return Figures(
        price=price,
        mean_20=round(mean, _DIGITS),
        mean_50=None if longer is None else round(longer, _DIGITS),
        momentum=round(momentum, _DIGITS),
        volatility=round(volatility, _DIGITS),
        trend=trend,
        lean=pull + {Trend.UP: 1, Trend.FLAT: 0, Trend.DOWN: -1}[trend],
    )


def _trend(price: float, mean: float, longer: float) -> Trend:
    if price > mean >= longer:
        return Trend.UP
    return Trend.DOWN if price < mean <= longer else Trend.FLAT


def _without(figures: Figures) -> _Rule:
    if figures.lean == 2:  # noqa: PLR2004 - both lean
        return _Rule(Action.BUY, 0.7, "trend and momentum point up")
    if figures.lean == -2:  # noqa: PLR2004 - both lean
        return _Rule(Action.AVOID, 0.7, "trend and momentum point down")
    return _Rule(Action.WAIT, 0.5, "trend and momentum do not agree on a direction")


def _shares(held: HeldShares, figures: Figures) -> _Rule:
    side = 1 if held.quantity >= 0 else -1
    lean = figures.lean * side
    gain = None if held.cost is None else (figures.price / held.cost - 1) * side
    if gain is not None and gain <= LOSS and lean < 0:
        return _Rule(Action.CLOSE, 0.7, f"a loss of {-gain:.0%}, and prices lean against it")
    if gain is not None and gain >= GAIN and lean < 0:
        return _Rule(Action.REDUCE, 0.7, f"a gain of {gain:.0%}, and prices turn against it")
    if lean == -2:  # noqa: PLR2004 - both lean
        return _Rule(Action.REDUCE, 0.6, "trend and momentum are against the position")
    if lean > 0:
        return _Rule(Action.HOLD, 0.5 + 0.1 * lean, "prices lean the position's way")
    return _Rule(Action.HOLD, 0.5, "nothing asks for a change")


def _contracts(held: HeldOption, figures: Figures, days: int) -> _Rule:
    if days < 0:
        return _Rule(Action.EXPIRED, 0.9, f"it expired {-days} days ago")
    return _sold(held, figures, days) if held.quantity < 0 else _bought(held, figures, days)


def _sold(held: HeldOption, figures: Figures, days: int) -> _Rule:
    inside, lean = _inside(held, figures), _inward(held, figures)
    if held.cost is not None and held.price is not None and 1 - held.price / held.cost >= EARNED:
        earned = 1 - held.price / held.cost
        return _Rule(Action.CLOSE, 0.8, f"{earned:.0%} of the premium is earned")
    if inside > 0 and days <= LAST_WEEK:
        return _Rule(Action.ROLL, 0.8, f"in the money by {inside:.1%} with {days} days left")
    if inside > 0 and lean > 0:
        return _Rule(Action.ROLL, 0.6, f"in the money by {inside:.1%}, and prices lean further in")
    usual = figures.volatility * math.sqrt(max(days, 1) / 365)
    if days <= LAST_WEEK and -inside < STRONG * usual:
        reason = f"{-inside:.1%} from the strike, where {usual:.1%} is a usual move until expiry"
        return _Rule(Action.ROLL, 0.6, reason)
    state = f"in the money by {inside:.1%}" if inside > 0 else f"out of the money by {-inside:.1%}"
    return _Rule(Action.HOLD, 0.6, f"{state} with {days} days left")


def _bought(held: HeldOption, figures: Figures, days: int) -> _Rule:
    inside, lean = _inside(held, figures), _inward(held, figures)
    if inside <= 0 and days <= LAST_WEEK:
        return _Rule(Action.CLOSE, 0.8, f"out of the money by {-inside:.1%} with {days} days left")
    if lean < 0 and days <= LAST_WEEKS:
        return _Rule(Action.CLOSE, 0.6, f"prices lean against it with {days} days left")
    if held.cost is not None and held.price is not None and held.price >= 2 * held.cost:
        return _Rule(
            Action.REDUCE, 0.6, f"its price is {held.price / held.cost:.1f} times its cost"
        )
    return _Rule(Action.HOLD, 0.5, f"{days} days left, and nothing asks for a change")


def _inside(held: HeldOption, figures: Figures) -> float:
    """Return how far the stock is in the option's money, as a part of its price."""
    beyond = (figures.price - held.strike) / figures.price
    return beyond if held.right is Right.CALL else -beyond


def _inward(held: HeldOption, figures: Figures) -> int:
    """Return the lean towards the option's money."""
    return figures.lean if held.right is Right.CALL else -figures.lean


def _told(
    symbol: str, rule: _Rule, figures: Figures | None, as_of: date | None, closes: int
) -> Recommendation:
    reasons, confidence = [rule.reason], rule.confidence
    if figures is not None and figures.volatility > WILD:
        reasons.append(f"prices deviate by {figures.volatility:.0%} a year")
        confidence -= 0.1
    if figures is not None and closes < LONG_MEAN:
        reasons.append(f"only {closes} closes are known")
        confidence -= 0.1
    return Recommendation(
        symbol=symbol,
        action=rule.action,
        confidence=round(max(confidence, 0.0), 2),
        reasons=tuple(reasons),
        figures=figures,
        as_of=as_of,
    )
