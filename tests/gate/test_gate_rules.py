"""From which change on each benchmark counts: who has the last word, and what is refused."""

import pytest

from perf.errors import UserError
from perf.gate.protocol import Described
from perf.gate.rules import GateSettings, check, rule_for
from perf.gate.sample import Rule
from perf.settings import read_section

ID = "tests/test_a.py::test_sort[10]"


def rule(mark=None, **settings):
    """Return the rule of one benchmark."""
    return rule_for(Described(ID, "", mark or {}), GateSettings(**settings))


@pytest.mark.parametrize(
    ("mark", "settings", "expected"),
    [
        ({}, {}, Rule()),
        ({}, {"threshold": 0.2}, Rule(threshold=0.2)),
        ({"threshold": 0.1}, {"threshold": 0.2}, Rule(threshold=0.1)),
        ({"threshold": 0.1}, {"benchmarks": {"test_sort*": {"threshold": 0.5}}}, Rule(0.5)),
        ({}, {"benchmarks": {"tests/*": {"floor": 1e-6}}}, Rule(floor=1e-6)),
        ({}, {"benchmarks": {"test_other*": {"threshold": 0.5}}}, Rule()),
        ({"threshold": 0.1}, {"benchmarks": {"*": {"floor": 1}}}, Rule(0.1, 1.0)),
    ],
)
def test_the_most_particular_rule_wins(mark, settings, expected):
    """A pattern beats a mark, a mark the suite's settings; what none names stays."""
    assert rule(mark, **settings) == expected


@pytest.mark.parametrize(
    "mark",
    [
        {"treshold": 0.1},
        {"threshold": "a lot"},
        {"threshold": -1},
        {"threshold": 0},
        {"floor": True},
    ],
)
def test_a_mark_that_makes_no_rule_is_refused(mark):
    """A threshold that is silently ignored would be a verdict about another one."""
    with pytest.raises(UserError, match="test_sort"):
        rule(mark)


@pytest.mark.parametrize(
    "settings",
    [
        {"threshold": 0.0},
        {"threshold": -0.1},
        {"metric": "speed"},
        {"max_time": -1.0},
        {"benchmarks": {"test_*": 0.1}},
        {"benchmarks": {"test_*": {"treshold": 0.1}}},
    ],
)
def test_settings_that_make_no_rule_are_refused(settings):
    """Before anything is measured."""
    with pytest.raises(UserError):
        check(GateSettings(**settings))


def test_a_repository_keeps_its_thresholds(tmp_path):
    """All of the table is read from pyproject.toml."""
    (tmp_path / "pyproject.toml").write_text(
        "[tool.ava-perf.gate]\nthreshold = 0.05\nmetric = 'cpu'\nargs = ['bench']\n"
        "[tool.ava-perf.gate.benchmarks]\n'test_sort*' = {threshold = 0.2}\n"
    )
    settings = read_section(GateSettings, "gate", tmp_path, {})
    check(settings)
    assert rule_for(Described(ID, "", {}), settings) == Rule(threshold=0.2)
    assert (settings.metric, settings.args) == ("cpu", ("bench",))
