"""Rows D7 and D10: bounded lists, pages without gaps, and SQL that no input can change."""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import Any

import psycopg

from ava.db import query
from ava.db.batch import BatchTable, insert_many
from ava.db.page import fetch_page
from ava.db.pool import Database
from ava.db.query import named
from ava.errors import AvaError
from perf.claim import Plan, at_least, claim, exactly
from perf.claims.database.pool import settings, sources
from perf.claims.database.prepared import connect, empty_copy
from perf.instruments import Arm, Compare, Count, Counted
from perf.lab.lab import Lab
from perf.sample import Scale

_SELECT = re.compile(r"\bSELECT\b", re.IGNORECASE)
_LIMIT = re.compile(r"\bLIMIT\b", re.IGNORECASE)
# Rows that go from one place of the server to another are returned to nobody. What a statement does
# in the end stands at the beginning of a line; what is before it is indented.
_SILENT = re.compile(r"^(INSERT|UPDATE|DELETE)\b(?!.*\bRETURNING\b)", re.MULTILINE | re.DOTALL)
_STAR = re.compile(r"\bSELECT\s+(\w+\.)?\*", re.IGNORECASE)


@claim(
    id="D7.queries.unbounded",
    rows=["D7"],
    title="No SELECT of the platform returns an unbounded list",
    source="000.8, 002.4",
    target=exactly(0, "unbounded queries"),
)
def unbounded(lab: Lab) -> Plan:  # noqa: ARG001 - the statements are what is looked at
    """Look for a LIMIT in each named SELECT."""

    def count() -> Counted:
        queries = query.load(query.sql_directory() / "queries").values()
        selects = [q for q in queries if _SELECT.search(q.sql) and not _SILENT.search(q.sql)]
        found = [q.name for q in selects if not _LIMIT.search(q.sql)]
        return Counted(len(found), {"queries": len(selects), "found": found})

    return Count(count, "unbounded queries")


@claim(
    id="D7.queries.select-star",
    rows=["D7"],
    title="No statement of the platform asks for every column",
    source="002.4",
    target=exactly(0, "statements"),
)
def select_star(lab: Lab) -> Plan:  # noqa: ARG001 - the statements are what is looked at
    """Look for a star in the select lists of every SQL file."""

    def count() -> Counted:
        files = sorted(query.sql_directory().rglob("*.sql"))
        found = [path.name for path in files if _STAR.search(path.read_text(encoding="utf-8"))]
        return Counted(len(found), {"files": len(files), "found": found})

    return Count(count, "statements")


