"""Selecting claims by an expression, as pytest's -k does: words, `and`, `or`, `not`, brackets.

A word matches a claim when it is part of its id, one of its rows, its category or its title, case
ignored. The expression is parsed here, never evaluated as Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from perf.claim import Claim
from perf.errors import UserError

_ROW = re.compile(r"[a-z]\d{1,2}")


class SelectionError(UserError):
    """The expression cannot be understood; the message says where."""


Predicate = Callable[[Claim], bool]
_TOKEN = re.compile(
    r"\s*(?:(?P<bracket>[()])|(?P<quoted>'[^']*'|\"[^\"]*\")|(?P<word>[^\s()'\"]+))"
)


def parse(expression: str) -> Predicate:
    """Return the predicate `expression` states; raise SelectionError when it states none."""
    parser = _Parser(expression)
    predicate = parser.alternatives()
    parser.end()
    return predicate


class _Parser:
    """Recursive descent: `or` binds weaker than `and`, `and` weaker than `not`."""

    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._tokens = list(_tokens(expression))

    def alternatives(self) -> Predicate:
        terms = [self._conjunction()]
        while self._take("or"):
            terms.append(self._conjunction())
        return lambda claim: any(term(claim) for term in terms)

    def end(self) -> None:
        if self._tokens:
            raise self._error(f"did not expect {self._tokens[0]!r}")

    def _conjunction(self) -> Predicate:
        terms = [self._negation()]
        while self._take("and"):
            terms.append(self._negation())
        return lambda claim: all(term(claim) for term in terms)

    def _negation(self) -> Predicate:
        if self._take("not"):
            inner = self._negation()
            return lambda claim: not inner(claim)
        return self._atom()

    def _atom(self) -> Predicate:
        if self._take("("):
            inner = self.alternatives()
            if not self._take(")"):
                raise self._error("a bracket is not closed")
            return inner
        if not self._tokens or self._tokens[0] in {"and", "or", ")"}:
            raise self._error("a word is missing")
        word = self._tokens.pop(0).strip("'\"").lower()
        return lambda claim: _matches(claim, word)

    def _take(self, token: str) -> bool:
        if self._tokens and self._tokens[0] == token:
            self._tokens.pop(0)
            return True
        return False

    def _error(self, what: str) -> SelectionError:
        return SelectionError(f"-k {self._expression!r}: {what}; write it like 'D3 and not rtt5'")


def _tokens(expression: str) -> Iterator[str]:
    position = 0
    text = expression.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise SelectionError(f"-k {expression!r}: a quotation mark is not closed")
        yield match.group().strip()
        position = match.end()


def _matches(claim: Claim, word: str) -> bool:
    if _ROW.fullmatch(word):  # d1 means row D1, not every id with "d1" in it: D10 is another row
        return word in {row.lower() for row in claim.rows}
    return word in claim.id.lower() or word == claim.category or word in claim.title.lower()
