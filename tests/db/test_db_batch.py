"""Batches: all or nothing, counted, and exact about the row that was wrong."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ava.db import tables
from ava.db.batch import BatchResult, BatchTable, insert_many, update_many
from ava.errors import BadNameError, BadValueError, DuplicateKeyError
from perf.lab.lab import Lab

anyio = pytest.mark.anyio
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
OURS = [table for table in vars(tables).values() if isinstance(table, BatchTable)]
# `large` decides the way a batch takes: arrays, or COPY.
WAYS = pytest.mark.parametrize("large", [1000, 0], ids=["arrays", "copy"])

KINDS = BatchTable(
    "kinds",
    {
        "id": "integer",
        "small": "smallint",
        "big": "bigint",
        "price": "numeric(8, 2)",
        "exact": "numeric",
        "ratio": "double precision",
        "flag": "boolean",
        "day": "date",
        "at": "timestamptz",
        "note": "text",
        "extra": "jsonb",
    },
    key=("id",),
)
EMPTY = dict.fromkeys(KINDS.types)


def bar(minute, **changed):
    """A bar of the market data table."""
    prices = dict.fromkeys(("open", "high", "low", "close"), Decimal("10.5"))
    bar = {"symbol": "S", "timestamp": NOON + timedelta(minutes=minute), **prices}
    return {**bar, "volume": 100, "source": "test", **changed}


def prediction(minute, **changed):
    """A row of the predictions table."""
    row = {
        "symbol": "S",
        "timestamp": NOON + timedelta(minutes=minute),
        "model": "m",
        "direction": "up",
    }
    return {**row, "predicted_price": Decimal(1), "confidence": 0.5, **changed}


async def volumes(platform):
    rows = await platform.fetch("SELECT volume FROM market_data ORDER BY timestamp")
    return [row["volume"] for row in rows]


@pytest.fixture(scope="module")
def untouched_dsn(servers, schema_template):
    """The DSN of a database for tests that write nothing to it."""
    with Lab(servers.addresses) as lab:
        yield lab.dsn(lab.create_database(schema_template))


@pytest.fixture
async def conn(platform):
    """A connection of the pool, in autocommit."""
    async with platform.connection() as lent:
        yield lent


@pytest.fixture
async def kinds(conn):
    """A connection to a database that has a table with a column of every kind."""
    columns = ", ".join(f"{name} {kind}" for name, kind in KINDS.types.items())
    await conn.execute(f"CREATE TABLE kinds ({columns}, UNIQUE (id))")
    return conn


@anyio
@pytest.mark.parametrize("table", OURS, ids=lambda table: table.name)
async def test_our_tables_have_the_columns_of_the_schema(table, platform):
    """Names and types agree with the catalogue, and the key is one of the database."""
    found = await platform.fetch(
        "SELECT attname AS name, format_type(atttypid, atttypmod) AS kind FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0",
        (table.name,),
    )
    schema = {row["name"]: row["kind"] for row in found}
    spelled = {"timestamp with time zone": "timestamptz", "numeric(14,4)": "numeric(14, 4)"}
    assert (
        table.types.items()
        <= {name: spelled.get(kind, kind) for name, kind in schema.items()}.items()
    )


@anyio
@WAYS
async def test_rows_arrive_as_they_were_given(large, platform, conn):
    """An insert stores every row and counts them."""
    result = await insert_many(
        conn, tables.MARKET_DATA, (bar(n, volume=n) for n in range(50)), large=large
    )
    assert result == BatchResult(inserted=50)
    assert await volumes(platform) == list(range(50))


@anyio
async def test_an_empty_batch_sends_nothing(platform, conn):
    """No rows, no statement."""
    before = platform.timer.snapshot()
    assert await insert_many(conn, tables.ALERTS, []) == BatchResult()
    assert (
        await update_many(conn, tables.MARKET_DATA, [], key=["symbol"], set=["volume"])
        == BatchResult()
    )
    assert platform.timer.snapshot() == before


@anyio
async def test_a_batch_of_arrays_is_one_statement_and_one_round_trip(lab, schema_template, opened):
    """In autocommit not even BEGIN and COMMIT are sent, and nothing is prepared on the side."""
    proxy = lab.proxy()
    dsn = lab.dsn_via(proxy, lab.create_database(schema_template))
    async with opened(dsn) as database, database.connection() as lent:
        proxy.reset_counts()
        for day in range(7):
            rows = [bar(day * 1440 + n) for n in range(100)]
            await insert_many(lent, tables.MARKET_DATA, rows)
        counts = proxy.counts()
    assert (counts.statements, counts.round_trips) == (7, 7)


@anyio
@WAYS
async def test_a_conflict_can_be_left_alone(large, platform, conn):
    """With "nothing" the stored row stays, and is counted as skipped."""
    await insert_many(conn, tables.MARKET_DATA, [bar(0, volume=1)])
    rows = [bar(0, volume=2), bar(1, volume=3)]
    result = await insert_many(conn, tables.MARKET_DATA, rows, "nothing", large=large)
    assert result == BatchResult(inserted=1, skipped=1)
    assert await volumes(platform) == [1, 3]


@anyio
@WAYS
async def test_a_conflict_can_update_named_columns(large, platform, conn):
    """New rows and changed ones are told apart, and columns not named stay."""
    await insert_many(conn, tables.MARKET_DATA, [bar(0, volume=1, source="first")])
    rows = [bar(0, volume=2, source="second"), bar(1, volume=3)]
    result = await insert_many(conn, tables.MARKET_DATA, rows, ["volume"], large=large)
    assert result == BatchResult(inserted=1, updated=1)
    assert await volumes(platform) == [2, 3]
    assert (await platform.fetch("SELECT source FROM market_data ORDER BY timestamp"))[0] == {
        "source": "first"
    }


@anyio
@WAYS
async def test_a_conflict_without_a_rule_writes_nothing(large, platform, conn):
    """A stored key is a refusal that names the row, and the other rows are not written."""
    await insert_many(conn, tables.MARKET_DATA, [bar(3)])
    with pytest.raises(BadValueError, match="duplicate key") as caught:
        await insert_many(conn, tables.MARKET_DATA, [bar(n) for n in range(6)], large=large)
    assert (caught.value.row, caught.value.column) == (3, "symbol, timestamp")
    assert await volumes(platform) == [100]


@anyio
@WAYS
async def test_rows_are_updated_by_key(large, platform, conn):
    """Only the named columns of the matching rows change; what matches nothing is counted."""
    await insert_many(conn, tables.MARKET_DATA, [bar(0, volume=1), bar(1, volume=1)])
    changes = [
        {"symbol": "S", "timestamp": bar(minute)["timestamp"], "volume": minute + 7}
        for minute in (1, 2)
    ]
    result = await update_many(
        conn, tables.MARKET_DATA, changes, key=["symbol", "timestamp"], set=["volume"], large=large
    )
    assert result == BatchResult(updated=1, skipped=1)
    assert await volumes(platform) == [1, 8]


@anyio
@WAYS
async def test_one_row_of_a_batch_can_update_several(large, platform, conn):
    """A key that is not unique in the table updates every row it matches, and is matched once."""
    await insert_many(conn, tables.MARKET_DATA, [bar(0), bar(1)])
    result = await update_many(
        conn,
        tables.MARKET_DATA,
        [{"symbol": "S", "volume": 9}],
        key=["symbol"],
        set=["volume"],
        large=large,
    )
    assert result == BatchResult(updated=2, skipped=0)
    assert await volumes(platform) == [9, 9]


@anyio
@WAYS
@pytest.mark.parametrize("rule", ["nothing", ["volume"]], ids=str)
async def test_a_key_given_twice_is_reported(large, rule, platform, conn):
    """Neither of the two rows wins by chance: the batch is refused with both positions."""
    rows = [bar(0), bar(1), bar(2), bar(1, volume=7)]
    with pytest.raises(DuplicateKeyError, match="symbol, timestamp") as caught:
        await insert_many(conn, tables.MARKET_DATA, rows, rule, large=large)
    assert caught.value.rows == (1, 3)
    assert await volumes(platform) == []


@anyio
@WAYS
async def test_an_update_with_a_key_given_twice_is_reported(large, platform, conn):
    """The server would take either row; it is not asked to."""
    await insert_many(conn, tables.MARKET_DATA, [bar(0)])
    rows = [{"symbol": "S", "volume": 1}, {"symbol": "S", "volume": 2}]
    with pytest.raises(DuplicateKeyError) as caught:
        await update_many(
            conn, tables.MARKET_DATA, rows, key=["symbol"], set=["volume"], large=large
        )
    assert caught.value.rows == (0, 1)
    assert await volumes(platform) == [100]


@anyio
@WAYS
@pytest.mark.parametrize("rule", [None, ["note"]], ids=["insert", "upsert"])
async def test_a_key_with_null_is_no_duplicate(large, rule, kinds):
    """NULL equals nothing, so two rows without a key do not clash."""
    result = await insert_many(kinds, KINDS, [EMPTY, EMPTY], rule, large=large)
    assert result.inserted == 2


@anyio
@WAYS
@pytest.mark.parametrize("rule", [None, ["note"]], ids=["insert", "upsert"])
async def test_columns_of_nothing_but_null_keep_their_type(large, rule, kinds):
    """An array without a single value still has the column's type."""
    rows = [{**EMPTY, "id": 1}, {**EMPTY, "id": 2}]
    assert (await insert_many(kinds, KINDS, rows, rule, large=large)).inserted == 2


