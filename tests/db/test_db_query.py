"""Named statements: the format of their files, and what every one of ours must keep to."""

import re
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from ava.db.page import MARK, keys_of
from ava.db.query import Query, catalogue, load, named, parse, sql_directory
from ava.db.redact import redact
from ava.errors import QueryFileError

QUERIES = list(catalogue().values())
SILENT = re.compile(r"^(INSERT|UPDATE|DELETE)\b(?!.*\bRETURNING\b)", re.MULTILINE | re.DOTALL)
SELECTS = [q for q in QUERIES if re.match(r"(SELECT|WITH)\b", q.sql) and not SILENT.search(q.sql)]
PLACE = re.compile(r"%\((\w+)\)s")


def by_name(query):
    return query.name


def test_statements_are_read_with_name_description_and_file():
    """A file's opening comment is its own; comments below a name describe the statement."""
    first = "-- About the file.\n\n-- name: one\n-- Returns\n-- one.\nSELECT 1;\n"
    text = first + "-- name: two\n-- B.\nSELECT 2"
    one, two = parse(text, "x.sql")
    assert (one.name, one.description, one.sql, one.file) == (
        "one",
        "Returns one.",
        "SELECT 1",
        "x.sql",
    )
    assert (two.name, two.sql) == ("two", "SELECT 2")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("SELECT 1;", "before the first"),
        ("SELECT 1;\n-- name: a\n-- A.\nSELECT 1", "before the first"),
        ("-- name:\n-- A.\nSELECT 1", "is no name"),
        ("-- name: Not-Snake\n-- A.\nSELECT 1", "is no name"),
        ("-- name: a\nSELECT 1", "no description"),
        ("-- name: a\n--\nSELECT 1", "empty description"),
        ("-- name: a\n-- A.\n", "one statement"),
        ("-- name: a\n-- A.\nSELECT 1; SELECT 2", "one statement"),
    ],
)
def test_a_breach_of_the_format_is_refused_with_its_file(text, complaint):
    """Nothing unnamed, undescribed or doubled is loaded."""
    with pytest.raises(QueryFileError, match=rf"x\.sql.*{complaint}"):
        list(parse(text, "x.sql"))


def test_a_name_given_twice_is_refused_with_both_files(tmp_path):
    """A name means one statement over all files."""
    for file in ("a.sql", "b.sql"):
        (tmp_path / file).write_text("-- name: same\n-- A.\nSELECT 1\n")
    with pytest.raises(QueryFileError, match=r"b\.sql: same is named in a\.sql"):
        load(tmp_path)


def test_an_unknown_name_is_refused_with_the_nearest_known_one():
    """A misspelt name says what was probably meant."""
    with pytest.raises(QueryFileError, match="did you mean live_games"):
        named("live_game")


def test_the_sql_directory_holds_migrations_and_queries():
    """A checkout finds the files beside the package."""
    assert {"migrations", "queries"} <= {path.name for path in Path(sql_directory()).iterdir()}


def test_a_query_is_sql_that_psycopg_executes():
    """No adapter stands between a file and the driver."""
    assert isinstance(Query("a", "b", "SELECT 1"), sql.SQL)


@pytest.mark.parametrize("query", QUERIES, ids=by_name)
def test_columns_are_always_named(query):
    """No statement selects a star."""
    assert not re.search(r"\bSELECT\s+(\w+\.)?\*|,\s*(\w+\.)?\*", redact_all(query), re.IGNORECASE)


@pytest.mark.parametrize("query", SELECTS, ids=by_name)
def test_every_list_has_a_bound_limit(query):
    """A statement ends with LIMIT 1 or a limit its caller binds."""
    assert re.search(r"\bLIMIT (1|%\(limit\)s)\Z", query.sql)


@pytest.mark.parametrize("query", QUERIES, ids=by_name)
def test_values_are_bound_and_never_quoted(query):
    """No placeholder stands inside a string, where it would be text."""
    assert not re.search(r"'[^'\n]*%(\(\w+\))?s[^'\n]*'", query.sql)


@pytest.mark.parametrize("query", [q for q in QUERIES if MARK in q.sql], ids=by_name)
def test_every_page_has_an_order_that_can_be_continued(query):
    """A statement with the mark names its keys."""
    assert keys_of(query)


@pytest.mark.parametrize("query", [q for q in QUERIES if MARK in q.sql], ids=by_name)
def test_the_condition_of_a_page_is_not_weakened_by_an_or(query):
    """The next page's condition is joined by AND, beside which a bare OR would undo it."""
    assert not re.search(r"\bOR\b", query.sql.partition(MARK)[2], re.IGNORECASE)


def test_the_four_sports_are_one_statement():
    """Live and upcoming games come from one UNION ALL over four tables."""
    for name in ("live_games", "upcoming_games"):
        assert named(name).sql.count("UNION ALL") == 3


@pytest.mark.parametrize("query", [q for q in QUERIES if "{table}" not in q.sql], ids=by_name)
def test_every_statement_fits_the_schema(query, lab, schema_template):
    """PostgreSQL finds every table, column and operator, and a type for every parameter."""
    numbers = {name: f"${at}" for at, name in enumerate(dict.fromkeys(PLACE.findall(query.sql)), 1)}
    text = PLACE.sub(lambda place: numbers[place[1]], query.sql).replace("%%", "%")
    with psycopg.connect(lab.dsn(schema_template)) as connection:
        connection.execute(f"PREPARE fits AS {text}")
        types = connection.execute("SELECT parameter_types FROM pg_prepared_statements").fetchone()
    assert len(types[0]) == len(numbers)


def redact_all(query):
    return " ".join(redact(line) for line in query.sql.splitlines())
