"""`ava-perf demo`: the lab's servers with their data, and on them what the claims package shows.

Where nothing is declared to be shown, the prepared databases are. It lasts until Ctrl-C or a kill,
or until a process of the demonstration ends; everything goes with it, by the guard's doing too.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from perf import audit as auditing
from perf.claim import Catalogue
from perf.demonstration import Service, Shown
from perf.lab import Unavailable
from perf.lab.lab import Lab, Missing, Profile, Servers
from perf.runner import Runner
from perf.settings import Settings

_LOOK_S = 0.2

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Running:
    """What has been started: the demonstrations, their lab, and the servers below."""

    shown: Sequence[Shown]
    lab: Lab
    servers: Servers

    @property
    def service(self) -> Service:
        """The first service that load can be put on; Unavailable where nothing offers one."""
        for one in self.shown:
            if one.service is not None:
                return one.service
        raise Unavailable("no demonstration offers a service; give --host")


@dataclass(frozen=True, slots=True)
class Demo:
    """What to show, and where: `put` takes lines of data, `say` those of progress."""

    settings: Settings
    catalogue: Catalogue
    root: Path
    put: Say
    say: Say

    def show(self, port: int) -> None:
        """Prepare, show, and wait for the end.

        Raises Unavailable when there is no PostgreSQL, a preparation fails, or what is shown ends.
        """
        began = time.monotonic()
        with self.running(port) as running:
            for name, made in running.lab.prepared.items():
                if "database" in made:
                    self.put(f"psql '{running.lab.dsn(made['database'])}'  # {name}")
            for line in (line for one in running.shown for line in one.lines):
                self.put(line)
            took_s = time.monotonic() - began
            with contextlib.suppress(KeyboardInterrupt):
                self.say(f"ready after {took_s:.1f} s; Ctrl-C ends it and removes its data")
                _wait([process for one in running.shown for process in one.processes])

    @contextlib.contextmanager
    def running(self, port: int = 0) -> Iterator[Running]:
        """Prepare and start everything for the length of a block; raises Unavailable as `show`."""
        with contextlib.ExitStack() as stack:
            servers = stack.enter_context(Servers())
            auditing.require_given(servers)
            if isinstance(servers.postgres, Missing):
                raise Unavailable(servers.postgres.reason, servers.postgres.cure)
            lab = stack.enter_context(self._lab(stack, servers))
            shown = []
            for one in self.catalogue.demonstrations:
                self.say(f"starting {one.name}")
                shown.append(stack.enter_context(one.body(lab, servers.guard, port)))
            yield Running(shown, lab, servers)

    def _lab(self, stack: contextlib.ExitStack, servers: Servers) -> Lab:
        """Prepare the data, and return the lab that knows it."""
        profile = self.settings.profile
        context = auditing.context(profile, servers, self.root)
        runner = stack.enter_context(Runner(context, self.catalogue))
        for name in self._needs():
            self.say(f"preparing {name}")
            runner.prepare(name)
        return Lab(servers.addresses, profile=Profile(profile), prepared=runner.facts())

    def _needs(self) -> Sequence[str]:
        """Return the preparations that are shown: all of them where nothing else is."""
        if not self.catalogue.demonstrations:
            return list(self.catalogue.preparations)
        needs = [need for one in self.catalogue.demonstrations for need in one.needs]
        return list(dict.fromkeys(needs))


def _wait(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Wait for a signal; raise Unavailable when a process ends without one."""
    if not processes:
        signal.pause()
    while True:
        for process in processes:
            if process.poll() is not None:
                raise Unavailable(f"a process of the demonstration ended: {process.returncode}")
        time.sleep(_LOOK_S)
