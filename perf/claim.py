"""Claims: documented sentences that can be true or false, and how they are found.

A claim is a function decorated with `@claim` in any module of a claims package. Decorating
registers nothing globally: `discover` imports the package's modules and reads the marks the
decorator left, so a new claim touches one file and there is no list to keep.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from perf.demonstration import Demonstration, demonstrated
from perf.errors import UserError

if TYPE_CHECKING:
    from perf.instruments.bench import Bench
    from perf.lab.lab import Lab
    from perf.sample import Measurement


class ClaimError(UserError):
    """A claim is declared wrongly, or two claims share an id."""


class Category(StrEnum):
    """The headings of the score, after the audit report's own (document 004)."""

    LATENCY = "latency"
    THROUGHPUT = "throughput"
    RESOURCES = "resources"
    SCALABILITY = "scalability"
    DATABASE = "database"
    CACHING = "caching"
    RESILIENCE = "resilience"


class TargetKind(StrEnum):
    """How a figure is compared with the bound."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    EXACTLY = "exactly"
    COUNTER_EXAMPLE = "counter_example"  # the document is wrong if the example occurs


TIMED_UNITS = frozenset({"x", "%", "s", "ms", "us", "ns"})


@dataclass(frozen=True, slots=True)
class Target:
    """The documented figure: `bound` in `unit`, and which side of it is good."""

    kind: TargetKind
    bound: float
    unit: str

    @property
    def timed(self) -> bool:
        """Whether the figure rests on a clock, so that a noisy machine can change it."""
        return self.unit in TIMED_UNITS


def at_least(bound: float, unit: str) -> Target:
    """Return a target met by figures of `bound` or more."""
    return Target(TargetKind.AT_LEAST, bound, unit)


def at_most(bound: float, unit: str) -> Target:
    """Return a target met by figures of `bound` or less."""
    return Target(TargetKind.AT_MOST, bound, unit)


def exactly(bound: float, unit: str) -> Target:
    """Return a target met by the counted number `bound` and no other."""
    return Target(TargetKind.EXACTLY, bound, unit)


def counter_example() -> Target:
    """Return the target of a claim that the document is wrong, shown by an example."""
    return Target(TargetKind.COUNTER_EXAMPLE, 1, "occurrence")


class Plan(Protocol):
    """What to run and how to measure it; the classes in `perf.instruments` are plans."""

    def measure(self, bench: Bench) -> Measurement:
        """Run the plan and return what was seen."""
        ...


Body = Callable[..., Plan | Awaitable[Plan]]
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Claim:
    """One documented sentence and the function that plans its measurement.

    `rows` are row ids of the source documents' table, `source` the place in the documents,
    `needs` the names of preparations that must have run, `profiles` those that include it.
    """

    id: str
    rows: tuple[str, ...]
    title: str
    source: str
    category: Category
    target: Target
    body: Body
    needs: tuple[str, ...] = ()
    deadline_s: float = 60.0
    profiles: tuple[str, ...] = ("quick", "full")
    case: Mapping[str, Any] = field(default_factory=dict)
    module: str = ""

    @property
    def measured_as(self) -> tuple[str, str, str]:
        """What is measured for it: claims of the same body and case share one measurement."""
        case = json.dumps(self.case, sort_keys=True)
        return (self.module, getattr(self.body, "__qualname__", ""), case)

    def plan(self, lab: Lab) -> Plan | Awaitable[Plan]:
        """Return what is to be measured, for this claim's own case; a coroutine's plan is awaited.

        What a coroutine body opens then lives on the event loop that its arms run on.
        """
        return self.body(lab, **self.case)


@dataclass(frozen=True, slots=True)
class Preparation:
    """Work shared by several claims (a loaded database), done once a run before the first of them.

    `body` takes the lab and returns JSON values, which claims find in `lab.prepared[name]`.
    """

    name: str
    body: Callable[[Lab], Mapping[str, Any]]
    deadline_s: float = 300.0
    module: str = ""


_CLAIMS = "__ava_perf_claims__"
_PREPARATION = "__ava_perf_preparation__"
_ID = re.compile(r"[A-Z]\d{1,2}(\.[a-z0-9][a-z0-9_-]*)+")


def claim(  # noqa: PLR0913 - the decorator's keywords are the claim's fields
    *,
    id: str,  # noqa: A002 - reads as the field it fills
    rows: Sequence[str],
    title: str,
    source: str,
    target: Target | Callable[..., Target],
    category: Category = Category.DATABASE,
    needs: Sequence[str] = (),
    deadline_s: float = 60.0,
    profiles: Sequence[str] = ("quick", "full"),
    cases: Iterable[Mapping[str, Any]] = ({},),
) -> Callable[[F], F]:
    """Declare a claim; with `cases`, one a case.

    A case's values are passed to the function by name and fill the braces of `id` and `title`;
    where the target differs by case, give a function of the same names.
    """

    def mark(body: F) -> F:
        declared = [
            Claim(
                id=_checked(id.format(**case)),
                rows=tuple(rows),
                title=title.format(**case),
                source=source.format(**case),
                category=category,
                target=target if isinstance(target, Target) else target(**case),
                body=body,
                needs=tuple(needs),
                deadline_s=deadline_s,
                profiles=tuple(profiles),
                case=dict(case),
                module=body.__module__,
            )
            for case in cases
        ]
        setattr(body, _CLAIMS, [*getattr(body, _CLAIMS, ()), *declared])
        return body

    return mark


def prepare(name: str, *, deadline_s: float = 300.0) -> Callable[[F], F]:
    """Declare a preparation that claims can name in `needs`."""

    def mark(body: F) -> F:
        setattr(body, _PREPARATION, Preparation(name, body, deadline_s, body.__module__))
        return body

    return mark


def _checked(claim_id: str) -> str:
    if not _ID.fullmatch(claim_id):
        raise ClaimError(
            f"claim id {claim_id!r} is malformed: a row, then dotted lower-case words, "
            "like D3.odds-sync.statements"
        )
    return claim_id


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every claim, preparation and demonstration found, the claims in a stable order."""

    claims: tuple[Claim, ...]
    preparations: Mapping[str, Preparation]
    demonstrations: tuple[Demonstration, ...] = ()

    def find(self, claim_id: str) -> Claim:
        """Return the claim of that id; raise ClaimError when there is none."""
        for found in self.claims:
            if found.id == claim_id:
                return found
        raise ClaimError(f"no claim has the id {claim_id!r}; `ava-perf list` shows those there are")

    def bounds(self, claim: Claim) -> tuple[float, ...]:
        """Return the bounds that the measurement of `claim` is held against, by it and others."""
        sharing = (one for one in self.claims if one.measured_as == claim.measured_as)
        return tuple(sorted({one.target.bound for one in sharing}))


