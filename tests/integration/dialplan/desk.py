"""A test's desk at a real Asterisk: scripted phones, the two manager users as shipped, and a heartbeat.

What a test says reads like a call: `await desk.arrive()`, `await desk.offer(...)`. The tests act in the place of the
service, by the vocabulary of ARCHITECTURE.md, and with no code of the service, so that the dialplan is judged alone.
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass

from callcenter.lab.pbx import Asterisk
from callcenter.lab.sip_phone import SILENT, Leg, Phone, Script
from tests.integration.office import until
from tests.integration.raw_ami import Message, RawAmi

INSTANCE, EPOCH = "test", 7


@dataclass(frozen=True, slots=True)
class DialplanPbx:
    """The running Asterisk and the ports of the phones that it knows."""

    asterisk: Asterisk
    ports: dict[str, int]

    @property
    def sip(self) -> tuple[str, int]:
        """Where phones send to."""
        return "127.0.0.1", self.asterisk.sip_port


@dataclass(frozen=True, slots=True)
class Call:
    """A caller on his phone and the channel that he is."""

    leg: Leg
    uid: str
    arrived: Message


class Desk:
    """One test's view of the PBX."""

    def __init__(self, pbx: DialplanPbx, events: RawAmi, actions: RawAmi) -> None:
        self.pbx = pbx
        self.events = events
        self.actions = actions
        self.is_alive = True
        self.offers = 0
        self.beat_s = 0
        """The second of the newest beat."""
        self._phones: list[Phone] = []
        self._beat = asyncio.get_running_loop().create_task(self._keep_beating())

    @classmethod
    async def open(cls, pbx: DialplanPbx) -> "Desk":
        """Log in and send the first beat."""
        secrets = pbx.asterisk.managers
        port = pbx.asterisk.ami_port
        events = await RawAmi.login(port, "callcenter-events", secrets["callcenter-events"])
        actions = await RawAmi.login(port, "callcenter", secrets["callcenter"])
        desk = cls(pbx, events, actions)
        await desk.beat()
        await actions.set_global("CC_DID_12345", "general")
        return desk

    async def close(self) -> None:
        """Hang everything up and leave."""
        self._beat.cancel()
        await asyncio.gather(self._beat, return_exceptions=True)
        await self._hang_everybody_up()
        for phone in self._phones:
            for leg in phone.legs.values():
                if phone.was_called(leg) and not leg.final:
                    phone.reply(leg, 487)  # else the PBX sends its INVITE again, to the next test's phone
            await phone.close()
        await self.events.close()
        await self.actions.close()

    async def _hang_everybody_up(self) -> None:
        """Leave no channel, so that the next test's desk hears of no call but its own."""
        async with asyncio.timeout(30):
            while True:
                await self.actions.ask("Hangup", Channel="/.*/")
                since = len(self.actions.events)
                await self.actions.ask("CoreShowChannels")
                told = await self.actions.until(lambda e: e["Event"] == "CoreShowChannelsComplete", since=since)
                if told["ListItems"] == "0":
                    return
                await asyncio.sleep(0.02)

    async def beat(self) -> None:
        """Write the heartbeat once; the PBX's second is this machine's."""
        self.beat_s = int(time.time())
        await self.actions.set_global("CC_BEAT", f"{INSTANCE}*{EPOCH}*1*{self.beat_s}")

    async def _keep_beating(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            if self.is_alive:
                await self.beat()

    async def agent(self, number: str, script: Script = SILENT) -> Phone:
        """Switch on the phone of an endpoint."""
        phone = await Phone.open(number, ("127.0.0.1", self.pbx.ports[number]), self.pbx.sip, script)
        self._phones.append(phone)
        return phone

    async def caller(self, number: str = "13800138000") -> Phone:
        """Switch on a caller's phone, behind the trunk."""
        phone = await Phone.open(number, ("127.0.0.2", 0), self.pbx.sip)
        self._phones.append(phone)
        return phone

    async def outside(self, script: Script = SILENT) -> Phone:
        """Switch on the outside world: where the trunk takes numbers that are dialled out."""
        phone = await Phone.open("outside", ("127.0.0.3", self.pbx.asterisk.outside_port), self.pbx.sip, script)
        self._phones.append(phone)
        return phone

    def mark(self) -> int:
        """Return a place in the stream of events; `since=` looks from there on."""
        return len(self.events.events)

    async def arrive(self, number: str = "12345", name: bytes = b"", phone: Phone | None = None) -> Call:
        """Let somebody call; return once the PBX says that he arrived."""
        since = self.mark()
        phone = phone or await self.caller()
        leg = phone.call(number, name)
        arrived = await self.events.user("CcArrived", since=since, SipCallId=leg.call_id)
        return Call(leg, arrived["Uniqueid"], arrived)

    async def arrive_in_hold(self, number: str = "12345") -> Call:
        """Let somebody call and wait until he is in hold."""
        call = await self.arrive(number)
        await self.events.user("CcHolding", Uniqueid=call.uid)
        return call

    def target(self, kind: str, number: str, ring_s: int = 5, epoch: int = EPOCH) -> str:
        """Return a new target."""
        self.offers += 1
        return f"{kind}*{number}*{epoch}-{self.offers}*{epoch}*{ring_s}"

    async def offer(self, call: Call, number: str, ring_s: int = 5, kind: str = "endpoint", label: str = "") -> str:
        """Wish and wake; return the target."""
        target = self.target(kind, number, ring_s)
        await self.actions.wish(call.uid, target, label)
        return target

    async def leg_uid(self, call: Call, since: int = 0) -> str:
        """Return the Uniqueid of the leg that this caller's dial made."""
        begun = await self.events.until(
            lambda e: e["Event"] == "DialBegin" and e.get("Uniqueid") == call.uid, since=since
        )
        return begun["DestUniqueid"]

    async def picked_up(self, call: Call, since: int = 0) -> Message:
        """Wait until the leg that this caller's dial made is answered; return the event."""
        leg = await self.leg_uid(call, since)
        return await self.events.until(
            lambda e: e["Event"] == "Newstate" and e["Uniqueid"] == leg and e["ChannelStateDesc"] == "Up", since=since
        )

    async def bridged(self, call: Call, since: int = 0) -> Message:
        """Wait until the caller talks; return the event."""
        return await self.events.until(
            lambda e: e["Event"] == "BridgeEnter" and e.get("Uniqueid") == call.uid, since=since
        )

    async def presses_1(self, outside: Phone, leg: Leg, call: Call) -> None:
        """Let whoever picked up outside press 1 until he talks: what is pressed during the question's tone is not heard."""
        since = self.mark()
        async with asyncio.timeout(20):
            while True:
                outside.press(leg, "1")
                with contextlib.suppress(TimeoutError):
                    await self.events.until(
                        lambda e: e["Event"] == "BridgeEnter" and e.get("Uniqueid") == call.uid, 0.6, since
                    )
                    return

    async def records(self, call: Call) -> None:
        """Wait until a caller's message is being recorded."""

        async def so() -> bool:
            shown = (await self.console("core show channels concise")).splitlines()
            return any(line.endswith(f"!{call.uid}") and "!VoiceMail!" in line for line in shown)

        await until(so, "the message is being recorded")

    async def console(self, command: str) -> str:
        """Run a console command."""
        return await asyncio.to_thread(self.pbx.asterisk.rx, command)

    def story(self, call: Call) -> list[str]:
        """Names of the caller's UserEvents so far."""
        return [event["UserEvent"] for event in self.events.of(call.uid)]

    async def assert_waits(self, call: Call) -> None:
        """The caller is in hold, alive, and takes a wish: nothing was lost."""
        assert not call.leg.is_ended.is_set()
        assert await self.actions.get(call.uid, "CC_PLACE") == "hold"
        since = self.mark()
        target = self.target("hold", "")
        await self.actions.wish(call.uid, target)
        await self.events.user("CcConnecting", since=since, Uniqueid=call.uid, Target=target)
        await self.events.user("CcHolding", since=since, Uniqueid=call.uid)

    async def quiet(self, name: str, for_s: float, since: int) -> bool:
        """Say whether no UserEvent of this name came within `for_s`."""
        with contextlib.suppress(TimeoutError):
            await self.events.user(name, timeout_s=for_s, since=since)
            return False
        return True
