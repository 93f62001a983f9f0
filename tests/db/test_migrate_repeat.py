"""Views and functions follow their files: changed, widened, renamed, removed."""

import psycopg
import pytest

from ava.db.migrate import migrate, status
from ava.db.migrate_files import MigrationError

BASE = "CREATE OR REPLACE VIEW base AS SELECT id, name FROM t"
ABOVE = "CREATE OR REPLACE VIEW above AS SELECT id FROM base"


@pytest.fixture
def deploy(database, tmp_path):
    """Deploy one table with the given views and functions, and no others."""

    def run(views=None, functions=None):
        files = {"migrations/0001_t": "CREATE TABLE t (id integer, name text)"}
        files |= {f"views/{name}": text for name, text in (views or {}).items()}
        files |= {f"functions/{name}": text for name, text in (functions or {}).items()}
        for old in tmp_path.glob("*/*.sql"):
            old.unlink()
        for name, text in files.items():
            path = tmp_path / f"{name}.sql"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return migrate(database, tmp_path)

    return run


@pytest.fixture
def run(database):
    """Run a statement in the test's database and return its rows."""

    def execute(query):
        with psycopg.connect(database, autocommit=True) as connection:
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []

    return execute


def function(arguments, result="integer", body="1"):
    """Return a function `f` of these arguments."""
    return f"CREATE OR REPLACE FUNCTION f({arguments}) RETURNS {result} LANGUAGE sql RETURN {body}"


def test_files_need_no_order(deploy):
    """A view whose base comes later in the alphabet is made after it."""
    report = deploy({"above": ABOVE, "base": BASE}, {"f": function("", body="2")})
    assert report.repeated == ("functions/f.sql", "views/above.sql", "views/base.sql")


def test_an_unchanged_file_is_left_alone(deploy):
    """Only what changed is made again."""
    deploy({"base": BASE, "above": ABOVE})
    report = deploy({"base": BASE, "above": ABOVE + " WHERE id > 0"})
    assert report.repeated == ("views/above.sql",)


def test_a_view_that_gains_a_column_is_replaced_in_place(deploy, run):
    """Grants stay, and so does the view of somebody else that hangs on it."""
    deploy({"base": BASE})
    run("GRANT SELECT ON base TO public; CREATE VIEW foreign_view AS SELECT id FROM base")
    deploy({"base": BASE.replace("name", "name, id + 1 AS next")})
    assert run("SELECT has_table_privilege('public', 'base', 'SELECT')") == [(True,)]


def test_a_view_that_loses_a_column_takes_its_own_with_it(deploy, run):
    """What hangs on it is dropped, and made again from its own, unchanged file."""
    deploy({"base": BASE, "above": ABOVE})
    report = deploy({"base": BASE.replace(", name", ""), "above": ABOVE})
    assert report.repeated == ("views/above.sql", "views/base.sql")
    assert run("SELECT * FROM above") == []


def test_a_strangers_view_is_never_dropped(deploy, run):
    """Where something else hangs on the view, the server's refusal is told and nothing changes."""
    deploy({"base": BASE})
    run("CREATE VIEW foreign_view AS SELECT name FROM base")
    with pytest.raises(
        MigrationError, match=r"views/base.sql: .*foreign_view depends on view base"
    ):
        deploy({"base": BASE.replace(", name", "")})
    assert run("SELECT name FROM foreign_view") == []


@pytest.mark.parametrize(
    ("before", "after"),
    [("a integer", "a integer, b integer DEFAULT 0"), ("a integer", "a text"), ("a text", "")],
)
def test_a_function_has_one_signature(deploy, run, before, after):
    """Other arguments make another function to PostgreSQL: the old one goes."""
    deploy(functions={"f": function(before)})
    deploy(functions={"f": function(after)})
    assert run("SELECT count(*) FROM pg_proc WHERE proname = 'f'") == [(1,)]


def test_a_function_under_a_view_can_change_its_result(deploy, run):
    """The view is dropped first, and made again when the function is there."""
    view = {"v": "CREATE OR REPLACE VIEW v AS SELECT f() AS f"}
    deploy(view, {"f": function("")})
    deploy(view, {"f": function("", "text", "'one'::text")})
    assert run("SELECT f FROM v") == [("one",)]


def test_a_function_on_a_views_row_type_survives_the_view(deploy, run):
    """A function that returns a view's rows hangs on the view's type."""
    rows = (
        "CREATE OR REPLACE FUNCTION f() RETURNS SETOF base LANGUAGE sql AS $$ SELECT * FROM base $$"
    )
    deploy({"base": BASE}, {"f": rows})
    deploy({"base": BASE.replace(", name", "")}, {"f": rows})
    assert run("SELECT id FROM f()") == []


def test_what_has_no_file_any_more_is_dropped(deploy, run):
    """Removing the file removes the object."""
    deploy({"base": BASE, "above": ABOVE}, {"f": function("")})
    report = deploy({"base": BASE})
    assert report.removed == ("f", "above")
    assert run("SELECT to_regclass('above'), to_regprocedure('f()')") == [(None, None)]


def test_a_base_that_is_still_needed_is_not_dropped(deploy):
    """A view cannot go while another file's view reads it."""
    deploy({"base": BASE, "above": ABOVE})
    with pytest.raises(MigrationError, match=r"views/base.sql is gone: .*view above depends"):
        deploy({"above": ABOVE})


def test_a_view_that_vanished_is_made_again(deploy, run, database, tmp_path):
    """An unchanged checksum is no proof that the object is there."""
    deploy({"base": BASE})
    run("DROP VIEW base")
    assert status(database, tmp_path).stale == ("views/base.sql",)
    assert deploy({"base": BASE}).repeated == ("views/base.sql",)


def test_one_failure_undoes_them_all(deploy, run):
    """Views and functions change together or not at all."""
    deploy({"base": BASE})
    wrong = "CREATE OR REPLACE VIEW wrong AS SELECT id FROM no_such_table"
    with pytest.raises(MigrationError, match=r'views/wrong.sql: relation "no_such_table"'):
        deploy({"base": BASE.replace("id,", "id AS id,") + " WHERE true", "wrong": wrong})
    assert run("SELECT count(*) FROM schema_repeatables") == [(1,)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("CREATE OR REPLACE VIEW other AS SELECT 1", "does not make the view base"),
        ("CREATE OR REPLACE VIEW base AS SELECT 1 / 0 AS a GROUP BY b", "views/base.sql: column"),
        ("CREATE VIEW base AS SELEC", "views/base.sql: syntax error"),
    ],
)
def test_a_wrong_file_is_named(deploy, text, said):
    """The error begins with the file."""
    with pytest.raises(MigrationError, match=said):
        deploy({"base": text})
