"""A manager session that is either up and verified, or down and says so.

Theory of operation. `AmiLink.run` connects, waits for the banner, logs in, and then pings every second,
each step with a deadline. A missing pong cuts the session: that is how a half-open connection is found, and
on Asterisk up to 22.10 the ping also pushes out events that would otherwise wait for the next input. A lost
session is tried again after a growing, jittered pause; a refused log-in ends `run` with AmiRefused, because
only a human can help there (but an Asterisk that is shutting down refuses everybody: it may come back).

The link keeps no intentions. While it is down, `send` raises AmiDisconnected at once; when it goes down,
every action under way fails with AmiDisconnected; nothing is queued, nothing is sent again. Whoever sent an
action decides anew.

Events, `on_connected` and `on_disconnected` are synchronous callbacks in one order: connected, events,
disconnected. No event of a session comes before its `on_connected` or after its `on_disconnected`. An
exception in a callback is logged and counted and changes nothing else. Callbacks may call `send_many` and
`close_soon`; what must be awaited belongs into a task of the consumer.
"""

import asyncio
import contextlib
import inspect
import logging
import random
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from callcenter.asterisk.carrier import AmiConnection
from callcenter.asterisk.errors import (
    AmiDisconnected,
    AmiError,
    AmiRefused,
    AmiTimeout,
    AmiUnreachable,
    translated,
)
from callcenter.asterisk.message import Action, AmiMessage, AmiReply
from callcenter.asterisk.parser import AmiCounters
from callcenter.asterisk.protocol import AmiProtocol
from callcenter.asterisk.settings import AmiSettings, LinkState, Pong

log = logging.getLogger(__name__)

SHUTTING_DOWN = "shutting down"
"""What an Asterisk that ends says to every action, log-ins included."""


def _ignore(_: object) -> None:
    """The consumer that wants nothing."""


