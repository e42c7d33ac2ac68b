"""One message to many screens: short queues, numbered messages, nobody is waited for.

Theory of operation: a message is encoded once, and the same bytes go into the queue of each screen. A screen that takes its
messages slower than they come loses its whole queue and is given the whole state when it takes something again. Putting
costs a fraction of a microsecond a screen; what costs is the sending, so screens are woken `GROUP` at a time, one group in
each turn of the loop, and between two turns the loop reads what the PBX says.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

MOST_BEHIND = 32
"""Messages that may wait for a screen: some three seconds of a busy floor."""
MOST_SCREENS = 400
"""Screens at the same time; one more is refused, and says so to whoever opened it."""
GROUP = 8
RETRY_S = 15


class TooManyScreens(Exception):
    """There are as many boards as this service shows; close some, or look again later."""

    def __str__(self) -> str:
        return str(self.__doc__)


def message(event: str, values: Mapping[str, Any]) -> bytes:
    """Return one message as a server-sent event. JSON has no line ends of its own, so no text can end a message early."""
    return f"event: {event}\ndata: {json.dumps(values, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


class Screen:
    """One open board."""

    def __init__(self, owner: str, whole: Callable[[], bytes]) -> None:
        """owner: whose token opened it. whole: makes the message with the whole state of now."""
        self.owner = owner
        self.resyncs = 0
        """How often it had fallen behind and was given the whole state."""
        self._whole = whole
        self._queue: deque[bytes] = deque()
        self._is_behind = True
        """It needs the whole state before anything else: when it is new, and when it was too slow."""
        self._is_over = False
        self._wakes = asyncio.Event()
        self._wakes.set()

    def put(self, text: bytes) -> None:
        """Let a message wait for the screen."""
        if self._is_behind or self._is_over:
            return
        if len(self._queue) >= MOST_BEHIND:
            self._queue.clear()
            self._is_behind = True
            self.resyncs += 1
            return
        self._queue.append(text)

    def wake(self) -> None:
        """Let `taken` go on."""
        self._wakes.set()

    def end(self, why: str) -> None:
        """Say one last thing, and no more."""
        if not self._is_over:
            self._queue.append(message("end", {"why": why}))
            self._is_over = True
            self.wake()

    async def taken(self) -> bytes | None:
        """Wait for something to send and return it; None: this board is over."""
        while True:
            await self._wakes.wait()
            if self._is_behind and not self._is_over:
                self._is_behind = False
                self._queue.clear()
                return self._whole()
            if self._queue:
                text = b"".join(self._queue)
                self._queue.clear()
                return text
            if self._is_over:
                return None
            self._wakes.clear()


class Fanout:
    """All screens."""

    def __init__(self, whole: Callable[[], bytes], most: int = MOST_SCREENS) -> None:
        """whole: makes the message with the whole state of now."""
        self.screens: dict[Screen, None] = {}
        self._whole = whole
        self._most = most
        self._is_closed = False

    @property
    def is_full(self) -> bool:
        """Whether one more screen would be refused."""
        return self._is_closed or len(self.screens) >= self._most

    def join(self, owner: str) -> Screen:
        """Open a screen. Raises TooManyScreens."""
        if self.is_full:
            raise TooManyScreens
        screen = Screen(owner, self._whole)
        self.screens[screen] = None
        return screen

    def leave(self, screen: Screen) -> None:
        """Forget a screen."""
        self.screens.pop(screen, None)

    def tell(self, text: bytes) -> None:
        """Put a message into every queue, and wake the screens group by group."""
        for screen in self.screens:
            screen.put(text)
        self._wake(iter(tuple(self.screens)))

    def keep(self, may_look: Callable[[str], bool]) -> None:
        """End the screens whose token is worth nothing any more."""
        for screen in tuple(self.screens):
            if not may_look(screen.owner):
                screen.end("token")

    def close(self) -> None:
        """The service ends: so do all screens."""
        self._is_closed = True
        for screen in tuple(self.screens):
            screen.end("service")

    def _wake(self, rest: Iterator[Screen]) -> None:
        group = tuple(islice(rest, GROUP))
        for screen in group:
            screen.wake()
        if len(group) == GROUP:
            asyncio.get_running_loop().call_soon(self._wake, rest)
