"""Deadlines: one instant per key, the earliest first.

Theory of operation: a binary heap of (instant, number, key) with lazy deletion. Setting a key again or cancelling it
leaves the old entry in the heap; it is recognised when it comes up, because its number is no longer the key's. The
heap is rebuilt when more than half of it is dead, so its size stays in proportion to the live keys and each
operation is O(log n) on average.
"""

from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

K = TypeVar("K")


class Deadlines(Generic[K]):
    """Instants (seconds, engine clock) by key; a key has at most one."""

    __slots__ = ("_heap", "_live", "_number")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, K]] = []
        self._live: dict[K, int] = {}
        self._number = 0

    def __len__(self) -> int:
        return len(self._live)

    def __contains__(self, key: K) -> bool:
        return key in self._live

    def set(self, key: K, at: float) -> None:
        """Set the deadline of `key`, in place of an older one."""
        self._number += 1
        self._live[key] = self._number
        heappush(self._heap, (at, self._number, key))
        if len(self._heap) > 2 * len(self._live) + 64:
            self._heap = [entry for entry in self._heap if self._live.get(entry[2]) == entry[1]]
            heapify(self._heap)

    def cancel(self, key: K) -> None:
        """Forget the deadline of `key`, if it has one."""
        self._live.pop(key, None)

    def next(self) -> float | None:
        """Return the earliest instant, None when there is no deadline."""
        heap, live = self._heap, self._live
        while heap:
            at, number, key = heap[0]
            if live.get(key) == number:
                return at
            heappop(heap)
        return None

    def pop_due(self, now: float) -> tuple[float, K] | None:
        """Remove and return the earliest (instant, key) that is due by `now`, None when none is."""
        at = self.next()
        if at is None or at > now:
            return None
        _, _, key = heappop(self._heap)
        del self._live[key]
        return at, key
