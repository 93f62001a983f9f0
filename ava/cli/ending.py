"""How a command ends: the codes that scripts tell apart."""

from __future__ import annotations

from typing import Final

ATTENTION: Final = 1
USAGE: Final = 2
NOT_DONE: Final = 3
INTERRUPTED: Final = 130
