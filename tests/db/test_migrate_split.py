"""Splitting SQL into statements: what ends one, and what only looks like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.db.migrate_split import Statement, UnfinishedSqlError, split_statements

ATOMIC = """CREATE FUNCTION f(a int) RETURNS int
BEGIN ATOMIC
    SELECT CASE WHEN a > 0 THEN 1 ELSE 2 END;
    SELECT a;
END"""

WHOLE = [
    "SELECT ';'",
    "SELECT 'it''s; one'",
    r"SELECT E'a\';b'",
    'SELECT ";" FROM "a""b;c"',
    "SELECT $$ ; $$",
    "DO $body$ BEGIN PERFORM $$;$$; END $body$",
    "SELECT $1 AS a$b$c",
    "SELECT 1 /* ; /* nested ; */ ; */ + 1",
    "SELECT 1 -- ; to the end of the line\n+ 1",
    "SELECT u&'d\\0061t;a'",
    ATOMIC,
]


def texts(sql):
    """Return the statements' texts."""
    return [statement.text for statement in split_statements(sql)]


@pytest.mark.parametrize("statement", WHOLE)
def test_a_semicolon_inside_a_token_ends_nothing(statement):
    """Strings, quoted names, dollar quotes, comments and atomic bodies keep their semicolons."""
    assert texts(f"{statement};\nSELECT 2;") == [statement, "SELECT 2"]


def test_comments_between_statements_belong_to_none():
    """A statement begins at its first word and knows the line it stands on."""
    found = split_statements("-- head\n\nSELECT 1;\n/* two\nlines */ SELECT 2 -- tail\n;;\n")
    assert found == (Statement("SELECT 1", 3), Statement("SELECT 2", 5))


def test_a_text_without_statements_has_none():
    """Comments and semicolons alone are nothing to run."""
    assert split_statements(" ;; -- nothing\n/* at all */ ;") == ()


def test_a_transaction_is_not_an_atomic_body():
    """BEGIN ends at its semicolon like any other statement."""
    assert texts("BEGIN; SELECT 1; END") == ["BEGIN", "SELECT 1", "END"]


@pytest.mark.parametrize(
    "sql", ["SELECT 'a", 'SELECT "a', r"SELECT E'a\'", "SELECT $a$ $b$", "SELECT 1 /* /* */"]
)
def test_what_is_never_closed_is_refused(sql):
    """An open quote or comment would swallow the rest of the file; the error names its line."""
    with pytest.raises(UnfinishedSqlError, match="line 2"):
        split_statements(f"SELECT 1;\n{sql}")


@given(
    st.lists(
        st.lists(st.sampled_from([*WHOLE, "x", "1.5", "a.b", "(", ")", "::int", "@>"]), min_size=1),
        max_size=6,
    ),
    st.sampled_from([";", " ;\n", ";-- c;\n", "; /* ; */ "]),
)
def test_joined_statements_come_apart_where_they_were_joined(parts, separator):
    """Whatever tokens a statement is made of, splitting undoes joining."""
    statements = [" \n".join(tokens) for tokens in parts]
    assert texts(separator.join(statements)) == statements
