"""A machine made of chance: slices of a suite as a noisy machine would give them, from a seed."""

from dataclasses import dataclass, field, replace

import numpy as np

from perf.gate.method import judge
from perf.gate.pace import CONFIRMING
from perf.gate.plan import wanted
from perf.gate.sample import Evidence, Metric, PairSample, Rule

SLICES = 10
DEFAULT = Rule()


@dataclass
class World:
    """Each process has an offset of its own; pairs drift together; slices have a heavy tail."""

    seed: int
    offset: float = 0.01
    spike: float = 0.15
    drift: float = 0.01
    random: np.random.Generator = field(init=False)
    level: float = 0.0

    def __post_init__(self):
        self.random = np.random.default_rng(self.seed)

    def pair(self, factor=1.0, slices=SLICES):
        """Return a pair in which head takes `factor` times as long."""
        self.level = 0.9 * self.level + self.random.normal(0, self.drift)
        return PairSample(self._slices(1.0, slices), self._slices(factor, slices))

    def _slices(self, factor, count):
        offset = np.exp(self.random.uniform(-self.offset, self.offset) + self.level)
        hit = self.random.random(count) < self.spike
        tail = np.where(hit, self.random.exponential(0.2, count), 0)
        slices = 1e-5 * factor * offset * (1 + self.random.normal(0, 0.003, count) + tail)
        return tuple(map(float, slices))


def suite(seed, factors, rule=DEFAULT, **world):
    """Measure a suite in such a machine as the plan asks; return evidence by id, and the rounds."""
    machine = World(seed, **world)
    evidence = {name: Evidence(name) for name in factors}
    rules = dict.fromkeys(factors, rule)
    rounds = 0
    while not (todo := wanted(tuple(evidence.values()), rules, Metric.WALL, 1.0)).done:
        rounds += 1
        for name, factor in factors.items():
            for stage in ("pairs", "confirmation", "control"):
                asked = todo.confirm if stage == "confirmation" else getattr(todo, stage)
                if name in asked:
                    slices = SLICES * (CONFIRMING if stage == "confirmation" else 1)
                    pair = machine.pair(1.0 if stage == "control" else factor, slices)
                    grown = (*getattr(evidence[name], stage), pair)
                    evidence[name] = replace(evidence[name], **{stage: grown})
    return evidence, rounds


def verdicts(seed, factors, rule=DEFAULT, **world):
    """Return the judgement of each benchmark of a suite measured so."""
    evidence, _ = suite(seed, factors, rule, **world)
    said = judge(tuple(evidence.values()), dict.fromkeys(factors, rule), Metric.WALL)
    return {judgement.id: judgement for judgement in said}
