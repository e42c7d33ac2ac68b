"""HTTP inside the service's own loop: uvicorn without its signal handlers, on a socket that we bind ourselves.

Binding first gives a clear error before anything else starts, and port 0 works for tests.
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp


class HttpAddressError(Exception):
    """The HTTP address cannot be used; the message says which and what to do."""


class _QuietServer(uvicorn.Server):
    """Signals belong to the service, not to its HTTP side."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises HttpAddressError."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=128)
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