BAD = [
    (tables.MARKET_DATA, bar, "volume", 2**63),
    (tables.MARKET_DATA, bar, "volume", True),
    (tables.MARKET_DATA, bar, "volume", "7"),
    (tables.MARKET_DATA, bar, "close", Decimal(10**10)),
    (tables.MARKET_DATA, bar, "close", Decimal("Infinity")),
    (tables.MARKET_DATA, bar, "close", "1"),
    (tables.MARKET_DATA, bar, "timestamp", datetime(2026, 1, 5)),  # noqa: DTZ001 - the bad value
    (tables.MARKET_DATA, bar, "source", "a\0b"),
    (tables.MARKET_DATA, bar, "source", None),
    (tables.MARKET_DATA, bar, "source", b"x"),
    (tables.PREDICTIONS, prediction, "confidence", 1.5),
    (tables.PREDICTIONS, prediction, "direction", "sideways"),
    (tables.PREDICTIONS, prediction, "confidence", "high"),
]


@anyio
@WAYS
@pytest.mark.parametrize("rule", [None, "nothing"], ids=["insert", "upsert"])
@pytest.mark.parametrize("bad", BAD, ids=lambda bad: f"{bad[2]}={bad[3]!r:.20}")
async def test_a_bad_value_is_named_by_row_and_column(bad, rule, large, untouched_dsn):
    """Whoever finds it, the client or the server, the place is exact and nothing is written."""
    table, make, column, value = bad
    rows = [make(n, **({column: value} if n == 6 else {})) for n in range(9)]
    async with await psycopg.AsyncConnection.connect(untouched_dsn, autocommit=True) as lent:
        with pytest.raises(BadValueError, match="nothing was written") as caught:
            await insert_many(lent, table, rows, rule, large=large)
        assert (caught.value.row, caught.value.column) == (6, column)
        cursor = await lent.execute(f"SELECT count(*) FROM {table.name}")
        assert await cursor.fetchone() == (0,)


