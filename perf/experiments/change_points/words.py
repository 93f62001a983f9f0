"""The results as Markdown, from the same document as the JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any


def markdown(results: Mapping[str, Any]) -> str:
    """Return the report."""
    return "\n".join(_lines(results)) + "\n"


def _lines(results: Mapping[str, Any]) -> Iterator[str]:
    names = list(results["finders"])
    yield from ("# Change points: how well they are found", "")
    yield f"`{results['command']}`; {', '.join(results['finders'].values())}."
    yield "Intervals are of 95 %. How the constants were chosen: the package's docstring."
    yield from (
        "",
        "## Labelled by five people (Turing change point data set, ten open series)",
        "",
    )
    yield "F1 as in the paper: margin 5, precision against all people, recall over each."
    yield from ("", *_people(results["people"], names), "")
    yield "Most of these series are economy and traffic, and people often saw nothing: silence"
    yield "alone scores well. Slopes that people marked are no steps to our finder, which calls"
    yield "them drift. Ten series are few: read the intervals."
    yield from ("", "## TigerBeetle's throughput, as described by Otava's authors", "")
    yield from _table(
        ("finder", "found", "F1: steps at 15, 71", "F1: and the slope from 97", "dip at 10 taken"),
        (
            (
                name,
                str(one["found"]),
                f"{one['f1_steps']:.3f}",
                f"{one['f1_with_slope']:.3f}",
                "yes" if one["dip_taken_for_a_step"] else "no",
            )
            for name, one in results["tiger"].items()
        ),
    )
    for title, part in results["made"].items():
        yield from ("", f"## Made series: {title}", "", *_made(part), "", *_kinds(part))
    yield from ("", "## Real noise (hyper's runs in random order, 100 figures)", "")
    yield from ("27 series, drawn from 8 times each; a jump of every figure from the 61st on.", "")
    yield from _shares(results["real_noise"])
    yield from ("", "## Runs after a step until it is found, 60 runs before it", "")
    yield from _delays(results["delay"])


def _people(part: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    rows = [
        (series, *(f"{scores[name]['f1']:.3f}" for name in names))
        for series, scores in part["series"].items()
    ]
    rows += [
        (f"**mean {key}**", *(f"{part['mean'][name][key]:.3f}" for name in names))
        for key in ("f1", "precision", "recall")
    ]
    yield from _table(("series", *names), rows)
    for name, ahead in part["ahead_of"].items():
        low, high = ahead["interval"]
        least, most = ahead["one_left_out"]
        yield ""
        yield f"Ours less {name}: {ahead['mean']:+.3f} [{low:+.3f}, {high:+.3f}] over the series;"
        yield f"with any one of them left out {least:+.3f} to {most:+.3f}."


def _made(part: Mapping[str, Any]) -> Iterator[str]:
    return _table(
        ("finder", "F1", "precision", "recall", "false alarms: series without a step"),
        (
            (
                name,
                *(f"{one[key]:.3f}" for key in ("f1", "precision", "recall")),
                _share(one["false_alarms"]),
            )
            for name, one in part.items()
        ),
    )


def _kinds(part: Mapping[str, Any]) -> Iterator[str]:
    kinds = next(iter(part.values()))["false_alarms_by_kind"]
    rows = (
        (
            kind,
            *(f"{100 * one['false_alarms_by_kind'][kind]['share']:.1f} %" for one in part.values()),
        )
        for kind in kinds
    )
    return _table(("false alarms by kind", *part), rows)


def _shares(part: Mapping[str, Any]) -> Iterator[str]:
    heads = next(iter(part.values()))
    return _table(
        ("", *part), ((head, *(_share(one[head]) for one in part.values())) for head in heads)
    )


def _delays(part: Mapping[str, Any]) -> Iterator[str]:
    sizes = next(iter(part.values()))
    return _table(
        ("step", *part), ((size, *(_delay(one[size]) for one in part.values())) for size in sizes)
    )


def _delay(one: Mapping[str, Any]) -> str:
    if one["runs"] is None:
        return "never"
    return f"{one['runs']:g} runs; within 20 by {_share(one['found'])}"


def _share(one: Mapping[str, Any]) -> str:
    low, high = 100 * one["low"], 100 * one["high"]
    return f"{100 * one['share']:.1f} % [{low:.1f}, {high:.1f}] of {one['of']}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
