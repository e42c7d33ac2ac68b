"""The one place where panoramisk is used: its Manager opens, holds and closes the connection of one session.

Theory of operation. A Manager serves exactly one session here and is thrown away with it. What we override,
and why (panoramisk 1.4, each with a test in tests/integration/ami):

- `connection_lost`: the original reconnects after a fixed delay, without end, also after `close()` and
  after a refused log-in. Ours only tells the link, which decides.
- `send_awaiting_actions`: the original sends actions of an earlier session again; what an action meant may
  no longer hold minutes later. Ours sends nothing, and `forgetable_actions` and `awaiting_actions` are
  never filled.
- `ping` and the timer behind it: the original never looks at the answers. The link pings.
- `dispatch`: the original matches each event against every pattern, starts a task per async callback, and
  lets an exception out into the transport, which closes the connection. Ours hands the event to the one
  ordered consumer.
- `connection_made`: the original schedules a new attempt when the first one failed, and logs in by itself
  if it knows a user name (it is never told one). Ours leaves failure to whoever awaits `connect()`.

The bytes themselves go through our protocol class, passed as `protocol_factory`.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

from panoramisk import Manager

from callcenter.asterisk.errors import AmiError
from callcenter.asterisk.message import AmiMessage
from callcenter.asterisk.protocol import AmiProtocol


class AmiConnection(Manager):  # type: ignore[misc]  # panoramisk has no type information
    """One connection to a PBX; `on_event` gets kept events in order, `on_lost` is told once when it is
    over.
    """

    def __init__(
        self,
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        make_protocol: Callable[["AmiConnection"], AmiProtocol],
        on_event: Callable[[AmiMessage], None],
        on_lost: Callable[[AmiError], None],
    ) -> None:
        super().__init__(
            host=host,
            port=port,
            ssl=tls if tls is not None else False,
            protocol_factory=lambda: make_protocol(self),
            loop=asyncio.get_running_loop(),
        )
        self.pinger: asyncio.TimerHandle | None
        self._on_event = on_event
        self._on_lost = on_lost

    async def open(self) -> AmiProtocol:
        """Connect; raises the socket's own errors. The caller sets the deadline, its cancellation leaves
        nothing.
        """
        _, protocol = await self.connect()
        if not isinstance(protocol, AmiProtocol):
            raise TypeError("panoramisk made another protocol than ours")
        return protocol

    def connection_made(self, f: "asyncio.Task[Any]") -> None:
        """Take over the new protocol as Manager does, but without its retry and its ping timer."""
        if f.cancelled() or f.exception() is not None:
            return
        super().connection_made(f)
        if self.pinger is not None:
            self.pinger.cancel()
            self.pinger = None

    def connection_lost(self, exc: AmiError) -> None:
        """Tell the link; never reconnect."""
        self._on_lost(exc)

    def dispatch(self, event: AmiMessage) -> list[str]:
        """Hand the event to the one consumer; the empty list says that no pattern was tried."""
        self._on_event(event)
        return []

    def ping(self) -> None:
        """Do nothing: the link pings and looks at the answers."""

    async def send_awaiting_actions(self, *_: object) -> None:
        """Do nothing: no action is ever sent again."""
