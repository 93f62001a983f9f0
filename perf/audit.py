"""An audit from beginning to end: servers up, claims measured and judged, report written.

The one place where the pieces meet. It holds no policy: selection, judgement, exit codes and
rendering are functions of their own, and everything here can be told from their results.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from perf import environment, history, profiling
from perf.claim import Catalogue, Claim, discover
from perf.files import check_replaceable
from perf.lab import Unavailable
from perf.lab.lab import Missing, Servers
from perf.noise import noise_of
from perf.report import build
from perf.runner import Context, Runner
from perf.settings import Settings
from perf.verdict import judge

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Audit:
    """What to audit: the claims chosen, and how the choice was worded (None = all)."""

    root: Path
    settings: Settings
    catalogue: Catalogue
    claims: tuple[Claim, ...]
    selection: str | None
    command: str
    profile_s: float | None = None  # how long each of the worst is profiled; None: none is

    @property
    def out(self) -> Path:
        """The report's folder."""
        return self.root / self.settings.out


def run(
    audit: Audit, progress: Progress, judged_one: Callable[[build.Judged], None]
) -> dict[str, Any]:
    """Measure, judge, write the report and the history; return the results document."""
    check_replaceable(audit.out, build.MARKER)
    started, clock = datetime.now(UTC), time.monotonic()
    facts = environment.describe(audit.root)
    baseline = _baseline(audit, facts["machine"], progress)
    with Servers() as servers:
        require_given(servers)
        with Runner(_context(audit, servers), audit.catalogue) as runner:
            noise, judged = _judge_all(runner, audit.claims, progress, judged_one)
            limit = audit.settings.noise_limit
            facts = {**facts, **servers.facts(), "noise": noise, "noise_limit": limit}
            facts["prepared"] = runner.facts()
            profiles = _profiles(runner, audit, judged, progress)
    document = build.results(
        _run(audit, started, time.monotonic() - clock), facts, judged, baseline
    )
    profiling.attach(document, profiles)
    build.write(audit.out, document, [item.measured for item in judged])
    _remember(audit, document, progress)
    return document


def _judge_all(
    runner: Runner,
    claims: Sequence[Claim],
    progress: Progress,
    judged_one: Callable[[build.Judged], None],
) -> tuple[float | None, list[build.Judged]]:
    """Measure the noise, then measure and judge each claim as it comes."""
    progress("measuring this machine's noise")
    noise = noise_of(runner.noise())
    progress("noise: unknown" if noise is None else f"noise: +-{noise:.1%}")
    judged = []
    for measured in runner.run(claims):
        claim = measured.claim
        judgement = judge(claim.target, measured.measurement, seed=claim.id, noise=noise or 0)
        judged.append(build.Judged(measured, judgement))
        judged_one(judged[-1])
    return noise, judged


def _profiles(
    runner: Runner, audit: Audit, judged: Sequence[build.Judged], progress: Progress
) -> profiling.Found:
    """Profile what missed by most: after every verdict, so that none of them is touched."""
    if audit.profile_s is None:
        return {}
    return profiling.profile_worst(runner, judged, audit.profile_s, progress)


def require_given(servers: Servers) -> None:
    """Raise Unavailable when a server the user named cannot be used.

    A server nobody named may be missing: what needs it is then not measured, each with its cure.
    """
    given = {"AVA_DATABASE_URL": servers.postgres, "AVA_REDIS_URL": servers.redis}
    for variable, server in given.items():
        if variable in os.environ and isinstance(server, Missing):
            raise Unavailable(f"{variable}: {server.reason}", server.cure)


def context(profile: str, servers: Servers, root: Path) -> Context:
    """Return what the jobs of a run have in common."""
    return Context(
        profile=profile,
        addresses=servers.addresses.to_dict(),
        guard=servers.guard,
        path=(str(root),),
    )


def _context(audit: Audit, servers: Servers) -> Context:
    return context(audit.settings.profile, servers, audit.root)


def _run(audit: Audit, started: datetime, duration_s: float) -> dict[str, Any]:
    revision = environment.revision(audit.root)
    return {
        "id": f"{started:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        "started": f"{started:%Y-%m-%dT%H:%M:%SZ}",
        "duration_s": round(duration_s, 1),
        "profile": audit.settings.profile,
        "commit": revision.commit,
        "branch": revision.branch,
        "dirty": revision.dirty,
        "command": audit.command,
        "selection": audit.selection,
        "planned": len(audit.claims),
    }


def _baseline(audit: Audit, machine: str, progress: Progress) -> build.Baseline:
    """Return the runs to compare with; a history that cannot be read is told, and is none."""
    file = audit.settings.history_in(audit.root)
    if file is None:
        return build.Baseline()
    try:
        past = history.read(file)
    except (OSError, UnicodeDecodeError) as error:
        progress(f"{audit.settings.history} cannot be read, so nothing is compared: {error}")
        return build.Baseline()
    if past.unreadable:
        progress(f"{past.unreadable} lines of {audit.settings.history} cannot be read; left out")
    return build.Baseline(past.like(machine, audit.settings.profile))


def _remember(audit: Audit, document: dict[str, Any], progress: Progress) -> None:
    """Add the run to the history; a report without a history is still a report."""
    file = audit.settings.history_in(audit.root)
    if file is None:
        return
    try:
        history.append(file, document)
    except (OSError, UnicodeDecodeError) as error:
        progress(f"{audit.settings.history} was not extended: {error}")


def command_line() -> str:
    """Return the command as it was given, without the interpreter's path."""
    return " ".join(["ava-perf", *sys.argv[1:]])


def search_path(root: Path) -> None:
    """Let claims packages of the project at `root` be imported, after everything installed."""
    if str(root) not in sys.path:
        sys.path.append(str(root))
    os.environ.setdefault("PYTHONHASHSEED", "0")


def discovered(settings: Settings, root: Path) -> Catalogue:
    """Return what the project's claims packages declare; raise ClaimError when they are wrong."""
    search_path(root)
    return discover(settings.claims)
