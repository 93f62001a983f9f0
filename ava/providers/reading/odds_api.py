"""The Odds API's answers: lists of sports and events, offers, and scores.

Offers are read for the price format they were asked in: a price that this format cannot hold means
that the provider answered in another one, and is refused rather than taken for what it is not.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache

from msgspec import Struct

from ava.net.spec import Answer
from ava.providers import parse
from ava.providers.games import (
    Event,
    EventOdds,
    EventScores,
    OddsFormat,
    SportInfo,
    TeamScore,
    checked,
)


# Made once a format: callers with the same reader share one reading of an answer.
@cache
def reader(quoted: OddsFormat) -> Callable[[Answer], list[EventOdds]]:
    """Return the reader of a sport's offers with prices in the format `quoted`."""

    def read(answer: Answer) -> list[EventOdds]:
        events = parse.read_json(answer, list[EventOdds])
        for event in events:
            _check(event, quoted)
        return events

    return read


@cache
def event_reader(quoted: OddsFormat) -> Callable[[Answer], EventOdds]:
    """Return the reader of one event's offers."""

    def read(answer: Answer) -> EventOdds:
        event = parse.read_json(answer, EventOdds)
        _check(event, quoted)
        return event

    return read


def _check(event: EventOdds, quoted: OddsFormat) -> None:
    """Raise ValueError for a price that is not in the format asked for."""
    for bookmaker in event.bookmakers:
        for market in bookmaker.markets:
            for outcome in market.outcomes:
                checked(outcome.price, quoted)


def read_sports(answer: Answer) -> list[SportInfo]:
    """Read the sports there are."""
    return parse.read_json(answer, list[SportInfo])


def read_events(answer: Answer) -> list[Event]:
    """Read a sport's events."""
    return parse.read_json(answer, list[Event])


class _Score(Struct):
    name: str
    score: str | int


class _Scored(Event, frozen=True, kw_only=True):
    completed: bool
    scores: list[_Score] | None = None
    last_update: datetime | None = None


def read_scores(answer: Answer) -> list[EventScores]:
    """Read scores, which come as text."""
    return [
        EventScores(
            id=game.id,
            sport_key=game.sport_key,
            commence_time=game.commence_time,
            home_team=game.home_team,
            away_team=game.away_team,
            completed=game.completed,
            last_update=game.last_update,
            scores=None
            if game.scores is None
            else tuple(TeamScore(name=one.name, score=int(one.score)) for one in game.scores),
        )
        for game in parse.read_json(answer, list[_Scored])
    ]
