"""The AMI protocol itself: bytes to messages, actions to answers; no reconnecting, no policy.

Theory of operation. `AmiProtocol` is the class that panoramisk's Manager is given as its
`protocol_factory`. It owns a table of the actions under way, by an ActionID that nobody can guess. Each
entry leaves the table in exactly one way: answered, timed out, cancelled by its owner, or failed by the
disconnection. Nothing is ever sent twice. A list (`Status`, `DeviceStateList`) collects its events until
the Complete event; one given up early stays known until then, so that its late items are not taken for live
events. Everything runs in `data_received`, so what the consumer is told is in order of arrival.
"""

import asyncio
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, cast

from callcenter.asterisk.errors import AmiDisconnected, AmiError, AmiTimeout
from callcenter.asterisk.message import Action, AmiMessage, AmiReply, action_bytes, action_pairs
from callcenter.asterisk.parser import AmiCounters, AmiParser

MAX_GIVEN_UP = 64  # lists given up whose late items are still told from live events


class AmiCarrier(Protocol):
    """What the protocol tells its connection about (panoramisk's Manager has these two under the same
    names).
    """

    def dispatch(self, event: AmiMessage) -> object:
        """A kept event that belongs to no list."""

    def connection_lost(self, exc: AmiError) -> None:
        """The session is over; told exactly once, after every pending action has failed."""


@dataclass(slots=True)
class _Pending:
    """An action under way."""

    name: str
    future: asyncio.Future[AmiReply]
    is_list: bool
    timer: asyncio.TimerHandle
    on_reply: Callable[[AmiReply], None] | None = None  # told before the future, in order with the events
    first: AmiMessage | None = None  # a list's response, once it came
    items: list[AmiMessage] = field(default_factory=list)


def _mark_retrieved(future: asyncio.Future[AmiReply]) -> None:
    """A sender may not care for the outcome; asyncio must not complain about that when the future is
    collected.
    """
    if not future.cancelled():
        future.exception()


