"""Screens for `board_fanout`: many readers of one stream of server-sent events, each checked, at little cost.

Theory of operation: all screens get the same bytes, so a message is parsed once; each screen only checks that the numbers
follow each other and that its bytes are those that the others got under the same number. Whole states (of a screen that is new, or
was behind) must equal the state that the differences made. What is timed is the arrival at the screen's own handler.
"""

import asyncio
import json
import socket
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from callcenter.bench.errors import BenchWrong
from callcenter.board.delta import State, applied

SMALL_BUFFER = 4096
HEAD = b"HTTP/1.1 200"


@dataclass(frozen=True, slots=True)
class Message:
    """One parsed message."""

    kind: str
    number: int
    whole: State
    """Of `state`; else empty."""
    instants_ms: tuple[int, ...] = ()
    """Instants of the PBX that this message tells for the first time."""


class Story:
    """What all screens of a run must have been told."""

    def __init__(self, section: str, instant: str, keys: Collection[str] = ()) -> None:
        """What is timed: the rows of a section (of these keys alone, if any are given) when their instant of this name changes."""
        self.states: dict[int, State] = {}
        """Number -> state, from the first whole one on."""
        self.took_ms: list[float] = []
        """For each screen and instant: from the PBX's event to the screen's handler."""
        self.is_timed = False
        self.messages = 0
        self._section, self._instant, self._keys = section, instant, frozenset(keys)
        self._parsed: dict[bytes, Message] = {}
        self._deltas: dict[int, bytes] = {}

    def read(self, text: bytes) -> Message:
        """Parse a message, the first time that any screen gets it. Raises BenchWrong for one that does not fit."""
        found = self._parsed.get(text)
        if found is not None:
            return found
        kind_line, _, data = text.partition(b"\n")
        kind, values = kind_line.removeprefix(b"event: ").decode(), json.loads(data.removeprefix(b"data: "))
        if kind == "end":
            raise BenchWrong(f"a board was ended: {values}")
        number = int(values["number"])
        instants: tuple[int, ...] = ()
        if kind == "delta":
            if self._deltas.setdefault(number, text) != text:
                raise BenchWrong(f"two different messages have the number {number}")
            if number - 1 in self.states:
                self.states[number] = applied(self.states[number - 1], values["delta"])
            instants = tuple(self._new_instants(number, values["delta"].get(self._section, {})))
        elif kind == "state" and number > max(self.states, default=-1):
            self.states[number] = values["state"]  # the first one, or all screens had fallen behind
        found = self._parsed[text] = Message(kind, number, values.get("state", {}), instants)
        return found

    def _new_instants(self, number: int, rows: Mapping[str, Any]) -> Iterator[int]:
        before = self.states.get(number - 1, {}).get(self._section, {})
        for key, row in rows.items():
            if row is not None and (not self._keys or key in self._keys) and (at_ms := row[self._instant]) is not None:
                if at_ms != before.get(key, {}).get(self._instant):
                    yield at_ms

    def check_whole(self, message: Message) -> None:
        """A whole state is what the differences made. Raises BenchWrong."""
        known = self.states.get(message.number)
        if known is not None and known != message.whole:
            raise BenchWrong(f"the whole state {message.number} is not what the differences made")


class Screen(asyncio.Protocol):
    """One reader."""

    def __init__(self, story: Story) -> None:
        self.number: int | None = None
        self.wholes = 0
        self.error: BenchWrong | None = None
        self.is_lost = False
        self._story = story
        self._rest = b""
        self._has_head = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self.is_lost = True

    def data_received(self, data: bytes) -> None:
        now_ms = time.time() * 1000
        self._rest += data
        if not self._has_head:
            head, end, rest = self._rest.partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(HEAD):
                self.error = BenchWrong(f"the service answers {head[:60]!r}")
                return
            self._has_head, self._rest = True, rest
        *messages, self._rest = self._rest.split(b"\n\n")
        try:
            for text in messages:
                self._take(self._story.read(text), now_ms)
        except BenchWrong as error:
            self.error = error

    def _take(self, message: Message, now_ms: float) -> None:
        story = self._story
        story.messages += 1
        if message.kind == "state":
            story.check_whole(message)
            self.wholes += 1
        elif self.number is None or message.number != self.number + (message.kind == "delta"):
            raise BenchWrong(f"message {message.number} came after {self.number}")
        self.number = message.number
        if story.is_timed:
            story.took_ms.extend(now_ms - at_ms for at_ms in message.instants_ms)


def request(token: str) -> bytes:
    """Ask for the stream, in HTTP 1.0: the answer is then the stream and nothing else."""
    return f"GET /board/events HTTP/1.0\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


async def open_screen(port: int, token: str, story: Story) -> Screen:
    """Open a screen that reads."""
    transport, screen = await asyncio.get_running_loop().create_connection(lambda: Screen(story), "127.0.0.1", port)
    transport.write(request(token))
    return screen


async def open_stalled(port: int, token: str) -> socket.socket:
    """Open a screen that asks and never reads (until somebody reads its socket)."""
    one = socket.socket()
    one.setblocking(False)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(one, ("127.0.0.1", port))
    await loop.sock_sendall(one, request(token))
    return one


async def read_on(one: socket.socket, story: Story, within_s: float) -> Screen:
    """Let a stalled screen read again until it shows what the others show. Raises BenchWrong."""
    screen, newest = Screen(story), max(story.states)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(within_s):
            while (screen.number or 0) < newest and screen.error is None:
                data = await loop.sock_recv(one, 65536)
                if not data:
                    raise BenchWrong("a stalled board was closed before it read again")
                screen.data_received(data)
    except TimeoutError:
        raise BenchWrong(f"a board that reads again is not up to date after {within_s:g} s") from None
    return screen


def is_cut(one: socket.socket) -> bool:
    """Return whether the other side has given a stalled screen up (what had been sent is read first)."""
    try:
        while one.recv(65536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def figures_of(state: State) -> Mapping[str, Any]:
    """Return the texts of the big figures."""
    return {name: row.get("text") for name, row in state["figures"].items()}
