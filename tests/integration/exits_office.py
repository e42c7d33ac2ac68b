"""The office with a line for each way out: every reason with every destination, and callers who can hear and speak.

Lines are named `<reason>-<destination>`. Sounds named in the plan are tones, so that what a caller heard can be told from
his own packets; prompts that the plan does not name are looked up in Asterisk's log.
"""

import asyncio
import signal
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from acd.names import CallId, RejectReason
from callcenter.lab.loader import hand_over
from callcenter.lab.pbx import Asterisk
from callcenter.lab.ports import free_port
from callcenter.lab.sip_phone import Leg, Phone, Script, answers, endpoints
from callcenter.lab.site import Seat, Site
from callcenter.lab.tones import write_tune
from callcenter.lab.voices import Address, Voices, has_tone, media_of
from callcenter.witness.calls import DeviceUse
from callcenter.witness.cel import read_cel
from config.plan import parse_plan
from tests.integration.office import SEATS, Building, Office, Row, until

ZONE = "Asia/Shanghai"
OUTSIDE = "02584001234"
NUMBERS = {reason: 20 + position for position, reason in enumerate(RejectReason)}
TOLD = 25.0
"""Seconds within which the ledger has a call that ended, on a busy machine."""
TONES_HZ = {"moved": 600, "box": 700, "out": 800, "refused": 900}
"""Sound `own/<name>` -> its pitch."""
DESTINATIONS = {
    "refused": "{ reject = true }",
    "refused_own": '{ reject = true, prompt = "own/refused" }',
    "out": f'{{ number = "{OUTSIDE}" }}',
    "out_own": f'{{ number = "{OUTSIDE}", prompt = "own/out" }}',
    "box": '{ voicemail = "100" }',
    "box_own": '{ voicemail = "100", prompt = "own/box" }',
    "line": '{ line = "general" }',
    "line_own": '{ line = "general", prompt = "own/moved" }',
    "line_silent": '{ line = "general", prompt = "own/not-there" }',
    "no_box": '{ voicemail = "999" }',
    "no_disk": '{ voicemail = "101" }',
    "line_recorded": '{ line = "recorded", prompt = "own/refused" }',
    "line_long": '{ line = "general", prompt = "own/long" }',
}
_KEYS = {
    "busy": "on_full",
    "full": "on_full",
    "closed": "on_closed",
    "max_wait": "on_max_wait",
    "no_agent": "on_no_agent",
}
_LIMITS = {
    "busy": 'need = "special >= 1"\nmax_waiting = 0',
    "full": 'need = "special >= 1"\nmax_waiting = 1',
    "closed": 'need = "special >= 1"\nhours = "Mon-Sun 00:00-24:00"',
    "max_wait": 'need = "special >= 1"\nmax_wait_s = 1.5',
    "no_agent": 'need = "tax >= 1"',
}
_HEAD = f"""
default_line = "general"
zone = "{ZONE}"
[lines.general]
name = "群众诉求"
name_en = "General"
dids = ["12345"]
need = "general >= 1"
ring_s = 5
wrapup_s = 0
[lines.worked]
name = "调休"
name_en = "Worked instead"
dids = ["12399"]
need = "general >= 1"
wrapup_s = 0
HOURS_OF_ANOTHER_DAY
[lines.recorded]
name = "录音"
name_en = "Recorded"
dids = ["12398"]
need = "general >= 1"
wrapup_s = 0
record = true
notice = "own/moved"
[not_ready_reasons]
1 = "break"
"""


def did_of(reason: str, destination: str) -> str:
    """The number that reaches a line."""
    return f"{NUMBERS[RejectReason(reason)]}{list(DESTINATIONS).index(destination):02d}"


def plan_text() -> str:
    """The plan: today and tomorrow (a run may pass midnight) are a holiday for lines `closed-...`, and a day that is
    worked instead for the line `worked`, whose own hours are on the weekday before yesterday."""
    today = datetime.now(ZoneInfo(ZONE)).date()
    another = (today - timedelta(days=2)).strftime("%a")
    text = _HEAD.replace("HOURS_OF_ANOTHER_DAY", f'hours = "{another} 00:00-24:00"')
    closed = [f"closed-{destination}" for destination in DESTINATIONS]
    for day in (today, today + timedelta(days=1)):
        text += f"[[exceptions]]\ndate = {day}\nlines = {closed}\n"
        text += f'[[exceptions]]\ndate = {day}\nhours = "00:00-24:00"\nlines = ["worked"]\n'
    for reason in RejectReason:
        for destination, to in DESTINATIONS.items():
            text += (
                f'[lines.{reason}-{destination}]\nname = "{reason} {destination}"\nname_en = "{reason}"\n'
                f'dids = ["{did_of(reason, destination)}"]\nwrapup_s = 0\n{_LIMITS[reason]}\n{_KEYS[reason]} = {to}\n'
            )
    return text


_SKILLS = {"8001": {"general": 2}, "8002": {"general": 1}, "8003": {"special": 1}, "8009": {"tax": 1}}


