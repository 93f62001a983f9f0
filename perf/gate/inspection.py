"""What is refused or said of two checkouts before anything is measured.

What would compare a thing with itself is refused: benchmarks that import an installed copy of the
project would be "the same" whatever the revisions hold. Files of dependencies that differ are said,
since both sides run on what one interpreter has installed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from perf.gate.environment import Place, pyproject, sources
from perf.gate.protocol import Collected
from perf.gate.revisions import Checkout
from perf.gate.sample import Side
from perf.lab import Unavailable

_NOT_THE_PROJECT = frozenset(
    {"benchmarks", "conftest", "docs", "examples", "noxfile", "setup", "tasks", "test", "tests"}
)
_DEPENDENCIES = (
    "setup.py",
    "setup.cfg",
    "Pipfile.lock",
    "poetry.lock",
    "pdm.lock",
    "uv.lock",
    "requirements*.txt",
    "requirements*.lock",
    "requirements/*.txt",
)
_ERRORS_SHOWN = 3


def own_names(checkout: Checkout) -> frozenset[str]:
    """Return the top-level names that the checkout's packages and modules have."""
    found = set()
    for place in sources(checkout):
        found |= {path.parent.name for path in place.glob("*/__init__.py")}
        found |= {path.stem for path in place.glob("*.py")}
    project = pyproject(checkout.folder).get("project", {}).get("name", "")
    return frozenset(found | {project.replace("-", "_").lower()}) - _NOT_THE_PROJECT


def inspect(places: Mapping[Side, Place], found: Mapping[Side, Collected]) -> None:
    """Raise Unavailable where a side could not import its code, or imported another."""
    for side, collected in found.items():
        _refuse_errors(places[side].checkout, collected.errors)
        _refuse_strangers(places[side], collected.modules)


def _refuse_errors(checkout: Checkout, errors: Sequence[tuple[str, str]]) -> None:
    if not errors:
        return
    shown = "; ".join(f"{name}: {reason}" for name, reason in errors[:_ERRORS_SHOWN])
    more = f"; and {len(errors) - _ERRORS_SHOWN} more" if len(errors) > _ERRORS_SHOWN else ""
    raise Unavailable(
        f"{checkout.label} does not import: {shown}{more}",
        f"mend it, or leave it out: -- --ignore={errors[0][0]}",
    )


def _refuse_strangers(place: Place, modules: Mapping[str, str]) -> None:
    own = own_names(place.checkout)
    for name, path in modules.items():
        if name not in own or any(Path(path).is_relative_to(home) for home in place.homes):
            continue
        raise Unavailable(
            f"the benchmarks of {place.checkout.label} import {name} from {path}, "
            "not from the revision",
            "ava-perf gate --install 'pip install --no-deps .'",
        )


def dependency_note(checkouts: Mapping[Side, Checkout], python: str) -> tuple[str, ...]:
    """Say which files of dependencies differ: both sides run on what one interpreter has."""
    base, head = (checkouts[side].folder for side in Side)
    names = {
        str(path.relative_to(folder))
        for folder in (base, head)
        for pattern in _DEPENDENCIES
        for path in folder.glob(pattern)
    }
    changed = sorted(name for name in names if _bytes(base / name) != _bytes(head / name))
    if _dependencies(base) != _dependencies(head):
        changed.append("pyproject.toml")
    if not changed:
        return ()
    note = (
        f"dependencies differ between the revisions ({', '.join(changed)}); "
        f"both are measured with what {python} has installed"
    )
    return (note,)


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _dependencies(folder: Path) -> list[Any]:
    document = pyproject(folder)
    project, poetry = document.get("project", {}), document.get("tool", {}).get("poetry", {})
    return [
        project.get("dependencies"),
        project.get("optional-dependencies"),
        document.get("dependency-groups"),
        document.get("build-system"),
        poetry.get("dependencies"),
        poetry.get("group"),
    ]