@anyio
@pytest.mark.parametrize("rule", [None, "nothing"], ids=["copy", "stage"])
@pytest.mark.parametrize("value", ["seven", 2**63], ids=["client", "server"])
async def test_a_bad_value_far_into_a_long_batch_is_named(value, rule, conn):
    """Positions count from the start of the batch, not of the piece that was being sent."""
    rows = (bar(n, **({"volume": value} if n == 2345 else {})) for n in range(3000))
    with pytest.raises(BadValueError) as caught:
        await insert_many(conn, tables.MARKET_DATA, rows, rule, large=10)
    assert (caught.value.row, caught.value.column) == (2345, "volume")


@anyio
@pytest.mark.parametrize("large", [1000, 0], ids=["arrays", "stage"])
async def test_a_missing_reference_is_named_by_row_and_column(large, platform, conn):
    """A foreign key is checked by the server at the end; the row is found all the same."""
    await platform.execute("INSERT INTO watchlists (owner, name) VALUES ('me', 'mine')")
    rows = [{"watchlist_id": 1, "symbol": str(n), "notes": ""} for n in range(5)]
    rows[3]["watchlist_id"] = 99
    with pytest.raises(BadValueError, match="foreign key") as caught:
        await insert_many(conn, tables.WATCHLIST_ITEMS, rows, "nothing", large=large)
    assert (caught.value.row, caught.value.column) == (3, "watchlist_id")


