"""Two clients for the same scripted peer: panoramisk's Manager as it comes, and our link with short
deadlines.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from panoramisk import Manager

from callcenter.asterisk.link import AmiLink
from callcenter.asterisk.message import AmiMessage
from callcenter.asterisk.settings import AmiSettings
from tests.integration.ami.peer import Peer

NEVER_S = 0.15  # how long a thing must not happen to count as "never" (all deadlines in these tests are shorter)


class PlainClient:
    """An unchanged panoramisk Manager; what it lets out into the event loop is kept instead of failing the
    test.
    """

    def __init__(self, peer: Peer, **config: Any) -> None:
        self.escaped: list[dict[str, Any]] = []  # what reached the loop's exception handler
        self.may_connect = True
        self.manager = Manager(
            host="127.0.0.1",
            port=peer.port,
            loop=asyncio.get_running_loop(),
            **{"username": "service", "secret": "secret", "reconnect_timeout": 0, **config},
        )
        connect = self.manager.connect
        # The only change: after the test its endless reconnecting must have an end.
        self.manager.connect = lambda: connect() if self.may_connect else None

    async def shut(self) -> None:
        """End it for good, whatever state it is in."""
        self.may_connect = False
        if self.manager.pinger:
            self.manager.pinger.cancel()
        if self.manager.protocol is not None:
            self.manager.protocol.closed = True
            self.manager.protocol.transport.abort()
        await asyncio.sleep(0.01)


@asynccontextmanager
async def plain_client(peer: Peer, *, wait_for_login: bool = True, **config: Any) -> AsyncIterator[PlainClient]:
    """A connected plain Manager."""
    loop = asyncio.get_running_loop()
    client = PlainClient(peer, **config)
    loop.set_exception_handler(lambda _, context: client.escaped.append(context))
    try:
        await client.manager.connect()
        if wait_for_login:
            await peer.until(lambda: bool(client.manager.authenticated))
        yield client
    finally:
        await client.shut()
        loop.set_exception_handler(None)


class Recorder:
    """What a link told its consumer, in order: "up", "down", and the events' names."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.events: list[AmiMessage] = []
        self.fail_on: str | None = None  # name of an event for which the callback raises

    def event(self, message: AmiMessage) -> None:
        """Callback on_event."""
        self.told.append(message.name)
        self.events.append(message)
        if message.name == self.fail_on:
            raise RuntimeError("the consumer failed")

    def connected(self, link: AmiLink) -> None:
        """Callback on_connected."""
        self.told.append("up")

    def disconnected(self, error: Exception) -> None:
        """Callback on_disconnected."""
        self.told.append("down")


def quick_settings(peer: Peer, **changes: Any) -> AmiSettings:
    """Settings for the peer: what may be quick is quick, and no deadline is met by a machine that stands still for a second."""
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": peer.port,
        "username": "service",
        "secret": "secret",
        "keep": frozenset({"Newchannel", "UserEvent", "Hangup", "DeviceStateChange"}),
        "connect_timeout_s": 10.0,
        "login_timeout_s": 10.0,
        "backoff_first_s": 0.01,
        "backoff_max_s": 0.02,
    }
    return AmiSettings(**{**values, **changes})


@asynccontextmanager
async def our_client(
    peer: Peer, recorder: Recorder | None = None, *, wait_up: bool = True, **changes: Any
) -> AsyncIterator[AmiLink]:
    """Our link, up."""
    told = recorder if recorder is not None else Recorder()
    link = AmiLink(
        quick_settings(peer, **changes),
        on_event=told.event,
        on_connected=told.connected,
        on_disconnected=told.disconnected,
    )
    async with link:
        if wait_up:
            await link.wait_up(20.0)
        yield link


async def is_done_soon(future: "asyncio.Future[Any]", within_s: float = NEVER_S) -> bool:
    """Whether the future is settled in that time; it is not cancelled."""
    await asyncio.wait([future], timeout=within_s)
    return future.done()
