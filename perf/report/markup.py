"""Text that was measured or given by somebody, as Markdown shows it unchanged."""

from __future__ import annotations

import re

# An underscore between letters is none to Markdown, and names read better without a backslash.
_MARKUP = re.compile(r"([\\`*\[\]|~#]|(?<!\w)_|_(?!\w))")


def escape(text: str) -> str:
    """Return text that Markdown shows as it stands, on one line."""
    plain = " ".join(text.split("\n")).replace("&", "&amp;").replace("<", "&lt;")
    return _MARKUP.sub(r"\\\1", plain.replace("\r", " ").replace(">", "&gt;"))


def code(text: str) -> str:
    """Return text as a code span, safe in a table."""
    plain = " ".join(text.split())
    if not plain:
        return ""
    ends = fence(plain)
    space = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{ends}{space}{plain}{space}{ends}".replace("|", "\\|")


def fence(text: str, least: int = 1) -> str:
    """Return backticks that nothing in the text can close, at least so many."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)
