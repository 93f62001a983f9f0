"""Pages: every row exactly once and in order, whatever happens between two of them."""

import asyncio
import base64
import string
import zlib
from datetime import UTC, datetime
from decimal import Decimal

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from ava.db.page import MAX_LIMIT, Key, after, fetch_page, keys_of
from ava.db.page_cursor import decode, encode
from ava.db.query import Query, named
from ava.errors import BadCursorError, BadLimitError, QueryFileError

LISTED = Query(
    "listed", "Rows by a mixed order.", "SELECT a, b, c, id FROM paged WHERE /* after */ true"
    " ORDER BY a DESC, b ASC NULLS LAST, c DESC NULLS FIRST, id LIMIT %(limit)s",
)  # fmt: skip
UNIFORM = Query(
    "uniform", "Rows by one direction.", "SELECT p.a, p.id FROM paged AS p WHERE /* after */ true"
    " ORDER BY p.a DESC, p.id DESC LIMIT %(limit)s",
)  # fmt: skip
NULLS_LEAD = Query(
    "nulls_lead", "Rows by a column that can be null.", "SELECT b, id FROM paged"
    " WHERE /* after */ true ORDER BY b DESC NULLS LAST, id LIMIT %(limit)s",
)  # fmt: skip

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
ROW = st.tuples(
    st.integers(0, 3),
    st.none() | st.sampled_from([NOON, NOON.replace(microsecond=1)]),
    st.none() | st.sampled_from([Decimal("1.10"), Decimal(-2)]),
)
KEY_VALUES = st.lists(
    st.none()
    | st.integers()
    | st.text()
    | st.decimals(allow_nan=False)
    | st.dates()
    | st.datetimes(timezones=st.just(UTC)),
    max_size=4,
)


@pytest.fixture
def paged_dsn(database):
    """A database with a table of ties and nulls."""
    with psycopg.connect(database) as connection:
        connection.execute(
            "CREATE TABLE paged (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            " a integer NOT NULL, b timestamptz, c numeric)"
        )
    return database


async def walk(conn, query, limit, between=None):
    """Return the ids of all pages in turn."""
    ids, cursor = [], None
    while True:
        page = await fetch_page(conn, query, limit=limit, cursor=cursor)
        ids += [row["id"] for row in page.rows]
        assert len(page.rows) <= limit
        cursor = page.next_cursor
        if cursor is None:
            return ids
        if between is not None:
            await between()


@pytest.mark.parametrize("query", [LISTED, UNIFORM, NULLS_LEAD], ids=lambda query: query.name)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(ROW, max_size=25),
    late=st.lists(ROW, min_size=1, max_size=3),
    limit=st.integers(1, 7),
)
def test_walking_yields_every_row_once_and_in_order(query, rows, late, limit, paged_dsn):
    """With ties, nulls and rows inserted meanwhile, the first rows come complete and in order."""

    async def scenario():
        async with await psycopg.AsyncConnection.connect(paged_dsn, autocommit=True) as conn:
            await conn.execute("TRUNCATE paged RESTART IDENTITY")
            async with conn.cursor() as cursor:
                await cursor.executemany("INSERT INTO paged (a, b, c) VALUES (%s, %s, %s)", rows)
            everything = await conn.execute(query, {"limit": None})
            expected = [row[-1] for row in await everything.fetchall()]
            assert await walk(conn, query, limit) == expected

            async def insert():
                async with conn.cursor() as cursor:
                    await cursor.executemany(
                        "INSERT INTO paged (a, b, c) VALUES (%s, %s, %s)", late
                    )

            # As many insertions as pages would never end: new rows may all lie ahead.
            seen = await walk(conn, query, limit, _times(3, insert))
            assert [number for number in seen if number <= len(rows)] == expected
            assert len(seen) == len(set(seen))

    asyncio.run(scenario())


