"""The house rules that a machine can check: imports, ids, sentences."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = [p for top in ("ava", "perf") for p in sorted((ROOT / top).rglob("*.py"))]
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


@cache
def tree(path):
    """Return a source file's syntax, parsed once for all that is asked of it."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path):
    """Return the top packages and dotted names a module imports, at any depth."""
    names = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def package(path):
    """Return a source file's dotted package path relative to the root."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("path", SOURCES, ids=package)
def test_imports_point_one_way(path):
    """`ava` never imports `perf`; of `perf`, only the claims and benchmarks import `ava`."""
    tops = {name.partition(".")[0] for name in imports(path)}
    own = package(path)
    if own.startswith("ava"):
        assert "perf" not in tops
    elif not own.startswith(("perf.claims", "perf.benchmarks")):
        assert "ava" not in tops


@pytest.mark.parametrize("path", SOURCES, ids=package)
def test_the_engine_does_not_know_its_claims(path):
    """Claims are discovered by name from the settings, never imported."""
    if not package(path).startswith(("perf.claims", "perf.benchmarks")):
        assert not any(name.startswith("perf.claims") for name in imports(path))


@pytest.mark.parametrize("path", SOURCES, ids=package)
def test_every_module_says_what_it_is_for(path):
    """The first thing in a module is a paragraph for its reader."""
    assert not tree(path).body or ast.get_docstring(tree(path))


def test_functions_state_their_case_in_a_sentence():
    """Each test function's docstring is its claim."""
    missing = [
        f"{path.name}:{node.name}"
        for path in TESTS
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert missing == []


def test_only_the_clock_modules_read_the_clock_of_ava():
    """Time comes from `ava.clock`, so that tests can hold it still."""
    forbidden = re.compile(r"\btime\.(time|monotonic|perf_counter)\(|\bdatetime\.now\(|\butcnow\(")
    found = [
        package(path)
        for path in SOURCES
        if package(path).startswith("ava.")
        and package(path) != "ava.clock"
        and forbidden.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_most_functions_are_short():
    """Nine of ten functions are under 30 lines, none over 60."""
    lengths = {
        f"{package(path)}.{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in SOURCES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert [name for name, lines in lengths.items() if lines > 60] == []
    assert sum(lines < 30 for lines in lengths.values()) / len(lengths) >= 0.9
