"""A manager port on loopback that plays a script: the same peer for plain panoramisk and for our link.

It speaks as Asterisk does (banner, Login, Ping), records every action it was sent, per connection, and can
be told to answer an action in any way: `answers={"Status": handler}`; an action without a handler gets no
answer at all.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from types import TracebackType

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
PBX_CLOCK = "1785500000.123987"

Headers = dict[str, str]
Handler = Callable[["PeerConnection", Headers], Awaitable[None]]


class PeerConnection:
    """One client as the peer sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.actions: list[Headers] = []
        self._writing = asyncio.Lock()
        self.at_end = asyncio.Event()  # the client closed

    async def send(self, *segments: bytes) -> None:
        """Write each segment on its own, far enough apart that the client reads them one by one."""
        async with self._writing:  # nothing of another task comes in between
            for segment in segments:
                self.writer.write(segment)
                await self.writer.drain()
                await asyncio.sleep(0.005)

    async def reply(self, action: Headers, response: str = "Success", **headers: str) -> None:
        """Answer an action with its ActionID."""
        lines = [f"Response: {response}", f"ActionID: {action['ActionID']}"]
        lines += [f"{key}: {value}" for key, value in headers.items()]
        await self.send(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def event(self, name: str, *headers: str) -> None:
        """Send an event; headers as "Key: value"."""
        await self.send(("\r\n".join([f"Event: {name}", "Privilege: call,all", *headers]) + "\r\n\r\n").encode())

    def drop(self) -> None:
        """Cut the connection without a word."""
        with contextlib.suppress(AttributeError):  # Python 3.11.2: abort() after two close() on TLS
            self.writer.transport.abort()

    def names(self) -> list[str]:
        """The actions received, without Login and Ping."""
        return [action["Action"] for action in self.actions if action["Action"] not in {"Login", "Ping"}]


async def accept(connection: PeerConnection, action: Headers) -> None:
    """Let the client in, and say that the PBX is up, as Asterisk does."""
    await connection.send(
        f"Response: Success\r\nActionID: {action['ActionID']}\r\nMessage: Authentication accepted\r\n\r\n"
        "Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n".encode()
    )


async def refuse(connection: PeerConnection, action: Headers) -> None:
    """Refuse the client and close, as Asterisk does on a wrong secret."""
    await connection.reply(action, "Error", Message="Authentication failed")
    connection.writer.close()


async def pong(connection: PeerConnection, action: Headers) -> None:
    """Answer a ping with the PBX's clock."""
    await connection.reply(action, Ping="Pong", Timestamp=PBX_CLOCK)


async def ignore(connection: PeerConnection, action: Headers) -> None:
    """Say nothing."""


async def succeed(connection: PeerConnection, action: Headers) -> None:
    """Answer Success."""
    await connection.reply(action)


async def hang_up(connection: PeerConnection, action: Headers) -> None:
    """Cut the connection instead of answering."""
    connection.drop()


class Peer:
    """`async with Peer(Status=handler) as peer:` listens on loopback; `peer.connections` are all clients so
    far.
    """

    def __init__(self, *, banner: bytes = BANNER, tls: ssl.SSLContext | None = None, **answers: Handler) -> None:
        self.answers: dict[str, Handler] = {"Login": accept, "Ping": pong, **answers}
        self.banner = banner
        self.tls = tls
        self.connections: list[PeerConnection] = []
        self.changed = asyncio.Event()  # set whenever something happened, see until()
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Peer":
        await self.listen()
        return self

    async def listen(self) -> None:
        """Accept clients (again), on the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop_listening(self) -> None:
        """Refuse new clients and drop the present ones: the PBX is down."""
        if self._server is not None:
            self._server.close()
        for connection in self.connections:
            connection.drop()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop_listening()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        connection = PeerConnection(reader, writer)
        self.connections.append(connection)
        self.changed.set()
        with contextlib.suppress(ConnectionError, asyncio.CancelledError, ssl.SSLError):
            await connection.send(self.banner)
            while (action := await self._read(reader)) is not None:
                connection.actions.append(action)
                self.changed.set()
                handler = self.answers.get(action["Action"])
                if handler is not None:
                    await handler(connection, action)
        connection.at_end.set()
        self.changed.set()
        writer.close()

    @staticmethod
    async def _read(reader: asyncio.StreamReader) -> Headers | None:
        try:
            block = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        pairs = [line.partition(": ") for line in block.decode().rstrip("\r\n").split("\r\n")]
        return {key: value for key, _, value in pairs}

    @property
    def last(self) -> PeerConnection:
        """The newest client."""
        return self.connections[-1]

    async def until(self, condition: Callable[[], bool], timeout_s: float = 15.0) -> None:
        """Wait until something that a client did makes the condition true."""
        async with asyncio.timeout(timeout_s):
            while not condition():
                self.changed.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.02):  # the condition may also depend on the client's own state
                        await self.changed.wait()