def _times(most, call):
    left = [most]

    async def limited():
        if left[0]:
            left[0] -= 1
            await call()

    return limited


@pytest.mark.anyio
async def test_a_page_says_whether_there_is_more(platform):
    """The last page has no cursor, even when it is full."""
    await platform.execute("INSERT INTO watchlists (owner, name) VALUES ('me', 'a'), ('me', 'b')")
    first = await fetch_page(platform, named("watchlists"), {"owner": "me"}, limit=1)
    last = await fetch_page(
        platform, named("watchlists"), {"owner": "me"}, limit=1, cursor=first.next_cursor
    )
    assert [row["name"] for row in first.rows + last.rows] == ["a", "b"]
    assert last.next_cursor is None


@pytest.mark.anyio
async def test_the_continuation_of_a_uniform_order_is_an_index_condition(platform):
    """The next page starts inside the index instead of reading up to its place."""
    await platform.execute("INSERT INTO trading_accounts (account_name) VALUES ('a')")
    await platform.execute(
        "INSERT INTO trade_history (account_id, symbol, action, quantity, price, total_value,"
        " order_type, executed_at) SELECT 1, 'S', 'buy', 1, 1, 1, 'limit',"
        " timestamptz '2026-01-05' + n * interval '1 minute' FROM generate_series(1, 5000) AS n"
    )
    await platform.execute("ANALYZE trade_history")
    keys = keys_of(named("trade_history"))
    place = [datetime(2026, 1, 6, tzinfo=UTC), 99]
    condition = after(keys, place)
    before, _, rest = named("trade_history").sql.partition("/* after */")
    plan = await platform.fetch(
        sql.SQL("EXPLAIN ") + sql.SQL(before) + condition + sql.SQL(" AND ") + sql.SQL(rest),
        {"after_0": place[0], "after_1": place[1], "limit": 11},
    )
    assert any("Index Cond" in line["QUERY PLAN"] for line in plan)


@pytest.mark.anyio
@pytest.mark.parametrize("limit", [0, -1, MAX_LIMIT + 1])
async def test_a_limit_out_of_bounds_is_refused(limit, platform):
    """A page is bounded on both sides."""
    with pytest.raises(BadLimitError, match=f"1 to {MAX_LIMIT}"):
        await fetch_page(platform, named("stocks"), limit=limit)


@pytest.mark.anyio
async def test_a_cursor_of_another_list_is_refused(platform):
    """A cursor continues the list it came from and no other."""
    with pytest.raises(BadCursorError, match="another list"):
        await fetch_page(platform, named("stocks"), limit=1, cursor=encode("watchlists", ["a"]))


@pytest.mark.anyio
@pytest.mark.parametrize("values", [[], ["a", "b"], [None]])
async def test_a_cursor_that_does_not_fit_the_order_is_refused(values, platform):
    """Too few values, too many, or a null where none can be, continue nothing."""
    with pytest.raises(BadCursorError, match="does not fit"):
        await fetch_page(platform, named("stocks"), limit=1, cursor=encode("stocks", values))


@given(st.text(), KEY_VALUES)
def test_a_cursor_returns_the_values_it_was_given(name, values):
    """Types and digits survive the journey through text."""
    returned = decode(encode(name, values), name)
    assert list(returned) == values
    assert [type(value) for value in returned] == [type(value) for value in values]
    assert [str(value) for value in returned] == [str(value) for value in values]


@given(KEY_VALUES)
def test_a_cursor_can_stand_in_a_url(values):
    """No character of a cursor needs escaping."""
    assert set(encode("list", values)) <= {*string.ascii_letters, *string.digits, "-", "_"}


@given(KEY_VALUES, st.data())
def test_a_cursor_with_any_character_changed_is_refused(values, data):
    """A typing error never leads to another place of the list."""
    cursor = encode("list", values)
    place = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.characters().filter(lambda found: found != cursor[place]))
    with pytest.raises(BadCursorError):
        decode(cursor[:place] + other + cursor[place + 1 :], "list")


