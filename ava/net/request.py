"""What is asked of a provider, as plain data, and its canonical name.

The name is what a cache and the sharing of concurrent reads go by: provider, path and parameters in
one order, and digests of a body and of headers, which may hold what nobody should read in a key.
The key to the provider is no part of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

_SHAREABLE = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Request:
    """A question to a provider: `path` is added to its base URL, and never names another host.

    `cost` is what it takes of the quota. `repeatable` says that asking twice does no more than
    asking once, so that it may be retried. Headers and body are kept out of the repr.
    """

    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cost: int = 1
    repeatable: bool = True

    def __post_init__(self) -> None:
        if "://" in self.path or self.path.startswith("//") or set("?#") & set(self.path):
            raise ValueError(
                f"a path is added to the provider's URL and has no host, query or fragment: "
                f"{self.path.partition('?')[0]!r}; parameters belong in `params`"
            )
        if self.cost < 0:
            raise ValueError(f"a request's cost cannot be negative: {self.cost}")

    @property
    def shareable(self) -> bool:
        """Say whether callers who ask the same at the same time may share one answer."""
        return self.repeatable and self.body is None and self.method in _SHAREABLE

    def name(self, provider: str) -> str:
        """Return the text that stands for this question, as in `finnhub:/quote?symbol=A`."""
        parts = [f"{provider}:/{self.path.lstrip('/')}"]
        if self.params:
            parts.append(f"?{urlencode(sorted(self.params.items()))}")
        if self.method != "GET":
            parts.append(f"#{self.method}")
        if self.headers:
            headers = sorted((name.lower(), value) for name, value in self.headers.items())
            parts.append(f"#h{_digest(repr(headers).encode())}")
        if self.body is not None:
            parts.append(f"#b{_digest(self.body)}")
        return "".join(parts)


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:32]
