"""Reading a scenario's file: ours, or a user's own Locust file."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from perf.load.scenario import Scenario, ScenarioError

FOLDER = "loadtests"


def module_of(path: Path) -> ModuleType:
    """Run a file as a module and return it; the folder above `loadtests/` becomes importable."""
    if not path.is_file():
        raise ScenarioError(f"there is no scenario {path}")
    root = path.resolve().parent
    for folder in (root, root.parent):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    spec = importlib.util.spec_from_file_location(f"scenario_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ScenarioError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except ScenarioError:
        raise
    except Exception as error:
        raise ScenarioError(f"{path} fails: {type(error).__name__}: {error}") from error
    return module


def scenario_in(module: ModuleType) -> Scenario | None:
    """Return the module's `SCENARIO`; None where it has none, as a Locust file of a user's own."""
    found = getattr(module, "SCENARIO", None)
    if found is not None and not isinstance(found, Scenario):
        raise ScenarioError(f"SCENARIO of {module.__name__} is a {type(found).__name__}")
    return found


def located(name: str, root: Path) -> Path:
    """Return the file of a scenario given by its name in `loadtests/` or by its path."""
    path = Path(name)
    if path.suffix == ".py":
        return path
    candidate = root / FOLDER / f"{name.replace('-', '_')}.py"
    if candidate.is_file():
        return candidate
    known = sorted(one.stem for one in (root / FOLDER).glob("*.py") if one.stem[0] != "_")
    raise ScenarioError(f"no scenario {name!r}; there are {', '.join(known) or 'none'}")
