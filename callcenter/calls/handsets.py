"""The cast's phones: a real softphone (baresip), a SIPp phone, and the scripted one.

A softphone is a person's; SIPp can say any status, or nothing, but cannot dial: whoever has one logs in at a softphone that
never registers and stands beside it. The scripted phone is there for REFER with Replaces alone: baresip 1.0 has no
attended transfer, and SIPp cannot be called, dial and be steered in one scenario.
"""

import asyncio
import contextlib
import time

from callcenter.calls.handset import PATIENCE_S, Handset
from callcenter.lab.baresip import Baresip
from callcenter.lab.errors import PhoneError
from callcenter.lab.pbx import Asterisk
from callcenter.lab.phone_log import PhoneCall, Role
from callcenter.lab.sip_phone import RINGS_ONLY as SCRIPTED_RINGS
from callcenter.lab.sip_phone import Leg, Phone
from callcenter.lab.sipp_agent import RINGS_ONLY, SILENT, SippAgent, refuses


class Softphone(Handset):
    """A baresip."""

    def __init__(self, pbx: Asterisk, number: str, role: Role) -> None:
        super().__init__(number, role)
        self._pbx = pbx
        self._past: list[PhoneCall] = []
        self._phone = Baresip(pbx, number, role=role, on_event=self._heard)

    @property
    def calls(self) -> list[PhoneCall]:
        return [*self._past, *self._phone.calls]

    @property
    def is_dead(self) -> bool:
        """Whether it lost its power."""
        return self._phone.process is None

    async def start(self) -> None:
        await self._phone.start()

    async def stop(self) -> None:
        await self._phone.stop()

    async def restart(self) -> None:
        """Give it its power back."""
        await self._phone.stop()
        self._past += self._phone.calls
        self._phone = Baresip(self._pbx, self.number, role=self.role, on_event=self._heard)
        await self._phone.start()

    async def log_in(self, agent: str, pin: str, prompt_s: float) -> None:
        await self._phone.log_in(agent, pin, prompt_s=prompt_s)

    async def code(self, code: str) -> None:
        call = await self._phone.dial(code)
        await self.until(lambda: not call.is_open, f"{code} is over")

    async def picks_up(self) -> None:
        call = self._call()
        await self._phone.accept()
        await self.until(lambda: call.answered_at is not None, "it is picked up")

    async def tries_to_pick_up(self) -> None:
        with contextlib.suppress(PhoneError):
            await self._phone.accept()

    async def hangs_up(self) -> None:
        call = self._call()
        await self._phone.hang_up()
        await self.until(lambda: not call.is_open, "it is hung up")

    async def refuses(self) -> None:
        await self.hangs_up()

    async def presses(self, keys: str) -> None:
        await self._phone.send_digits(keys)

    async def transfers(self, number: str) -> None:
        await self._phone.transfer(number)

    async def is_killed(self) -> None:
        self._phone.kill()

    async def dials(self, number: str) -> None:
        self.current = await self._phone.dial(number)


class SippHandset(Handset):
    """A SIPp phone, and the keypad of whoever sits at it."""

    def __init__(self, pbx: Asterisk, number: str, role: Role) -> None:
        super().__init__(number, role)
        self._phone = SippAgent(pbx, number, RINGS_ONLY, role=role, on_change=self._heard)
        self._keypad = Baresip(pbx, number, role=role, register_every_s=None)

    @property
    def calls(self) -> list[PhoneCall]:
        return self._phone.calls

    async def start(self) -> None:
        await asyncio.gather(self._phone.start(), self._keypad.start())

    async def stop(self) -> None:
        await asyncio.gather(self._phone.stop(), self._keypad.stop(), return_exceptions=True)

    async def log_in(self, agent: str, pin: str, prompt_s: float) -> None:
        await self._keypad.log_in(agent, pin, prompt_s=prompt_s)

    async def code(self, code: str) -> None:
        await self._keypad.dial(code)
        await self._keypad.wait_for("closed")

    async def picks_up(self) -> None:
        await self._phone.until_said(self._call(), 200)

    async def hangs_up(self) -> None:
        call = self._call()
        self._phone.hang_up(call)
        await self.until(lambda: not call.is_open, "it is hung up")

    async def will_say(self, status: str) -> None:
        self._phone.script = SILENT if status == "nothing" else refuses(int(status))


class ScriptedHandset(Handset):
    """The scripted phone: it joins two calls."""

    def __init__(self, pbx: Asterisk, number: str, role: Role, port: int) -> None:
        super().__init__(number, role)
        self._pbx, self._port = pbx, port
        self._phone = Phone(number, ("", 0))
        self._calls: list[PhoneCall] = []
        self._legs: dict[str, Leg] = {}
        self._consult: Leg | None = None
        self._listening: asyncio.Task[None] | None = None
        self._notes: list[asyncio.Task[None]] = []

    @property
    def calls(self) -> list[PhoneCall]:
        return self._calls

    async def start(self) -> None:
        at = ("127.0.0.1", self._port)
        self._phone = await Phone.open(self.number, at, ("127.0.0.1", self._pbx.sip_port), SCRIPTED_RINGS)
        self._listening = asyncio.create_task(self._listen())

    async def stop(self) -> None:
        for task in (*self._notes, *([self._listening] if self._listening else ())):
            task.cancel()
        await self._phone.close()

    async def log_in(self, agent: str, pin: str, prompt_s: float) -> None:
        await self._phone.log_in(agent, pin, self._pbx.rx)

    async def code(self, code: str) -> None:
        leg = self._phone.call(code)
        try:
            await asyncio.wait_for(leg.is_ended.wait(), PATIENCE_S)
        except TimeoutError as error:
            self._phone.hang_up(leg)
            raise PhoneError(f"phone {self.number}: not within {PATIENCE_S:g} s: {code} is over") from error

    async def picks_up(self) -> None:
        call = self._call()
        self._phone.reply(self._legs[call.sip_call_id], 200)
        call.answered_at = time.time()

    async def hangs_up(self) -> None:
        self._phone.hang_up(self._legs[self._call().sip_call_id])

    async def holds(self) -> None:
        self._phone.hold(self._legs[self._call().sip_call_id])

    async def consults(self, number: str) -> None:
        self._consult = self._phone.call(number)

    async def is_answered(self) -> None:
        if self._consult is None:
            raise PhoneError(f"phone {self.number} has dialled nobody")
        await self._consult.wait_for(200, PATIENCE_S)

    async def joins(self) -> None:
        if self._consult is None:
            raise PhoneError(f"phone {self.number} has nobody to join his caller with")
        leg = self._legs[self._call().sip_call_id]
        self._phone.join(leg, self._consult)
        async with asyncio.timeout(PATIENCE_S):  # then it hangs up both, as phones do
            while not any(text.startswith("NOTIFY") and "SIP/2.0 200" in text for text in leg.messages):
                leg.news.clear()
                await leg.news.wait()
        self._phone.hang_up(leg)
        self._phone.hang_up(self._consult)

    async def _listen(self) -> None:
        while True:
            leg = await self._phone.incoming.get()
            call = PhoneCall(self.role, self.number, "in", leg.call_id, "", "", started_at=time.time())
            self._legs[leg.call_id] = leg
            self._calls.append(call)
            self._ends(call, leg)
            self._heard()

    def _ends(self, call: PhoneCall, leg: Leg) -> None:
        async def note() -> None:
            await leg.is_ended.wait()
            call.ended_at, call.ended_by = time.time(), "self" if leg.ended_by == "self" else "peer"
            self._heard()

        self._notes.append(asyncio.create_task(note()))
