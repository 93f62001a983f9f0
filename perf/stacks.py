"""Sampled call stacks as a tree: read, trimmed to what tells something, and counted by function.

A sampler writes one line a stack, `outer;inner;innermost 12`. Everything after that is a pure
function of those lines, so a profile can be shown again from what was saved of it. What is too
small to see is joined with its neighbours and stays counted: the widths of a drawing always add up
to all samples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

SMALL = 0.005  # share of the samples below which a frame is too narrow to be read
MOST_FRAMES = 200
DEEPEST = 40
_OTHERS = "{} small frames"
_DEEPER = "deeper frames"

Stacks = Mapping[tuple[str, ...], int]


class StacksError(ValueError):
    """What a sampler wrote, or what was saved of it, is no stacks."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A function as called from the frame above it; `samples` are its own and its children's."""

    name: str
    samples: int
    children: tuple[Frame, ...] = ()

    @property
    def own(self) -> int:
        """Return the samples in which this very frame was running."""
        return self.samples - sum(child.samples for child in self.children)

    @property
    def count(self) -> int:
        """Return how many frames the tree has, this one included."""
        return 1 + sum(child.count for child in self.children)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one function took, over all its callers: `own` in its own lines, `total` with callees.

    A function that calls itself is counted once a sample.
    """

    name: str
    own: int
    total: int


def parse(text: str) -> dict[tuple[str, ...], int]:
    """Read a sampler's lines; raise StacksError for one that is no stack with a count."""
    stacks: Counter[tuple[str, ...]] = Counter()
    for line in text.splitlines():
        if not line.strip():
            continue
        path, _, count = line.rpartition(" ")
        if not path or not count.isdecimal():
            raise StacksError(f"{line[:80]!r} is no stack with a count")
        stacks[tuple(path.split(";"))] += int(count)
    return dict(stacks)


def tree(stacks: Stacks) -> Frame:
    """Return the stacks as a tree under a root that is named "all"."""
    return _grown("all", [(frames, count) for frames, count in stacks.items() if count > 0])


def _grown(name: str, below: Sequence[tuple[Sequence[str], int]]) -> Frame:
    groups: dict[str, list[tuple[Sequence[str], int]]] = {}
    for frames, count in below:
        if frames:
            groups.setdefault(frames[0], []).append((frames[1:], count))
    children = [_grown(child, rest) for child, rest in groups.items()]
    total = sum(count for _, count in below)
    return Frame(name, total, tuple(sorted(children, key=lambda f: (-f.samples, f.name))))


def trim(root: Frame) -> tuple[Frame, int]:
    """Leave out the frames that all samples go through, and say how many those are.

    The way from the interpreter's start to the work is the same in every sample and tells nothing;
    the last frame of it stays, as the root.
    """
    left_out = 0
    while len(root.children) == 1 and root.children[0].samples == root.samples:
        root, left_out = root.children[0], left_out + 1
    return root, max(0, left_out - 1)


def prune(root: Frame, *, most: int = MOST_FRAMES, deepest: int = DEEPEST) -> Frame:
    """Join what is small or deep until at most about `most` frames are left."""
    share = SMALL
    pruned = _pruned(root, share * root.samples, deepest)
    while pruned.count > most:
        share *= 1.5
        pruned = _pruned(root, share * root.samples, deepest)
    return pruned


def _pruned(frame: Frame, least: float, deepest: int) -> Frame:
    if not frame.children:
        return frame
    if deepest <= 1:
        return replace(frame, children=(_joined(_DEEPER, frame.children),))
    kept = [_pruned(f, least, deepest - 1) for f in frame.children if f.samples >= least]
    small = [child for child in frame.children if child.samples < least]
    if small:
        joined = _joined(_OTHERS.format(len(small)), small)
        kept += [joined] if joined.samples >= least else []
    return replace(frame, children=tuple(kept))


def _joined(name: str, frames: Iterable[Frame]) -> Frame:
    return Frame(name, sum(frame.samples for frame in frames))


def costs(stacks: Stacks) -> list[Cost]:
    """Return every function with what it took, those first that took most themselves."""
    own: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for frames, count in stacks.items():
        if not frames:
            continue
        own[frames[-1]] += count
        for name in set(frames):
            total[name] += count
    found = [Cost(name, own[name], total[name]) for name in total]
    return sorted(found, key=lambda cost: (-cost.own, -cost.total, cost.name))


def to_dict(frame: Frame) -> dict[str, Any]:
    """Return a tree as JSON values."""
    found: dict[str, Any] = {"name": frame.name, "samples": frame.samples}
    if frame.children:
        found["children"] = [to_dict(child) for child in frame.children]
    return found


def from_dict(raw: Any, *, deepest: int = 2 * DEEPEST) -> Frame:
    """Read what `to_dict` returned; raise StacksError when it is something else.

    Children that have more samples than their parent are refused: they could not be drawn.
    """
    try:
        name, samples = str(raw["name"]), int(raw["samples"])
        held = raw.get("children", ())
        if deepest <= 0:
            raise StacksError("a saved profile is deeper than any that is made")
        children = tuple(from_dict(child, deepest=deepest - 1) for child in held)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StacksError(f"a saved profile cannot be read: {error}") from error
    frame = Frame(name, samples, children)
    if samples < 0 or frame.own < 0:
        raise StacksError(f"{name!r} has fewer samples than what it called")
    return frame
