"""What a run of the generator consists of, in either model, and the result that it leaves."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from locust.env import Environment
from locust.user import User
from locust.util.load_locustfile import is_user_class

from perf.load import closed, openloop
from perf.load.conductor import Outcome
from perf.load.scenario import CONSTANT, Phase, Scenario, ScenarioError
from perf.load.scenarios import module_of, scenario_in

_CHOSEN_BY_US = 1  # req/s: a closed run has no rate to state, and a phase must have one


@dataclass(frozen=True, slots=True)
class Told:
    """What a run consists of, whichever model it follows."""

    model: str
    described: Mapping[str, Any]
    phases: tuple[Phase, ...]
    attach: Callable[[Environment], None]
    classes: list[type[User]]
    scenario: Scenario | None = None


def told_of(arguments: argparse.Namespace) -> Told:
    """Read the file of the arguments; raise ScenarioError when it holds nothing to run."""
    module = module_of(arguments.file)
    scenario = scenario_in(module)
    if scenario is not None:
        scaled = scenario.scaled(arguments.rate_scale)
        return Told(
            "open",
            scaled.described(),
            scaled.phases,
            lambda environment: openloop.attach(scenario, environment),
            [],
            scenario,
        )
    classes = [one for one in vars(module).values() if is_user_class(one)]
    if not classes:
        raise ScenarioError(f"{arguments.file} has neither a SCENARIO nor a Locust user")
    return _closed(arguments, classes)


def _closed(arguments: argparse.Namespace, classes: list[type[User]]) -> Told:
    """Tell a user's own file: one phase, the time its users take to appear being the warm-up."""
    ramp_s = arguments.users / arguments.spawn_rate if arguments.spawn_rate else 0.0
    warmup_s = min(ramp_s, arguments.run_time / 2)
    phase = Phase("run", arguments.run_time, _CHOSEN_BY_US, CONSTANT, warmup_s)
    described = {
        "name": arguments.file.stem,
        "title": arguments.file.stem,
        "model": "closed",
        "seed": None,
        "users": arguments.users,
        "listeners": None,
        "phases": [{**phase.described(0.0), "rate": None, "arrivals": None}],
    }
    return Told(
        "closed",
        described,
        (phase,),
        lambda environment: closed.attach(phase, environment),
        classes,
    )


def document(told: Told, outcome: Outcome) -> dict[str, Any]:
    """Return the result as it is written."""
    thresholds = told.scenario.thresholds if told.scenario is not None else ()
    heard = [one["listeners"] for one in outcome.told if one.get("listeners")]
    return {
        "schema": 1,
        "kind": "load",
        "scenario": dict(told.described),
        "thresholds": [asdict(one) for one in thresholds],
        "generator": outcome.generator.to_json(),
        "recordings": outcome.recording.to_json(),
        "timeline": outcome.recording.timeline_json(),
        "listeners": heard or None,
        "stopped": outcome.stopped,
    }
