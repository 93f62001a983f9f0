"""Row O1, the log: what a log call costs who makes it, directly to a file and through the queue."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ava.clock import SystemClock
from ava.settings import LogSettings, Settings
from ava.telemetry.lines import as_json
from ava.telemetry.logs import Backlog, Queued, Writer
from ava.telemetry.scrub import Scrubber
from perf.claim import Category, Plan, at_least, claim, exactly
from perf.claims.document.observability import direct_logger
from perf.instruments import Arm, Compare, Count, Counted
from perf.lab.lab import Lab

LINES = 200  # a call of an arm


def _log(logger: logging.Logger) -> Callable[[], int]:
    def run() -> int:
        for number in range(LINES):
            logger.info("synced %d games of %s", number, "nfl")
        return LINES

    return run


@claim(
    id="O1.log-call",
    rows=["O1"],
    title="A log call through the queue is cheaper for its caller than one that writes to a file",
    source="004 PERF-009",
    target=at_least(1, "x"),
    category=Category.LATENCY,
)
def log_call(lab: Lab) -> Plan:
    """Time two hundred calls each way, to files in the same folder; the queue is emptied between.

    The thread that writes works meanwhile, as it does in a server: what it takes of the interpreter
    is part of the figure.
    """
    direct = direct_logger(lab.scratch / "direct.log")
    backlog = Backlog()
    clock = SystemClock()
    stream = lab.keep((lab.scratch / "queued.log").open("w", encoding="utf-8"))
    offset_s = clock.now().timestamp() - clock.monotonic()
    writer = Writer(backlog, stream, as_json, Scrubber(Settings(log=LogSettings())), offset_s)
    writer.start()
    queued = logging.Logger("ava.queued", logging.INFO)  # noqa: LOG001 - not to be found by others
    queued.addHandler(Queued(backlog))
    facts = {
        "before": "FileHandler: formatted, written and flushed in the call (004 PERF-009)",
        "after": "a bounded queue; JSON, scrubbing and writing in batches by a thread",
        "lines": LINES,
        "filesystem": "the lab's scratch folder; a slow disk would hold up the direct call only",
    }
    return Compare(
        Arm(_log(direct)), Arm(_log(queued), reset=writer.flush), facts=facts, budget_s=2.0
    )


@claim(
    id="O1.log-full",
    rows=["O1"],
    title="With the queue full a log call drops its line and counts it, and waits for nobody",
    source="product target",
    target=exactly(900, "lines dropped"),
    category=Category.RESILIENCE,
)
def log_full(_lab: Lab) -> Plan:
    """Log a thousand lines where nobody writes and a hundred have room."""

    def count() -> Counted:
        backlog = Backlog(100)
        logger = logging.Logger("ava.full", logging.INFO)  # noqa: LOG001 - not to be found by others
        logger.addHandler(Queued(backlog))
        for number in range(1000):
            logger.info("line %d", number)
        return Counted(backlog.dropped, {"kept": len(backlog)})

    return Count(count, "lines dropped")
