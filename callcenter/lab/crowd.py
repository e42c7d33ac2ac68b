"""A crowd at the service's door: thousands of connections, made and held by a process of its own (`crowd`).

    python -m callcenter.lab.crowd PORT COUNT [TOKEN]

With a token each connection asks for the board's stream and reads on; without one it says nothing. At most `AT_ONCE` are on their
way at the same time: what the kernel of the other side keeps waiting. When every one was answered, closed, or has been open for
`QUIET_S` without a word since the last one came in, what became of them is printed as one line of JSON:

`streams` (open, the stream began), `silent` (open, no answer), `refused` (503), `closed` (without an answer), `failed` (did not
connect, was reset, or another answer), `why` (sentence of a refusal or failure -> how many), `took_s`. Those that are open stay so until the
standard input ends; then the line is printed once more: what has happened to them meanwhile shows in it.

The connections come from a loopback address of their own, so the ports of 127.0.0.1 stay free for others.
"""

import asyncio
import contextlib
import errno
import json
import selectors
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from callcenter.lab.errors import LabError

AT_ONCE = 400
QUIET_S = 3.0
GIVE_UP_S = 60.0
FROM = "127.0.7.1"
IP_BIND_ADDRESS_NO_PORT = 24
"""Linux: the port is chosen at connect, for this one destination. Python names it from 3.12 on."""
HEAD_BYTES = 4096


class Crowd:
    """A running crowd, as the process that wants it sees it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def told(self) -> dict[str, Any]:
        """Return what became of the connections, once that is known. Raises LabError."""
        assert self._process.stdout is not None
        async with asyncio.timeout(GIVE_UP_S + 30):
            line = await self._process.stdout.readline()
        if not line:
            raise LabError("the crowd's process has ended")
        found: dict[str, Any] = json.loads(line)
        return found

    async def leave(self) -> dict[str, Any]:
        """Let all go; return what had become of them until then."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        found = await self.told()
        await self._process.wait()
        return found


@contextlib.asynccontextmanager
async def crowd(port: int, count: int, token: str = "") -> AsyncIterator[Crowd]:
    """Let a crowd come; its process ends with the context."""
    arguments = (sys.executable, "-m", __name__, str(port), str(count), *([token] if token else []))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*arguments, stdin=pipe, stdout=pipe)
    try:
        yield Crowd(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class _Connections:
    """All connections, in the crowd's own process."""

    def __init__(self, port: int, count: int, token: str) -> None:
        self._to, self._left = ("127.0.0.1", port), count
        self._request = (
            f"GET /board/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
            if token
            else b""
        )
        self._selector = selectors.DefaultSelector()
        self._heads: dict[socket.socket, bytes] = {}
        """What each open one was told until it is known what became of it."""
        self._coming: set[socket.socket] = set()
        self._open: set[socket.socket] = set()
        """Whose stream has begun."""
        self._became: Counter[str] = Counter()
        self._why: Counter[str] = Counter()
        self._began = self._moved = time.monotonic()

    def come(self) -> None:
        """Connect all, and wait until it is known what became of them."""
        while self._left or self._coming or (self._heads and not self._is_quiet()):
            while self._left and len(self._coming) < AT_ONCE:
                self._connect()
            self.look(0.1)
            if time.monotonic() - self._began > GIVE_UP_S:
                break

    def stay(self) -> None:
        """Read on until the standard input ends."""
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        while not self.look(1.0):
            pass

    def told(self) -> dict[str, Any]:
        """Return what became of them."""
        return {
            "streams": len(self._open),
            "silent": len(self._heads),
            **{what: self._became[what] for what in ("refused", "closed", "failed")},
            "why": dict(self._why),
            "took_s": round(self._moved - self._began, 2),
        }

    def look(self, within_s: float) -> bool:
        """Take what has come; return whether the standard input did."""
        is_over = False
        for key, events in self._selector.select(within_s):
            one = key.fileobj
            if not isinstance(one, socket.socket):
                is_over = not sys.stdin.readline()
                continue
            if events & selectors.EVENT_WRITE:
                self._connected(one)
            else:
                self._read(one)
        return is_over

    def _connect(self) -> None:
        self._left -= 1
        one = socket.socket()
        one.setblocking(False)
        one.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        one.bind((FROM, 0))
        code = one.connect_ex(self._to)
        if code not in (0, errno.EINPROGRESS):
            self._end(one, "failed", errno.errorcode.get(code, str(code)))
            return
        self._coming.add(one)
        self._selector.register(one, selectors.EVENT_WRITE)

    def _connected(self, one: socket.socket) -> None:
        self._moved = time.monotonic()
        self._coming.discard(one)
        code = one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._end(one, "failed", errno.errorcode.get(code, str(code)))
            return
        with contextlib.suppress(OSError):  # answered and closed before it asked: what was said can still be read
            one.send(self._request)
        self._heads[one] = b""
        self._selector.modify(one, selectors.EVENT_READ)

    def _read(self, one: socket.socket) -> None:
        try:
            data = one.recv(HEAD_BYTES if one in self._heads else 65536)
        except BlockingIOError:
            return
        except OSError as error:
            if not self._heads.get(one):
                self._end(one, "failed", errno.errorcode.get(error.errno or 0, str(error)))
                return
            data = b""  # a reset behind an answer
        if one not in self._heads:
            if not data:
                self._end(one, "closed", "a stream ended")
            return
        self._moved = time.monotonic()
        head = self._heads[one] = self._heads[one] + data
        if head.startswith(b"HTTP/1.1 200") and b"event: state" in head:
            del self._heads[one]
            self._open.add(one)
        elif not data:
            self._judge(one, head)

    def _judge(self, one: socket.socket, head: bytes) -> None:
        if not head:
            self._end(one, "closed", "closed without a word")
            return
        is_refused = head.startswith(b"HTTP/1.1 503")
        try:
            why = json.loads(head.partition(b"\r\n\r\n")[2])["error"]
        except (ValueError, KeyError):
            is_refused, why = False, head[:60].decode("latin-1")
        self._end(one, "refused" if is_refused else "failed", why)

    def _end(self, one: socket.socket, what: str, why: str) -> None:
        self._became[what] += 1
        self._why[why] += 1
        self._heads.pop(one, None)
        self._open.discard(one)
        if one in self._selector.get_map():
            self._selector.unregister(one)
        one.close()

    def _is_quiet(self) -> bool:
        return time.monotonic() - self._moved > QUIET_S


def main() -> None:
    """Come, tell, stay, tell again."""
    port, count, *token = sys.argv[1:]
    connections = _Connections(int(port), int(count), token[0] if token else "")
    connections.come()
    _say(connections)
    connections.stay()
    _say(connections)


def _say(connections: _Connections) -> None:
    sys.stdout.write(json.dumps(connections.told()) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
