"""Row-at-a-time writes, as documents 002.7 and 004 (PERF-004) find them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

Row = dict[str, Any]


def insert_by_loop(connection: psycopg.Connection[Any], table: str, rows: Sequence[Row]) -> None:
    """Insert row by row in one transaction."""
    columns = list(rows[0])
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(sql.Identifier(column) for column in columns),
        sql.SQL(", ").join(sql.Placeholder() for _ in columns),
    )
    with connection.transaction(), connection.cursor() as cursor:
        for row in rows:
            cursor.execute(statement, tuple(row.values()))


def open_sqlite(path: str) -> sqlite3.Connection:
    """Open the document's local database: WAL is on already (004 WIN-003)."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS predictions (id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " symbol TEXT, timestamp TEXT, predicted_price REAL, confidence REAL)"
    )
    return connection


def store_predictions(
    connection: sqlite3.Connection, rows: Sequence[tuple[str, str, float, float]]
) -> None:
    """Insert and commit prediction by prediction, as the trading loop does."""
    for row in rows:
        connection.execute(
            "INSERT INTO predictions (symbol, timestamp, predicted_price, confidence)"
            " VALUES (?, ?, ?, ?)",
            row,
        )
        connection.commit()
