"""`recording`: what recording a talk costs the PBX: CPU of its process for a call's talk, plain and recorded, in pairs.

So many calls talk at once, each with sound both ways (50 packets a second from either phone). Once all of them talk, the
process's own count of CPU time (user and system, all threads) is read, and again after TALK_S: the difference by the number
of calls is the price of one call's talk. Plain and recorded rounds take turns in the same run, through the same dialplan;
set-up and end of the calls are not in it, so the ratio is that of long talks. Wrong is a run in which a phone did not hear
the other, or a file is silent, or its length is not within 2 % of the ledger's talk time.
"""

import asyncio
import os
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acd.names import CallId
from callcenter.asterisk.link import AmiLink
from callcenter.bench.errors import BenchWrong
from callcenter.bench.floor import Floor
from callcenter.lab.sip_phone import SILENT, Leg, Phone
from callcenter.lab.voices import PACKET_S, Voices, has_tone, media_of, samples_of

PAIRS = 3
CALLS = 20
TALK_S = 10.0
CALLER_HZ, AGENT_HZ = 500, 900
PLAIN, RECORDED = "12345", "12346"
TOLERANCE = 0.02
HEARD = 0.5
"""Share of the packets that a phone must have received: our own socket drops some on a busy machine."""
_LINE = """[lines.recorded]
name = "录音"
name_en = "Recorded"
dids = ["12346"]
need = "general >= 1"
ring_s = 20
wrapup_s = 0
record = true
[topics]
"""


@dataclass(slots=True)
class _Round:
    """One round of calls at once."""

    cpu_ms: float
    """Of one call's talk."""
    call_ids: list[str]


class _Talks:
    """Lets so many calls talk, and measures."""

    def __init__(self, floor: Floor, agents: Phone, callers: Phone, voices: Voices, calls: int, talk_s: float) -> None:
        self.floor, self.agents, self.callers, self.voices = floor, agents, callers, voices
        self.calls, self.talk_s = calls, talk_s

    async def round(self, did: str) -> _Round:
        """Call, talk, measure, hang up."""
        legs = [self.callers.call(did) for _ in range(self.calls)]
        rung, ears = [], []
        for _ in legs:
            rung.append(await self.agents.next_call(20))
            ears.append(media_of(rung[-1].request))
            self.agents.reply(rung[-1], 200)
            self.voices.speak(ears[-1], AGENT_HZ)  # from the answer on, as phones do: what nobody says is not written
        for leg in legs:
            await leg.wait_for(200, 20)
            ears.append(media_of(_sdp(leg)))
            self.voices.speak(ears[-1], CALLER_HZ)
        await asyncio.sleep(1.0)
        before, heard = self._cpu_ms(), dict(self.voices.heard)
        await asyncio.sleep(self.talk_s)
        cpu_ms = (self._cpu_ms() - before) / self.calls
        deaf = [ear for ear in ears if self.voices.heard[ear] - heard.get(ear, 0) < HEARD * self.talk_s / PACKET_S]
        for ear in ears:
            self.voices.hush(ear)
        for leg in legs:
            self.callers.hang_up(leg)
        for leg in rung:
            await asyncio.wait_for(leg.is_ended.wait(), 10)
        if deaf:
            raise BenchWrong(f"{len(deaf)} of {len(ears)} phones did not hear the other: {self.floor.site.log_tail(5)}")
        return _Round(cpu_ms, [leg.call_id for leg in legs])

    def _cpu_ms(self) -> float:
        """CPU time of the PBX's process so far."""
        fields = Path(f"/proc/{self.floor.pbx.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def _sdp(leg: Leg) -> str:
    return next(message for message in leg.messages if "m=audio" in message)


async def _files(floor: Floor, call_ids: set[str]) -> list[tuple[Path, int]]:
    """Return file and talk time of each of these calls, once all were looked at. Raises BenchWrong."""
    async with floor.site.ledger() as ledger:
        for _ in range(100):
            rows = {row["uniqueid"]: row for row in await ledger.calls(0, 2**53) if row["sip_call_id"] in call_ids}
            unseen = {row["uniqueid"] for row in await ledger.unjudged_recordings(floor.pbx.systemname)}
            if len(rows) == len(call_ids) and all(r["ended_ms"] for r in rows.values()) and not unseen & set(rows):
                break
            await asyncio.sleep(0.1)
        found = []
        for uniqueid, row in rows.items():
            files = await ledger.children("recordings", CallId(row["pbx"], uniqueid))
            if len(files) != 1 or files[0]["status"] != "kept":
                raise BenchWrong(f"call {uniqueid} has no sound file: {files}")
            found.append((floor.pbx.recordings / files[0]["path"], int(row["talk_ms"])))
    if len(found) != len(call_ids):
        raise BenchWrong(f"the ledger knows {len(found)} of {len(call_ids)} recorded calls")
    return found


def _judge(path: Path, talk_ms: int) -> None:
    """Raise BenchWrong for a file that is silent or has not the talk's length."""
    samples = samples_of(path)
    length_ms = len(samples) / 8
    if abs(length_ms - talk_ms) > TOLERANCE * talk_ms:
        raise BenchWrong(f"{path.name} is {length_ms:.0f} ms long, its talk {talk_ms} ms")
    if not (has_tone(samples[-16000:], CALLER_HZ) and has_tone(samples[-16000:], AGENT_HZ)):
        raise BenchWrong(f"{path.name} does not hold both voices")


async def _ready(floor: Floor, link: AmiLink, seats: int) -> None:
    await link.wait_up(5)
    await floor.log_in_everybody(link)
    for _ in range(100):
        if floor.site.status()["engine"]["agents"]["ready"] == seats:
            return
        await asyncio.sleep(0.05)
    raise BenchWrong(f"not all agents are ready: {floor.site.log_tail(5)}")


async def measure(pairs: int, calls: int = CALLS, talk_s: float = TALK_S) -> dict[str, Any]:
    """Run so many pairs of rounds."""
    floor = Floor(calls)
    floor.site.plan_text = floor.site.plan_text.replace("[topics]\n", _LINE)
    plain: list[float] = []
    recorded: list[float] = []
    call_ids: set[str] = set()
    async with floor.open(SILENT) as agents, floor.link() as link:
        await _ready(floor, link, calls)
        callers = await Phone.open("13900000001", ("127.0.0.2", 0), floor.sip)
        voices = await Voices().open()
        talks = _Talks(floor, agents, callers, voices, calls, talk_s)
        try:
            for _ in range(pairs):
                plain.append((await talks.round(PLAIN)).cpu_ms)
                one = await talks.round(RECORDED)
                recorded.append(one.cpu_ms)
                call_ids |= set(one.call_ids)
            for path, talk_ms in await _files(floor, call_ids):
                await asyncio.to_thread(_judge, path, talk_ms)
        finally:
            await voices.close()
            await callers.close()
    ratio = statistics.median(recorded) / statistics.median(plain)
    return {
        "name": "recording",
        "cpu_ms_plain": round(statistics.median(plain), 1),
        "cpu_ms_recorded": round(statistics.median(recorded), 1),
        "ratio": round(ratio, 2),
        "pairs": pairs,
        "calls": calls,
        "talk_s": talk_s,
    }


def run() -> dict[str, Any]:
    """Measure the long form."""
    return asyncio.run(measure(PAIRS))