@anyio
async def test_a_copy_names_the_column_of_a_missing_reference(conn):
    """COPY checks references after the last row, so the column is known and the row is not."""
    rows = [{"watchlist_id": 99, "symbol": "S", "notes": ""}]
    with pytest.raises(BadValueError, match="foreign key") as caught:
        await insert_many(conn, tables.WATCHLIST_ITEMS, rows, large=0)
    assert (caught.value.row, caught.value.column) == (None, "watchlist_id")


@anyio
@WAYS
@pytest.mark.parametrize("column", ["priority", "prio"], ids=["lacks", "unknown"])
async def test_a_row_must_have_exactly_the_columns(column, large, conn):
    """A missing or misspelt column is an error and not a NULL."""
    row = {"alert_type": "t", "symbol": "S", "message": "m"}
    if column == "prio":
        row |= {"priority": 1, "prio": 1}
    with pytest.raises(BadValueError) as caught:
        await insert_many(conn, tables.ALERTS, [row], large=large)
    assert (caught.value.row, caught.value.column) == (0, column)


@anyio
@WAYS
@pytest.mark.parametrize("rule", [None, "nothing"], ids=["insert", "upsert"])
async def test_a_failed_batch_leaves_the_callers_transaction_usable(rule, large, platform):
    """Inside a transaction a batch is undone alone; what came before can still be committed."""
    async with platform.transaction() as lent:
        await insert_many(lent, tables.MARKET_DATA, [bar(0)])
        with pytest.raises(BadValueError):
            await insert_many(
                lent, tables.MARKET_DATA, [bar(1), bar(2, source=None)], rule, large=large
            )
        await insert_many(lent, tables.MARKET_DATA, [bar(3)], rule, large=large)
    assert await volumes(platform) == [100, 100]


@anyio
async def test_two_staged_batches_fit_in_one_transaction(platform):
    """The staging table of the first is out of the second's way."""
    async with platform.transaction() as lent:
        for minute in (0, 1):
            await insert_many(lent, tables.MARKET_DATA, [bar(minute)], "nothing", large=0)
    assert len(await volumes(platform)) == 2


@anyio
@pytest.mark.parametrize("rule", [None, "nothing"], ids=["copy", "stage"])
async def test_a_long_iterable_is_taken_in_pieces(rule, platform, conn):
    """What is held at once is bounded by the threshold and two pieces, however long the batch."""
    held = Held()
    rows = (held.made(bar(n)) for n in range(30_000))
    result = await insert_many(conn, tables.MARKET_DATA, rows, rule)
    assert result.inserted == 30_000
    assert held.most <= 13_000


