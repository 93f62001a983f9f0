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

_PATIENCE_S = 60.0  # a second or two, on a machine that does nothing else
_END_S = 10.0
_LOOK_S = 0.01
_SERVES = re.compile(r"serves (http://\S+)/api/v1")

Own = Callable[[subprocess.Popen[bytes]], None]


@dataclass(frozen=True, slots=True)
class Started:
    """A process that was started at `began`, and what it writes."""

    process: subprocess.Popen[bytes]
    log: Path
    began: float

    def come_up(self, words: str) -> float:
        """Wait until it has said `words`; return the seconds since its start.

        Raises Unavailable, with the end of its log, when it does not come so far.
        """
        deadline = self.began + _PATIENCE_S
        while time.monotonic() < deadline:
            ended = self.process.poll() is not None
            if words in self.said:
                return time.monotonic() - self.began
            if ended:
                break
            time.sleep(_LOOK_S)
        raise Unavailable(f"ava did not start: {tail(self.said)}")

    @property
    def said(self) -> str:
        """Return its whole lines so far."""
        return self.log.read_text(errors="replace").rpartition("\n")[0]

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
def started(
    arguments: list[str], environ: Mapping[str, str], log: Path, own: Own | None = None
) -> Iterator[Started]:
    """Run `ava` with these settings and no others for the length of a block."""
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
        yield Started(process, log, began)
    finally:
        _end(process)


@contextmanager
def running(
    arguments: list[str], environ: Mapping[str, str], log: Path, until: str, own: Own | None = None
) -> Iterator[Started]:
    """Run `ava` as `started` does, from when it has said `until`; raise Unavailable if it fails."""
    with started(arguments, environ, log, own) as process:
        process.come_up(until)
        yield process


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, and see to it."""
    process.terminate()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