@claim(
    id="D7.pages.complete",
    rows=["D7"],
    title="Walking the pages of the trade history shows every trade once, in order",
    source="000.8, 002.4",
    target=exactly(0, "trades missing or repeated"),
    needs=["market"],
)
async def pages_complete(lab: Lab) -> Plan:
    """Walk all pages of the busiest account and compare with its table."""
    name = str(lab.prepared["market"]["database"])
    aside = connect(lab, name)
    row = aside.execute(
        "SELECT account_id FROM trade_history GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    ).fetchone()
    account = row[0] if row else None
    statement = named("trade_history_by_account")

    async def count() -> Counted:
        walked: list[int] = []
        pages, cursor = 0, None
        async with Database(settings(lab.dsn(name), pool_min=1)) as database:
            while pages == 0 or cursor is not None:
                page = await fetch_page(
                    database, statement, {"account_id": account}, limit=500, cursor=cursor
                )
                walked += [trade["id"] for trade in page.rows]
                pages, cursor = pages + 1, page.next_cursor
        ids = aside.execute("SELECT id FROM trade_history WHERE account_id = %s", (account,))
        there = Counter(trade_id for (trade_id,) in ids)
        unlike = (there - Counter(walked)) + (Counter(walked) - there)
        return Counted(unlike.total(), {"pages": pages, "trades": there.total()})

    return Count(count, "trades missing or repeated")


@claim(
    id="D7.columns.{query}",
    rows=["D7"],
    title="Naming the columns of {query} saves at least 10 % against SELECT *",
    source="002.4",
    target=at_least(10, "%"),
    needs=["market"],
    cases=[{"query": "games"}, {"query": "balance"}],
)
@claim(
    id="D7.columns.{query}-15",
    rows=["D7"],
    title="Naming the columns of {query} saves at least 15 % against SELECT *",
    source="002.4",
    target=at_least(15, "%"),
    needs=["market"],
    cases=[{"query": "games"}, {"query": "balance"}],
)
def columns(lab: Lab, query: str) -> Plan:
    """Fetch with all columns and with those the document wants, and compare the latter."""
    connection = connect(lab, str(lab.prepared["market"]["database"]))
    wanted = {
        "games": (
            "game_id, home_team, away_team, home_score, away_score, moneyline_home, moneyline_away",
            "nfl_games ORDER BY game_time, id LIMIT 250",
        ),
        "balance": (
            "portfolio_value, cash, total_equity, date",
            "portfolio_balances WHERE account_id = 1 ORDER BY date DESC LIMIT 1",
        ),
    }
    names, source = wanted[query]
    cursor = connection.cursor(row_factory=psycopg.rows.dict_row)

    def fetch(select: str) -> list[tuple[Any, ...]]:
        rows = cursor.execute(f"SELECT {select} FROM {source}".encode()).fetchall()
        return [tuple(row[name.strip()] for name in names.split(",")) for row in rows]

    return Compare(
        Arm(lambda: fetch("*")),
        Arm(lambda: fetch(names)),
        scale=Scale.SAVING,
        facts={
            "rtt_ms": 0,
            "sql": {"before": f"SELECT * FROM {source}", "after": f"SELECT {names} FROM {source}"},
        },
    )


HOSTILE = (
    "'; DROP TABLE canary; --",
    '"; DROP TABLE canary; --',
    "x'); DELETE FROM canary; --",
    "$$; DROP TABLE canary; $$",
    "%s",
    "%(limit)s",
    "{table}",
    "E'\\\\'; DROP TABLE canary; --",
    "１'；DROP TABLE canary",  # noqa: RUF001 - full-width quotes are the point
    "a\\",
)


@claim(
    id="D10.injections",
    rows=["D10"],
    title="No hostile value, table or column name changes what a statement does",
    source="002.9",
    target=exactly(0, "injections"),
    needs=["schema"],
)
def injections(lab: Lab) -> Plan:
    """Write hostile texts as values, and use them as names, beside a table that must not change."""
    name = empty_copy(lab)
    aside = connect(lab, name)
    aside.execute("CREATE TABLE canary AS SELECT 1 AS alive")
    aside.execute("CREATE TABLE notes (note text)")

    async def count() -> Counted:
        harmed, refused = [], 0
        async with Database(settings(lab.dsn(name), pool_min=1)) as database:
            for text in HOSTILE:
                await _insert(database, "notes", "note", text)
                for table, column in ((text, "note"), ("notes", text)):
                    try:
                        await _insert(database, table, column, "x")
                    except AvaError:
                        refused += 1
                if not _unharmed(aside, text):
                    harmed.append(text)
        return Counted(len(harmed), {"texts": len(HOSTILE), "names_refused": refused})

    return Count(count, "injections")


async def _insert(database: Database, table: str, column: str, value: str) -> None:
    async with database.connection() as connection:
        await insert_many(connection, BatchTable(table, {column: "text"}), [{column: value}])


def _unharmed(connection: psycopg.Connection[Any], text: str) -> bool:
    """Say whether the canary lives and the text was stored as it is."""
    alive = connection.execute("SELECT alive FROM canary").fetchall()
    stored = connection.execute("SELECT count(*) FROM notes WHERE note = %s", (text,)).fetchone()
    return alive == [(1,)] and stored is not None and stored[0] >= 1


@claim(
    id="D10.formatted-statements",
    rows=["D10"],
    title="No statement but SQLite's PRAGMA, which binds nothing, is made by string formatting",
    source="002.9",
    target=exactly(0, "statements"),
)
def formatted_statements(lab: Lab) -> Plan:  # noqa: ARG001 - the source is what is looked at
    """Look for f-strings, %, + and format() among the first arguments of execute calls."""

    def count() -> Counted:
        found = [
            f"{path}:{node.lineno}"
            for path, tree in sources()
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and node.args
            and _executes(node)
            and _is_formatted(node.args[0])
        ]
        return Counted(len(found), {"found": found})

    return Count(count, "statements")


def _executes(call: ast.Call) -> bool:
    verbs = {"execute", "executemany", "executescript", "fetch", "fetch_one", "copy"}
    return isinstance(call.func, ast.Attribute) and call.func.attr in verbs


def _is_formatted(argument: ast.expr) -> bool:
    if isinstance(argument, ast.JoinedStr):
        first = argument.values[0]
        return not (isinstance(first, ast.Constant) and str(first.value).startswith("PRAGMA "))
    if isinstance(argument, ast.BinOp):
        parts = (argument.left, argument.right)
        return any(isinstance(part, ast.JoinedStr | ast.Constant) for part in parts) and any(
            not isinstance(part, ast.Constant) for part in parts
        )
    return False
