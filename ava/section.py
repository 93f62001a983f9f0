"""What a section of settings is: a frozen dataclass whose fields are variables of the environment.

`AVA_DATABASE_` + `POOL_MIN` fills a field `pool_min`. Numbers are checked against bounds that the
field states. An error names the key; a secret's value is never shown, and `Secret` hides it from
repr. An empty value counts as absent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Self, get_type_hints

from ava.errors import SettingsError

PREFIX = "AVA_"


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """Text that only `reveal` shows."""

    _text: str

    def reveal(self) -> str:
        """Return the text, for the one call that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Section:
    """A group of settings that share a prefix; every number is checked against its bounds."""

    prefix: ClassVar[str] = PREFIX

    @classmethod
    def key(cls, name: str) -> str:
        """Return the variable that fills the field `name`."""
        return cls.prefix + name.upper()

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Build the section; raise SettingsError for a value that cannot be read."""
        hints = get_type_hints(cls)
        given = {
            name: _parse(cls.key(name), hints[name], text)
            for name in (item.name for item in fields(cls))
            if (text := environ.get(cls.key(name), "").strip())
        }
        return cls(**given)

    def __post_init__(self) -> None:
        for item in fields(self):
            if item.metadata:
                self._check(item)

    def _check(self, item: Field[Any]) -> None:
        value, least, above = getattr(self, item.name), *map(item.metadata.get, ("least", "above"))
        good = math.isfinite(value)
        good = good and (least is None or value >= least) and (above is None or value > above)
        if not good:
            bound = f"at least {least}" if above is None else f"more than {above}"
            raise SettingsError(f"{self.key(item.name)} must be {bound}, and is {value}")


def at_least(least: float, default: Any) -> Any:
    """Return a field of `default` that is refused below `least`."""
    return field(default=default, metadata={"least": least})


def more_than(above: float, default: Any) -> Any:
    """Return a field of `default` that is refused unless it is more than `above`."""
    return field(default=default, metadata={"above": above})


def _parse(key: str, kind: Any, text: str) -> Any:
    if kind == Secret | None:
        return Secret(text)
    if kind == Path | None:
        return Path(text).expanduser()
    try:
        return kind(text)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise SettingsError(f"{key} must be {wanted}, and is {text!r}") from None
