"""Results documents for the tests of the report: plausible in form, invented in every figure.

`small` holds one claim of each verdict and is the ground of the golden files; `large` is a whole
audit. Both are seeded, so the same call gives the same document on every machine.
"""

from __future__ import annotations

import csv
import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from perf.report.html import render_html
from perf.report.junit import render_junit
from perf.report.text import render_markdown

STARTED = "2026-11-21T05:00:00Z"
COMMIT = "3f9c2d41a0b5e6f7788990011223344556677889"
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
EVIDENCE = json.loads((HERE / "evidence.json").read_text(encoding="utf-8"))
ESTIMATORS = {
    "comparison": "ratio of medians",
    "timing": "median",
    "count": "exact count",
    "witness": "exact count",
}
CURE = "apt-get install postgresql-contrib"


@dataclass(frozen=True)
class Spec:
    """A claim and the figure its samples are to be drawn around."""

    name: str
    row: str
    title: str
    category: str
    source: str
    kind: str
    bound: float
    unit: str
    figure: float
    spread: float

    @property
    def how(self):
        if self.kind == "counter_example":
            return "witness"
        if self.unit in {"x", "%"}:
            return "comparison"
        return "timing" if self.unit in SECONDS else "count"

    @property
    def estimator(self):
        return "time saved, by medians" if self.unit == "%" else ESTIMATORS[self.how]

    def judge(self, interval):
        if self.kind == "counter_example":
            return "refuted"
        low, high = interval
        good = {
            "at_least": (low >= self.bound, high >= self.bound),
            "at_most": (low <= self.bound, high <= self.bound),
            "exactly": (low == self.bound, high == self.bound),
        }[self.kind]
        return "met" if all(good) else "inconclusive" if any(good) else "missed"


