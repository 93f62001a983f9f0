"""The whole platform for somebody to look at: API, console, worker, simulated providers and data.

The data set's games are those of the simulated scoreboard, moved to the hours around now as it
moves them, so that some are being played. Prices move, the brokerage holds positions, and every
provider keeps its real limits.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from subprocess import Popen

import psycopg
from psycopg import sql

from perf.claims.system.processes import simulated, started
from perf.demonstration import Figures, Service, Shown, demonstration
from perf.lab.guard import Guard, Stop
from perf.lab.lab import Lab
from perf.lab.providers.espn import number_of

_GAMES = ("nfl_games", "nba_games", "ncaa_football_games", "ncaa_basketball_games")
_EVENING_H = 21  # UTC, the hour that the data set was taken at

FIGURES = Figures(
    path="/metrics",
    requests="ava_http_request_duration_seconds",
    aside=("route", "/metrics"),
    # The fast path's look-ups are counted by it alone, and what it lacks is looked up in the cache.
    hits=("ava_fast_path_hits_total", "argo_cache_hits_total"),
    misses=("argo_cache_misses_total",),
    loop_lag="ava_event_loop_lag_seconds",
    pool={
        "in_use": "ava_db_pool_in_use",
        "limit": "ava_db_pool_connections_limit",
        "waiting": "ava_db_pool_waiting",
        "saturation": "ava_db_pool_saturation_ratio",
    },
)


@demonstration("the platform", needs=["market"])
@contextmanager
def platform(lab: Lab, guard: Guard, port: int) -> Iterator[Shown]:
    """Start everything, each process in the guard's care."""
    database = str(lab.prepared["market"]["database"])
    _stage_games(lab.dsn(database), datetime.now(UTC))
    key = secrets.token_urlsafe(18)
    providers = lab.providers(guard=guard, moving=True)
    settings = {
        "AVA_DATABASE_URL": lab.dsn(database),
        "AVA_REDIS_URL": lab.redis_url,
        "AVA_STATE_DIRECTORY": str(lab.scratch),
        "AVA_API_KEYS": f"demo:{key}",
        **simulated(providers),
    }
    logs, own = lab.scratch, partial(_own, guard)
    with (
        started(["serve", "--port", str(port)], settings, logs / "serve.log", own) as serving,
        started(["worker"], settings, logs / "worker.log", own) as worker,
    ):
        serving.come_up("serves")
        worker.come_up("works")
        lines = [
            f"{serving.url}/#key={key}  # the console, with a key of its own",
            f"curl -H 'Authorization: Bearer {key}' {serving.url}/api/v1/portfolio",
            f"{serving.url}/docs  # the routes",
            f"redis-cli -u {lab.redis_url}",
            f"tail -f {logs}/serve.log {logs}/worker.log",
        ]
        service = Service(
            serving.url,
            {"Authorization": f"Bearer {key}"},
            processes={"serve": serving.process.pid, "worker": worker.process.pid},
            servers=[providers.pid],
            figures=FIGURES,
            dsn=lab.dsn(database),
            redis_url=lab.redis_url,
        )
        yield Shown(lines, [serving.process, worker.process], service)


def _own(guard: Guard, process: Popen[bytes]) -> None:
    guard.own(process.pid, Stop.TERMINATE)


def _stage_games(dsn: str, now: datetime) -> None:
    """Let the evening that the data set was taken in be the present, to the hour.

    Games get the numbers that the simulated scoreboard has for them: so those that are being played
    go on, and are not added once more.
    """
    evening = now.replace(hour=_EVENING_H, minute=0, second=0, microsecond=0)
    hours = round((now - evening).total_seconds() / 3600)
    with psycopg.connect(dsn) as connection:
        for table in map(sql.Identifier, _GAMES):
            rows = connection.execute(sql.SQL("SELECT game_id FROM {}").format(table)).fetchall()
            named = {number_of(game_id): game_id for (game_id,) in rows}
            connection.execute(
                sql.SQL(
                    "UPDATE {} AS game SET game_id = number.new,"
                    " game_time = game_time + make_interval(hours => %(hours)s),"
                    " last_synced = last_synced + make_interval(hours => %(hours)s)"
                    " FROM unnest(%(new)s::text[], %(old)s::text[]) AS number (new, old)"
                    " WHERE game.game_id = number.old"
                ).format(table),
                {"hours": hours, "new": list(named), "old": list(named.values())},
            )
