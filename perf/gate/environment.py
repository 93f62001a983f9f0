"""The interpreter that runs a checkout's benchmarks, and the check that it imports that checkout.

Both sides share one interpreter and its installed packages; the checkout's own packages are found
first, in the folders where projects keep them. A project that must be built has `--install`: each
side then gets a virtual environment on top of the interpreter's, the words are run in it, and what
they installed is what is imported.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perf.gate.revisions import Checkout
from perf.lab import Unavailable

_USUAL = ("src", "python", "lib")


# Without the folder it is started in, pytest imports what was installed.
_INSTALLED_ONLY = "import sys; del sys.path[0]; import ava_gate.__main__"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a checkout's benchmarks run: `entry` starts pytest, `path` comes first on its path.

    The project's own modules must come from one of `homes`.
    """

    checkout: Checkout
    python: str
    path: tuple[Path, ...]
    entry: tuple[str, ...]
    homes: tuple[Path, ...]


def as_it_lies(python: str, checkout: Checkout) -> Place:
    """Return the place of a checkout that needs no building."""
    return Place(checkout, python, sources(checkout), ("-m", "ava_gate"), (checkout.root,))


def installed(python: str, checkout: Checkout, home: Path, words: Sequence[str]) -> Place:
    """Build and install a checkout in an environment of its own; raise Unavailable if it fails."""
    overlay = _install(python, checkout, home, words)
    return Place(checkout, overlay, (), ("-c", _INSTALLED_ONLY), (checkout.root, home))


def interpreter(given: str | None, folder: Path, environment: Mapping[str, str]) -> str:
    """Return the project's interpreter: the given one, the active or the folder's environment's."""
    if given:
        # Absolute, since workers start elsewhere; not resolved, since an environment is its link.
        return os.path.abspath(given) if os.sep in given else given  # noqa: PTH100
    active = environment.get("VIRTUAL_ENV")
    homes = [Path(active)] if active else []
    homes += [parent / ".venv" for parent in (folder, *folder.parents)]
    found = (home / "bin" / "python" for home in homes)
    return next((str(path) for path in found if path.exists()), sys.executable)


def check(python: str) -> None:
    """Raise Unavailable where an interpreter cannot be started or has no pytest."""
    code = "import sys; from importlib.util import find_spec; sys.exit(not find_spec('pytest'))"
    try:
        done = subprocess.run([python, "-c", code], check=False, capture_output=True)
    except OSError as error:
        raise Unavailable(f"{python} cannot be started: {error.strerror}") from error
    if done.returncode:
        raise Unavailable(f"{python} has no pytest", f"{python} -m pip install pytest")


def sources(checkout: Checkout) -> tuple[Path, ...]:
    """Return the folders of a checkout that its packages may be imported from."""
    places = []
    for folder in dict.fromkeys((checkout.folder, checkout.root)):
        declared = tuple(_declared(pyproject(folder)))
        usual = [name for name in _USUAL if not (folder / name / "__init__.py").exists()]
        places += [folder / name for name in (*declared, *usual)]
        places.append(folder)
    return tuple(dict.fromkeys(place.resolve() for place in places if place.is_dir()))


def _declared(pyproject: Mapping[str, Any]) -> Iterator[str]:
    """Return the source folders that build settings name."""
    tool = pyproject.get("tool", {})
    setuptools = tool.get("setuptools", {})
    yield from setuptools.get("package-dir", {}).values()
    find = setuptools.get("packages", {})
    if isinstance(find, dict):
        yield from find.get("find", {}).get("where", ())
    for name in ("maturin", "setuptools-rust"):
        if folder := tool.get(name, {}).get("python-source"):
            yield folder


def pyproject(folder: Path) -> dict[str, Any]:
    """Return a folder's pyproject.toml; empty where there is none that can be read."""
    try:
        return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}  # pytest will say what is wrong with it


def _install(python: str, checkout: Checkout, home: Path, words: Sequence[str]) -> str:
    """Run the words in a new environment on top of the interpreter's; return its interpreter."""
    _run([python, "-m", "venv", "--without-pip", str(home)], checkout, {})
    overlay = str(home / "bin" / "python")
    code = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    below = _run([python, "-c", code], checkout, {}).strip()
    own = _run([overlay, "-c", code], checkout, {}).strip()
    # In this order: what the words install, the checkout's own modules, the interpreter's packages.
    (Path(own) / "_1_checkout.pth").write_text("".join(f"{p}\n" for p in sources(checkout)))
    (Path(own) / "_2_below.pth").write_text(f"import site; site.addsitedir({below!r})\n")
    path = os.pathsep.join([str(home / "bin"), os.environ.get("PATH", "")])
    spelled = [overlay, "-m", "pip", *words[1:]] if words[0] == "pip" else list(words)
    _run(spelled, checkout, {"VIRTUAL_ENV": str(home), "PATH": path})
    return overlay


def _run(words: Sequence[str], checkout: Checkout, extra: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            words,
            cwd=checkout.folder,
            env={**os.environ, **extra},
            check=False,
            capture_output=True,
            text=True,
        )
    except OSError as error:
        raise Unavailable(f"{words[0]} cannot be started: {error.strerror}") from error
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or "no words").splitlines()
        raise Unavailable(f"{checkout.label} does not build: {lines[-1].strip()}")
    return done.stdout
