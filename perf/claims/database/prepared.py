"""The databases the claims are measured on, made once a run.

`schema` is the migrated platform without data, to be copied; `market` holds the data set twice:
in `public` with the platform's indexes, and in `bare` as the documents found it, with primary keys
and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import psycopg
from psycopg import sql

from ava.db.migrate import migrate
from perf.claim import prepare
from perf.lab.dataset import Size, load
from perf.lab.lab import Lab, Profile

# The tables whose indexes the documents ask for, and the primary key each had without them.
# options_chains and watchlist_items are keyed by what the documents want indexed, so bare they
# have no key at all.
BARE = {
    "trade_history": "id",
    "portfolio_history": "account_id, date",
    "alerts": "id",
    "options_chains": None,
    "watchlist_items": None,
    "kalshi_predictions": "id",
    "signals": "id",
    "predictions": "id",
    "nfl_games": "id",
    "nba_games": "id",
    "ncaa_football_games": "id",
    "ncaa_basketball_games": "id",
}


@prepare("schema", deadline_s=60)
def schema(lab: Lab) -> Mapping[str, Any]:
    """Migrate an empty database."""
    database = lab.create_database()
    migrate(lab.dsn(database))
    return {"database": database}


@prepare("market", deadline_s=240)
def market(lab: Lab) -> Mapping[str, Any]:
    """Migrate, load the data set, and copy what the documents measured without indexes."""
    size = Size.FULL if lab.profile is Profile.FULL else Size.SMALL
    database = lab.create_database()
    dsn = lab.dsn(database)
    migrate(dsn)
    report = load(dsn, size, seed=lab.seed)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA bare")
        with ThreadPoolExecutor(2) as both:  # the server has a process for each
            list(both.map(partial(_copy_bare, dsn), BARE.items()))
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
    return {"database": database, "size": str(size), "rows": dict(report.rows)}


def _copy_bare(dsn: str, keyed: tuple[str, str | None]) -> None:
    table, key = keyed
    names = {"bare": sql.Identifier("bare", table), "full": sql.Identifier("public", table)}
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE TABLE {bare} AS TABLE {full}").format(**names))
        if key is not None:
            columns = sql.SQL(", ").join(sql.Identifier(c) for c in key.split(", "))
            connection.execute(
                sql.SQL("ALTER TABLE {bare} ADD PRIMARY KEY ({key})").format(**names, key=columns)
            )


def connect(lab: Lab, database: str, schema: str = "public") -> psycopg.Connection[Any]:
    """Connect to `database` with `schema` as the one searched, until the lab closes."""
    connection = lab.keep(psycopg.connect(lab.dsn(database), autocommit=True))
    connection.execute("SELECT set_config('search_path', %s, false)", (schema,))
    return connection


def empty_copy(lab: Lab) -> str:
    """Return the name of a fresh, migrated, empty database."""
    return lab.create_database(str(lab.prepared["schema"]["database"]))
