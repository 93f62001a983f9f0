"""Workers without processes: they answer as the plugin would, on a script."""

from perf.gate.pairs import Stage
from perf.gate.process import CrashedError
from perf.gate.protocol import Collected, Described, End, Exhausted, Finished, Parked, Sliced
from perf.gate.sample import Metric, Side

CALL_NS = 1_000_000


class FakeWorker:
    """Runs benchmarks of fixed cost; what is odd of one is in `oddities` by its id.

    An oddity is "fails", "fails in a slice", "fails at the end", "crashes", "skips", "threads" (it
    keeps two cores busy), or a number of calls after which it is exhausted.
    """

    def __init__(self, ids, call_ns=CALL_NS, oddities=None, rules=None, log=None):
        self.ids, self.call_ns = ids, call_ns
        self.oddities, self.rules = oddities or {}, rules or {}
        self.log = [] if log is None else log
        self.events = [self._collected()]
        self.queue, self.ran, self.calls = [], [], 0
        self.closed = self.interrupted = False

    def _collected(self):
        found = tuple(Described(name, "", self.rules.get(name, {})) for name in self.ids)
        return Collected(found, (), {}, "Python 3, pytest 8")

    def run(self, ids):
        self.queue, self.ran = list(ids), list(ids)
        self._enter()

    def _enter(self):
        if not self.queue:
            self.events.append(End())
            return
        name, oddity, self.calls = self.queue[0], self._oddity(), 1
        if oddity == "crashes":
            self.events.append(CrashedError("it ended with signal SIGSEGV"))
        elif oddity in {"fails", "skips"}:
            self._finish("skipped" if oddity == "skips" else "failed", oddity)
        else:
            call_s = self.call_ns / 1e9
            self.events.append(Parked(name, call_s, 2 * call_s if oddity == "threads" else call_s))

    def _oddity(self):
        return self.oddities.get(self.queue[0])

    def _finish(self, outcome, reason=""):
        self.events.append(Finished(self.queue.pop(0), outcome, reason))
        self._enter()

    def ask(self, wish):
        self.log.append((self, wish))
        oddity = self._oddity()
        self.calls += wish.warm + wish.calls
        if isinstance(oddity, int) and self.calls > oddity:
            self.events.append(Exhausted(oddity))
        elif oddity == "fails in a slice":
            self._finish("failed", oddity)
        else:
            took = self.call_ns * wish.calls
            self.events.append(Sliced({"wall": took, "cpu": took, "memory": wish.calls}))

    def leave(self):
        bad = self._oddity() == "fails at the end" or self.calls > self._limit()
        self._finish("failed" if bad else "passed", "no more" if bad else "")

    def _limit(self):
        oddity = self._oddity()
        return oddity if isinstance(oddity, int) else float("inf")

    def next(self, _within_s):
        event = self.events.pop(0)
        if isinstance(event, CrashedError):
            raise event
        return event

    def interrupt(self):
        self.interrupted = True

    def close(self):
        self.closed = True


class FakeStage:
    """Starts fake workers, and keeps those that were started with their seeds."""

    def __init__(self, base, head=None, metric=Metric.WALL, call_ns=CALL_NS, head_ns=None):
        self.suites = {Side.BASE: base, Side.HEAD: base if head is None else head}
        self.metric, self.call_ns = metric, call_ns
        self.head_ns = head_ns or call_ns
        self.started, self.seeds, self.oddities = [], [], {side: {} for side in Side}
        self.rules, self.flaws = {}, {}  # flaws: oddities of the worker that starts at that place

    def stage(self, folder):
        labels = {side: f"the {side}" for side in Side}
        commands = {side: side for side in Side}  # the fake's command is its side
        return Stage(commands, labels, self.metric, folder, start=self._start)

    def _start(self, side, seed, _output):
        cost = self.head_ns if side is Side.HEAD else self.call_ns
        oddities = self.oddities[side] | self.flaws.get(len(self.started), {})
        worker = FakeWorker(self.suites[side], cost, oddities, self.rules)
        worker.side = side
        self.started.append(worker)
        self.seeds.append(seed)
        return worker
