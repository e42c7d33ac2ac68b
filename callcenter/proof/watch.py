"""A proof's own eyes on the PBX: a manager session that has nothing to do with the service, and what it saw of each call.

Instants are the PBX's (AMI Timestamp, or CC_ARRIVED), seconds since the epoch; the PBX runs on this machine, so `time.time()` is the
same clock.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from callcenter.asterisk.link import AmiLink
from callcenter.asterisk.message import AmiMessage
from callcenter.asterisk.settings import AmiSettings
from callcenter.asterisk.tracks import device_of
from callcenter.lab.pbx import Asterisk

_KEEP = frozenset({"UserEvent", "DialBegin", "DialState", "BridgeEnter", "BridgeLeave", "Hangup"})


@dataclass(slots=True)
class Leg:
    """What the PBX did with one agent's phone for one caller."""

    phone: str
    dialled_at: float
    talked_at: float | None = None
    """When it came into a bridge; None: it never did."""
    left_at: float | None = None
    """When it left it."""


@dataclass(slots=True)
class Seen:
    """What the PBX did with one caller."""

    sip_call_id: str
    arrived: float
    held_at: float | None = None
    """Since when he rests in hold; None: he does not."""
    holds: list[tuple[float, float]] = field(default_factory=list)
    """Stretches of hold that are over."""
    turn_at: float | None = None
    """When a wish for an agent was taken first."""
    fallbacks: list[float] = field(default_factory=list)
    """Each entry into the PBX's own queue."""
    rings: list[float] = field(default_factory=list)
    """When the PBX's own queue rang for him."""
    bridge: str | None = None
    talked_at: float | None = None
    """First bridge with anybody."""
    ended_at: float | None = None
    legs: list[Leg] = field(default_factory=list)
    """Phones dialled for him, in order."""

    @property
    def waits(self) -> bool:
        """Whether he is in hold or in the PBX's queue with nobody's phone ringing for him yet."""
        return self.ended_at is None and self.talked_at is None and self.turn_at is None

    def is_rung(self, at: float) -> bool:
        """Whether the PBX's own queue had rung for him by then and he was not back in hold."""
        begun = [*(begin for begin, _ in self.holds), *([] if self.held_at is None else [self.held_at])]
        rung = [one for one in self.rings if one <= at]
        return bool(rung) and not any(rung[-1] < one <= at for one in begun)

    def held_through(self, begin: float, end: float) -> bool:
        """Whether he was in hold during all of [begin, end]."""
        spans = [*self.holds, *([(self.held_at, float("inf"))] if self.held_at is not None else [])]
        return any(a <= begin and end <= b for a, b in spans)