def test_a_cursor_has_one_spelling():
    """What base64 would overlook (padding, blanks, spare bits) is refused all the same."""
    cursor = encode("list", [1])
    assert len(cursor) % 4 == 2  # so the last character has four spare bits
    spare = chr(ord(cursor[-1]) + 1)
    for other in (
        f"{cursor}=",
        f"{cursor}    ",
        f" {cursor[:4]}\n  {cursor[4:]}",
        cursor[:-1] + spare,
    ):
        with pytest.raises(BadCursorError):
            decode(other, "list")


@given(st.text())
def test_any_text_is_a_cursor_or_a_clear_error(text):
    """Nothing a client sends is an error of another kind."""
    with pytest.raises(BadCursorError):
        decode(text, "list")


@pytest.mark.parametrize(
    "body",
    [
        "[" * 5000,
        "[1]",
        "{}",
        '["list", [["i", "x"]]]',
        '["list", [["?", 1]]]',
        '["list", [["n", "x"]]]',
    ],
    ids=range(6),
)
def test_a_forged_cursor_is_refused(body):
    """A right checksum over a wrong body helps nobody."""
    with pytest.raises(BadCursorError):
        decode(forge(body), "list")


def forge(body):
    raw = body.encode()
    return base64.urlsafe_b64encode(zlib.crc32(raw).to_bytes(4, "big") + raw).decode().rstrip("=")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("SELECT a FROM t WHERE /* after */ true ORDER BY a", "cannot be paged"),
        ("SELECT a FROM t ORDER BY a LIMIT %(limit)s", "cannot be paged"),
        ("SELECT a FROM t WHERE /* after */ true ORDER BY a + 1 LIMIT %(limit)s", "only columns"),
    ],
)
def test_a_statement_that_cannot_be_paged_says_why(text, complaint):
    """The mark, the order and the limit are needed, and the order must be columns."""
    with pytest.raises(QueryFileError, match=complaint):
        keys_of(Query("q", "Q.", text))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "SELECT 1 AS b FROM t WHERE /* after */ true ORDER BY id LIMIT %(limit)s",
            "must select id",
        ),
        (
            "SELECT sector FROM t WHERE /* after */ true ORDER BY sector LIMIT %(limit)s",
            "NULLS FIRST",
        ),
        (
            "SELECT ratio FROM t WHERE /* after */ true ORDER BY ratio LIMIT %(limit)s",
            "float",
        ),
    ],
)
async def test_rows_that_cannot_be_continued_after_say_why(text, complaint, platform):
    """A key that is not selected, null without saying so, or of another type is an error."""
    await platform.execute(
        "CREATE TABLE t AS SELECT id, NULL::text AS sector, 1.5::float8 AS ratio"
        " FROM generate_series(1, 2) AS id"
    )
    with pytest.raises(QueryFileError, match=complaint):
        await fetch_page(platform, Query("q", "Q.", text), limit=1)


def test_keys_are_read_from_the_order():
    """Table, direction and place of nulls come from ORDER BY."""
    assert keys_of(LISTED) == (
        Key("a", None, descending=True, nulls_first=None),
        Key("b", None, descending=False, nulls_first=False),
        Key("c", None, descending=True, nulls_first=True),
        Key("id", None, descending=False, nulls_first=None),
    )
    assert keys_of(UNIFORM)[0] == Key("a", "p", descending=True, nulls_first=None)


@pytest.mark.anyio
async def test_a_page_reads_inside_a_transaction(platform):
    """A connection serves as well as the database."""
    async with platform.transaction() as conn:
        await conn.execute("INSERT INTO watchlists (owner, name) VALUES ('me', 'a')")
        page = await fetch_page(conn, named("watchlists"), {"owner": "me"}, limit=5)
    assert [row["name"] for row in page.rows] == ["a"]
