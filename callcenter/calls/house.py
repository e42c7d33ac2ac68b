"""A call centre in which kinds of calls are played beside each other: the real service, and a phone for everybody.

Everybody sits at his phone and is ready when a screenplay begins; `ready` sees to it between two calls of a kind. What the house
knows of the service it asks over HTTP, as a supervisor's screen does, and only to know when a screenplay may begin.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from acd.names import OfferResult
from callcenter.calls.handset import Handset
from callcenter.calls.handsets import ScriptedHandset, SippHandset, Softphone
from callcenter.calls.plan import Place, absent, places_of, plan_of
from callcenter.calls.scenario import Inbound, Scenario, Stage
from callcenter.calls.screenplay import steps_of
from callcenter.lab.cache import Report, say
from callcenter.lab.errors import LabError, PhoneError
from callcenter.lab.loader import hand_over
from callcenter.lab.pbx import Asterisk
from callcenter.lab.ports import free_port
from callcenter.lab.relay import Relay
from callcenter.lab.sip_phone import endpoints
from callcenter.lab.sipp_agent import RINGS_ONLY, SippAgent
from callcenter.lab.site import Site
from callcenter.lab.tones import write_tune

AT_ONCE = 12
"""Phones that start, or agents who log in, at the same time."""
DIALS_AT_ONCE = 2
GREETING = "own/greeting"
GREETING_S = 2.0
RTP_TIMEOUT_S = 4
"""After how much silence a talk of a phone that may lose its power ends."""
OUTBOUND_RING_S = 4
CUT_STALE_S = 90
"""Where the service is gone for some seconds only, Asterisk's own queue stays out of it, however slow this machine is."""
LOOK_EVERY_S = 0.2
READY_S = 60.0
LOG_IN_TRIES = (0.6, 1.2, 2.0)
"""Patience with prompts: a busy machine plays them late, who keyed into one dials again, slower."""


