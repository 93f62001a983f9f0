"""Is this machine fit to measure? Each check says what it found and what would mend it.

Facts are read by small probes; what counts as unfit is decided in one place, so a report can be
made of the same findings.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from perf import environment


class State(StrEnum):
    """How a finding bears on measuring."""

    OK = "ok"
    WARN = "warn"  # figures will be noisier, or something stays unmeasured
    FAIL = "fail"  # nothing can be measured


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's result; `advice` is empty when nothing is to be done."""

    check: str
    state: State
    detail: str
    advice: str = ""


CONTRIB = ("pg_stat_statements", "pgstattuple")
_CURE = "install the contrib extensions of your PostgreSQL (Debian: apt-get install postgresql)"


def machine(out: Path) -> Iterator[Finding]:
    """Check what needs no server: cores, load, frequency, disk, output folder, tools."""
    yield _cores(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
    yield _load(os.getloadavg()[0], os.cpu_count() or 1)
    yield _governor(Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"))
    yield _disk(shutil.disk_usage("/tmp").free / 2**30)  # noqa: S108 - where servers keep data
    yield _writable(out)
    yield _tool("py-spy", "pip install py-spy")
    yield Finding("python", State.OK, environment.describe(out)["python"])


def servers(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """Check what the started servers said of themselves."""
    for name in ("postgres", "redis"):
        if "unavailable" in facts[name]:
            yield Finding(name, State.FAIL, facts[name]["unavailable"], facts[name]["cure"] or "")
    postgres, redis = facts["postgres"], facts["redis"]
    if "version" in postgres:
        yield _postgres(postgres)
    if "version" in redis:
        yield Finding("redis", State.OK, f"Redis {redis['version']} ({redis['source']})")


def _postgres(postgres: Mapping[str, Any]) -> Finding:
    missing = [name for name in CONTRIB if name not in postgres["contrib"]]
    detail = f"PostgreSQL {postgres['version']} ({postgres['source']})"
    if missing:
        return Finding("postgres", State.WARN, f"{detail}, without {', '.join(missing)}", _CURE)
    return Finding("postgres", State.OK, f"{detail}, with contrib")


def noise(measured: float | None, limit: float) -> Finding:
    """Judge the machine's A/A noise."""
    if measured is None:
        return Finding("noise", State.FAIL, "the noise could not be measured")
    detail = f"A/A noise +-{measured:.1%}, limit {limit:.0%}"
    if measured > limit:
        return Finding("noise", State.WARN, detail, "stop other work on this machine, run again")
    return Finding("noise", State.OK, detail)


def _cores(cores: int) -> Finding:
    least = 2
    if cores < least:
        advice = "give the container another core: server and client share one"
        return Finding("cores", State.WARN, f"{cores} usable", advice)
    return Finding("cores", State.OK, f"{cores} usable")


def _load(load: float, cores: int) -> Finding:
    detail = f"{load:.2f} over the last minute, {cores} cores"
    if load > cores / 2:
        return Finding("load", State.WARN, detail, "wait until other work is done")
    return Finding("load", State.OK, detail)


def _governor(path: Path) -> Finding:
    try:
        name = path.read_text(encoding="utf-8").strip()
    except OSError:
        return Finding("cpu frequency", State.OK, "not controlled from here")
    if name == "performance":
        return Finding("cpu frequency", State.OK, name)
    return Finding("cpu frequency", State.WARN, name, "cpupower frequency-set -g performance")


def _disk(free_gib: float) -> Finding:
    detail = f"{free_gib:.1f} GiB free for the embedded servers"
    if free_gib < 2:  # noqa: PLR2004 - the full data set with its indexes takes about one
        return Finding("disk", State.WARN, detail, "free some space, or run the quick profile")
    return Finding("disk", State.OK, detail)


def _writable(out: Path) -> Finding:
    parent = next(p for p in (out, *out.absolute().parents) if p.exists())
    if os.access(parent, os.W_OK):
        return Finding("output", State.OK, f"{out} can be written")
    return Finding("output", State.FAIL, f"{out} cannot be written", "give --out another folder")


def _tool(name: str, cure: str) -> Finding:
    """Look beside the interpreter first: a virtual environment need not be on the path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    if shutil.which(name, path=path):
        return Finding(name, State.OK, "found")
    return Finding(name, State.WARN, "not found; profiles cannot be taken", cure)
