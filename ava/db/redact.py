"""What may be shown of a statement's text: its shape, never its literals.

Ad-hoc SQL can hold anything in its strings, numbers and comments, so these are blanked before a
statement is logged or looked at. It is a scanner of tokens, not a parser: it knows where a literal
ends and nothing of what the statement means.
"""

from __future__ import annotations

import re

LONGEST = 500

_TOKEN = re.compile(
    r"""
      (?P<comment> --[^\n]* | /\*.*?(?:\*/|\Z) )
    | (?P<string>
          [eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)     # an unfinished string runs to the end
        | (?:\b[uU]&|\b[bBxXnN])?'(?:[^']|'')*(?:'|\Z)
        | \$(?P<tag>[^\W\d]\w*|)\$.*?(?:\$(?P=tag)\$|\Z)
      )
    | (?P<kept> "(?:[^"]|"")*(?:"|\Z) | %\(\w+\)[sbt] | \$\d+ | [^\W\d][\w$]* )
    | (?P<number> \.?\d[\w.]*(?:(?<=[eE])[+-]\d+)? )
    """,
    re.VERBOSE | re.DOTALL,
)


def redact(sql: str) -> str:
    """Return `sql` on one line, without comments, with `?` for each literal, cut to `LONGEST`."""
    flat = " ".join(_TOKEN.sub(_shown, sql).split())
    return flat if len(flat) <= LONGEST else flat[: LONGEST - 3] + "..."


def is_single(sql: str) -> bool:
    """Say whether `sql` holds exactly one statement, a closing semicolon allowed."""
    bare = _TOKEN.sub(lambda match: "x" if match["comment"] is None else " ", sql).strip()
    return bool(bare.rstrip("; \n")) and ";" not in bare.rstrip("; \n")


def _shown(match: re.Match[str]) -> str:
    if match["comment"] is not None:
        return " "
    return match["kept"] or "?"
