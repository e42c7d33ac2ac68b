"""An office whose lines are recorded or rated, and talks in it with sound on both sides."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from acd.names import CallId
from callcenter.lab.sip_phone import RINGS_ONLY, Leg, Phone
from callcenter.lab.voices import Address, Voices, media_of
from tests.integration.office import Building, Office, Row, until

CALLER_HZ, AGENT_HZ, SECRET_HZ, SPECIALIST_HZ = 500, 900, 1700, 1300
RECORDED, RATED, NOTICED = "12345", "12348", "12346"
"""Dialled numbers of the line that is recorded, of the one that asks for a rating, and of the one with a notice."""


_LINES = {
    "[lines.general]": "record = true",
    "[lines.special]": 'record = true\nnotice = "callcenter/notice-recorded"',
    "[lines.tax]": "rating = true",
}
_SPECIALIST = """
[topics]
01 = "税务"
[[specialists]]
number = "1003"
name = "孙税务"
topics = ["01"]
"""


def recorded_building() -> Building:
    """Return the office of the service's tests, its lines recorded, noticed and rated, with one specialist; not started."""
    building = Building()
    site = building.site
    for line, more in _LINES.items():
        site.plan_text = site.plan_text.replace(line, f"{line}\n{more}")
    site.plan_text = site.plan_text.replace("general = 1 }", "general = 1, tax = 1, special = 1 }")
    site.plan_text = site.plan_text.replace("[lines.general]", f"{_SPECIALIST}[lines.general]")
    return building


@dataclass(slots=True)
class Talk:
    """A caller and an agent who talk, each with a tone of his own."""

    office: Office
    voices: Voices
    caller: Phone
    caller_leg: Leg
    agent: Phone
    agent_leg: Leg

    @property
    def caller_media(self) -> Address:
        """Where Asterisk hears the caller."""
        return media_of(next(message for message in self.caller_leg.messages if "m=audio" in message))

    async def row(self) -> Row:
        """The ledger's row, once the call has ended."""
        return await self.office.row(self.caller_leg)

    async def recordings(self) -> list[Row]:
        """The call's sound files in the ledger; waits until each was looked at."""
        row = await self.row()

        async def looked_at() -> list[Row] | None:
            rows = await children(self.office, "recordings", row)
            return rows if rows and all(one["status"] for one in rows) else None

        return await until(looked_at, "the sound file was looked at")

    def file(self, recording: Row) -> Path:
        """Where a sound file lies."""
        return self.office.site.pbx.recordings / str(recording["path"])


async def children(office: Office, table: str, row: Row) -> list[Row]:
    """Rows of a call in a table of the ledger."""
    async with office.site.ledger() as ledger:
        return await ledger.children(table, CallId(row["pbx"], row["uniqueid"]))


async def talking(office: Office, voices: Voices, did: str, phone: str = "1002", number: str = "13800000021") -> Talk:
    """Let somebody call and an agent take the call; both speak, the agent from his answer on, as phones do."""
    agent = await office.ready(phone, RINGS_ONLY)
    caller = await office.caller(number)
    leg = caller.call(did)
    agent_leg = await agent.next_call(10)
    agent.reply(agent_leg, 200)
    voices.speak(media_of(agent_leg.request), AGENT_HZ)
    await leg.wait_for(200, 20)
    talk = Talk(office, voices, caller, leg, agent, agent_leg)
    voices.speak(talk.caller_media, CALLER_HZ)

    async def talks() -> bool:
        agents = (await office.status())["agents"]
        return any(one["device"] == phone and one["presence"] == "talking" for one in agents)

    await until(talks, f"{phone} talks")
    return talk


async def voices_of_a_test() -> AsyncIterator[Voices]:
    """The sound of one test's phones."""
    voices = await Voices().open()
    yield voices
    await voices.close()


async def heard(seconds: float) -> None:
    """Let them talk for a while: what is measured is time itself."""
    await asyncio.sleep(seconds)
