"""Forks a worker for each job from a process that has imported everything once.

An interpreter that starts and imports what a claim needs takes a third of a second, which over some
hundreds of claims is more than measuring them. A forked worker starts in milliseconds and is as
fresh: what is imported is all it shares with the one before. Forking is safe only from a single
thread, so a process that has others after its imports (a claims module may start some) says so and
forks nothing; then each worker starts anew.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from perf import worker

_IN, _OUT = 0, 1


def main() -> None:
    """Import, say whether workers can be forked, and fork one for each line that comes."""
    orders = os.fdopen(_IN, "rb", buffering=0)  # unbuffered: a worker must not inherit a line
    order = json.loads(orders.readline())
    sys.path.extend(order["path"])
    fit = _import(order["modules"]) and _is_alone()
    gc.collect()
    gc.freeze()  # else every worker's collector goes through all that was imported
    _say({"forks": fit})
    for line in orders:
        _nurse(json.loads(line))


def _import(modules: list[str]) -> bool:
    """Import what workers need; one that fails is left to the worker, which tells why."""
    try:
        for name in modules:
            importlib.import_module(name)
    except Exception:  # noqa: BLE001 - whatever a claims module raises
        return False
    return True


def _is_alone() -> bool:
    """Say whether this process has one thread, which only Linux tells."""
    tasks = Path("/proc/self/task")
    return tasks.is_dir() and len(list(tasks.iterdir())) == 1


def _nurse(job: dict[str, str]) -> None:
    """Fork a worker, name it once it leads a group of its own, and tell how it ended."""
    grown, growing = os.pipe()
    pid = os.fork()
    if pid == 0:
        _be_worker(job, growing)
    os.close(growing)
    os.read(grown, 1)
    os.close(grown)
    _say({"pid": pid})
    _, status = os.waitpid(pid, 0)
    _say({"status": os.waitstatus_to_exitcode(status)})


def _be_worker(job: dict[str, str], growing: int) -> None:
    """Do the job as a fresh worker would, and never return."""
    try:
        os.setsid()
        os.write(growing, b".")
        os.close(growing)
        log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        worker.work(worker.Job.from_json(job["line"]))
    except BaseException:  # noqa: BLE001 - nothing may go on as a second nursery
        traceback.print_exc()
        os._exit(1)


def _say(what: dict[str, Any]) -> None:
    os.write(_OUT, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    main()
