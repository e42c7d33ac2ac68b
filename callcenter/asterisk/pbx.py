"""One PBX as the driver sees it: facts come out in order, commands go in, and a lost link is a fact too.

Theory: two AMI sessions, one for events and one for actions, because one thread of Asterisk serves a session and delivers
no event while an action runs. When both are up: buffer events; ask for the PBX's clock; claim or renew leadership; read
phones and channels; tell them (`DeviceChanged`, `CallFound`, `SnapshotDone`); replay the buffer from the moment of the
snapshot on. When either is lost: `LinkLost`, once. What came before the snapshot's moment is in the snapshot. A session
that was lost and came back while the snapshot was read makes it worthless (events are missing): it is read again.
Where another leads and we stand by, nothing is told and no event is kept, until the claim has succeeded.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from acd import commands as c
from acd import events as e
from acd.names import CallId, EndedBy
from callcenter.asterisk.errors import AmiDisconnected, AmiError
from callcenter.asterisk.leader import Beat, HeldByAnother, Leadership
from callcenter.asterisk.link import AmiLink
from callcenter.asterisk.message import AmiMessage
from callcenter.asterisk.put_back import PUT_BACK_S, ClockPutBack
from callcenter.asterisk.settings import AmiSettings, Pong
from callcenter.asterisk.snapshot import found_calls, found_consults, found_outbound, status_action
from callcenter.asterisk.switch import AsteriskSwitch
from callcenter.asterisk.told import Told
from callcenter.asterisk.translate import DEVICE_STATES, KEPT_EVENTS, Translator
from callcenter.clock import PbxClock

log = logging.getLogger(__name__)

BEAT_S = 1.0
UNNAMED = "asterisk"
"""Name of a PBX without `systemname` in asterisk.conf (`callcenter check` warns: Uniqueids of two PBXes could be equal)."""


class PbxOwner(Protocol):
    """What the PBX tells its owner (the driver)."""

    def told(self, fact: Told) -> None:
        """One fact, in order."""

    def claimed(self, pbx: str, epoch: int) -> None:
        """The PBX of this name is ours with this epoch; called before the snapshot is told."""

    def must_stop(self, why: Exception) -> None:
        """Another instance leads, or the PBX's clock was put back."""

    def plan_globals(self) -> Mapping[str, str]:
        """Globals of the plan that the dialplan reads (CC_DID_..., CC_GREETING_...)."""
        ...

    def label(self, line: str, call: CallId) -> str:
        """What the agent's phone shows for a call of this line."""
        ...

    def line_of(self, call: CallId) -> str | None:
        """The line that a living call is in now; None for a call that is not known."""
        ...


class Heir(Protocol):
    """What a stand-by knows besides the PBX, and takes over."""

    async def last_epoch(self, pbx: str) -> int:
        """Return the newest epoch of this PBX that is known elsewhere, 0: none; never fails, bounded in time."""
        ...

    def has_resigned(self, epoch: int) -> bool:
        """Return whether the leader of this epoch has said that he does nothing more."""
        ...

    async def take_over(self, pbx: str, epoch: int) -> None:
        """The PBX is ours, and its owner is told next (`claimed`); never fails, bounded in time."""


@dataclass(frozen=True, slots=True)
class _Partner:
    """What the leadership on one PBX asks of the other half of the pair."""

    heir: Heir
    pbx: Callable[[], str]

    async def known_epoch(self) -> int:
        return await self.heir.last_epoch(self.pbx())

    def has_resigned(self, epoch: int) -> bool:
        return self.heir.has_resigned(epoch)


