"""A call hall for proofs: the real service on a real Asterisk, softphone agents who all serve both lines, and a line of SIPp
callers that is kept full. Every caller's sound is listened to.

The only thing that no operator has: between "wish taken" and Dial the dialplan rests for CC_LAB_PAUSE seconds where that
global is set, so that a kill can be put exactly there.
"""

import asyncio
import contextlib
import itertools
import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from callcenter.lab.baresip import Baresip
from callcenter.lab.errors import LabError
from callcenter.lab.phone_log import PhoneCall
from callcenter.lab.sipp_caller import SippCaller
from callcenter.lab.site import Seat, Site
from callcenter.proof.rtp import Ear
from callcenter.proof.watch import Seen, Watch

WRAPUP_S = 2.0
RING_S = 8
ANSWER_S = 1.0
"""Seconds from a phone's first ring to its answer."""
DIDS = ("12345", "12346")
PLAN = f"""
default_line = "general"
[lines.general]
name = "群众诉求"
name_en = "General appeals"
dids = ["{DIDS[0]}"]
need = "general >= 1"
ring_s = {RING_S}
wrapup_s = {WRAPUP_S}
[lines.enterprise]
name = "一企来"
name_en = "Enterprise line"
dids = ["{DIDS[1]}"]
need = "enterprise >= 1"
ring_s = {RING_S}
wrapup_s = {WRAPUP_S}
[topics]
[not_ready_reasons]
1 = "break"
"""
_BEFORE = " same => n,Set(CC_DIAL=${GOSUB_RETVAL})\n"
_PAUSE = " same => n,ExecIf($[${LEN(${CC_LAB_PAUSE})}>0]?Wait(${CC_LAB_PAUSE}))\n"


@dataclass(slots=True)
class Caller:
    """A caller, and the ear at his phone."""

    phone: SippCaller
    ear: Ear

    @property
    def call(self) -> PhoneCall:
        """His call as his phone saw it."""
        return self.phone.call


class Hall:
    """The whole world of a proof. `async with` brings it up and takes it down."""

    def __init__(
        self, agents: int, rng: random.Random, *, wait: int, environment: Mapping[str, str] | None = None
    ) -> None:
        """agents: softphones, each with one agent. wait: callers kept waiting once `keep_line` was called."""
        devices = [str(1001 + n) for n in range(agents)]
        seats = [Seat(str(8001 + n), f"Seat {n + 1}", {"general": 1, "enterprise": 1}) for n in range(agents)]
        self.site = Site(PLAN, seats, devices, environment=environment, report=say)
        self.agents: list[Baresip] = []
        self.callers: list[Caller] = []
        self.watch = Watch(self.site.pbx)
        self._rng = rng
        self._wait = wait
        self._numbers = itertools.count(13_800_000_001)
        self._keeper: asyncio.Task[None] | None = None
        self._devices = devices

    async def __aenter__(self) -> Self:
        try:
            await self.site.pbx.start()
            await asyncio.to_thread(self._teach_to_pause)
            self.site.write_plan(self.site.plan_text)
            await self.site.start_service()
            await self.watch.__aenter__()
            for device in self._devices:
                talk_s = self._rng.uniform(1.5, 3.0)
                self.agents.append(await Baresip(self.site.pbx, device, answer_after_s=ANSWER_S, talk_s=talk_s).start())
            await asyncio.gather(
                *(
                    phone.log_in(seat.number, seat.pin)
                    for phone, seat in zip(self.agents, self.site.seats.values(), strict=True)
                )
            )
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close_line()
        await asyncio.gather(*(phone.stop() for phone in self.agents), return_exceptions=True)
        await self.watch.__aexit__()
        await self.site.stop()

    async def call(self, did: str) -> Caller:
        """Let one more caller dial."""
        ear = await Ear().open()
        phone = SippCaller(self.site.pbx, str(next(self._numbers)), did, rtp_port=ear.port)
        caller = Caller(phone, ear)
        self.callers.append(caller)
        await phone.start()
        return caller

    def keep_line(self) -> None:
        """From now on let a caller dial whenever fewer than `wait` are waiting, on both lines in turn."""
        self._keeper = asyncio.create_task(self._keep())

    async def full(self, within_s: float = 60.0) -> None:
        """Wait until the line is full, and somebody's phone rings, somebody talks, and somebody is in wrap-up."""
        if not await self.watch.wait_for(self._is_full, within_s):
            raise LabError(f"the hall did not fill within {within_s:.0f} s: {self.census()}\n{self.site.log_tail()}")
        if self._keeper is not None and self._keeper.done():
            self._keeper.result()

    def census(self) -> dict[str, int]:
        """Return how many wait, ring, talk and are in wrap-up now."""
        watch = self.watch
        return {
            "waiting": len(watch.waiting()),
            "ringing": len(watch.ringing),
            "talking": len(watch.talking),
            "wrapup": len(watch.wrapping(WRAPUP_S)),
        }

    async def close_line(self) -> None:
        """Nobody dials any more, and whoever is still there hangs up."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        await asyncio.gather(*(caller.phone.stop() for caller in self.callers))
        for caller in self.callers:
            caller.ear.close()

    async def over(self, within_s: float = 20.0) -> None:
        """Wait until the PBX and every agent's phone have told the end of each call, at most so long."""
        await self.watch.wait_for(self._is_over, within_s)

    def seen(self) -> list[tuple[Caller, Seen]]:
        """Return each caller with what the PBX did with him; those whom it never saw are left out."""
        by_id = {seen.sip_call_id: seen for seen in self.watch.calls.values()}
        return [(one, by_id[one.call.sip_call_id]) for one in self.callers if one.call.sip_call_id in by_id]

    def _is_full(self) -> bool:
        census = self.census()
        return census["waiting"] >= self._wait - 2 and min(census.values()) > 0

    def _is_over(self) -> bool:
        has_ended = all(one.ended_at is not None for one in self.watch.calls.values())
        return has_ended and all(phone.call is None for phone in self.agents)

    async def _keep(self) -> None:
        for did in itertools.cycle(DIDS):
            while not await self.watch.wait_for(lambda: len(self.watch.waiting()) < self._wait, 1.0):
                pass
            await self.call(did)

    def _teach_to_pause(self) -> None:
        path = self.site.pbx.folder / "etc" / "extensions_callcenter.conf"
        text = path.read_text(encoding="utf-8")
        if _BEFORE not in text:
            raise LabError("the dialplan has changed: no place for a pause between a wish taken and its Dial")
        path.write_text(text.replace(_BEFORE, _BEFORE + _PAUSE, 1), encoding="utf-8")
        self.site.pbx.rx("dialplan reload")


def say(text: str) -> None:
    """Tell how a proof goes on; its result goes to standard output."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
