"""HTTP inside the service's own loop: uvicorn without its signal handlers, on a socket that we bind ourselves.

Binding first gives a clear error before anything else starts, and port 0 works for tests.

Whoever connects costs one of the process's file descriptors, and the PBX and the ledger need some too. So there are at most
`MOST_CONNECTIONS` (the next one is closed at once), one that asks nothing for `SILENT_S` is closed, and the kernel cuts
off whoever takes nothing of what is sent to him for `STUCK_MS`: a screen that stopped reading, a browser that vanished.
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS = 600
SILENT_S = 10
STUCK_MS = 20_000
SEND_BYTES = 64 * 1024
"""What the kernel keeps for one who does not read; without a limit it would be megabytes."""


class HttpAddressError(Exception):
    """The HTTP address cannot be used; the message says which and what to do."""


class _QuietServer(uvicorn.Server):
    """Signals belong to the service, not to its HTTP side."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Bounded(H11Protocol):
    """A connection, if there is room for one more."""

    is_refused = False
    asks_since: float | None = None
    """When the request under way began, on the loop's clock; None: none is, or it has all its headers."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take it, or close it at once."""
        if len(self.connections) >= MOST_CONNECTIONS:
            self.is_refused = True
            transport.abort()
            return
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(SILENT_S, self.timeout_keep_alive_handler)

    def data_received(self, data: bytes) -> None:
        """Read on; one who sends a request byte by byte has no more time for it than one who sends nothing."""
        now = self.loop.time()
        self.asks_since = now if self.asks_since is None else self.asks_since
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self.asks_since = None
        elif self.timeout_keep_alive_task is None and not self.transport.is_closing():
            left_s = max(self.asks_since + SILENT_S - now, 0.0)
            self.timeout_keep_alive_task = self.loop.call_later(left_s, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it, if it was taken."""
        if not self.is_refused:
            super().connection_lost(exc)
            self._unset_keepalive_if_required()


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises HttpAddressError."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=128)
        # those that it accepts have both from it
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STUCK_MS)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
        return listener
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = "the port is in use: end the other program, or choose another with CALLCENTER_HTTP_PORT"
        elif error.errno == errno.EACCES:
            reason = "not permitted: choose a CALLCENTER_HTTP_PORT above 1023"
        else:
            reason = f"{error.strerror or error}: correct CALLCENTER_HTTP_HOST"
        raise HttpAddressError(f"HTTP on {host}:{port}: {reason}") from error


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, host: str, port: int) -> AsyncIterator[int]:
    """Serve `app` while the context lasts; yields the port. Open requests get 2 s at the end."""
    listener = bind(host, port)
    server = _QuietServer(
        uvicorn.Config(
            app,
            http=_Bounded,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=2,
        )
    )
    bound: int = listener.getsockname()[1]
    task = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    try:
        yield bound  # the socket listens already: who calls now waits in its backlog
    finally:
        server.should_exit = True
        await task
        listener.close()
