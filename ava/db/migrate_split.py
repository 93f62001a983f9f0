"""Where one SQL statement ends and the next begins.

A migration runs statement by statement, so that a failure can name the one that failed and so that
`CREATE INDEX CONCURRENTLY` gets no transaction around it. A semicolon ends a statement unless it
stands in a string, a quoted name, a dollar-quoted body, a comment or a `BEGIN ATOMIC` body.

This is a scanner: it knows where tokens end and judges nothing else. psql's commands are not SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ava.errors import AvaError


class UnfinishedSqlError(AvaError):
    """A string, quoted name, dollar-quoted body or comment is never closed."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement without its semicolon, and the line (from 1) it starts on."""

    text: str
    line: int


_TOKEN = re.compile(
    r"""
      (?P<space> \s+ | --[^\n]* )
    | (?P<comment> /\* )
    | (?P<end> ; )
    | (?P<quoted>
          [eE]'(?:[^'\\]|\\.|'')*'
        | '(?:[^']|'')*'
        | "(?:[^"]|"")*"
        | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$
      )
    | (?P<word> (?![eE]')[^\W\d][\w$]* )
    | (?P<number> \$?\d[\w.]* )
    | (?P<other> (?!\$(?:[^\W\d]\w*)?\$)[^'"\w] )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")


def split_statements(text: str) -> tuple[Statement, ...]:
    """Split `text` at the semicolons that end statements; empty statements are left out.

    Raises UnfinishedSqlError with the line where something opens that is never closed.
    """
    found: list[Statement] = []
    start: int | None = None
    end = 0
    body = _AtomicBody()
    for token in _tokens(text):
        if token.lastgroup == "end" and not body.depth:
            if start is not None:
                found.append(_statement(text, start, end))
            start, body = None, _AtomicBody()
        elif token.lastgroup != "space":
            body.see(token)
            start = token.start() if start is None else start
            end = token.end()
    if start is not None:
        found.append(_statement(text, start, end))
    return tuple(found)


def _tokens(text: str) -> Iterator[re.Match[str]]:
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise UnfinishedSqlError(f"line {_line(text, position)}: a quote is never closed")
        position = token.end()
        if token.lastgroup == "comment":
            position = _after_comment(text, token.start())
        else:
            yield token


def _after_comment(text: str, start: int) -> int:
    """Return where the comment that opens at `start` ends; PostgreSQL's comments nest."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge[0] == "/*" else -1
        if not depth:
            return edge.end()
    raise UnfinishedSqlError(f"line {_line(text, start)}: a comment is never closed")


class _AtomicBody:
    """Follows a function body of SQL statements, whose semicolons end nothing outside it."""

    def __init__(self) -> None:
        self.depth = 0
        self._last = ""

    def see(self, token: re.Match[str]) -> None:
        word = token[0].lower() if token.lastgroup == "word" else ""
        if self._last == "begin" and word == "atomic":
            self.depth = 1
        elif self.depth and word == "case":
            self.depth += 1
        elif self.depth and word == "end":
            self.depth -= 1
        self._last = word


def _statement(text: str, start: int, end: int) -> Statement:
    return Statement(text[start:end], _line(text, start))


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
