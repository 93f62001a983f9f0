"""News over a WebSocket: which topics changed, so that whoever shows them asks again.

A topic is a tag of the cache (`alerts`, `automation:odds_sync`), or the first word of tags, which
stands for all that begin with it (`automation`, `symbol`). When something with it is
invalidated, by this process or another, each connection that subscribed to it is told

    {"type": "changed", "topic": "alerts"}

and nothing more: data come by HTTP, with their access, their freshness and their cache. A client
begins with `{"type": "hello"}`, with its `"key"` for topics that need one (a browser cannot set a
header here), and is answered `{"type": "welcome", "every_s": 25.0}`. Then `{"type": "subscribe",
"topics": [...]}` and `unsubscribe`, answered with what it is subscribed to. Every `every_s` comes
`{"type": "heartbeat"}`, which a browser can see, where it cannot see the server's ping frames.

What is refused is said in `{"type": "error", "detail": ...}`. Whoever goes on sending what cannot
be read is closed with 1008, who has a wrong key at once; who reads too slowly with 1013, as is one
connection too many. What waits to be sent to one client is bounded: a topic waits at most once.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from starlette.websockets import WebSocket, WebSocketDisconnect

from ava.api.access import Keys
from ava.api.traffic import Traffic
from ava.cache.invalidation import Invalidation
from ava.clock import Clock

if TYPE_CHECKING:
    from ava.core import Core

# Topics about markets, games and the platform itself, before their colon. All others need a key:
# that something changed in an account is its owner's business.
OPEN: Final = frozenset(
    {
        "cache",
        "earnings",
        "health",
        "kalshi_predictions",
        "metadata",
        "predictions",
        "providers",
        "recommendations",
        "scans",
        "sports",
        "symbol",
        "tasks",
    }
)
MOST_TOPICS: Final = 32
MESSAGE_BYTES: Final = 8192
_TOPIC: Final = re.compile(r"[a-z][a-z0-9_.-]*(:[A-Za-z0-9_.:/^=-]+)?")
_LONGEST_TOPIC: Final = 64
_PATIENCE: Final = 3  # messages that cannot be read
_WAITING: Final = 64  # answers to a client that it has not read yet
_LAST_WORDS_S: Final = 1.0

POLICY, TOO_BIG, TRY_LATER = 1008, 1009, 1013


class Hello(Struct, tag="hello", frozen=True):
    """Who speaks."""

    key: str | None = None


class Subscribe(Struct, tag="subscribe", frozen=True):
    """What to be told of from now on."""

    topics: list[str]


class Unsubscribe(Struct, tag="unsubscribe", frozen=True):
    """What not to be told of any more."""

    topics: list[str]


_decoder: Final = msgspec.json.Decoder(Hello | Subscribe | Unsubscribe)


class _EndedError(Exception):
    """The connection is to be closed with `code`."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Around:
    """What connections share; times in seconds."""

    keys: Keys
    clock: Clock
    traffic: Traffic
    heartbeat_s: float
    send_s: float


class Streams:
    """The open connections of a core; the one instance is `core.service(Streams)`."""

    def __init__(self, core: Core) -> None:
        api = core.settings.api
        self._most = api.streams
        self._traffic = core.service(Traffic)
        self._around = _Around(
            Keys(api.keys), core.clock, self._traffic, api.heartbeat_s, api.send_s
        )
        self._open: set[_Connection] = set()
        core.platform.cache.watch(self._changed)

    async def serve(self, socket: WebSocket) -> None:
        """Serve one connection to its end."""
        if not is_same_site(socket):
            await socket.close(POLICY)  # before it is accepted this is a 403
            return
        await socket.accept()
        if len(self._open) >= self._most:
            self._traffic.dropped[TRY_LATER] += 1
            await socket.close(TRY_LATER, "there are too many connections")
            return
        mine = _Connection(socket, self._around)
        self._open.add(mine)
        self._traffic.streams += 1
        try:
            await mine.run()
        finally:
            self._open.discard(mine)
            self._traffic.streams -= 1

    def _changed(self, what: Invalidation) -> None:
        everything = "*" in what.patterns
        topics = {*what.tags, *map(_head, what.tags)}
        for one in self._open:
            one.changed(None if everything else topics)


