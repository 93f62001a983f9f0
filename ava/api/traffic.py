"""What the API's own layers did, as plain integers: whoever shows figures reads them here.

Each layer adds to the one instance of a core, `core.service(Traffic)`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ava.core import Core


class Traffic:
    """Running totals since the start; `in_flight` and `streams` are of the moment.

    A hit is an answer of the fast path, and `not_modified` those of its answers, hits or not, that
    were 304. A miss is an answer that it could have had, and that was made by its handler. `kept`
    were taken in, `crowded_out` went to make room. `refused` counts by the problem's kind,
    `dropped` the WebSockets that were closed by the code they were closed with.
    """

    def __init__(self, core: Core | None = None) -> None:  # noqa: ARG002 - as services are made
        self.hits = self.misses = self.not_modified = 0
        self.kept = self.crowded_out = 0
        self.in_flight = 0
        self.left = 0  # clients that were gone before their request was read
        self.refused: Counter[str] = Counter()
        self.streams = self.pushed = self.malformed = 0
        self.dropped: Counter[int] = Counter()
