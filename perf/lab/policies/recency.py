"""LRU, SIEVE and S3-FIFO: policies that go by when a key was last asked for.

LRU is the textbook's. SIEVE follows Zhang et al., "SIEVE is Simpler than LRU" (NSDI 2024); S3-FIFO
follows Yang et al., "FIFO queues are all you need for cache eviction" (SOSP 2023).
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable

_SMALL = 0.1  # the share of S3-FIFO's small queue, as in its paper
_MOST = 3  # S3-FIFO counts to three


class Lru:
    """Evict the key that was not asked for the longest."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._keys: OrderedDict[Hashable, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._keys)

    def request(self, key: Hashable) -> bool:
        """Ask for `key`, which becomes the youngest."""
        if key in self._keys:
            self._keys.move_to_end(key)
            return True
        if len(self._keys) >= self._capacity:
            self._keys.popitem(last=False)
        self._keys[key] = None
        return False


class _Node:
    """A place in SIEVE's queue; `newer` is nearer to its head."""

    __slots__ = ("key", "newer", "older", "visited")

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.visited = False
        self.newer: _Node | None = None
        self.older: _Node | None = None


class Sieve:
    """Let a hand pass from the oldest key to the newest and evict the first one not visited.

    Survivors keep their places; a visit is forgotten as the hand passes.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._nodes: dict[Hashable, _Node] = {}
        self._head: _Node | None = None
        self._tail: _Node | None = None
        self._hand: _Node | None = None

    def __len__(self) -> int:
        return len(self._nodes)

    def request(self, key: Hashable) -> bool:
        """Ask for `key`; a hit only marks it."""
        node = self._nodes.get(key)
        if node is not None:
            node.visited = True
            return True
        if len(self._nodes) >= self._capacity:
            self._evict()
        self._push(_Node(key))
        return False

    def _push(self, node: _Node) -> None:
        node.older = self._head
        if self._head is not None:
            self._head.newer = node
        self._head = node
        self._tail = self._tail or node
        self._nodes[node.key] = node

    def _evict(self) -> None:
        node = self._hand or self._tail
        while node is not None and node.visited:
            node.visited = False
            node = node.newer or self._tail
        if node is not None:
            self._hand = node.newer
            self._unlink(node)

    def _unlink(self, node: _Node) -> None:
        if node.newer is not None:
            node.newer.older = node.older
        else:
            self._head = node.older
        if node.older is not None:
            node.older.newer = node.newer
        else:
            self._tail = node.newer
        del self._nodes[node.key]


class S3Fifo:
    """Pass new keys through a small queue; those asked for again, or remembered, enter the main."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._small_room = max(1, int(capacity * _SMALL))
        self._small: deque[Hashable] = deque()
        self._main: deque[Hashable] = deque()
        self._ghosts: OrderedDict[Hashable, None] = OrderedDict()
        self._seen: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def request(self, key: Hashable) -> bool:
        """Ask for `key`; a hit only counts it, up to three."""
        if key in self._seen:
            self._seen[key] = min(_MOST, self._seen[key] + 1)
            return True
        while len(self._seen) >= self._capacity:
            self._evict()
        if key in self._ghosts:
            del self._ghosts[key]
            self._main.append(key)
        else:
            self._small.append(key)
        self._seen[key] = 0
        return False

    def _evict(self) -> None:
        """Evict one key, or move one; called until there is room."""
        if self._small and (len(self._small) >= self._small_room or not self._main):
            self._leave_small()
        else:
            self._leave_main()

    def _leave_small(self) -> None:
        key = self._small.popleft()
        if self._seen[key] > 1:
            self._seen[key] = 0
            self._main.append(key)
            return
        del self._seen[key]
        self._ghosts[key] = None
        if len(self._ghosts) > self._capacity - self._small_room:
            self._ghosts.popitem(last=False)

    def _leave_main(self) -> None:
        key = self._main.popleft()
        if self._seen[key] > 0:
            self._seen[key] -= 1
            self._main.append(key)
        else:
            del self._seen[key]