class AsteriskPbx:
    """Links, translation, switch and leadership of one PBX."""

    def __init__(
        self,
        actions: AmiSettings,
        events: AmiSettings,
        owner: PbxOwner,
        clock: PbxClock,
        instance: str,
        epochs: list[int],
        heir: Heir | None = None,
    ) -> None:
        """epochs: those with which this service led before. heir: we are one of a pair, and stand by while the other one leads."""
        self.name = ""
        """The PBX's system name, learned at the first connect: first part of every call's key."""
        self.clock = clock
        self.translator = Translator("")
        self._owner = owner
        self._changed = asyncio.Event()
        """Set when a session came or went: the supervisor looks again."""
        self._losses = 0
        """Sessions lost since the start: a snapshot over which it changed has a gap."""
        self._buffer: list[AmiMessage] | None = []
        """Events kept back during a snapshot; None when they are told at once."""
        self.actions = AmiLink(
            replace(actions, keep=frozenset()),
            on_connected=self._session_changed,
            on_disconnected=self._session_lost,
            on_pong=self._pong,
        )
        self.events = AmiLink(
            replace(events, keep=KEPT_EVENTS),
            on_event=self._event,
            on_connected=self._session_changed,
            on_disconnected=self._session_lost,
        )
        self._heir = heir
        partner = None if heir is None else _Partner(heir, lambda: self.name)
        self.leadership = Leadership(self.actions, instance, epochs, clock.pbx_now, partner=partner)
        self.switch = AsteriskSwitch(
            self.actions,
            self.translator.tracks,
            epoch=lambda: self.leadership.epoch,
            label=owner.label,
            tell=owner.told,
            now_ms=self._now_ms,
            probe=self._probe,
            may_act=self._may_act,
        )
        self.startup = ""
        """When Asterisk was started, in its own words; empty: it does not tell. Another one: all calls were dropped."""
        self.is_synced = False
        """Whether a snapshot was told and events flow."""
        self.event_lag_s = 0.0
        """Receive minus Timestamp of the newest event, on the PBX's clock."""
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def stands_by_for(self) -> Beat | None:
        """The newest beat of the leader for whom we stand by; None: we do not."""
        return self.leadership.watched

    def __repr__(self) -> str:
        state = "synced" if self.is_synced else "standing by" if self.stands_by_for else "not synced"
        return f"<AsteriskPbx {self.name} {state} epoch={self.leadership.epoch} {self.actions!r} {self.events!r}>"

    async def run(self) -> None:
        """Keep the PBX connected until cancelled; raises AmiRefused (wrong log-in) or HeldByAnother."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.actions.run())
                group.create_task(self.events.run())
                group.create_task(self._supervise())
                group.create_task(self._beat())
        except BaseExceptionGroup as errors:
            for error in errors.exceptions:
                if not isinstance(error, asyncio.CancelledError):
                    raise error from None
            raise
        finally:
            await self.actions.close()
            await self.events.close()

    def execute(self, command: c.Command) -> None:
        """Carry out one command of the engine."""
        self.switch.execute(command)

    def mark_answered(self, call: CallId, at_ms: int) -> None:
        """Write on the channel that a person has answered."""
        self.switch.mark_answered(call, at_ms)

    async def push_globals(self, values: Mapping[str, str]) -> None:
        """Write globals that the dialplan reads; those of a PBX that another leads are left alone. Raises AmiError."""
        if not values or not self.leadership.is_ours:
            return
        futures = self.actions.send_many(
            [{"Action": "Setvar", "Variable": name, "Value": value} for name, value in values.items()]
        )
        await asyncio.gather(*futures)

    # --- callbacks of the links: synchronous, in order

    def _session_changed(self, _link: AmiLink) -> None:
        if _link is self.events:
            self._buffer = []
        self._changed.set()

    def _session_lost(self, error: AmiError) -> None:
        self._losses += 1
        if self.is_synced:
            self.is_synced = False
            log.warning("%s: link lost: %s", self.name, error)
            self._owner.told(e.LinkLost(self.name, self._now_ms()))
        self._buffer = []
        self._changed.set()

    def _may_act(self) -> bool:
        """Whether we surely lead. After a pause (a suspended host) another may: then nothing is done until the PBX was asked,
        and read anew as after a lost link."""
        if self.leadership.is_certain:
            return True
        if self.is_synced:
            self.is_synced = False
            self._buffer = []
            log.warning("%s: we were away for long: asking whether we still lead", self.name)
            asyncio.get_running_loop().call_soon(self._owner.told, e.LinkLost(self.name, self._now_ms()))
            self._changed.set()
        return False

    def _event(self, message: AmiMessage) -> None:
        if self.stands_by_for is not None:
            return  # of a PBX that another leads: it may be weeks
        if self._buffer is not None:
            self._buffer.append(message)
            return
        self._tell(message)

    def _tell(self, message: AmiMessage) -> None:
        at_us = message.at_us
        if at_us is not None:
            self.event_lag_s = max(0.0, message.received_at - self.clock.offset_s - at_us / 1e6)
        for fact in self.translator.translate(message):
            self._owner.told(fact)
            if isinstance(fact, e.CallHolding) and (line := self._owner.line_of(fact.call)) is not None:
                self.switch.prepare(fact.call, line)
            elif isinstance(fact, e.CallerGone):
                self.switch.forget(fact.call)

    def _pong(self, pong: Pong) -> None:
        if pong.pbx_at_us is None:
            return
        self._sample(pong.received_at, pong.pbx_at_us, pong.round_trip_s)

    def _sample(self, received_at: float, pbx_at_us: int, round_trip_s: float) -> None:
        stepped = self.clock.sample(received_at, pbx_at_us / 1e6, round_trip_s)
        if stepped:
            log.warning("%s: the PBX's clock moved by %+.3f s", self.name, stepped)
            self._owner.told(e.ClockStepped(stepped, self._now_ms()))
            if stepped < -PUT_BACK_S:
                self._owner.must_stop(ClockPutBack(-stepped))

    # --- snapshot

    async def _supervise(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            if not (self.actions.is_up and self.events.is_up) or self.is_synced:
                continue
            try:
                await self._sync()
            except AmiDisconnected as error:
                log.info("%s: cut during the snapshot: %s", self.name, error)
            except AmiError as error:
                log.warning("%s: snapshot failed: %s; again in a second", self.name, error)
                await asyncio.sleep(1.0)
                self._changed.set()

    async def _sync(self) -> None:
        """Claim, read, tell, replay; every await may find the link lost again (AmiDisconnected)."""
        losses, self._buffer = self._losses, []
        await self._ask_time()
        await self._learn_name()
        if not self.leadership.is_ours:
            epoch = await self.leadership.claim()
            if self._heir is not None:
                await self._heir.take_over(self.name, epoch)
            self._owner.claimed(self.name, epoch)
            losses, self._buffer = self._losses, []
            if not self.events.is_up:
                raise AmiDisconnected("the session for events is lost")
        elif not await self.leadership.renew():
            raise await self._who_holds()
        await self.push_globals(self._owner.plan_globals())
        members = await self.actions.send_list({"Action": "QueueStatus"})
        self.switch.learn_members(members.events)
        phones = await self.actions.send_list({"Action": "DeviceStateList"})
        from_us = await self._ask_time()
        channels = await self.actions.send_list(status_action())
        if not channels.ok:
            raise AmiError(f"Status: {channels.text}")
        if losses != self._losses:
            raise AmiDisconnected("a session was lost while the channels were read")
        self._tell_snapshot(phones.events, channels.events, from_us // 1000)
        self._replay(from_us)

    def _tell_snapshot(self, phones: Iterable[AmiMessage], channels: Sequence[AmiMessage], at_ms: int) -> None:
        for message in phones:
            technology, _, device = message.get("Device", "").partition("/")
            state = DEVICE_STATES.get(message.get("State", ""))
            if technology == "PJSIP" and device and state is not None:
                self._owner.told(e.DeviceChanged(device, state, at_ms))
        tracks = self.translator.tracks
        before, consulting = dict(tracks.calls), dict(tracks.consults)
        for found in found_calls(self.name, channels, at_ms, tracks):
            self._owner.told(found)
        for dialled in found_outbound(self.name, channels, at_ms, tracks, before):
            self._owner.told(dialled)
        for consult in found_consults(tracks, at_ms, consulting):
            self._owner.told(consult)
        self.is_synced = True
        self._owner.told(e.SnapshotDone(self.name, at_ms))
        self.switch.remove_strangers()

    def _replay(self, from_us: int) -> None:
        """Tell what came since the channels were read; states of phones all, because those were read a little earlier."""
        held, self._buffer = self._buffer or [], None
        for message in held:
            if (message.at_us or 0) >= from_us or message.event == "DeviceStateChange":
                self._tell(message)
        log.info("%s: in step: %d calls, %d events replayed", self.name, len(self.translator.tracks.calls), len(held))

    async def _ask_time(self) -> int:
        """Take a sample of the PBX's clock and return it, microseconds since the epoch; raises AmiError."""
        asked_at = time.monotonic()
        pong = (await self.actions.send({"Action": "Ping"})).message
        at_us = pong.at_us
        if at_us is None:
            raise AmiError("Ping: the PBX did not say its time")
        self._sample(pong.received_at, at_us, pong.received_at - asked_at)
        return at_us

    async def _learn_name(self) -> None:
        """Ask for the system name; one that changed under us would give calls other keys, so the first is kept."""
        reply = await self.actions.send({"Action": "CoreSettings"})
        name = reply.message.get("SystemName", "") or UNNAMED
        if self.name and name != self.name:
            log.warning("the PBX %s calls itself %s now: calls keep the first name", self.name, name)
        self.name = self.translator.pbx = self.name or name
        status = (await self.actions.send({"Action": "CoreStatus"})).message
        self.startup = f"{status.get('CoreStartupDate', '')} {status.get('CoreStartupTime', '')}".strip()

    # --- heartbeat

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            if not (self.leadership.is_ours and self.actions.is_up):
                continue
            try:
                if not await self.leadership.beat():
                    self._owner.must_stop(await self._who_holds())
            except AmiError as error:
                log.warning("%s: heartbeat failed: %s", self.name, error)

    async def _who_holds(self) -> HeldByAnother:
        try:
            return await self.leadership.holder()
        except AmiError:
            return HeldByAnother("unknown", 0)

    # --- probes

    def _probe(self, call: CallId) -> None:
        task = asyncio.get_running_loop().create_task(self._look_at(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look_at(self, call: CallId) -> None:
        """Answer with `CallFound` or `CallerGone`; without an answer the snapshot after the next connect tells."""
        with contextlib.suppress(AmiError):
            reply = await self.actions.send_list(status_action(call.uniqueid))
            if not reply.ok:
                if "no such channel" in reply.text.lower():  # any other refusal says nothing of the caller
                    track = self.translator.tracks.calls.get(call.uniqueid)
                    if track is not None:
                        self.translator.tracks.drop_call(track)
                    self._owner.told(e.CallerGone(call, self._now_ms(), EndedBy.UNKNOWN))
                return
            found = found_calls(self.name, reply.events, self._now_ms(), self.translator.tracks, keep_tracks=True)
            for one in found:
                self._owner.told(one)

    def _now_ms(self) -> int:
        return int(self.clock.now() * 1000)


def make_clock() -> PbxClock:
    """Return a clock on this machine's monotonic time."""
    return PbxClock(time.monotonic, time.time)
