"""Whole responses kept ready, so that a cached answer costs a look-up and no handler.

What a route answers from values that stay fresh is kept as the bytes that were sent, for as long as
they stay fresh and under the tags of all of them (`ava.api.route.TAGS`, `FRESH`). The entries live
in the platform's cache, so what is invalidated there is invalidated here, by whatever process, and
what is distrusted after an outage of Redis is distrusted here.

- A response is found by its path, its query and who asks. Queries that a handler reads the same
  have one entry: the order of names and the way of escaping make no difference, repeated values do.
- Who asks is part of the name, and was checked before: what was made for a key is never given to
  anybody else, and an unknown key does not come this far.
- The first look-up is by the bytes as they came; only a new spelling is parsed.
- The age in the headers is what is really left, to a twentieth of a second. A client that knows the
  answer already gets 304, whether it was kept or made anew.
- An entry goes a little before its time (`_HELD`): the cache below must see a request before its
  value ends, or it could not fetch the next one ahead.

It does not heed `Cache-Control` of requests: anybody could have everything made anew. It keeps no
errors, no streams, nothing large, and nothing that says not of itself how long it is good.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ava.api.access import CALLER, Keys
from ava.api.route import FRESH, TAGS, WHOLE, cache_control, is_known
from ava.api.traffic import Traffic
from ava.cache.memory import MISSING
from ava.cache.tiered import Cache
from ava.clock import Clock
from ava.settings import ApiSettings

LARGEST: Final = 1 << 20  # bytes of a body that is kept
SPELLINGS: Final = 16_384  # raw queries remembered
_OVERHEAD: Final = 2048  # bytes that an entry takes beside its body, about
_MOMENT_S: Final = 0.05  # for which an age is told again, however many ask
_HELD: Final = 0.8  # of the time it is good
_OK: Final = 200

Spelling = tuple[str, bytes, str | None]
Headers = list[tuple[bytes, bytes]]


class FastPath:
    """The layer; `settings` bound what it reads and keeps."""

    def __init__(
        self, app: ASGIApp, cache: Cache, settings: ApiSettings, clock: Clock, traffic: Traffic
    ) -> None:
        self._app = app
        self._keys = Keys(settings.keys)
        self._cache = cache
        self._clock = clock
        self._traffic = traffic
        self._longest = settings.address_bytes
        self._names: dict[Spelling, str] = {}
        self._room = _Room(cache, settings.responses_bytes, traffic)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory, or have it answered and keep that."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        spelling = (scope["path"], scope["query_string"], scope.get(CALLER))
        name = self._names.get(spelling)
        if name is not None and (kept := self._cache.held(name)) is not MISSING:
            await self._give(kept, scope, send)
        elif len(scope["path"]) + len(scope["query_string"]) > self._longest:
            await self._app(scope, receive, send)
        else:
            await self._ask(spelling, scope, receive, send)

    def ready(self, scope: Scope, now: float) -> tuple[Message, Message] | None:
        """Return the two messages that answer a request from memory; None to have it passed on.

        `now` is by the clock's `monotonic`.

        For the layer outside of all others, which then need not be gone through: what they would do
        for an answer that is ready (say who asks, and whether the client has it) is done here.
        """
        if scope["method"] != "GET":
            return None
        caller = known = None
        for name, value in scope["headers"]:
            if name == b"authorization":
                caller = self._keys.known(value)
                if caller is None:
                    return None
            elif name == b"if-none-match":
                known = value
            elif name == b"x-request-id":  # which the answer is to carry
                return None
        entry = self._names.get((scope["path"], scope["query_string"], caller))
        if entry is None or (kept := self._cache.held(entry)) is MISSING:
            return None
        self._traffic.hits += 1
        left_s = kept.until - now
        if known is not None and kept.is_known(known):
            self._traffic.not_modified += 1
            return kept.unchanged(left_s), _EMPTY
        return kept.start(left_s), kept.body

    async def _ask(self, spelling: Spelling, scope: Scope, receive: Receive, send: Send) -> None:
        """Look under the canonical name; else let the handler answer, and keep its answer."""
        name = name_of(*spelling)
        kept = self._cache.held(name)
        if kept is not MISSING:
            self._learn(spelling, name)
            await self._give(kept, scope, send)
            return
        since = self._cache.mark()
        scope[WHOLE] = True
        reply = _Reply(scope, send)
        await self._app(scope, receive, reply.send)
        if reply.body is None:
            return
        self._traffic.misses += 1
        until = self._clock.monotonic() + scope[FRESH]
        made = Kept(reply.headers, reply.status, reply.body, until)
        if reply.status == _OK and self._keep(name, made, scope, since):
            self._learn(spelling, name)
        await self._send(made, scope[FRESH], scope, send)

    async def _give(self, kept: Kept, scope: Scope, send: Send) -> None:
        self._traffic.hits += 1
        await self._send(kept, kept.until - self._clock.monotonic(), scope, send)

    async def _send(self, answer: Kept, left_s: float, scope: Scope, send: Send) -> None:
        for name, value in scope["headers"]:
            if name == b"if-none-match" and answer.is_known(value):
                self._traffic.not_modified += 1
                await send(answer.unchanged(left_s))
                await send(_EMPTY)
                return
        await send(answer.start(left_s))
        await send(answer.body)

    def _keep(self, name: str, made: Kept, scope: Scope, since: int) -> bool:
        """Keep a good answer; say whether it was kept."""
        held_s, size = scope[FRESH] * _HELD, made.size
        if size > LARGEST:
            return False
        if not self._cache.hold(name, made, scope[TAGS], held_s, since=since):
            return False
        self._traffic.kept += 1
        self._room.take(name, size + _OVERHEAD)
        return True

    def _learn(self, spelling: Spelling, name: str) -> None:
        if len(self._names) >= SPELLINGS:
            del self._names[next(iter(self._names))]
        self._names[spelling] = name


class Kept:
    """A response as it is sent, but for its age; `until` is by the clock's `monotonic`.

    Its messages are the same for many: who sends them on changes nothing in them.
    """

    __slots__ = ("_etag", "_fixed", "_start", "_status", "_told_s", "body", "until")

    def __init__(self, headers: Headers, status: int, body: bytes, until: float) -> None:
        self._etag = dict(headers)[b"etag"].decode("latin-1")
        self._fixed = [pair for pair in headers if pair[0] not in _AGES]
        self._status = status
        self._start: Message = {}
        self._told_s = -1.0
        self.until = until
        self.body: Message = {"type": "http.response.body", "body": body}

    @property
    def size(self) -> int:
        """The bytes of the body."""
        return len(self.body["body"])

    def is_known(self, if_none_match: bytes) -> bool:
        """Say whether a client that sent this has the answer already."""
        return self._status == _OK and is_known(if_none_match.decode("latin-1"), self._etag)

    def start(self, left_s: float) -> Message:
        """Return the message that begins the response: with what is left, to a moment."""
        if not left_s <= self._told_s < left_s + _MOMENT_S:
            self._told_s = left_s
            headers = [*self._fixed, *_aged(left_s)]
            self._start = {**_START, "status": self._status, "headers": headers}
        return self._start

    def unchanged(self, left_s: float) -> Message:
        """Return the message that says that a client has it already."""
        fixed = [pair for pair in self._fixed if not pair[0].startswith(b"content-")]
        return {**_START, "status": 304, "headers": [*fixed, *_aged(left_s)]}


def _aged(left_s: float) -> Headers:
    left_s = max(0.0, left_s)
    return [
        (b"cache-control", cache_control(int(left_s)).encode()),
        (b"x-fresh-for", b"%.3f" % left_s),
    ]


class _Reply:
    """Catches an answer that is good for a time, and passes on any other as it comes.

    `body` stays None for one that was passed on.
    """

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._start: Message | None = None
        self.body: bytes | None = None

    @property
    def status(self) -> int:
        """The status of the answer caught."""
        return 0 if self._start is None else int(self._start["status"])

    @property
    def headers(self) -> Headers:
        """The headers of the answer caught."""
        return [] if self._start is None else list(self._start["headers"])

    async def send(self, message: Message) -> None:
        """Take the next message."""
        if message["type"] == "http.response.start" and self._scope.get(FRESH, 0.0) > 0:
            self._start = message
        elif self._start is None:
            await self._send(message)
        elif message.get("more_body"):
            start, self._start = self._start, None
            await self._send(start)
            await self._send(message)
        else:
            self.body = message.get("body", b"")


class _Room:
    """Bounds the bytes of all entries; the oldest go first.

    Entries leave the cache without notice, so what is counted is never less than what is there.
    """

    def __init__(self, cache: Cache, most: int, traffic: Traffic) -> None:
        self._cache = cache
        self._most = most
        self._traffic = traffic
        self._sizes: dict[str, int] = {}
        self._bytes = 0

    def take(self, name: str, size: int) -> None:
        """Count an entry in, and make room for it."""
        self._bytes += size - self._sizes.pop(name, 0)
        self._sizes[name] = size
        while self._bytes > self._most:
            oldest = next(iter(self._sizes))
            self._bytes -= self._sizes.pop(oldest)
            self._cache.release(oldest)
            self._traffic.crowded_out += 1


def name_of(path: str, query: bytes, caller: str | None) -> str:
    """Return the one name of all requests that a handler reads the same.

    The query is parsed as Starlette parses it. Pairs are sorted by name and keep their order under
    one: of repeated values the last, or their order, may matter.
    """
    pairs: Sequence[Any] = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    canonical = urlencode(sorted(pairs, key=lambda pair: pair[0])) if pairs else ""
    who = "" if caller is None else f"key={caller}"
    return f"response:{who}\0{path}\0{canonical}"


_AGES: Final = frozenset({b"cache-control", b"x-fresh-for"})
_START: Final[Message] = {"type": "http.response.start"}
_EMPTY: Final[Message] = {"type": "http.response.body", "body": b""}