class _Connection:
    """One client: what it wants to know, and what waits to be sent to it."""

    def __init__(self, socket: WebSocket, around: _Around) -> None:
        self._socket = socket
        self._around = around
        self._traffic = around.traffic
        self._caller: str | None = None
        self._topics: set[str] = set()
        self._pending: dict[str, None] = {}  # topics that changed, each once and in order
        self._replies: list[bytes] = []
        self._news = asyncio.Event()
        self._malformed = 0

    async def run(self) -> None:
        """Read and write until one of both ends."""
        tasks = [asyncio.create_task(work) for work in (self._read(), self._write(), self._beat())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        await self._end(outcomes)

    def changed(self, topics: set[str] | None) -> None:
        """Note that topics changed, or for None that all may have; never waits."""
        changed = self._topics if topics is None else self._topics & topics
        if changed:
            self._pending.update(dict.fromkeys(sorted(changed)))
            self._news.set()

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            raw = text.encode() if text is not None else message.get("bytes") or b""
            if len(raw) > MESSAGE_BYTES:
                raise _EndedError(TOO_BIG, f"a message is at most {MESSAGE_BYTES} bytes")
            self._hear(raw)

    def _hear(self, raw: bytes) -> None:
        try:
            heard = _decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._fault("send hello, subscribe or unsubscribe, as JSON")
            return
        match heard:
            case Hello():
                self._greet(heard.key)
            case Subscribe():
                self._subscribe(heard.topics)
            case Unsubscribe():
                self._topics.difference_update(heard.topics)
                self._confirm()

    def _greet(self, key: str | None) -> None:
        if key is not None:
            self._caller = self._around.keys.name_of(key.encode(errors="surrogatepass"))
            if self._caller is None:
                raise _EndedError(POLICY, "the key is not known")
        self._reply(
            {"type": "welcome", "caller": self._caller, "every_s": self._around.heartbeat_s}
        )

    def _subscribe(self, topics: Iterable[str]) -> None:
        wanted = list(dict.fromkeys(topics))
        if not all(map(_is_topic, wanted)):
            self._fault(f"a topic is a lower-case word of at most {_LONGEST_TOPIC} characters")
            return
        kept = [topic for topic in wanted if self._caller is not None or _is_open(topic)]
        if len(self._topics.union(kept)) > MOST_TOPICS:
            self._fault(f"there are at most {MOST_TOPICS} topics to a connection")
            return
        self._topics.update(kept)
        if len(kept) < len(wanted):
            lacking = ", ".join(topic for topic in wanted if topic not in kept)
            self._error(f'these need a key, sent as {{"type": "hello", "key": ...}}: {lacking}')
        self._confirm()

    def _confirm(self) -> None:
        self._reply({"type": "subscribed", "topics": sorted(self._topics)})

    def _fault(self, detail: str) -> None:
        self._malformed += 1
        self._traffic.malformed += 1
        if self._malformed >= _PATIENCE:
            raise _EndedError(POLICY, "too many messages that cannot be read")
        self._error(detail)

    def _error(self, detail: str) -> None:
        self._reply({"type": "error", "detail": detail})

    def _reply(self, what: dict[str, Any]) -> None:
        if len(self._replies) >= _WAITING:
            raise _EndedError(TRY_LATER, "the answers are not read")
        self._replies.append(msgspec.json.encode(what))
        self._news.set()

    async def _write(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            for message in self._drained():
                await self._send(message)

    def _drained(self) -> Iterator[bytes]:
        """Yield what waits, replies first; what comes meanwhile as well."""
        while self._replies or self._pending:
            if self._replies:
                yield self._replies.pop(0)
                continue
            topic = next(iter(self._pending))
            del self._pending[topic]
            self._traffic.pushed += 1
            yield msgspec.json.encode({"type": "changed", "topic": topic})

    async def _beat(self) -> None:
        while True:
            await self._around.clock.sleep(self._around.heartbeat_s)
            self._reply({"type": "heartbeat"})

    async def _send(self, message: bytes) -> None:
        try:
            async with asyncio.timeout(self._around.send_s):
                await self._socket.send_text(message.decode())
        except TimeoutError:
            raise _EndedError(TRY_LATER, "the client reads too slowly") from None

    async def _end(self, outcomes: Iterable[BaseException | None]) -> None:
        """Close as the first of the three that ended says; a client that left needs nothing."""
        ended = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        for error in ended:
            if isinstance(error, _EndedError):
                await self._close(error)
                return
        for error in ended:
            if not isinstance(error, WebSocketDisconnect | OSError):
                raise error

    async def _close(self, why: _EndedError) -> None:
        self._traffic.dropped[why.code] += 1
        try:
            async with asyncio.timeout(_LAST_WORDS_S):
                for reply in self._replies:
                    await self._socket.send_text(reply.decode())
                await self._socket.close(why.code, why.reason)
        except (TimeoutError, WebSocketDisconnect, OSError, RuntimeError):
            return  # it is gone, or reads nothing


def is_same_site(socket: WebSocket) -> bool:
    """Say whether a page of this server asks, or no page at all.

    A browser lets any page open a WebSocket to anywhere, and says which page it is.
    """
    origin = socket.headers.get("origin")
    if origin is None:
        return True
    return urlsplit(origin).netloc.lower() == socket.headers.get("host", "").lower()


def _is_topic(topic: str) -> bool:
    return len(topic) <= _LONGEST_TOPIC and _TOPIC.fullmatch(topic) is not None


def _is_open(topic: str) -> bool:
    return _head(topic) in OPEN


def _head(topic: str) -> str:
    return topic.partition(":")[0]