class House:
    """Site, phones and the world outside, for the given kinds."""

    def __init__(self, scenarios: Sequence[Scenario], *, report: Report = say) -> None:
        """Starts nothing; what their stages need is there. Raises ScenarioError where a screenplay cannot be read."""
        self.places = {place.kind: place for place in places_of(scenarios)}
        self.handsets: dict[tuple[str, str], Handset] = {}
        """(kind, name in its cast) -> his phone."""
        self._tired: set[tuple[str, str]] = set()
        """Who begins a new shift before the next call."""
        self._ports = {self._at(one, name): free_port(socket.SOCK_DGRAM) for one in scenarios for name in one.scripted}
        is_cut = any(one.stage is Stage.CUT for one in scenarios)
        phones = [number for place in self.places.values() for number in place.phones.values()]
        registered = [number for number in phones if number not in self._ports]
        company = [absent(), *(seat for place in self.places.values() for seat in place.company())]
        plan = plan_of(list(self.places.values()))
        lines = ["default", "general", *(place.line(n) for place in self.places.values() for n in self._lines(place))]
        environment = {}
        pbx = Asterisk(registered, lines=lines, extra={"pjsip.conf": self._endpoints()}, report=report)
        self._relay = Relay(free_port(), (pbx.ami_host, pbx.ami_port)) if is_cut else None
        if self._relay is not None:
            environment["CALLCENTER_AMI_PORT"] = str(self._relay.port)
        self.site = Site(plan, company, registered, environment=environment, report=report, pbx=pbx)
        self._all_here = asyncio.Barrier(len(scenarios))
        self.outside = SippAgent(pbx, None, RINGS_ONLY)
        self._board: dict[str, dict[str, Any]] = {}
        self._looked_at = 0.0
        self._looking = asyncio.Lock()
        self._log_in_gate = asyncio.Semaphore(AT_ONCE)
        self.dials_gate = asyncio.Semaphore(DIALS_AT_ONCE)
        """Callers' phones are processes: a dozen that start in one instant would be the only thing that the machine does."""

    async def open(self) -> None:
        """Start everything and log everybody in. Raises LabError."""
        if self._relay is not None:
            await self._relay.open()
        await self.site.start()
        await asyncio.to_thread(self._lay_sounds)
        await self.outside.start()
        for place in self.places.values():
            for name in place.phones:
                self.handsets[place.kind, name] = self._handset(place, name)
        await self._each(self.handsets.values(), lambda phone: phone.start())
        await asyncio.gather(*(self.ready(place) for place in self.places.values()))

    async def close(self) -> None:
        """End everything. Never raises."""
        everybody: list[Handset | SippAgent] = [*self.handsets.values(), self.outside]
        await asyncio.gather(*(one.stop() for one in everybody), return_exceptions=True)
        with contextlib.suppress(OSError):
            await self.site.stop()
        if self._relay is not None:
            await self._relay.close()

    def cut(self, *, by_link: bool) -> None:
        """Let the service be gone: killed, or (by_link) alive without a link to its PBX."""
        if by_link and self._relay is not None:
            self._relay.cut()
        else:
            self.site.kill_service()

    async def mend(self) -> None:
        """Let the service be back, and wait until it distributes calls. Raises LabError."""
        if self._relay is not None:
            self._relay.mend()
        await (self.site.wait_ready() if self.site.process is not None else self.site.start_service())

    async def all_here(self) -> bool:
        """Wait until every screenplay of the house is at this point; True for exactly one of them. Raises LabError when one
        of them has stopped before."""
        try:
            return await self._all_here.wait() == 0
        except asyncio.BrokenBarrierError as error:
            raise LabError("another kind of this house stopped before") from error

    async def leave_alone(self) -> None:
        """Say that a screenplay stopped: nobody waits for it any more in this turn."""
        await self._all_here.abort()

    async def next_turn(self) -> None:
        """Begin anew with everybody, whatever became of the turn before."""
        await self._all_here.reset()
        await self.mend()

    def phone(self, place: Place, name: str) -> Handset:
        """Return somebody's phone."""
        return self.handsets[place.kind, name]

    def phones(self, place: Place) -> list[Handset]:
        """Return the phones of a kind."""
        return [self.handsets[place.kind, name] for name in place.phones]

    async def ready(self, place: Place) -> None:
        """See to it that every phone of a kind lives and every agent is ready and rested. Raises LabError."""
        for name in place.phones:
            phone = self.phone(place, name)
            if isinstance(phone, Softphone) and phone.is_dead:
                await phone.restart()
        tired = {name for name in place.agents if (place.kind, name) in self._tired}
        await asyncio.gather(*(self._begin_shift(place, name, anew=name in tired) for name in place.agents))
        for phone in self.phones(place):
            phone.forget()

    def played(self, place: Place) -> None:
        """Say that a screenplay was played: agents whose phone did not answer begin a new shift before the next, so that no
        rest and no miss of theirs is left."""
        for expected in place.scenario.calls.values():
            if isinstance(expected, Inbound):
                for name, result in expected.offers:
                    if result is not OfferResult.ACCEPTED:
                        self._tired.add((place.kind, name))

    async def agent(self, number: str) -> dict[str, Any]:
        """Return an agent as the service's /status shows him now."""
        async with self._looking:
            if time.monotonic() - self._looked_at > LOOK_EVERY_S:
                with contextlib.suppress(OSError):
                    status = await asyncio.to_thread(self.site.status)
                    self._board = {one["number"]: one for one in status["agents"]}
                self._looked_at = time.monotonic()
        return self._board.get(number, {"presence": "unknown", "reachable": False})

    async def _begin_shift(self, place: Place, name: str, *, anew: bool) -> None:
        number, phone = place.agents[name], self.phone(place, name)
        if anew:
            await phone.code("*12")
            await self._until(number, ("logged_out",))
            self._tired.discard((place.kind, name))
        deadline = time.monotonic() + READY_S
        for prompt_s in (*LOG_IN_TRIES, *LOG_IN_TRIES[-1:] * 3):
            seen = await self._until(number, ("ready", "not_ready", "logged_out"))
            if seen["presence"] == "ready" and seen["reachable"]:
                return
            if time.monotonic() > deadline:
                break
            async with self._log_in_gate:
                with contextlib.suppress(PhoneError, TimeoutError):  # whether it came about, the service says
                    if seen["presence"] == "logged_out":
                        await phone.log_in(number, self.site.seats[number].pin, prompt_s)
                    elif seen["presence"] == "not_ready":
                        await phone.code("*13")
                    else:
                        await asyncio.sleep(1.0)
            await asyncio.sleep(2 * LOOK_EVERY_S)
        raise LabError(f"{place.kind}: {name} ({number}) is not ready: {await self.agent(number)}")

    async def _until(self, number: str, presences: Sequence[str]) -> dict[str, Any]:
        deadline = time.monotonic() + READY_S
        while (seen := await self.agent(number))["presence"] not in presences:
            if time.monotonic() > deadline:
                raise LabError(f"agent {number} is not {' or '.join(presences)}: {seen}\n{self.site.log_tail(5)}")
            await asyncio.sleep(LOOK_EVERY_S)
        return seen

    def _handset(self, place: Place, name: str) -> Handset:
        number = place.phones[name]
        role: Any = "agent" if name in place.agents else "specialist"
        if name in place.scenario.scripted:
            return ScriptedHandset(self.site.pbx, number, role, self._ports[number])
        return (SippHandset if name in place.scenario.sipp else Softphone)(self.site.pbx, number, role)

    def _at(self, scenario: Scenario, name: str) -> str:
        return self.places[scenario.kind].phones[name]

    def _lines(self, place: Place) -> list[str]:
        return ["", *place.scenario.lines]

    def _endpoints(self) -> str:
        text = endpoints(self._ports)
        for place in self.places.values():
            mortal = {
                step.who for step in steps_of(place.scenario) if step.act == "is_killed" and step.who in place.phones
            }
            text += "".join(f"\n[{place.phones[name]}](+)\nrtp_timeout = {RTP_TIMEOUT_S}\n" for name in mortal)
        return text

    def _lay_sounds(self) -> None:
        folder = self.site.pbx.sounds / "own"
        folder.mkdir()
        write_tune(self.site.pbx.sounds / f"{GREETING}.wav", (600.0,), note_s=GREETING_S)
        hand_over(folder)
        self.site.pbx.rx(f"dialplan set global CC_OUTBOUND_RING_S {OUTBOUND_RING_S}")
        if self._relay is not None:
            self.site.pbx.rx(f"dialplan set global CC_STALE_S {CUT_STALE_S}")

    async def _each(self, phones: Iterable[Handset], act: Callable[[Handset], Any]) -> None:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(phone: Handset) -> None:
            async with gate:
                await act(phone)

        await asyncio.gather(*(one(phone) for phone in phones))