class Watch:
    """Sees what happens on a lab's Asterisk. `calls` by Uniqueid; `wait_for` waits until something is so."""

    def __init__(self, pbx: Asterisk) -> None:
        self.calls: dict[str, Seen] = {}
        self.ringing: dict[str, str] = {}
        """Uniqueid of a leg that rings -> its phone."""
        self.talking: dict[str, str] = {}
        """Uniqueid of a leg in a talk with a caller -> its phone."""
        self.talk_ends: dict[str, float] = {}
        """Phone -> when its last talk with a caller ended."""
        self.newest = ""
        """Name of the newest event that a caller or a leg had."""
        self._legs: dict[str, Leg] = {}
        self._bridges: dict[str, set[str]] = {}
        self._news = asyncio.Event()
        settings = AmiSettings(pbx.ami_host, pbx.ami_port, "lab", pbx.managers["lab"], keep=_KEEP)
        self.link = AmiLink(settings, on_event=self._event)
        self._handlers: dict[str, Callable[[AmiMessage, float], None]] = {
            "CcArrived": self._arrived,
            "CcHolding": self._holding,
            "CcConnecting": self._connecting,
            "CcFallback": self._fallback,
            "DialBegin": self._dial_begin,
            "DialState": self._dial_state,
            "BridgeEnter": self._enter,
            "BridgeLeave": self._leave,
            "Hangup": self._hangup,
        }

    async def __aenter__(self) -> Self:
        await self.link.__aenter__()
        await self.link.wait_up(10)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.link.close()

    async def set_global(self, name: str, value: str) -> None:
        """Write a global variable of the dialplan."""
        await self.link.send({"Action": "Setvar", "Variable": name, "Value": value})

    async def get_global(self, name: str) -> str:
        """Read a global variable of the dialplan."""
        return (await self.link.send({"Action": "Getvar", "Variable": name})).message.get("Value", "")

    async def wait_for(self, is_so: Callable[[], bool], within_s: float) -> bool:
        """Wait until `is_so`, looked at after each event; return whether it came to be. Never lets another task run between
        the event and the return of True longer than the loop needs."""
        deadline = time.monotonic() + within_s
        while not is_so():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._news.clear()
            try:
                async with asyncio.timeout(min(left, 0.2)):
                    await self._news.wait()
            except TimeoutError:
                continue
        return True

    def waiting(self) -> list[Seen]:
        """Return the callers for whom nobody's phone has rung yet."""
        return [call for call in self.calls.values() if call.waits]

    def wrapping(self, wrapup_s: float) -> list[tuple[float, str]]:
        """Return (end of wrap-up, phone) of all who are in wrap-up now, the first to be ready first."""
        now = time.time()
        busy = {*self.ringing.values(), *self.talking.values()}
        ends = ((at + wrapup_s, phone) for phone, at in self.talk_ends.items() if phone not in busy)
        return sorted((at, phone) for at, phone in ends if at > now)

    # --- events

    def _event(self, message: AmiMessage) -> None:
        handler, at_us = self._handlers.get(message.name), message.at_us
        if handler is not None and at_us is not None:
            handler(message, at_us / 1e6)
            self.newest = message.name
            self._news.set()

    def _arrived(self, m: AmiMessage, at: float) -> None:
        self.calls[m.get("Uniqueid", "")] = Seen(m.get("SipCallId", ""), float(m.get("Arrived", "") or at))

    def _holding(self, m: AmiMessage, at: float) -> None:
        if (call := self.calls.get(m.get("Uniqueid", ""))) is not None:
            call.held_at = at

    def _left_hold(self, call: Seen, at: float) -> None:
        if call.held_at is not None:
            call.holds.append((call.held_at, at))
            call.held_at = None

    def _connecting(self, m: AmiMessage, at: float) -> None:
        if (call := self.calls.get(m.get("Uniqueid", ""))) is not None:
            self._left_hold(call, at)
            if m.get("Target", "").startswith("endpoint*"):
                call.turn_at = call.turn_at or at

    def _fallback(self, m: AmiMessage, at: float) -> None:
        call = self.calls.get(m.get("Uniqueid", ""))
        if call is not None and m.get("State") == "entered":
            self._left_hold(call, at)
            call.fallbacks.append(at)

    def _dial_begin(self, m: AmiMessage, at: float) -> None:
        call = self.calls.get(m.get("Uniqueid", ""))
        if call is None:
            return
        leg = self._legs[m.get("DestUniqueid", "")] = Leg(device_of(m.get("DestChannel", "")), at)
        call.legs.append(leg)
        if call.fallbacks and call.held_at is None:
            call.rings.append(at)

    def _dial_state(self, m: AmiMessage, at: float) -> None:
        if m.get("DialStatus") == "RINGING":
            self.ringing[m.get("DestUniqueid", "")] = device_of(m.get("DestChannel", ""))

    def _enter(self, m: AmiMessage, at: float) -> None:
        uniqueid, bridge = m.get("Uniqueid", ""), m.get("BridgeUniqueid", "")
        self.ringing.pop(uniqueid, None)
        members = self._bridges.setdefault(bridge, set())
        members.add(uniqueid)
        call = self.calls.get(uniqueid)
        if call is not None:
            call.bridge, call.talked_at = bridge, call.talked_at or at
        else:
            self.talking[uniqueid] = device_of(m.get("Channel", ""))
            if (leg := self._legs.get(uniqueid)) is not None:
                leg.talked_at = leg.talked_at or at

    def _leave(self, m: AmiMessage, at: float) -> None:
        uniqueid = m.get("Uniqueid", "")
        self._bridges.get(m.get("BridgeUniqueid", ""), set()).discard(uniqueid)
        self._talk_ended(uniqueid, at)

    def _talk_ended(self, uniqueid: str, at: float) -> None:
        phone = self.talking.pop(uniqueid, None)
        if phone is not None:
            self.talk_ends[phone] = at
        if phone is not None and (leg := self._legs.get(uniqueid)) is not None:
            leg.left_at = at

    def _hangup(self, m: AmiMessage, at: float) -> None:
        uniqueid = m.get("Uniqueid", "")
        self.ringing.pop(uniqueid, None)
        self._talk_ended(uniqueid, at)
        call = self.calls.get(uniqueid)
        if call is not None:
            self._left_hold(call, at)
            call.ended_at = at
