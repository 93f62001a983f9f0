"""Settings of the harness: flag, then `AVA_PERF_*`, then `[tool.ava-perf]`, then the default.

An unknown key is an error, since a setting that is silently ignored is a verdict about something
else than was asked for.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from perf.errors import UserError

S = TypeVar("S")


class SettingsError(UserError):
    """A setting is unknown or malformed; the message names it and says what is allowed."""


PROFILES = ("quick", "full")
SECTIONS = ("bench", "gate", "load", "profiling")  # tables of single commands: `read_section`
# Read where the lab finds its servers and files, not here; listed so that they are not "unknown".
_ELSEWHERE = frozenset({"AVA_PERF_POSTGRES_BIN", "AVA_PERF_REDIS_BIN", "AVA_PERF_DATA"})
_PREFIX = "AVA_PERF_"


@dataclass(frozen=True, slots=True)
class Settings:
    """What may be configured.

    `claims` are packages to discover claims in, `out` is the report's folder, `history` the file
    of past runs (empty: none is kept), `noise_limit` the relative A/A noise above which the report
    carries a warning.
    """

    claims: tuple[str, ...] = ("perf.claims",)
    profile: str = "quick"
    out: str = "reports/latest"
    history: str = "reports/history.jsonl"
    strict: bool = False
    noise_limit: float = 0.05

    def with_flags(self, **flags: Any) -> Settings:
        """Return settings with the given flags in force; None leaves a setting as it was."""
        given = {name: value for name, value in flags.items() if value is not None}
        return replace(self, **given)

    def history_in(self, root: Path) -> Path | None:
        """Return the file of past runs of the project at `root`; None where none is kept."""
        return root / self.history if self.history else None


def read(root: Path, environment: Mapping[str, str]) -> Settings:
    """Return the settings of the project at `root`; raise SettingsError when one is wrong."""
    return Settings(**_values(Settings, "", root, environment))


def read_section(kind: type[S], name: str, root: Path, environment: Mapping[str, str]) -> S:
    """Return the settings of one command: `[tool.ava-perf.<name>]` and `AVA_PERF_<NAME>_*`.

    `kind` is a dataclass whose every field has a default, which says the setting's type. Raises
    SettingsError as `read` does.
    """
    return kind(**_values(kind, name, root, environment))


def _values(kind: type, section: str, root: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    return {
        **_from_pyproject(kind, section, root / "pyproject.toml"),
        **_from_environment(kind, section, environment),
    }


def _from_pyproject(kind: type, section: str, path: Path) -> dict[str, Any]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path.name} cannot be read: {error}") from error
    table = document.get("tool", {}).get("ava-perf", {})
    where = "[tool.ava-perf] of pyproject.toml"
    if section and isinstance(table, dict):
        table, where = table.get(section, {}), f"[tool.ava-perf.{section}] of pyproject.toml"
    if not isinstance(table, dict):
        raise SettingsError(f"{where} must be a table")
    own = {key: value for key, value in table.items() if section or key not in SECTIONS}
    return {
        _known(kind, key.replace("-", "_"), f"key {key!r} in {where}"): _typed(
            kind, key, value, f"in {where}"
        )
        for key, value in own.items()
    }


def _from_environment(kind: type, section: str, environment: Mapping[str, str]) -> dict[str, Any]:
    prefix = f"{_PREFIX}{section.upper()}_" if section else _PREFIX
    others = () if section else tuple(f"{_PREFIX}{name.upper()}_" for name in SECTIONS)
    found = {}
    for variable, text in environment.items():
        if not variable.startswith(prefix) or variable in _ELSEWHERE or variable.startswith(others):
            continue
        name = variable.removeprefix(prefix).lower()
        name = _known(kind, name, f"environment variable {variable}")
        found[name] = _parsed(kind, name, text, variable)
    return found


def _known(kind: type, name: str, where: str) -> str:
    names = [f.name for f in fields(kind)]
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}"
        raise SettingsError(f"unknown {where}; {hint}")
    return name


def _parsed(kind: type, name: str, text: str, where: str) -> Any:
    """Turn an environment variable's text into the setting's type."""
    default = getattr(kind(), name)
    if isinstance(default, bool):
        words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
        if text.lower() not in words:
            raise SettingsError(f"{where} is {text!r}; say 1 or 0")
        return words[text.lower()]
    if isinstance(default, float):
        try:
            return _checked(name, float(text), where)
        except ValueError as error:
            raise SettingsError(f"{where} is {text!r}, not a number") from error
    if isinstance(default, tuple):
        return _checked(
            name, tuple(part.strip() for part in text.split(",") if part.strip()), where
        )
    return _checked(name, text, where)


def _typed(kind: type, key: str, value: Any, where: str) -> Any:
    """Check that a TOML value has the setting's type."""
    name = key.replace("-", "_")
    default = getattr(kind(), name)
    if isinstance(default, tuple):
        if not _is_strings(value):
            raise SettingsError(f"{key} {where} must be a list of strings")
        return _checked(name, tuple(value), key)
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, type(default)):
        raise SettingsError(f"{key} {where} must be a {type(default).__name__}, not {value!r}")
    return _checked(name, value, key)


def _is_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _checked(name: str, value: Any, where: str) -> Any:
    if name == "profile" and value not in PROFILES:
        raise SettingsError(f"{where} is {value!r}; profiles are {' and '.join(PROFILES)}")
    if name == "noise_limit" and not 0 < value < 1:
        raise SettingsError(f"{where} is {value!r}; it is a share between 0 and 1, like 0.05")
    if name == "claims" and not value:
        raise SettingsError(f"{where} names no package")
    return value
