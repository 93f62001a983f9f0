"""Two versions of a project beside each other: worktrees of a repository, or two given folders.

Worktrees lie in one temporary folder, under paths of equal length, and are gone when the gate ends.
Without a head revision, head is what the working tree holds of tracked files, committed or not. The
repository's own branch, index, stash and files are left alone, and its hooks do not run.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from perf.errors import UserError
from perf.gate.sample import Side
from perf.gate.scratch import scratch
from perf.settings import Settings

_AUTHOR = ("-c", "user.name=ava-perf", "-c", "user.email=ava-perf@localhost")
_QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")


class RevisionError(UserError):
    """A revision or folder cannot be had; the message says which."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """One version: its name for people, its top folder, and the folder that pytest runs in."""

    label: str
    root: Path
    folder: Path


@dataclass(frozen=True, slots=True)
class Checkouts:
    """Both versions, and what should be said of them."""

    sides: Mapping[Side, Checkout]
    notes: tuple[str, ...] = ()


@contextmanager
def worktrees(here: Path, base: str, head: str | None) -> Iterator[Checkouts]:
    """Check both revisions out; they are gone when the context is left."""
    top = Path(_git(here, "rev-parse", "--show-toplevel", problem="no git repository here"))
    inside = here.resolve().relative_to(top.resolve())
    commits = {Side.BASE: _commit(top, base), Side.HEAD: _commit(top, head or "HEAD")}
    labels = {Side.BASE: _label(base, commits[Side.BASE])}
    labels[Side.HEAD] = _label(head or "HEAD", commits[Side.HEAD])
    if head is None and (changed := _uncommitted(top)):
        commits[Side.HEAD] = changed
        labels[Side.HEAD] = f"working tree on {labels[Side.HEAD]}"
    try:
        with scratch() as beside:
            sides = {}
            for side, commit in commits.items():
                root = beside / side / top.name
                _git(top, *_QUIET, "worktree", "add", "--detach", str(root), commit)
                sides[side] = Checkout(labels[side], root, root / inside)
            yield Checkouts(sides, tuple(_notes(top, head)))
    finally:
        _forget(top)


def folders(base: Path, head: Path) -> Checkouts:
    """Return two folders as they are."""
    for folder in (base, head):
        if not folder.is_dir():
            raise RevisionError(f"{folder} is no folder")
    return Checkouts(
        {
            Side.BASE: Checkout(str(base), base.resolve(), base.resolve()),
            Side.HEAD: Checkout(str(head), head.resolve(), head.resolve()),
        }
    )


def _notes(top: Path, head: str | None) -> Iterator[str]:
    if head is None:
        found = _git(top, "ls-files", "--others", "--exclude-standard").splitlines()
        untracked = [name for name in found if name != Settings().history]
        if untracked:
            few = ", ".join(untracked[:3]) + (", ..." if len(untracked) > 3 else "")  # noqa: PLR2004
            yield f"{len(untracked)} untracked files are in neither revision: {few}"
    if (top / ".gitmodules").exists():
        yield "submodules are not checked out"


def _label(name: str, commit: str) -> str:
    short = commit[:10]
    return short if commit.startswith(name) else f"{name} ({short})"


def _commit(top: Path, revision: str) -> str:
    problem = f"{revision!r} is no revision of this repository"
    if revision.startswith("-"):
        raise RevisionError(problem)
    wanted = f"{revision}^{{commit}}"
    return _git(top, "rev-parse", "--verify", "--quiet", wanted, problem=problem)


def _uncommitted(top: Path) -> str:
    """Return a commit of the tracked files as they are; empty where they are as committed."""
    return _git(top, *_AUTHOR, "stash", "create")


def _forget(top: Path) -> None:
    """Let git forget worktrees that are gone; a second Ctrl-C does not reach it."""
    subprocess.run(
        ["git", "-C", str(top), "worktree", "prune"],  # noqa: S607 - the user's own git
        check=False,
        capture_output=True,
        start_new_session=True,
    )


def _git(folder: Path, *words: str, problem: str | None = None) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],  # noqa: S607 - the user's own git
            check=False,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError as error:
        raise RevisionError("git is not installed; give --base-dir and --head-dir") from error
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise RevisionError(problem or f"git {words[0]} failed: {said[-1] if said else 'no words'}")
    return done.stdout.strip()
