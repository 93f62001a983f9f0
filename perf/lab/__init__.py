"""The laboratory: the servers, networks and data that measurements are taken on.

Everything here is started for one run on private sockets and ports, and is gone when the run ends,
however it ends. The lab knows nothing of the service under test, and it never pretends: what a
machine cannot offer is `Unavailable`, with the command that would enable it.
"""

from __future__ import annotations


class Unavailable(Exception):  # noqa: N818 - a state of the machine, not a fault of the program
    """Something the lab needs is not on this machine; `cure` is the command that enables it."""

    def __init__(self, reason: str, cure: str | None = None) -> None:
        super().__init__(reason, cure)
        self.reason = reason
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.reason}; try: {self.cure}" if self.cure else self.reason
