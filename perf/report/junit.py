"""The run as JUnit XML, for the test views of continuous integration.

One test case a claim. A missed target is a failure and what could not be measured an error, so
that "slow" and "broken" stay apart; an inconclusive one is skipped, neither red nor green. A
refuted claim passes and says so in a property: the example that had to occur did.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from junitparser import Error, Failure, JUnitXml, Properties, Property, Skipped, TestCase, TestSuite

from perf.report import figures, rank
from perf.report.model import Entry, Report
from perf.report.read import read
from perf.verdict import Verdict

_OUTCOMES = {
    Verdict.MISSED: Failure,
    Verdict.NOT_MEASURED: Error,
    Verdict.INCONCLUSIVE: Skipped,
}


def render_junit(results: Mapping[str, Any]) -> str:
    """Return the XML of a results document; raise ResultsError when it cannot be read."""
    report = read(results)
    document = JUnitXml("ava-perf")
    document.add_testsuite(_suite(report))
    document.update_statistics()  # type: ignore[no-untyped-call]  # junitparser types half of it
    file = BytesIO()
    document.write(file, pretty=True)
    return file.getvalue().decode("utf-8")


def _suite(report: Report) -> TestSuite:
    run, environment = report.run, report.environment
    suite = TestSuite(f"ava-perf {run.get('profile') or 'audit'}")
    if run.get("started"):
        suite.timestamp = str(run["started"])
    for name, value in (
        ("run", run.get("id")),
        ("commit", run.get("commit")),
        ("machine", environment.get("machine")),
        ("noise", environment.get("noise")),
    ):
        if value is not None:
            suite.add_property(name, str(value))
    names: set[str] = set()
    suite.add_testcases([_case(entry, _unique(entry.id, names)) for entry in report.entries])
    return suite


def _unique(name: str, taken: set[str]) -> str:
    turn, unique = 2, name
    while unique in taken:
        unique, turn = f"{name} ({turn})", turn + 1
    taken.add(unique)
    return unique


def _case(entry: Entry, name: str) -> TestCase:
    """Return the test case; its class is the row of the documents, which groups it in views."""
    case = TestCase(name, f"ava-perf.{entry.rows[0] if entry.rows else entry.category}")
    if entry.duration_s is not None:
        case.time = entry.duration_s
    properties = Properties()  # type: ignore[no-untyped-call]  # as above
    for key, value in _properties(entry):
        properties.add_property(Property(key, value))
    case.append(properties)  # type: ignore[no-untyped-call]  # as above
    outcome = _OUTCOMES.get(entry.verdict)
    if outcome is not None:
        result = outcome(entry.reason or "no reason was recorded", entry.verdict.value)
        result.text = _body(entry)
        case.result = [result]
    return case


def _properties(entry: Entry) -> list[tuple[str, str]]:
    found = [
        ("verdict", entry.verdict.value),
        ("target", figures.rule(entry.target)),
        ("source", entry.source or None),
        ("measured", figures.measured(entry)),
        ("interval", figures.interval(entry)),
    ]
    return [(name, value) for name, value in found if value is not None]


def _body(entry: Entry) -> str:
    lines = [entry.title, rank.sentence(entry)]
    if entry.cure:
        lines.append(f"to enable it: {entry.cure}")
    if entry.reproduce:
        lines.append(f"reproduce: {entry.reproduce}")
    return "\n".join(lines)
