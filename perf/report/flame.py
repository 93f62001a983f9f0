"""The flame graph: where a process was in each sample, callers above and callees below.

A box is as wide as the share of samples in which its function was running or had called what was.
It is drawn from the saved tree alone, with no script and nothing random, and states nothing that
the table beside it does not. The more a function ran in its own lines, the darker is its box: that
is where the time goes, however wide its callers are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from perf.report import figures
from perf.report.alone import alone
from perf.report.axis import share, svg
from perf.report.read import number
from perf.stacks import Frame, StacksError, from_dict

_ROW = 18
_LEAST = 0.004  # share of the width below which a box cannot be seen
_LEGIBLE = 0.04  # share of the width that is wide enough for a few letters
_ROWS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Cost:
    """A row of the table: a function with its shares of all samples, in percent."""

    name: str
    own: float
    total: float


@dataclass(frozen=True, slots=True)
class Shown:
    """A profile as the report shows it; `reason` is set, and nothing else, where there is none."""

    claim: str
    tree: Frame | None = None
    costs: tuple[Cost, ...] = ()
    sentence: str = ""
    reason: str | None = None
    cure: str | None = None


def shown(raw: Mapping[str, Any] | None) -> Shown | None:
    """Read a saved profile; one that cannot be read is shown as none, with its reason."""
    if not raw:
        return None
    claim = str(raw.get("claim") or "")
    if raw.get("unavailable"):
        cure = raw.get("cure")
        return Shown(claim, reason=str(raw["unavailable"]), cure=str(cure) if cure else None)
    try:
        tree = from_dict(raw.get("tree"))
        costs = tuple(_costs(raw, max(1, tree.samples)))
    except (StacksError, TypeError, ValueError) as error:
        return Shown(claim, reason=f"the saved profile cannot be read: {error}")
    if not tree.samples:
        return Shown(claim, reason=f"nothing ran in Python while it was looked at: {_waited(raw)}")
    return Shown(claim, tree, costs, _sentence(raw, tree))


def _costs(raw: Mapping[str, Any], samples: int) -> Iterator[Cost]:
    for name, own, total in list(raw.get("top") or ())[:_ROWS_SHOWN]:
        yield Cost(str(name), 100 * int(own) / samples, 100 * int(total) / samples)


def _sentence(raw: Mapping[str, Any], tree: Frame) -> str:
    left_out = int(number(raw.get("left_out")) or 0)
    outer = f" {figures.count(left_out, 'frame')} around all of them left out." if left_out else ""
    return f"{figures.count(tree.samples, 'sample')} in {_waited(raw)}.{outer}"


def _waited(raw: Mapping[str, Any]) -> str:
    """Say how long was looked, and in what share of the looks something ran."""
    seconds, looks = number(raw.get("seconds")), number(raw.get("looks"))
    words = "an unknown time" if seconds is None else f"{seconds:.1f} s"
    if not looks:
        return words
    ran = min(1.0, (number(raw.get("samples")) or 0) / looks)
    return f"{words}; in {ran:.0%} of the looks Python code was running, else it waited"


def flame(tree: Frame) -> Markup:
    """Draw the tree, the outermost function on top."""
    boxes = list(_boxes(tree, 0.0, 1.0, 0))
    height = _ROW * (1 + max(depth for _, _, _, depth in boxes))
    body = Markup(
        '<g fill="currentColor" stroke="currentColor" stroke-opacity=".35">{}</g>'
    ).format(Markup().join(_box(tree, *box) for box in boxes))
    return svg(f"Flame graph of {figures.count(tree.samples, 'sample')}", _text(tree), height, body)


def document(tree: Frame, title: str) -> str:
    """Return the drawing as a file of its own."""
    return alone(flame(tree), title)


def _boxes(
    frame: Frame, left: float, width: float, depth: int
) -> Iterator[tuple[Frame, float, float, int]]:
    if width < _LEAST:
        return
    yield frame, left, width, depth
    for child in frame.children:
        part = width * child.samples / frame.samples
        yield from _boxes(child, left, part, depth + 1)
        left += part


def _box(root: Frame, frame: Frame, left: float, width: float, depth: int) -> Markup:
    """Draw one frame; an inner <svg> cuts off what its text has no room for."""
    place = Markup('x="{x}" y="{y}" width="{width}" height="{height}"').format(
        x=share(left), y=_ROW * depth, width=share(width), height=_ROW - 1
    )
    title = Markup("<title>{}</title>").format(
        f"{frame.name}: {_share(frame.samples, root)}, itself {_share(frame.own, root)}"
    )
    strength = f"{_strength(frame.own / root.samples):.2f}"
    if width <= _LEGIBLE:
        return Markup('<rect {} fill-opacity="{}">{}</rect>').format(place, strength, title)
    return Markup(
        '<svg {}>{}<rect width="100%" height="100%" fill-opacity="{}"/>'
        '<text x="3" y="13" stroke="none">{}</text></svg>'
    ).format(place, title, strength, frame.name)


def _strength(own: float) -> float:
    """Return how dark a box is, light enough for its text in any case."""
    return 0.06 + 0.3 * min(1.0, 4 * own)


def _share(samples: int, root: Frame) -> str:
    return f"{100 * samples / root.samples:.1f} %"


def _text(tree: Frame) -> str:
    widest = [f"{child.name} {_share(child.samples, tree)}" for child in tree.children[:5]]
    called = f", which called {', '.join(widest)}" if widest else ""
    return f"{tree.name}: all samples{called}"