class AmiLink:
    """A supervised manager session; see the module for what it promises."""

    def __init__(
        self,
        settings: AmiSettings,
        *,
        on_event: Callable[[AmiMessage], object] = _ignore,
        on_connected: Callable[["AmiLink"], object] = _ignore,
        on_disconnected: Callable[[AmiError], object] = _ignore,
        on_pong: Callable[[Pong], object] = _ignore,
        clock: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        for callback in (on_event, on_connected, on_disconnected, on_pong):
            if inspect.iscoroutinefunction(callback):
                raise TypeError(f"{callback!r} must not be async: it would lose the order of events")
        self.settings = settings
        self.counters = AmiCounters()
        self.state = LinkState.IDLE
        self.last_error: AmiError | None = None  # why the link was last down; None while it never was
        self.last_pong: Pong | None = None  # of the present or the last session
        self.ami_version: str | None = None  # of the banner; None before the first connection
        self._on_event = on_event
        self._on_connected = on_connected
        self._on_disconnected = on_disconnected
        self._on_pong = on_pong
        self._clock = clock
        self._rng = rng if rng is not None else random.Random()
        self._protocol: AmiProtocol | None = None  # None while down
        self._session: asyncio.Task[None] | None = None  # the running attempts, so that close() can end them
        self._runner: asyncio.Task[None] | None = None  # run() of `async with`
        self._up_since: float | None = None  # instant of the log-in on `clock`; None while down
        self._changed = asyncio.Event()  # replaced at each change of state

    def __repr__(self) -> str:
        return f"<AmiLink {self.settings.username}@{self.settings.where} {self.state.value} {self.counters}>"

    # --- life

    async def run(self) -> None:
        """Keep the session up until `close()`; raises AmiRefused when the PBX refuses the log-in."""
        if self.state is not LinkState.IDLE:
            raise RuntimeError("a link runs once")
        self._set_state(LinkState.CONNECTING)
        self._session = asyncio.ensure_future(self._keep_trying())
        try:
            await self._session
        except asyncio.CancelledError:
            if not self.is_over:
                await self.close()
                raise
        except AmiRefused:
            self._set_state(LinkState.REFUSED)
            raise

    async def close(self) -> None:
        """End the session for good: every pending action fails, nothing reconnects. May be called more than
        once.
        """
        self.close_soon()
        waiting = [task for task in (self._session, self._runner) if task and task is not asyncio.current_task()]
        await asyncio.gather(*waiting, return_exceptions=True)

    def close_soon(self) -> None:
        """The same for callbacks: all is failed and cut when it returns, only the task has still to end."""
        if self.state is not LinkState.REFUSED:
            self._set_state(LinkState.CLOSED)
        if self._protocol is not None:
            self._protocol.cut(AmiDisconnected("closed by us"))
        if self._session is not None:
            self._session.cancel()

    async def __aenter__(self) -> "AmiLink":
        self._runner = asyncio.create_task(self.run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def wait_up(self, timeout_s: float) -> None:
        """Return as soon as the link is up; raises AmiRefused, AmiDisconnected (closed) or AmiTimeout."""
        try:
            async with asyncio.timeout(timeout_s):
                while self.state is not LinkState.UP:
                    if self.state is LinkState.REFUSED and self.last_error is not None:
                        raise self.last_error
                    if self.state is LinkState.CLOSED:
                        raise AmiDisconnected("the link is closed")
                    await self._changed.wait()
        except TimeoutError as error:
            raise AmiTimeout("connect", timeout_s) from (self.last_error or error)

    @property
    def is_up(self) -> bool:
        """Whether an action can be sent now."""
        return self.state is LinkState.UP

    @property
    def up_s(self) -> float:
        """Seconds since the present session logged in; 0 while the link is down."""
        return 0.0 if self._up_since is None else self._clock() - self._up_since

    @property
    def is_over(self) -> bool:
        """Whether the link was closed or refused: it will never be up again."""
        return self.state in {LinkState.REFUSED, LinkState.CLOSED}

    @property
    def pending_count(self) -> int:
        """How many actions wait for their answer."""
        return self._protocol.pending_count if self._protocol is not None else 0

    # --- actions

    async def send(self, action: Action, *, timeout_s: float | None = None) -> AmiReply:
        """Send one action and return the PBX's answer; raises AmiBadValue, AmiDisconnected or AmiTimeout."""
        return await self.send_many([action], timeout_s=timeout_s)[0]

    async def send_list(self, action: Action, *, timeout_s: float | None = None) -> AmiReply:
        """The same for an action that answers with a list; the deadline is for all of it."""
        deadline_s = self.settings.action_timeout_s if timeout_s is None else timeout_s
        return await self._up().send(action, as_list=True, timeout_s=deadline_s)

    def send_many(self, actions: Sequence[Action], *, timeout_s: float | None = None) -> list[asyncio.Future[AmiReply]]:
        """Write several actions in ONE write, in order; a future each (AmiReply, AmiTimeout,
        AmiDisconnected).

        Raises AmiBadValue or AmiDisconnected before anything is written. The futures need not be awaited.
        """
        deadline_s = self.settings.action_timeout_s if timeout_s is None else timeout_s
        return self._up().send_many(actions, timeout_s=deadline_s)

    def _up(self) -> AmiProtocol:
        if self._protocol is None or self.state is not LinkState.UP:
            raise AmiDisconnected(f"the link to {self.settings.where} is {self.state.value}")
        return self._protocol

    # --- one session after the other

    async def _keep_trying(self) -> None:
        failures = 0
        while True:
            connects = self.counters.connects
            try:
                await self._run_session()
            except AmiRefused as error:
                self.last_error = error
                log.error("%s: %s; not trying again", self.settings.where, error)
                raise
            except AmiError as error:
                self.last_error = error
                failures = 0 if self.counters.connects > connects else failures + 1
                pause_s = self._backoff_s(failures)
                log.warning("%s: %s; next attempt in %.1f s", self.settings.where, error, pause_s)
                await asyncio.sleep(pause_s)

    def _backoff_s(self, failures: int) -> float:
        """Half fixed, half random, doubling up to the maximum: many clients of one PBX must not return in
        step.
        """
        bound_s = min(self.settings.backoff_max_s, self.settings.backoff_first_s * 2.0 ** min(failures, 30))
        return bound_s * (0.5 + 0.5 * self._rng.random())

    async def _run_session(self) -> None:
        """One connection from start to loss; always ends with an AmiError (or cancelled by close)."""
        settings = self.settings
        with translated(settings.where):
            connection = AmiConnection(
                settings.host,
                settings.port,
                settings.tls_context(),
                lambda carrier: AmiProtocol(carrier, settings.keep, self.counters, self._clock),
                self._take_event,
                self._take_loss,
            )
            async with asyncio.timeout(settings.connect_timeout_s):
                protocol = await connection.open()
        try:
            await self._log_in(protocol)
            await self._ping_until_lost(protocol)
        finally:
            connection.close()

    async def _log_in(self, protocol: AmiProtocol) -> None:
        settings = self.settings
        try:
            async with asyncio.timeout(settings.login_timeout_s):
                self.ami_version = await protocol.banner_seen
        except TimeoutError as error:
            raise AmiUnreachable(f"no AMI banner within {settings.login_timeout_s:g} s") from error
        reply = await protocol.send(
            {
                "Action": "Login",
                "Username": settings.username,
                "Secret": settings.secret,
                "Events": "on" if settings.keep else "off",
            },
            timeout_s=settings.login_timeout_s,
            on_reply=lambda answer: self._take_login(protocol, answer),
        )
        if not reply.ok and SHUTTING_DOWN in reply.text.lower():
            raise AmiDisconnected(f"{settings.where}: {reply.text}")
        if not reply.ok:
            raise AmiRefused(settings.username, reply.text)

    def _take_login(self, protocol: AmiProtocol, reply: AmiReply) -> None:
        """Called from within data_received, so that events right behind the answer find the link up."""
        if reply.ok and self.state is LinkState.CONNECTING:
            self.counters.connects += 1
            self._protocol = protocol
            self._set_state(LinkState.UP)
            log.info("%s: logged in as %s, AMI %s", self.settings.where, self.settings.username, self.ami_version)
            self._call(self._on_connected, self)

    async def _ping_until_lost(self, protocol: AmiProtocol) -> None:
        while True:
            asked_at = self._clock()
            try:
                reply = await protocol.send({"Action": "Ping"}, timeout_s=self.settings.pong_timeout_s)
            except AmiTimeout:
                protocol.cut(AmiDisconnected(f"no pong within {self.settings.pong_timeout_s:g} s"))
            except AmiDisconnected:
                pass
            else:
                self._take_pong(protocol, asked_at, reply)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.settings.ping_interval_s):
                    await asyncio.shield(protocol.lost)
            if protocol.is_lost():
                raise protocol.lost.result()

    def _take_pong(self, protocol: AmiProtocol, asked_at: float, reply: AmiReply) -> None:
        if not reply.ok or reply.message.get("Ping", "") != "Pong":
            protocol.cut(AmiDisconnected(f"a ping was answered with {dict(reply.message)!r}"))
            return
        received_at = reply.message.received_at
        self.last_pong = Pong(received_at, received_at - asked_at, reply.message.at_us)
        self._call(self._on_pong, self.last_pong)

    # --- what the connection tells us

    def _take_event(self, message: AmiMessage) -> None:
        if self.state is LinkState.UP:
            self.counters.events += 1
            self._call(self._on_event, message)

    def _take_loss(self, error: AmiError) -> None:
        if self._protocol is None:
            return
        self._protocol = None
        self.last_error = error
        if self.state is LinkState.UP:
            self._set_state(LinkState.CONNECTING)
        self._call(self._on_disconnected, error)

    def _set_state(self, state: LinkState) -> None:
        self.state = state
        self._up_since = self._clock() if state is LinkState.UP else None
        self._changed.set()
        self._changed = asyncio.Event()

    def _call(self, callback: Callable[[Any], object], argument: object) -> None:
        try:
            callback(argument)
        except Exception:
            self.counters.callback_errors += 1
            log.exception("%s: an exception in a callback was ignored", self.settings.where)
