"""The whole platform for somebody to look at: API, console, worker, simulated providers and data.

The data set's games are moved to the hours around now, as the simulated providers move theirs, so
that some are being played. Prices move, the brokerage holds positions, and every provider keeps its
real limits.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from subprocess import Popen

import psycopg
from psycopg import sql

from perf.claims.processes import running, simulated
from perf.demonstration import Shown, demonstration
from perf.lab.guard import Guard, Stop
from perf.lab.lab import Lab

_GAMES = ("nfl_games", "nba_games", "ncaa_football_games", "ncaa_basketball_games")
_EVENING_H = 21  # UTC, the hour that the data set was taken at


@demonstration("the platform", needs=["market"])
@contextmanager
def platform(lab: Lab, guard: Guard, port: int) -> Iterator[Shown]:
    """Start everything, each process in the guard's care."""
    database = str(lab.prepared["market"]["database"])
    _move_games(lab.dsn(database), datetime.now(UTC))
    key = secrets.token_urlsafe(18)
    settings = {
        "AVA_DATABASE_URL": lab.dsn(database),
        "AVA_REDIS_URL": lab.redis_url,
        "AVA_STATE_DIRECTORY": str(lab.scratch),
        "AVA_API_KEYS": f"demo:{key}",
        **simulated(lab.providers(guard=guard, moving=True)),
    }
    with ExitStack() as stack:
        serve = running(
            ["serve", "--port", str(port)],
            settings,
            lab.scratch / "serve.log",
            "serves",
            partial(_own, guard),
        )
        serving = stack.enter_context(serve)
        lines = [
            f"{serving.url}/#key={key}  # the console, with a key of its own",
            f"curl -H 'Authorization: Bearer {key}' {serving.url}/api/v1/portfolio",
            f"{serving.url}/docs  # the routes",
            f"redis-cli -u {lab.redis_url}",
            f"{lab.scratch}  # what the processes log",
        ]
        yield Shown(lines, [serving.process])


def _own(guard: Guard, process: Popen[bytes]) -> None:
    guard.own(process.pid, Stop.TERMINATE)


def _move_games(dsn: str, now: datetime) -> None:
    """Let the evening that the data set was taken in be the present, to the hour."""
    evening = now.replace(hour=_EVENING_H, minute=0, second=0, microsecond=0)
    hours = round((now - evening).total_seconds() / 3600)
    with psycopg.connect(dsn) as connection:
        for table in _GAMES:
            connection.execute(
                sql.SQL(
                    "UPDATE {} SET game_time = game_time + make_interval(hours => %s),"
                    " last_synced = last_synced + make_interval(hours => %s)"
                ).format(sql.Identifier(table)),
                (hours, hours),
            )
