"""What is refused before anything is measured: another's code, broken code, unsaid differences."""

import sys

import pytest

from perf.gate.environment import as_it_lies, check, installed, interpreter, sources
from perf.gate.inspection import dependency_note, inspect, own_names
from perf.gate.protocol import Collected
from perf.gate.revisions import Checkout
from perf.gate.sample import Side
from perf.lab import Unavailable


def project(folder, layout="", pyproject=""):
    """Write a project whose package lies in `layout`."""
    package = folder / layout / "thing"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (folder / "pyproject.toml").write_text(pyproject)
    return Checkout("the revision", folder.resolve(), folder.resolve())


def found(modules=None, errors=()):
    """Return what both sides collected."""
    return dict.fromkeys(Side, Collected((), errors, modules or {}, "Python 3, pytest 8"))


@pytest.mark.parametrize(
    ("layout", "pyproject"),
    [
        ("", ""),
        ("src", ""),
        ("python", ""),
        ("code", "[tool.setuptools.package-dir]\n'' = 'code'"),
        ("code", "[tool.setuptools.packages.find]\nwhere = ['code']"),
        ("code", "[tool.maturin]\npython-source = 'code'"),
    ],
)
def test_a_checkouts_own_packages_are_found_where_projects_keep_them(tmp_path, layout, pyproject):
    """Flat, under src, or where the build settings say."""
    checkout = project(tmp_path, layout, pyproject)
    assert (tmp_path / layout).resolve() in sources(checkout)
    assert "thing" in own_names(checkout)


def test_an_installed_copy_of_the_project_is_refused(tmp_path):
    """Both sides would measure it, and it is always the same."""
    checkout = project(tmp_path / "checkout")
    place = as_it_lies("python", checkout)
    elsewhere = {"thing": str(tmp_path / "site-packages" / "thing" / "__init__.py")}
    with pytest.raises(Unavailable, match="not from the revision"):
        inspect(dict.fromkeys(Side, place), found(elsewhere))


def test_the_projects_own_copy_and_others_packages_are_fine(tmp_path):
    """Only names that the checkout has can be imported wrongly."""
    checkout = project(tmp_path / "checkout")
    place = as_it_lies("python", checkout)
    modules = {"thing": str(checkout.root / "thing" / "__init__.py"), "numpy": "/lib/numpy.py"}
    assert inspect(dict.fromkeys(Side, place), found(modules)) is None


def test_what_does_not_import_is_named_with_its_reason(tmp_path):
    """And how to leave it out."""
    place = as_it_lies("python", project(tmp_path / "checkout"))
    errors = (("test_a.py", "ModuleNotFoundError: No module named 'nothing'"),)
    with pytest.raises(Unavailable, match=r"does not import: test_a.py: ModuleNotFoundError"):
        inspect(dict.fromkeys(Side, place), found(errors=errors))


@pytest.mark.parametrize(
    ("name", "texts", "differs"),
    [
        ("requirements.txt", ("a==1", "a==2"), True),
        ("requirements.txt", ("a==1", "a==1"), False),
        ("pyproject.toml", ("[project]\ndependencies=['a']", "[project]\ndependencies=[]"), True),
        ("pyproject.toml", ("[project]\nversion='1'", "[project]\nversion='2'"), False),
    ],
)
def test_dependencies_that_differ_are_said(tmp_path, name, texts, differs):
    """One interpreter runs both; a version alone is no dependency."""
    checkouts = {}
    for side, text in zip(Side, texts, strict=True):
        (tmp_path / side).mkdir()
        (tmp_path / side / name).write_text(text)
        checkouts[side] = Checkout(side, tmp_path / side, tmp_path / side)
    notes = dependency_note(checkouts, "python")
    assert bool(notes) == differs
    assert all(name in note for note in notes)


def test_the_interpreter_is_the_given_one_else_the_projects_environment(tmp_path):
    """A relative path is kept in force for workers that start elsewhere."""
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert interpreter(None, tmp_path, {}) == str(python)
    assert interpreter("../x/python", tmp_path, {}).startswith("/")
    assert interpreter("python3", tmp_path, {"VIRTUAL_ENV": str(tmp_path / ".venv")}) == "python3"


def test_an_interpreter_that_cannot_start_is_said_to_be_none(tmp_path):
    """Before any revision is checked out."""
    with pytest.raises(Unavailable, match="cannot be started"):
        check(str(tmp_path / "python"))


def test_a_revision_that_does_not_build_is_said_so(tmp_path):
    """With the last line of what it printed."""

    words = [sys.executable, "-c", "raise SystemExit('no compiler')"]
    with pytest.raises(Unavailable, match="the revision does not build: no compiler"):
        installed(sys.executable, project(tmp_path / "p"), tmp_path / "venv", words)