class AmiProtocol(asyncio.Protocol):
    """One AMI session on one transport, from the banner to the loss of the connection."""

    def __init__(
        self,
        factory: AmiCarrier,
        keep: frozenset[str] | None,
        counters: AmiCounters | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.factory = factory
        self.counters = counters if counters is not None else AmiCounters()
        self.banner_seen: asyncio.Future[str] = loop.create_future()
        """The PBX's AMI version; fails with the loss of the connection."""
        self.lost: asyncio.Future[AmiError] = loop.create_future()
        """Why the session ended; pending while it lives. It never raises."""
        self.transport: asyncio.Transport | None = None
        self._loop = loop
        self._parser = AmiParser(keep, self.counters)
        self._clock = clock
        self._pending: dict[str, _Pending] = {}
        self._given_up: dict[str, None] = {}  # lists that timed out and whose Complete has not come yet, oldest first
        self._id_prefix = secrets.token_hex(6)
        self._last_id = 0

    def __repr__(self) -> str:
        state = "lost" if self.is_lost() else "open"
        return f"<AmiProtocol {state} ami={self._parser.banner} pending={len(self._pending)}>"

    def is_lost(self) -> bool:
        """Whether the session is over."""
        return self.lost.done()

    @property
    def pending_count(self) -> int:
        """How many actions wait for their answer."""
        return len(self._pending)

    # --- what asyncio tells us

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport and let the kernel, too, find out when the peer is gone."""
        self.transport = cast(asyncio.Transport, transport)
        _keep_alive(transport.get_extra_info("socket"))

    def data_received(self, data: bytes) -> None:
        """Everything that arrives; the consumer is called from here."""
        if self.is_lost():
            return
        try:
            messages = self._parser.feed(data, self._clock())
        except AmiError as error:
            self.cut(error)
            return
        if self._parser.banner is not None and not self.banner_seen.done():
            self.banner_seen.set_result(self._parser.banner)
        for message in messages:
            if self.is_lost():  # a callback closed the link
                return
            self._take(message)

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone, by the peer or by ourselves."""
        why = AmiDisconnected(f"connection lost: {exc}" if exc else "connection closed by the PBX")
        why.__cause__ = exc
        self._end(why)

    # --- what the link asks for

    def send(
        self,
        action: Action,
        as_list: bool | None = False,
        *,
        timeout_s: float = 5.0,
        on_reply: Callable[[AmiReply], None] | None = None,
    ) -> asyncio.Future[AmiReply]:
        """Write one action; the future is its AmiReply, AmiTimeout or AmiDisconnected."""
        return self.send_many([action], timeout_s=timeout_s, as_list=bool(as_list), on_reply=on_reply)[0]

    def send_many(
        self,
        actions: Sequence[Action],
        *,
        timeout_s: float = 5.0,
        as_list: bool = False,
        on_reply: Callable[[AmiReply], None] | None = None,
    ) -> list[asyncio.Future[AmiReply]]:
        """Write several actions at once, in order; all are checked before a byte of any is written."""
        checked = [action_pairs(action) for action in actions]
        if self.transport is None or self.is_lost():
            raise AmiDisconnected("no session")
        chunks: list[bytes] = []
        futures: list[asyncio.Future[AmiReply]] = []
        for pairs in checked:
            self._last_id += 1
            action_id = f"{self._id_prefix}-{self._last_id}"
            name = next(value for key, value in pairs if key.lower() == "action")
            future: asyncio.Future[AmiReply] = self._loop.create_future()
            future.add_done_callback(_mark_retrieved)
            future.add_done_callback(partial(self._forget_cancelled, action_id))
            timer = self._loop.call_later(timeout_s, self._time_out, action_id, timeout_s)
            self._pending[action_id] = _Pending(name, future, as_list, timer, on_reply)
            if as_list:
                self._parser.wanted_ids[action_id.encode()] = None
            chunks.append(action_bytes(pairs, action_id))
            futures.append(future)
        self.transport.write(b"".join(chunks))
        return futures

    def cut(self, why: AmiError) -> None:
        """End the session now. abort, not close: close waits until a peer that no longer reads has read
        all.
        """
        transport = self.transport
        self._end(why)
        if transport is not None:
            transport.abort()

    def close(self) -> None:
        """The name by which panoramisk's Manager ends a session."""
        self.cut(AmiDisconnected("closed by us"))

    # --- the table of actions under way

    def _take(self, message: AmiMessage) -> None:
        if message.exact("Event") is not None:
            if not (self._parser.wanted_ids and self._take_list_item(message)):
                self.factory.dispatch(message)
            return
        action_id = message.get("ActionID", "")
        reply = AmiReply(message)
        pending = self._pending.get(action_id)
        if pending is None or pending.first is not None:
            self.counters.late_replies += 1
            if not reply.ok:
                self._forget_list(action_id)
            return
        if pending.is_list and reply.ok:
            pending.first = message
            return
        self._resolve(action_id, reply)

    def _take_list_item(self, message: AmiMessage) -> bool:
        action_id = message.get("ActionID", "")
        is_last = message.get("EventList", "").lower() in {"complete", "cancelled"} or message.event.endswith(
            "Complete"
        )
        pending = self._pending.get(action_id)
        if pending is None or not pending.is_list:
            if action_id not in self._given_up:
                return False
            if is_last:
                self._forget_list(action_id)
            return True
        if not is_last:
            pending.items.append(message)
        elif pending.first is not None:
            self._resolve(action_id, AmiReply(pending.first, tuple(pending.items)))
        return True

    def _resolve(self, action_id: str, reply: AmiReply) -> None:
        pending = self._remove(action_id)
        if pending.on_reply is not None:
            pending.on_reply(reply)
        if not pending.future.done():
            pending.future.set_result(reply)

    def _remove(self, action_id: str) -> _Pending:
        pending = self._pending.pop(action_id)
        pending.timer.cancel()
        if pending.is_list:
            self._parser.wanted_ids.pop(action_id.encode(), None)
        return pending

    def _give_up(self, action_id: str) -> _Pending:
        pending = self._remove(action_id)
        if pending.is_list:
            self._given_up[action_id] = None
            self._parser.wanted_ids[action_id.encode()] = None
            if len(self._given_up) > MAX_GIVEN_UP:
                self._forget_list(next(iter(self._given_up)))
        return pending

    def _forget_list(self, action_id: str) -> None:
        if action_id in self._given_up:
            del self._given_up[action_id]
            self._parser.wanted_ids.pop(action_id.encode(), None)

    def _time_out(self, action_id: str, timeout_s: float) -> None:
        pending = self._give_up(action_id)
        self.counters.timeouts += 1
        if not pending.future.done():
            pending.future.set_exception(AmiTimeout(pending.name, timeout_s))

    def _forget_cancelled(self, action_id: str, future: asyncio.Future[AmiReply]) -> None:
        if future.cancelled() and action_id in self._pending:
            self._give_up(action_id)

    def _end(self, why: AmiError) -> None:
        if self.is_lost():
            return
        self.lost.set_result(why)
        if not self.banner_seen.done():
            self.banner_seen.set_exception(why)
            self.banner_seen.exception()
        for action_id in list(self._pending):
            pending = self._remove(action_id)
            if not pending.future.done():
                pending.future.set_exception(AmiDisconnected(f"{pending.name}: {why}"))
        self._given_up.clear()
        self.factory.connection_lost(why)


def _keep_alive(sock: socket.socket | None) -> None:
    if sock is None:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", 5),
        ("TCP_KEEPINTVL", 2),
        ("TCP_KEEPCNT", 3),
    ):  # seconds, seconds, times
        if hasattr(socket, name):  # the names differ between systems; without them the kernel's own values count
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