def discover(packages: Sequence[str]) -> Catalogue:
    """Import every module of `packages` and collect what they declare.

    Raises ClaimError for an unknown package, a repeated id and an undeclared need.
    """
    catalogue = read(_modules(packages))
    wanted = [(f"claim {found.id}", found.needs) for found in catalogue.claims]
    wanted += [(f"demonstration {found.name}", found.needs) for found in catalogue.demonstrations]
    for who, needs in wanted:
        for need in needs:
            if need not in catalogue.preparations:
                raise ClaimError(f"{who} needs {need!r}, which nothing prepares")
    return catalogue


def read(modules: Iterable[ModuleType]) -> Catalogue:
    """Return what `modules` declare; raise ClaimError for a repeated id."""
    claims: dict[str, Claim] = {}
    preparations: dict[str, Preparation] = {}
    demonstrations: list[Demonstration] = []
    for module in modules:
        for value in vars(module).values():
            if getattr(value, "__module__", None) != module.__name__:
                continue  # imported from elsewhere: it belongs to the module that defines it
            for found in getattr(value, _CLAIMS, ()):
                if found.id in claims:
                    raise ClaimError(
                        f"claim id {found.id!r} is declared in {claims[found.id].module} "
                        f"and again in {found.module}; give one of them another id"
                    )
                claims[found.id] = found
            preparation = getattr(value, _PREPARATION, None)
            if preparation is not None:
                preparations[preparation.name] = preparation
            shown = demonstrated(value)
            if shown is not None:
                demonstrations.append(shown)
    ordered = sorted(claims.values(), key=lambda found: _natural(found.id))
    return Catalogue(tuple(ordered), preparations, tuple(demonstrations))


def _modules(packages: Sequence[str]) -> Iterator[ModuleType]:
    for name in packages:
        package = _imported(name)
        yield package
        for info in pkgutil.walk_packages(getattr(package, "__path__", ()), f"{name}."):
            yield _imported(info.name)


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ClaimError:
        raise
    except Exception as error:
        raise ClaimError(
            f"claims module {name!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error


def _natural(claim_id: str) -> list[tuple[int, str]]:
    """Order D2 before D10, and n50 before n100."""
    parts = re.split(r"(\d+)", claim_id)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
