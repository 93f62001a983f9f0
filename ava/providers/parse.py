"""Readers of the texts and numbers that providers send.

Types are checked strictly by msgspec; what is tolerated beyond them is only what a provider is
documented to send: numbers as text, "None", "-", "0000-00-00", empty text and nulls for the
unknown. Anything else raises ValueError, which the client reports as bad data. Nothing here turns
the unknown into 0.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time
from functools import cache
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

import msgspec

from ava.net.spec import Answer
from ava.providers.market import ReportTime

T = TypeVar("T")

Loose = str | float | int | None  # a number as providers send it; `number` reads it

NEW_YORK = ZoneInfo("America/New_York")
SECOND, MILLISECOND, NANOSECOND = 1, 10**3, 10**9  # units a second, for `moment`

_UNKNOWN = frozenset({"", "-", "none", "null", "nan", "n/a", "0000-00-00"})
_EXCERPT = 200
_NAMED_KEY = re.compile(r"(?i)((?:api[ _-]?key|token)\W*(?:as|is)?\W+)[\w-]+")
_KEY_LIKE = re.compile(r"(?=[\w-]*\d)[\w-]{12,}")
_REPORT_TIMES = {
    "pre-market": ReportTime.BEFORE_OPEN,
    "post-market": ReportTime.AFTER_CLOSE,
    "bmo": ReportTime.BEFORE_OPEN,
    "amc": ReportTime.AFTER_CLOSE,
    "dmh": ReportTime.DURING,
}


def known(raw: str | None) -> str | None:
    """Return the text, or None for what stands for the unknown."""
    return None if raw is None or raw.strip().lower() in _UNKNOWN else raw


def number(raw: Loose) -> float | None:
    """Read a number or its text; None for the unknown and the not finite, else ValueError."""
    if isinstance(raw, str):
        raw = known(raw)
    if raw is None or isinstance(raw, bool):
        return None
    value = float(raw)
    return value if math.isfinite(value) else None


def positive(raw: Loose) -> float | None:
    """Read a number of which 0 means unknown, such as a price nobody has quoted."""
    return number(raw) or None


def percent(raw: Loose) -> float | None:
    """Read a percentage, with or without its sign, as a fraction."""
    value = number(raw.removesuffix("%") if isinstance(raw, str) else raw)
    return None if value is None else value / 100


def scaled(raw: Loose, factor: float) -> float | None:
    """Read a number given in units of `factor`."""
    value = number(raw)
    return None if value is None else value * factor


def required(value: T | None, name: str) -> T:
    """Return `value`; raise ValueError where what cannot be missing is missing."""
    if value is None:
        raise ValueError(f"the answer has no {name}")
    return value


def day(raw: str | None) -> date | None:
    """Read YYYY-MM-DD; None for the unknown, else ValueError."""
    text = known(raw)
    return None if text is None else date.fromisoformat(text)


def midnight(of: date, zone: ZoneInfo = NEW_YORK) -> datetime:
    """Return when `of` begins at the exchange, in UTC."""
    return datetime.combine(of, time(), zone).astimezone(UTC)


def moment(raw: Loose, per_s: int = SECOND) -> datetime | None:
    """Read an epoch in units of `per_s` a second; 0 and nothing are unknown."""
    value = positive(raw)
    if value is None:
        return None
    try:
        return datetime.fromtimestamp(value / per_s, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{raw!r} is no moment") from error


def local_moment(text: str, zone: ZoneInfo = NEW_YORK) -> datetime:
    """Read a time of the exchange's wall clock, "2026-01-05 15:55:00" or "20260105T155500"."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def report_time(raw: str | None) -> ReportTime | None:
    """Read when in the day a company reports; None for what is not said."""
    return None if raw is None else _REPORT_TIMES.get(raw)


def read_json(answer: Answer, kind: type[T]) -> T:
    """Decode the body as `kind`; raise msgspec's errors for anything else."""
    decoder: msgspec.json.Decoder[T] = _decoder(cast("Any", kind))
    return decoder.decode(answer.body)


def refusal(answer: Answer, kind: type[T], longest: int = 4096) -> T | None:
    """Read a body as a provider's form of refusal; None where it is something else.

    Refusals are short: a longer body is data, and is not read twice.
    """
    if len(answer.body) > longest:
        return None
    try:
        return read_json(answer, kind)
    except msgspec.DecodeError:
        return None


def excerpt(text: str) -> str:
    """Return the beginning of a provider's text for an error, without what looks like a key."""
    hidden = _KEY_LIKE.sub("***", _NAMED_KEY.sub(r"\1***", text))
    return " ".join(hidden[:_EXCERPT].split())


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """Return the decoder of a type, made once: making one costs more than a small answer."""
    return msgspec.json.Decoder(kind)