class Held:
    """Counts the rows that are alive at once."""

    class Row(dict):
        __slots__ = ("owner",)

        def __del__(self):
            self.owner.now -= 1

    def __init__(self):
        self.now = self.most = 0

    def made(self, values):
        row = self.Row(values)
        row.owner = self
        self.now += 1
        self.most = max(self.most, self.now)
        return row


@anyio
@pytest.mark.parametrize("rule", ["volume", [], ["prize"]], ids=str)
async def test_a_rule_that_names_no_columns_is_a_mistake_of_the_caller(rule, conn):
    """A string is not taken for its letters, and an unknown column is not sent."""
    with pytest.raises(ValueError, match="market_data"):
        await insert_many(conn, tables.MARKET_DATA, [bar(0)], rule)


def test_a_type_without_a_rule_is_refused_at_definition():
    """A column of a type nobody can check cannot be declared."""
    with pytest.raises(ValueError, match="point"):
        BatchTable("t", {"a": "point"})


@anyio
async def test_batches_are_timed_by_table(platform, conn):
    """The histogram names the kind of write and the table."""
    await insert_many(conn, tables.MARKET_DATA, [bar(0)])
    await insert_many(conn, tables.MARKET_DATA, [bar(1)], large=0)
    await insert_many(conn, tables.MARKET_DATA, [bar(1)], ["volume"])
    names = platform.timer.snapshot().keys()
    assert {"insert_many market_data", "copy market_data", "upsert_many market_data"} <= names


WHEN = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive by contract
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))
VALUES = st.fixed_dictionaries(
    {
        "small": st.none() | st.integers(-(2**15), 2**15 - 1),
        "big": st.none() | st.integers(-(2**63), 2**63 - 1),
        "price": st.none() | st.decimals(-99_999, 99_999, places=2) | st.integers(-9999, 9999),
        "exact": st.none() | st.decimals(allow_nan=False, allow_infinity=False),
        "ratio": st.none() | st.floats(allow_nan=False) | st.integers(-100, 100),
        "flag": st.none() | st.booleans(),
        "day": st.none() | st.dates(),
        "at": st.none() | WHEN,
        "note": st.none() | TEXT,
        "extra": st.none() | st.dictionaries(st.sampled_from("abc"), st.integers() | st.none()),
    }
)


@pytest.fixture
def kinds_dsn(database):
    """The DSN of a database with a table that has a column of every kind."""
    columns = ", ".join(f"{name} {kind}" for name, kind in KINDS.types.items())
    with psycopg.connect(database) as connection:
        connection.execute(f"CREATE TABLE kinds ({columns}, UNIQUE (id))")
    return database


@pytest.mark.parametrize("rule", [None, ["note"]], ids=["insert", "upsert"])
@WAYS
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batch=st.lists(VALUES, max_size=6))
def test_every_value_returns_as_it_went(rule, large, batch, kinds_dsn):
    """Whatever the way, what is read back equals what was written."""

    async def scenario():
        async with await psycopg.AsyncConnection.connect(kinds_dsn, autocommit=True) as lent:
            await lent.execute("TRUNCATE kinds")
            rows = [{"id": number, **values} for number, values in enumerate(batch)]
            await insert_many(lent, KINDS, rows, rule, large=large)
            names = ", ".join(KINDS.types)
            cursor = await lent.execute(f"SELECT {names} FROM kinds ORDER BY id LIMIT 100")
            assert await cursor.fetchall() == [
                tuple(row[name] for name in KINDS.types) for row in rows
            ]

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["", "50%", "a(b)", "{x}", "a\0b", "%(limit)s"])
def test_a_name_that_reads_as_a_placeholder_is_refused(name):
    """Such a name would change the statement around it, so no batch is made of it."""
    with pytest.raises(BadNameError, match="cannot be used in a batch"):
        BatchTable("notes", {name: "text"})
    with pytest.raises(BadNameError):
        BatchTable(name, {"note": "text"})