def claims():
    """Read the claims from the table beside this file."""
    with (HERE / "claims.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            numbers = {name: float(row[name]) for name in ("bound", "figure", "spread")}
            yield Spec(**{**row, **numbers})


def large(cases=2, samples=40, trend=20, seed=7):
    """Return an audit of every claim above, in as many cases, and with so long a history."""
    dice = random.Random(seed)
    entries = [
        entry(spec, dice, samples, trend, case)
        for case in range(cases)
        for spec in claims()
        if case == 0 or spec.how != "witness"
    ]
    fail(entries, "K2.hit-rate.scanner", "the extension pg_stat_statements is not installed", CURE)
    fail(entries, "S8.users.hundred", "the load generator was the bottleneck at 62 % of the rate")
    return document(entries)


def small():
    """Return a run with one claim of each verdict, one of them with plans."""
    dice = random.Random(3)
    wanted = (
        "odds-sync.speedup.n100-rtt1",
        "index.trade-history",
        "yahoo.batch",
        "stampede.one",
        "hit-rate.scanner",
        "hash-key.differs",
        "dashboard.load",
    )
    entries = [entry(spec, dice, 9, 3) for spec in claims() if spec.name in wanted]
    fail(entries, "K2.hit-rate.scanner", "the extension pg_stat_statements is not installed", CURE)
    results = document(entries)
    results["targets_changed"] = [
        {
            "id": "S2.dashboard.load",
            "from": {"kind": "at_most", "bound": 400, "unit": "ms"},
            "to": {"kind": "at_most", "bound": 500, "unit": "ms"},
        }
    ]
    results["vanished"] = ["S7.odds.schedule"]
    return results


def document(entries):
    """Return a results document that holds these claims."""
    return {
        "schema": 1,
        "run": {
            "id": "20261121T050000-ab12cd",
            "started": STARTED,
            "duration_s": 151.2,
            "profile": "quick",
            "commit": COMMIT,
            "branch": "main",
            "dirty": False,
            "command": "ava-perf audit",
            "selection": None,
            "planned": len(entries),
            "interrupted": False,
        },
        "environment": {
            "noise": 0.013,
            "machine": "2-core-1a2b3c4d",
            "cpu": "Example CPU @ 2.40GHz",
            "cores": 2,
            "memory_gib": 23.4,
            "os": "Linux 6.1.0",
            "python": "3.11.7",
            "postgres": {
                "version": "15.18",
                "source": "machine",
                "contrib": ["auto_explain"],
                "settings": {"fsync": "off", "shared_buffers": "128MB"},
            },
            "redis": {"version": "7.0.15", "source": "wheel"},
            "packages": {"psycopg": "3.3.9", "redis": "5.2.1"},
            "lock_sha256": "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
            "load_average": 0.4,
            "dataset": {"size": "small", "rows": {"trade_history": 100000}},
        },
        "baseline": {
            "id": "20261120T050000-00ff00",
            "commit": "a" * 40,
            "started": "2026-11-20T05:00:00Z",
            "machine": "2-core-1a2b3c4d",
            "noise": 0.011,
        },
        "results": entries,
        "targets_changed": [],
        "vanished": [],
    }


def entry(spec, dice, samples, trend, case=0):
    """Return one claim, its samples drawn around the figure it is to have."""
    claim_id = f"{spec.row}.{spec.name}" + (f".case{case + 1}" if case else "")
    series = sampled(spec, dice, samples)
    estimate, interval = summary(spec, series)
    verdict = spec.judge(interval)
    return {
        "id": claim_id,
        "rows": [spec.row],
        "title": spec.title + (f", size {case + 1}" if case else ""),
        "category": spec.category,
        "source": spec.source,
        "target": {"kind": spec.kind, "bound": spec.bound, "unit": spec.unit},
        "verdict": verdict,
        "estimate": estimate,
        "interval": interval,
        "unit": spec.unit,
        "n": len(next(iter(series.values()))),
        "reason": reason(spec, verdict, estimate, interval),
        "evidence": {
            "kind": spec.how,
            "estimator": spec.estimator,
            "equal": True if spec.how == "comparison" else None,
            "warnings": ["3 of the samples are outliers; they are kept"] if case else [],
            "cure": None,
            "samples": series,
            "facts": facts(spec),
            "case": {"n": 50, "rtt_ms": 1} if spec.name.endswith("rtt1") else {},
            "measurement": f"measurements/{claim_id}.json",
            "duration_s": round(dice.uniform(0.3, 4.0), 3),
            "reproduce": f"ava-perf audit -k {claim_id} --profile quick",
        },
        "change": change(spec, estimate, interval, dice),
        "trend": history(spec, interval, trend, dice),
    }


def sampled(spec, dice, samples):
    if spec.how == "witness":
        return {"occurred": [1.0]}
    if spec.how == "count":
        return {"count": [spec.figure, spec.figure]}
    if spec.how == "timing":
        return {"time": times(spec.figure * SECONDS[spec.unit], spec.spread, dice, samples)}
    after = 0.0021
    before = after * spec.figure if spec.unit == "x" else after / (1 - spec.figure / 100)
    return {
        "before": times(before, spec.spread, dice, samples),
        "after": times(after, spec.spread, dice, samples),
    }


def times(middle, spread, dice, samples):
    return [float(f"{middle * dice.lognormvariate(0, spread):.4g}") for _ in range(samples)]


def summary(spec, series):
    if spec.how in {"witness", "count"}:
        value = float(next(iter(series.values()))[0])
        return value, [value, value]
    if spec.how == "timing":
        estimate = median(series["time"]) / SECONDS[spec.unit]
    else:
        ratio = median(series["before"]) / median(series["after"])
        estimate = ratio if spec.unit == "x" else 100 * (1 - 1 / ratio)
    half = abs(estimate) * spec.spread * 2 / len(next(iter(series.values()))) ** 0.5
    return estimate, [estimate - half, estimate + half]


def reason(spec, verdict, estimate, interval):
    if verdict == "refuted":
        return "the counter-example occurred: the document is wrong"
    rule = f"target {({'at_least': '>=', 'at_most': '<='}).get(spec.kind, '=')} {spec.bound:g}"
    if spec.how == "count":
        return f"counted {estimate:g} {spec.unit}, {rule}"
    low, high = interval
    figure = f"{spec.estimator} {estimate:.4g} {spec.unit}, interval [{low:.4g}, {high:.4g}]"
    side = {
        "met": "all of it on the good side",
        "missed": "all of it on the bad side",
        "inconclusive": "the bound lies inside it; about 132 rounds would tell",
    }[verdict]
    return f"{figure}, {rule}: {side}"


def facts(spec):
    if spec.name.startswith(("index.", "explain.")):
        return {
            **EVIDENCE,
            "rows": 100000,
            "before": "every column, no index on (user_id, created_at)",
            "after": "named columns, the index of migration 0004",
        }
    if spec.name.startswith("odds-sync"):
        return {
            "statements": {"before": 50, "after": 1},
            "rtt_ms": 1.0,
            "before": "one UPDATE a game, in a loop",
            "after": "one UPDATE from unnest() of typed arrays",
        }
    if spec.how == "witness":
        return {
            "explanation": "Two interpreters gave two keys for the same symbols, because Python "
            "salts the hash of strings in each process.",
            "keys": ["scan:-7263178", "scan:9120433"],
        }
    return {}


def change(spec, estimate, interval, dice):
    if spec.how == "witness":
        return None
    relative = 0.0 if spec.how == "count" else dice.choice([0.004, -0.006, 0.02, -0.11, 0.13])
    half = 0.0 if spec.how == "count" else (interval[1] - interval[0]) / 2 / abs(estimate) + 0.02
    return {
        "from": estimate / (1 + relative),
        "relative": relative,
        "interval": [relative - half, relative + half],
    }


def history(spec, interval, trend, dice):
    points = []
    for turn in range(trend):
        gap = turn % 17 == 11
        drift = dice.uniform(0.93, 1.07) if interval[0] != interval[1] else 1.0
        low, high = (end * drift for end in interval)
        points.append(
            {
                "commit": f"{dice.randrange(16**10):010x}" + "0" * 30,
                "started": f"2026-{9 + turn // 28:02d}-{1 + turn % 28:02d}T05:00:00Z",
                "estimate": None if gap else (low + high) / 2,
                "low": None if gap else low,
                "high": None if gap else high,
                "verdict": "not_measured" if gap else spec.judge((low, high)),
            }
        )
    return points


def fail(entries, claim_id, why, cure=None):
    """Turn a claim, in all its cases, into one that could not be measured."""
    for found in entries:
        if found["id"].startswith(claim_id):
            found.update(verdict="not_measured", estimate=None, interval=None, n=0, change=None)
            found["reason"] = why
            found["evidence"].update(kind="failure", estimator="", samples={}, cure=cure)


def renderings():
    """Return each golden file's name with the text it must hold."""
    results = small()
    return {
        "index.html": render_html(results),
        "report.md": render_markdown(results),
        "junit.xml": render_junit(results),
    }


if __name__ == "__main__":
    # Write the golden files again, or with an argument a whole audit's page to look at.
    if sys.argv[1:]:
        Path(sys.argv[1]).write_text(render_html(large()), encoding="utf-8")
    else:
        for name, text in renderings().items():
            (GOLDEN / name).write_text(text, encoding="utf-8")
