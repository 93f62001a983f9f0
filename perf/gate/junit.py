"""The comparison as JUnit XML, for the test views of continuous integration.

Slower is a failure and so is a benchmark that is gone; what could not be measured is an error, so
that "slow" and "broken" stay apart; undecided is skipped, neither red nor green.
"""

from __future__ import annotations

from io import BytesIO

from junitparser import Error, Failure, JUnitXml, Properties, Property, Skipped, TestCase, TestSuite

from perf.gate import figures
from perf.gate.method import Verdict
from perf.gate.outcome import Entry, Outcome
from perf.report.clean import clean_text


def junit(result: Outcome) -> str:
    """Return the XML."""
    suite = TestSuite("ava-perf gate")
    measured = result.measured
    for name, value in (
        ("base", measured.base),
        ("head", measured.head),
        ("metric", measured.metric),
    ):
        suite.add_property(name, clean_text(str(value)))
    suite.add_testcases([*map(_case, result.entries), *_broken(result)])
    document = JUnitXml("ava-perf gate")
    document.add_testsuite(suite)
    document.update_statistics()  # type: ignore[no-untyped-call]  # junitparser types half of it
    file = BytesIO()
    document.write(file, pretty=True)
    return file.getvalue().decode("utf-8")


def _case(entry: Entry) -> TestCase:
    case = TestCase(clean_text(entry.id), "ava-perf.gate", entry.seconds)
    properties = Properties()  # type: ignore[no-untyped-call]  # as above
    for name, value in (
        ("verdict", entry.verdict.value),
        ("change", figures.change(entry)),
        ("interval", figures.interval(entry)),
        ("threshold", figures.rule(entry)),
    ):
        properties.add_property(Property(name, value))
    case.append(properties)  # type: ignore[no-untyped-call]  # as above
    said = clean_text(
        f"{figures.change(entry)} {figures.interval(entry)}: {entry.judgement.reason}"
    )
    if entry.fails:
        case.result = [Failure(said, entry.verdict.value)]
    elif entry.verdict is Verdict.UNDECIDED:
        case.result = [Skipped(said, entry.verdict.value)]
    return case


def _broken(result: Outcome) -> list[TestCase]:
    """Return a case for each benchmark that could not be measured, on one side or both."""
    reasons: dict[str, list[str]] = {}
    for broken in result.broken:
        reasons.setdefault(broken.id, []).append(f"{broken.side}: {broken.reason}")
    cases = []
    for name, said in reasons.items():
        case = TestCase(clean_text(name), "ava-perf.gate")
        case.result = [Error(clean_text("; ".join(said)), "not_measured")]
        cases.append(case)
    return cases
