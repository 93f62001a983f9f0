"""What a run was made with: machine, interpreter, packages, revision.

Facts only, read once at the start, without anything that identifies a person or holds a secret.
`machine_class` is a short key: figures are compared over time only within one class.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Those whose version changes what a figure means.
_PACKAGES = ("psycopg", "psycopg-pool", "redis", "hiredis", "numpy", "pytest-benchmark", "locust")


@dataclass(frozen=True, slots=True)
class Revision:
    """The commit a run was made on; None where there is no repository."""

    commit: str | None
    branch: str | None
    dirty: bool | None


def revision(root: Path) -> Revision:
    """Return the git revision of `root`; all None outside a repository or without git."""
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None:
        return Revision(None, None, None)
    branch = _git(root, "rev-parse", "--abbrev-ref", "HEAD")
    status = _git(root, "status", "--porcelain", "--untracked-files=no")
    return Revision(commit, None if branch == "HEAD" else branch, bool(status))


def describe(root: Path) -> dict[str, Any]:
    """Return the environment block of the results, servers and noise not included."""
    lock = root / "requirements.lock"
    return {
        "machine": machine_class(),
        "cpu": _cpu_model(),
        "cores": _cores(),
        "memory_gib": _memory_gib(),
        "os": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
        "lock_sha256": hashlib.sha256(lock.read_bytes()).hexdigest() if lock.exists() else None,
        "load_average": round(os.getloadavg()[0], 2),
    }


def machine_class() -> str:
    """Return a key shared by machines whose figures may be compared: processor, cores, memory."""
    text = f"{_cpu_model()}|{_cores()}|{round(_memory_gib() or 0)}|{platform.machine()}"
    return f"{_cores()}-core-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def interpreter_class(python: str = sys.executable) -> str:
    """Return the class of machine with the version of an interpreter that alone makes figures."""
    return f"{machine_class()}, Python {_python(python)}"


def _python(python: str) -> str:
    if python == sys.executable:
        return f"{sys.version_info.major}.{sys.version_info.minor}"
    code = "import sys; print(*sys.version_info[:2], sep='.')"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    except (OSError, subprocess.SubprocessError):
        return "not known"
    return done.stdout.strip()


def _cores() -> int:
    """Return the processors this process may use, which a container can make fewer."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    try:
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None
    return round(pages * size / 2**30, 1)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments],  # noqa: S607 - whichever git the user has
            cwd=root,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
