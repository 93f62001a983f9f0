"""Plain Locust at the same server: what its own report says, for comparison and nothing else."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from perf.experiments.load_truth.trials import PATH, STALL_RATE
from perf.lab import Unavailable
from perf.lab.guard import Guard
from perf.lab.known import Known, Stalling

_FILE = Path(__file__).with_name("plain_locustfile.py")
_COLUMNS = {"p50": "50%", "p95": "95%", "p99": "99%"}
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Plain:
    """What Locust reported with so many users."""

    users: int
    requests: int
    told_ms: dict[str, float]


def plain_stall(guard: Guard, users: int, seconds: float = 15.0) -> Plain:
    """Let Locust's FastHttpUsers ask where the server stops for one second in every five."""
    with (
        Known(Stalling(), guard=guard) as server,
        tempfile.TemporaryDirectory(prefix="plain-", dir=guard.directory) as folder,
    ):
        _locust(server.url, users, seconds, Path(folder))
        return _read(Path(folder, "told_stats.csv"), users)


def _locust(url: str, users: int, seconds: float, folder: Path) -> None:
    command = [
        sys.executable, "-m", "locust", "-f", str(_FILE), "--headless", "--only-summary",
        "--users", str(users), "--spawn-rate", str(users), "--run-time", f"{seconds:g}s",
        "--host", url, "--csv", str(folder / "told"),
    ]  # fmt: skip
    environ = {
        **os.environ,
        "PLAIN_USERS": str(users),
        "PLAIN_RATE": str(STALL_RATE),
        "PLAIN_PATH": PATH,
    }
    done = subprocess.run(
        command,
        env=environ,
        capture_output=True,
        text=True,
        timeout=seconds + _PATIENCE_S,
        check=False,
        cwd=folder,
    )
    if done.returncode != 0:
        words = done.stderr.strip().splitlines() or ["it left no message"]
        raise Unavailable(f"plain Locust failed: {words[-1]}")


def _read(file: Path, users: int) -> Plain:
    with file.open(encoding="utf-8", newline="") as lines:
        row = next(one for one in csv.DictReader(lines) if one["Name"] == "Aggregated")
    told = {name: float(row[column]) for name, column in _COLUMNS.items()}
    return Plain(users, int(row["Request Count"]), told)
