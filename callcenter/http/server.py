"""HTTP inside the service's own loop: uvicorn without its signal handlers, on a socket that we bind ourselves.

Binding first gives a clear error before anything else starts, and port 0 works for tests. Connections come in through a door
of our own (`callcenter.http.gate`), which bounds their number and what a turn of the loop does for newcomers. A guest who asks nothing for
`SILENT_S` is closed, and the kernel cuts off whoever takes nothing of what is sent to him for `STUCK_MS`: a screen that stopped
reading, a browser that vanished.
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from callcenter.http.gate import MOST_PLACES, NO_PLACE, Gate, Refuses, refuse_nothing

SILENT_S = 10
STUCK_MS = 20_000
SEND_BYTES = 64 * 1024
"""What the kernel keeps for one who does not read; without a limit it would be megabytes."""
OURS = ["127.0.0.1", "::1"]
"""Proxies that are believed for whom they ask. Said here, for uvicorn would ask the environment, in which some have `*`."""
BACKLOG = 4096
"""Who may wait in the kernel to be taken: one who finds no room there tries again only after a second."""


class HttpAddressError(Exception):
    """The HTTP address cannot be used; the message says which and what to do."""


class _QuietServer(uvicorn.Server):
    """Signals belong to the service, not to its HTTP side."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Guest(H11Protocol):
    """A connection that tells the door what it does."""

    gate: Gate
    refuses: Refuses
    is_here = False
    """His transport is there."""
    has_spoken = False
    is_unwanted = False
    """He was shown out."""
    asks_since: float | None = None
    """When the request under way began, on the loop's clock; None: none is, or it has all its headers."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # narrowed as uvicorn narrows it
        """He has so long to ask something."""
        super().connection_made(transport)
        self.is_here = True
        self.timeout_keep_alive_task = self.loop.call_later(SILENT_S, self.timeout_keep_alive_handler)
        if self.is_unwanted:
            self.show_out()

    def data_received(self, data: bytes) -> None:
        """Read on; one who sends a request byte by byte has no more time for it than one who sends nothing."""
        if not self.has_spoken:
            self.has_spoken = True
            if (answer := self.refuses(data)) is not None:
                self.transport.write(answer)
                self.transport.close()
                return
        now = self.loop.time()
        self.asks_since = now if self.asks_since is None else self.asks_since
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self.asks_since = None
            self._tell_if_whole()
        elif self.timeout_keep_alive_task is None and not self.transport.is_closing():
            left_s = max(self.asks_since + SILENT_S - now, 0.0)
            self.timeout_keep_alive_task = self.loop.call_later(left_s, self.timeout_keep_alive_handler)

    def on_response_complete(self) -> None:
        """He was answered; his next request may be there already."""
        self.gate.rests(self)
        super().on_response_complete()
        self._tell_if_whole()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget him."""
        self.gate.gone(self)
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def show_out(self) -> None:
        """Say why, if he has asked nothing yet, and close."""
        self.is_unwanted = True
        if not self.is_here:
            return
        if not self.has_spoken:
            self.transport.write(NO_PLACE)
        if not self.has_spoken or not self.transport.get_write_buffer_size():
            self.transport.close()
        else:
            self.transport.abort()

    def _tell_if_whole(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body:
            self.gate.asked(self)


class _Reception:
    """Makes guests of connections."""

    def __init__(self, server: uvicorn.Server, refuses: Refuses) -> None:
        self._server, self._refuses = server, refuses
        self._coming: set[asyncio.Task[None]] = set()
        self.gate: Gate

    def invite(self, newcomer: socket.socket) -> _Guest:
        guest = _Guest(self._server.config, self._server.server_state, {})
        guest.gate, guest.refuses = self.gate, self._refuses
        task = asyncio.create_task(self._introduce(guest, newcomer))
        self._coming.add(task)
        task.add_done_callback(self._coming.discard)
        return guest

    async def _introduce(self, guest: _Guest, newcomer: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: guest, newcomer)
        except OSError:  # he has gone already
            newcomer.close()
            self.gate.gone(guest)


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises HttpAddressError."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
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
    except UnicodeError as error:  # a name that cannot be one
        raise HttpAddressError(f"HTTP on {host}:{port}: no host name: correct CALLCENTER_HTTP_HOST") from error


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp, host: str, port: int, *, places: int = MOST_PLACES, refuses: Refuses = refuse_nothing
) -> AsyncIterator[int]:
    """Serve `app` while the context lasts; yields the port. At most `places` are connected. Open requests get 2 s at the end."""
    listener = bind(host, port)
    config: Any = uvicorn.Config(
        app,
        http=_Guest,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        ws="none",
        forwarded_allow_ips=OURS,
        timeout_graceful_shutdown=2,
    )
    config.load()
    server = _QuietServer(config)
    reception = _Reception(server, refuses)
    reception.gate = gate = Gate(listener, places, reception.invite, refuses)
    task = asyncio.create_task(server.serve(sockets=[]), name="http")
    gate.open()
    try:
        yield int(listener.getsockname()[1])
    finally:
        gate.close()
        listener.close()
        server.should_exit = True
        await task
