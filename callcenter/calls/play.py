"""Plays one screenplay with real phones: each sentence is one act, in order; a sentence that does not come about ends it.

It knows what people do, and nothing of what must come out.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from callcenter.calls.handset import KEYS_APART_S, PATIENCE_S
from callcenter.calls.house import House
from callcenter.calls.plan import DIAL_OUT, RING_S, Place
from callcenter.calls.screenplay import Part, Step, steps_of
from callcenter.calls.story import Played
from callcenter.lab.errors import LabError, PhoneError
from callcenter.lab.phone_log import PhoneCall
from callcenter.lab.sipp_agent import dialled
from callcenter.lab.sipp_caller import CALLERS_HOST, SippCaller
from callcenter.lab.voices import Voices

SPEAKS_HZ = 1200
INSTANTS_S = (0.0, 0.002, -0.002, 0.005, -0.005, 0.015, -0.015)
"""How much earlier the first of two is who do something in one instant, by turn."""


class Visitor:
    """A caller at his phone."""

    def __init__(self, number: str) -> None:
        self.number = number
        self.phone: SippCaller | None = None
        self.voice: Voices | None = None

    async def dials(self, house: House, did: str, *, speaks: bool) -> PhoneCall:
        """Call; with a voice of his own if he is to speak."""
        if speaks:
            self.voice = await Voices().open(CALLERS_HOST)
        port = self.voice.port if self.voice else None
        async with house.dials_gate:
            self.phone = SippCaller(house.site.pbx, self.number, did, rtp_port=port)
            await self.phone.start()
        return self.phone.call

    @property
    def here(self) -> SippCaller:
        """His phone, once he has dialled."""
        if self.phone is None:
            raise PhoneError(f"caller {self.number} has not dialled")
        return self.phone

    async def leaves(self) -> None:
        """Hang up, if he has not, and put the phone away."""
        if self.phone is not None:
            await self.phone.stop()
        if self.voice is not None:
            await self.voice.close()


class Performance:
    """One turn of one kind."""

    def __init__(self, house: House, place: Place, turn: int) -> None:
        self.house, self.place = house, place
        self.played = Played(place, turn)
        self._visitors = {name: Visitor(place.caller(name, turn)) for name in place.scenario.callers}
        self._steps = steps_of(place.scenario)
        self._outside: PhoneCall | None = None
        self._outside_seen = len(self._outside_calls())
        self._counts = {phone.number: len(phone.calls) for phone in house.phones(place)}

    async def run(self) -> Played:
        """Play it to its end, whatever happens; everybody has hung up afterwards."""
        step = None
        try:
            for step in self._steps:
                await self._play(step)
        except (LabError, TimeoutError) as error:
            self.played.failure = f"{step.text if step else ''}: {error}"
            await self.house.leave_alone()
        finally:
            await self._all_leave()
        for phone in self.house.phones(self.place):
            self.played.others += phone.calls[self._counts[phone.number] :]
        self.played.others += self._outside_calls()[self._outside_seen :]
        return self.played

    async def _play(self, step: Step) -> None:
        if step.part is Part.TIME:
            await asyncio.sleep(float(step.with_))
            return
        ours: Callable[[Step], Awaitable[None]] | None = getattr(self, f"_{step.part}_{step.act}", None)
        if ours is not None:
            await ours(step)
            return
        act: Callable[..., Awaitable[None]] = getattr(self.house.phone(self.place, step.who), step.act)
        await (act(step.with_) if step.with_ else act())

    # --- callers

    async def _caller_dials(self, step: Step) -> None:
        speaks = any(other.who == step.who and other.act == "speaks" for other in self._steps)
        visitor = self._visitors[step.who]
        self.played.callers[step.who] = await visitor.dials(self.house, self.place.did(step.with_), speaks=speaks)

    async def _caller_hears(self, step: Step) -> None:
        caller = self._visitors[step.who].here
        if step.with_ == "ringing":
            await _until(lambda: 180 in caller.statuses, f"caller {caller.number} hears ringing")
            is_so = caller.call.answered_at is None
        else:
            await caller.answered(PATIENCE_S)
            is_so = not any(phone.is_talking for phone in self.house.phones(self.place))
        if not is_so:
            raise PhoneError(f"caller {caller.number} does not hear {step.with_}: {caller!r}")

    async def _caller_presses(self, step: Step) -> None:
        for key in step.with_:
            self._visitors[step.who].here.press(key)
            await asyncio.sleep(0.2)

    async def _caller_speaks(self, step: Step) -> None:
        voice = self._visitors[step.who].voice
        assert voice is not None
        await _until(lambda: bool(voice.heard), f"{step.who} hears something")
        to = next(iter(voice.heard))  # where the sound comes from is where he is listened to
        voice.speak(to, SPEAKS_HZ)
        await asyncio.sleep(float(step.with_))
        voice.hush(to)

    async def _caller_hangs_up(self, step: Step) -> None:
        caller = self._visitors[step.who].here
        caller.hang_up()
        await caller.ended(PATIENCE_S)

    async def _caller_hangs_up_at_ring_end(self, step: Step) -> None:
        rings = self.house.phone(self.place, step.with_).current
        if rings is None:
            raise PhoneError(f"{step.with_} does not ring")
        await asyncio.sleep(rings.started_at + RING_S - self._instant_s() - time.time())
        await self._caller_hangs_up(step)

    async def _caller_is_let_go(self, step: Step) -> None:
        call = await self._visitors[step.who].here.ended(PATIENCE_S)
        if call.ended_by != "peer":
            raise PhoneError(f"nobody else ended the call of {step.who}: {call}")

    # --- seats and specialists, where their phones alone do not know enough

    async def _phone_picks_up_in_the_instant(self, step: Step) -> None:
        phone, caller = self.house.phone(self.place, step.who), self._visitors[step.with_].here

        async def picks_up() -> None:
            await asyncio.sleep(max(0.0, -self._instant_s()))
            await phone.tries_to_pick_up()

        async def hangs_up() -> None:
            await asyncio.sleep(max(0.0, self._instant_s()))
            caller.hang_up()
            await caller.ended(PATIENCE_S)

        await asyncio.gather(picks_up(), hangs_up())
        await phone.until(lambda: phone.current is None or not phone.current.is_open, "its call is over")

    def _instant_s(self) -> float:
        return INSTANTS_S[self.played.turn % len(INSTANTS_S)]

    async def _phone_presses_topic(self, step: Step) -> None:
        phone = self.house.phone(self.place, step.who)
        await phone.presses(step.with_)
        await asyncio.sleep(KEYS_APART_S)
        await phone.presses(self.place.topic)

    async def _phone_transfers(self, step: Step) -> None:
        await self.house.phone(self.place, step.who).transfers(f"7{self.place.topic}")

    async def _phone_dials_out(self, step: Step) -> None:
        await self.house.phone(self.place, step.who).dials(DIAL_OUT + self.place.dialled(self.played.turn))

    async def _phone_consults(self, step: Step) -> None:
        await self.house.phone(self.place, step.who).consults(f"7{self.place.topic}")

    async def _phone_is_ready(self, step: Step) -> None:
        await self.house.phone(self.place, step.who).code("*13")

    async def _phone_is_not_ready(self, step: Step) -> None:
        await self.house.phone(self.place, step.who).code("*141")

    # --- the world outside

    def _outside_calls(self) -> list[PhoneCall]:
        numbers = {self.place.outside, self.place.dialled(self.played.turn)}
        return [call for call in self.house.outside.calls if dialled(call) in numbers]

    async def _outside_rings(self, step: Step) -> None:
        await _until(lambda: len(self._outside_calls()) > self._outside_seen, "the outside number rings")
        self._outside = self._outside_calls()[-1]

    async def _outside_picks_up(self, step: Step) -> None:
        await self._outside_says(Step(step.text, step.part, step.who, step.act, "200"))

    async def _outside_says(self, step: Step) -> None:
        call = self._outside_call()
        await self.house.outside.until_said(call, int(step.with_))

    async def _outside_hangs_up(self, step: Step) -> None:
        call = self._outside_call()
        self.house.outside.hang_up(call)
        await _until(lambda: not call.is_open, "the call outside is over")

    async def _outside_is_let_go(self, step: Step) -> None:
        call = self._outside_call()
        await _until(lambda: not call.is_open, "the call outside is over")

    def _outside_call(self) -> PhoneCall:
        if self._outside is None:
            raise PhoneError("nobody was called outside")
        return self._outside

    # --- the service, of which all in the house are told at one instant

    async def _service_is_about_to_go(self, step: Step) -> None:
        await self.house.all_here()

    async def _service_is_gone(self, step: Step) -> None:
        if await self.house.all_here():
            self.house.cut(by_link=self.played.turn % 2 == 1)
        await self.house.all_here()

    async def _service_is_back(self, step: Step) -> None:
        if await self.house.all_here():
            await self.house.mend()
        await self.house.all_here()

    # --- the end

    async def _all_leave(self) -> None:
        await asyncio.gather(*(visitor.leaves() for visitor in self._visitors.values()), return_exceptions=True)
        for phone in self.house.phones(self.place):
            if phone.current is not None and phone.current.is_open:
                with contextlib.suppress(LabError):
                    await phone.hangs_up()


async def _until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something is true. Raises PhoneError."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_S
    while not holds():
        if loop.time() > deadline:
            raise PhoneError(f"not within {PATIENCE_S:g} s: {what}")
        await asyncio.sleep(0.02)