class ExitsBuilding(Building):
    """Site and scripted phones; `own/...` are tones of a second."""

    def __init__(self) -> None:
        self.ports = {number: free_port(socket.SOCK_DGRAM) for number in SEATS}
        phones = endpoints(self.ports)
        verbose = "\n[logfiles](+)\nfull => notice,warning,error,verbose(9)\n"
        seats = [Seat(number, f"话务员{number}", skills) for number, skills in _SKILLS.items()]
        text = plan_text() + "".join(seat.toml() for seat in seats)
        lines = tuple(parse_plan(text, "the exits' plan").plan.lines)
        pbx = Asterisk(lines=lines, mailboxes=("100", "101"), extra={"pjsip.conf": phones, "logger.conf": verbose})
        self.site = Site(plan_text(), seats, (), pbx=pbx)

    async def open(self) -> "ExitsBuilding":
        """Start everything, with sounds and a log that tells each step of the dialplan."""
        await super().open()
        pbx = self.site.pbx
        (pbx.sounds / "own").mkdir()
        for name, hz in TONES_HZ.items():
            write_tune(pbx.sounds / "own" / f"{name}.wav", (float(hz),), note_s=1.0)
        write_tune(pbx.sounds / "own" / "long.wav", (500.0,), note_s=8.0)
        (pbx.sounds / "own").chmod(0o755)
        boxes = pbx.folder / "spool" / "voicemail" / "callcenter"
        boxes.mkdir(parents=True)
        (boxes / "101").touch()  # no folder can be made here: no message of this box can be kept
        hand_over(boxes.parent)
        await asyncio.to_thread(pbx.rx, "core set verbose 9")
        return self


@dataclass(slots=True)
class Caller:
    """A caller on his phone."""

    phone: Phone
    leg: Leg
    media: Address
    """Where Asterisk listens to him."""

    def hang_up(self) -> None:
        """End the call."""
        self.phone.hang_up(self.leg)


class ExitsOffice(Office):
    """One test's view."""

    async def outside(self, script: Script | None = None) -> Phone:
        """The world that the trunk leads to."""
        at = ("127.0.0.3", self.site.pbx.outside_port)
        phone = await Phone.open("outside", at, self.sip, script or answers(0.05))
        self._callers.append(phone)
        return phone

    async def dial(self, voices: Voices, did: str, number: str = "13800000001") -> Caller:
        """Let somebody call; he hears from his first sound on."""
        phone = await self.caller(number)
        leg = phone.call(did)
        async with asyncio.timeout(15):
            while not (told := [message for message in leg.messages if "m=audio" in message]):
                leg.news.clear()
                await leg.news.wait()
        media = media_of(told[-1])
        voices.speak(media, 0)
        return Caller(phone, leg, media)

    async def until_waiting(self, line: str, count: int) -> None:
        """Wait until so many callers wait in a line."""

        async def so() -> bool:
            engine = (await self.status())["engine"]
            return engine is not None and bool(engine["waiting"][line] == count)

        try:
            await until(so, f"{count} wait in {line}", TOLD)
        except AssertionError as error:
            raise AssertionError(f"{error}: {await self.status()}") from error

    async def until_spoken(self, seconds: float) -> None:
        """Wait until a message that is being recorded is so long."""
        boxes = self.site.pbx.folder / "spool" / "voicemail" / "callcenter" / "100" / "tmp"

        async def so() -> bool:
            return any(path.stat().st_size > seconds * 16000 for path in boxes.glob("*.wav"))

        await until(so, f"{seconds:g} s are spoken", TOLD)

    async def until_in_queue(self, queue: str) -> None:
        """Wait until the fallback queue has a caller: the service's heartbeat is stale."""

        async def so() -> bool:
            return "trunk-" in await asyncio.to_thread(self.site.pbx.rx, f"queue show {queue}")

        await until(so, f"a caller in {queue}", 25)

    async def until_channel(self, context: str) -> None:
        """Wait until a channel stands in a context."""

        async def so() -> bool:
            return f"!{context}!" in await asyncio.to_thread(self.site.pbx.rx, "core show channels concise")

        await until(so, f"a channel in {context}", TOLD)

    async def site_reloads(self, text: str) -> None:
        """Put another plan in force."""
        before = (await self.status())["plan"]
        self.site.write_plan(text)
        process = self.site.process
        assert process is not None
        process.send_signal(signal.SIGHUP)

        async def so() -> bool:
            return bool((await self.status())["plan"] != before)

        await until(so, "the new plan is in force", TOLD)

    async def children(self, table: str, row: Row) -> list[Row]:
        """Rows of evidence of a call."""
        async with self.site.ledger() as ledger:
            return await ledger.children(table, CallId(row["pbx"], row["uniqueid"]))

    async def until_open(self, leg: Leg, holds: Any, what: str) -> Row:
        """Wait until the ledger's row of a call that goes on is as it should be."""

        async def found() -> Row | None:
            row = next((row for row in await self.rows() if row["sip_call_id"] == leg.call_id), None)
            return row if row is not None and holds(row) else None

        return await until(found, what, TOLD)

    def agree(self, rows: list[Row]) -> None:
        """Assert that CEL tells these calls as the ledger does."""
        self.agree_with_cel(rows, [DeviceUse(phone, agent) for phone, agent in SEATS.items()])

    def played_to(self, row: Row) -> list[str]:
        """Sounds that the dialplan played to a caller, by Asterisk's own log, in order."""
        own = f"{row['uniqueid']}"
        full = (self.site.pbx.folder / "log" / "full").read_text(encoding="utf-8", errors="replace").splitlines()
        channel = next(
            one.channel
            for one in read_cel(self.site.pbx.cel_file).rows
            if one.uniqueid == own and one.kind.value == "CHAN_START"
        )
        calls = [line for line in full if f'Playback("{channel}"' in line]
        return [line.split(f'Playback("{channel}", "', 1)[1].split(",")[0].split('"')[0] for line in calls]


def hears(voices: Voices, caller: Caller, name: str) -> bool:
    """Whether a sound of ours reached him."""
    return has_tone(voices.samples_from(caller.media), TONES_HZ[name])
