"""What load is put on: the demonstration of the claims package, or a service that is given.

The demonstration runs on the lab's own servers and goes with the run. A given service is only asked
over HTTP, and its processes are read where they were named and are of this machine; nothing of it
is started, moved or stopped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from perf import audit as auditing
from perf import environment
from perf.demo import Demo
from perf.demonstration import Service
from perf.lab.guard import Guard
from perf.load.wanted import LoadSettings, WantedError, pair
from perf.saying import say
from perf.settings import read


@dataclass(frozen=True, slots=True)
class Subject:
    """A service under load, the guard of what is started meanwhile, and facts for the report."""

    service: Service
    guard: Guard
    facts: Mapping[str, Any]


@contextmanager
def given(
    host: str, headers: Sequence[str], pids: Sequence[str], settings: LoadSettings, root: Path
) -> Iterator[Subject]:
    """Take the service at `host`; raise WantedError when what was said of it is wrong."""
    if urlsplit(host).scheme not in {"http", "https"} or not urlsplit(host).hostname:
        raise WantedError(f"--host {host!r} is not an address like http://127.0.0.1:8000")
    service = Service(
        host.rstrip("/"),
        {**_from_settings(settings.headers), **dict(pair(one, "--header") for one in headers)},
        processes={name: _pid(value) for name, value in (pair(one, "--pid") for one in pids)},
        figures=settings.figures(),
    )
    with Guard() as guard:
        yield Subject(service, guard, _facts(root))


@contextmanager
def demonstrated(profile: str | None, root: Path) -> Iterator[Subject]:
    """Start the demonstration; raise Unavailable when it cannot be, or offers no service."""
    settings = read(root, os.environ).with_flags(profile=profile)
    demo = Demo(settings, auditing.discovered(settings, root), root, put=_unsaid, say=say)
    with demo.running() as running:
        servers = running.servers
        yield Subject(running.service, servers.guard, {**_facts(root), **servers.facts()})


def _unsaid(line: str) -> None:
    """Put nothing: where the demonstration is, and its key, are for those who look at it."""


def _facts(root: Path) -> dict[str, Any]:
    """Return the environment; a load run measures no noise of the machine's."""
    return {**environment.describe(root), "noise": None}


def _from_settings(text: str) -> dict[str, str]:
    try:
        read_headers = json.loads(text or "{}")
    except ValueError as error:
        raise WantedError("AVA_PERF_LOAD_HEADERS is not JSON") from error
    if not isinstance(read_headers, dict):
        raise WantedError("AVA_PERF_LOAD_HEADERS must be a JSON object")
    return {str(name): str(value) for name, value in read_headers.items()}


def _pid(text: str) -> int:
    if not text.isdigit() or not Path(f"/proc/{text}").exists():
        raise WantedError(f"--pid: there is no process {text}")
    return int(text)
