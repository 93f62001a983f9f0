"""The platform as its operator runs it: processes of the command `ava`, with their settings.

They are children of the lab's and find its servers and simulated providers through `AVA_*`
variables, as in any deployment. Nothing is configured by other means, so what is measured and shown
is what the command does.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from ava.settings import ProviderKeys
from perf.lab import Unavailable
from perf.lab.guard import PACKAGE_ROOT
from perf.lab.launch import tail
from perf.lab.providers import Simulation

_PATIENCE_S = 30.0
_END_S = 10.0
_LOOK_S = 0.01
_SERVES = re.compile(r"serves (http://\S+)/api/v1")

Own = Callable[[subprocess.Popen[bytes]], None]


@dataclass(frozen=True, slots=True)
class Started:
    """A process that is up; `said` is what it printed when it was."""

    process: subprocess.Popen[bytes]
    said: str
    took_s: float

    @property
    def url(self) -> str:
        """Return where it serves the API; raise Unavailable for a process that does not."""
        found = _SERVES.search(self.said)
        if found is None:
            raise Unavailable("the process serves no API")
        return found.group(1)


def simulated(simulation: Simulation) -> dict[str, str]:
    """Return the settings by which the platform finds simulated providers, with their keys."""
    urls = {name: simulation.url(name) for name in simulation.names}
    if "yahoo" in urls:
        urls["yahoo_door"] = urls["yahoo"]
    keyed = [key.name for key in fields(ProviderKeys) if key.name in urls]
    return {
        "AVA_PROVIDERS_URLS": ",".join(f"{name}={url}" for name, url in urls.items()),
        **{ProviderKeys.key(name): simulation.key(name) for name in keyed},
    }


@contextmanager
def running(
    arguments: list[str], environ: Mapping[str, str], log: Path, until: str, own: Own | None = None
) -> Iterator[Started]:
    """Run `ava` with these settings and no others, from when its log says `until` to its end.

    Raises Unavailable, with the end of its log, when it does not come so far.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AVA_")}
    began = time.monotonic()
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "ava.cli", *arguments],
            env={**inherited, **environ},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            cwd=PACKAGE_ROOT,
            start_new_session=own is not None,  # the terminal's Ctrl-C is for whoever owns it
        )
    try:
        if own is not None:
            own(process)
        said = _until(process, log, until)
        yield Started(process, said, time.monotonic() - began)
    finally:
        _end(process)


def _until(process: subprocess.Popen[bytes], log: Path, words: str) -> str:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        ended = process.poll() is not None
        said = log.read_text(errors="replace")
        if words in said and said.endswith("\n"):
            return said
        if ended:
            break
        time.sleep(_LOOK_S)
    raise Unavailable(f"ava did not start: {tail(log.read_text(errors='replace'))}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, and see to it."""
    process.terminate()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
