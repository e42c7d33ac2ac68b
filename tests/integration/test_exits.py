"""Exits of a line with the real service on a real PBX: each reason with each destination.

All ways are called at once, in one fixture; what came of each is then judged by a test of its own: the ledger, what the
caller heard, the file on the disk, and Asterisk's CEL. What must come out stands in the tables.
"""

import asyncio
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from acd.names import RejectReason
from callcenter.lab.sip_phone import answers, says
from callcenter.lab.voices import Voices, has_tone, samples_of
from tests.integration.exits_office import (
    DESTINATIONS,
    TOLD,
    TONES_HZ,
    Caller,
    ExitsBuilding,
    ExitsOffice,
    did_of,
    hears,
)
from tests.integration.office import Row, at_once, until

pytestmark = pytest.mark.pbx
BUILDING = ExitsBuilding
OFFICE = ExitsOffice

SPEAKS_HZ, SPEAKS_S = 1200, 3.0
GAP_S = 0.1
TONED = 5
"""Of the callers who leave a message, how many hear the tone of 0.4 s on the busiest machine: half of them."""
OUTCOME = {
    "refused": "rejected",
    "refused_own": "rejected",
    "out": "overflowed_out",
    "out_own": "overflowed_out",
    "box": "voicemail",
    "box_own": "voicemail",
    "line": "agent_answered",
    "line_own": "agent_answered",
    "line_silent": "agent_answered",
    "no_box": "rejected",
    "no_disk": "rejected",
}
WAYS = [(str(reason), destination) for reason in RejectReason for destination in DESTINATIONS if destination in OUTCOME]
PROMPT = {"refused_own": "refused", "out_own": "out", "box_own": "box", "line_own": "moved"}
"""Destination -> the plan's own sound, by its tone."""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one call."""

    row: Row
    recordings: list[Row]
    placements: list[Row]
    heard: bool
    """The plan's own sound of this way reached him."""
    played: list[str]
    ended_by: str
    toned: bool
    """He heard the tone behind which one speaks."""
    spoke_ms: int
    """From the beginning of the recording to the end of his message, by his own clock: a busy machine makes it longer than meant. 0: no message."""


class Everybody:
    """All ways at once."""

    def __init__(self, office: ExitsOffice, voices: Voices) -> None:
        self.office, self.voices = office, voices
        self.spoke: dict[tuple[str, str], float] = {}
        """Way -> seconds of message."""

    async def run(self) -> dict[tuple[str, str], Told]:
        """Call every line; those that are full have one who waits already."""
        for number in ("1001", "1002"):
            await self.office.ready(number, answers(0.05))
        await self.office.outside(answers(0.3))
        before = []
        for _, destination in (way for way in WAYS if way[0] == "full"):
            phone = await self.office.caller("13800000009")
            before.append((phone, phone.call(did_of("full", destination))))
        for _, leg in before:
            await leg.wait_for(200, 20)
        callers = await asyncio.gather(*(self.call(way, turn) for turn, way in enumerate(WAYS)))
        told = {way: await self.told(way, caller) for way, caller in zip(WAYS, callers, strict=True)}
        for phone, leg in before:
            phone.hang_up(leg)
        return told

    async def call(self, way: tuple[str, str], turn: int) -> Caller:
        """Call, and see it to its end. Callers come one after the other, so that the two witnesses' clocks keep up."""
        await asyncio.sleep(turn * GAP_S)
        caller = await self.office.dial(self.voices, did_of(*way))
        await self.live(way, caller)
        return caller

    async def live(self, way: tuple[str, str], caller: Caller) -> None:
        """Do what a caller does at this destination, until his call is over."""
        outcome = OUTCOME[way[1]]
        if outcome == "voicemail":
            began = await self.is_recorded(caller)
            self.voices.speak(caller.media, SPEAKS_HZ)
            await asyncio.sleep(SPEAKS_S)
            self.voices.hush(caller.media)
            if way[1] == "box":
                caller.phone.press(caller.leg, "#")
            else:
                caller.hang_up()
            self.spoke[way] = asyncio.get_running_loop().time() - began
        elif outcome == "agent_answered":
            await self.office.until_open(caller.leg, lambda row: row["answered_ms"], f"{way} is answered")
            caller.hang_up()
        elif outcome == "overflowed_out":
            await self.office.until_open(caller.leg, lambda row: row["left_ms"], f"{way} is sent outside")
            await caller.leg.wait_for(200, TOLD)
            await asyncio.sleep(0.5)
            caller.hang_up()
        await asyncio.wait_for(caller.leg.is_ended.wait(), 25)

    async def is_recorded(self, caller: Caller) -> float:
        """Wait until he may speak: the PBX records him. Return when it did, loop seconds.

        The tone before it tells him so, but a PBX that stood still for its 0.4 s has played none: `TONED`.
        """
        row = await self.office.until_open(caller.leg, lambda row: row["left_ms"], "he is sent to the box")

        async def so() -> bool:
            shown = (await asyncio.to_thread(self.office.site.pbx.rx, "core show channels concise")).splitlines()
            return any(line.endswith(f"!{row['uniqueid']}") and "!VoiceMail!" in line for line in shown)

        await until(so, "his message is recorded", TOLD)
        return asyncio.get_running_loop().time()

    async def told(self, way: tuple[str, str], caller: Caller) -> Told:
        row = await self.office.row(caller.leg, TOLD)
        return Told(
            row,
            await self.office.children("recordings", row),
            sorted(await self.office.children("placements", row), key=lambda one: int(one["at_ms"])),
            way[1] in PROMPT and hears(self.voices, caller, PROMPT[way[1]]),
            self.office.played_to(row),
            caller.leg.ended_by,
            has_tone(self.voices.samples_from(caller.media), 1000),
            round(self.spoke.get(way, 0.0) * 1000),
        )


@pytest.fixture(scope="module")
def calls(building: ExitsBuilding) -> dict[tuple[str, str], Told]:
    async def all_of_them() -> dict[tuple[str, str], Told]:
        office = ExitsOffice(building)
        voices = await Voices(keeps=True).open("127.0.0.2")
        try:
            return await Everybody(office, voices).run()
        finally:
            await voices.close()
            await office.close()

    return at_once(all_of_them)


@pytest.fixture
async def voices() -> AsyncIterator[Voices]:
    voices = await Voices(keeps=True).open("127.0.0.2")
    yield voices
    await voices.close()


@pytest.mark.parametrize(("reason", "destination"), WAYS)
def test_way_out_has_its_outcome_and_reason(calls: dict[tuple[str, str], Told], reason: str, destination: str) -> None:
    row = calls[reason, destination].row
    outcome = OUTCOME[destination]
    said = {
        "rejected": (reason, ""),
        "overflowed_out": ("", reason),
        "voicemail": ("", reason),
        "agent_answered": ("", ""),
    }[outcome]
    assert (row["outcome"], row["outcome_reason"], row["end_detail"]) == (outcome, *said)
    assert row["line_code"] == f"{reason}-{destination}"


@pytest.mark.parametrize(("reason", "destination"), [way for way in WAYS if way[1] in PROMPT])
def test_plans_own_sound_reaches_the_caller(calls: dict[tuple[str, str], Told], reason: str, destination: str) -> None:
    assert calls[reason, destination].heard


@pytest.mark.parametrize(
    ("reason", "destination", "prompt"),
    [
        *((str(reason), "refused", f"callcenter/reject-{reason}") for reason in RejectReason),
        *((str(reason), "no_box", f"callcenter/reject-{reason}") for reason in RejectReason),
        *((str(reason), "out", "callcenter/exit-out") for reason in RejectReason),
        *((str(reason), "box", "callcenter/exit-voicemail") for reason in RejectReason),
    ],
)
def test_prompt_of_the_exit_is_played_where_the_plan_names_none(
    calls: dict[tuple[str, str], Told], reason: str, destination: str, prompt: str
) -> None:
    assert calls[reason, destination].played[0] == prompt


@pytest.mark.parametrize("reason", RejectReason)
def test_message_cannot_be_kept_he_hears_the_refusal(calls: dict[tuple[str, str], Told], reason: RejectReason) -> None:
    told = calls[reason, "no_disk"]
    assert told.played == ["callcenter/exit-voicemail", f"callcenter/reject-{reason}"]
    assert told.recordings == []


@pytest.mark.parametrize("reason", RejectReason)
def test_another_line_without_a_prompt_plays_nothing_and_a_sound_that_is_missing_only_delays(
    calls: dict[tuple[str, str], Told], reason: RejectReason
) -> None:
    assert calls[reason, "line"].played == []
    assert calls[reason, "line_silent"].played == ["own/not-there"]
    for destination in ("line", "line_own", "line_silent"):
        told = calls[reason, destination]
        assert [one["line"] for one in told.placements] == [f"{reason}-{destination}", "general"]


@pytest.mark.parametrize(("reason", "destination"), [way for way in WAYS if OUTCOME[way[1]] == "voicemail"])
def test_message_is_a_file_whose_length_is_what_was_spoken(
    building: ExitsBuilding, calls: dict[tuple[str, str], Told], reason: str, destination: str
) -> None:
    told = calls[reason, destination]
    (recording,) = told.recordings
    path = building.site.pbx.folder / "spool" / recording["path"]
    with wave.open(str(path), "rb") as message:
        length_ms = message.getnframes() * 1000 // message.getframerate()

    assert recording["kind"] == "voicemail"
    assert recording["closed_ms"] - recording["opened_ms"] == recording["length_ms"] == length_ms
    assert abs(length_ms - told.spoke_ms) <= 1500
    assert recording["size"] == path.stat().st_size
    assert has_tone(samples_of(path), SPEAKS_HZ)
    assert told.ended_by == ("peer" if destination == "box" else "self")


def test_most_callers_hear_the_tone_behind_which_they_speak(calls: dict[tuple[str, str], Told]) -> None:
    toned = [told.toned for way, told in calls.items() if OUTCOME[way[1]] == "voicemail"]
    assert sum(toned) >= TONED, toned


def test_cel_tells_each_call_as_the_ledger_does(building: ExitsBuilding, calls: dict[tuple[str, str], Told]) -> None:
    ExitsOffice(building).agree([told.row for told in calls.values()])


# one by one -------------------------------------------------------------------------------------------------------------


async def children_of(office: ExitsOffice, caller: Caller) -> tuple[Row, list[Row]]:
    """Row and recordings of a call that has ended; CEL has agreed."""
    row = await office.row(caller.leg, TOLD)
    office.agree([row])
    return row, await office.children("recordings", row)


async def test_outside_number_is_busy_caller_is_refused_with_the_reason(office: ExitsOffice, voices: Voices) -> None:
    await office.outside(says(486))
    caller = await office.dial(voices, did_of("closed", "out"))
    await asyncio.wait_for(caller.leg.is_ended.wait(), 20)
    row, _ = await children_of(office, caller)

    assert (row["outcome"], row["outcome_reason"], row["left_ms"]) == ("rejected", "closed", None)
    assert office.played_to(row) == ["callcenter/exit-out", "callcenter/reject-closed"]


async def test_caller_hangs_up_before_he_has_spoken_he_is_abandoned_and_no_file_is_left(
    office: ExitsOffice, voices: Voices
) -> None:
    caller = await office.dial(voices, did_of("closed", "box_own"))
    await office.until_open(caller.leg, lambda row: row["left_ms"], "he is sent to the box")
    caller.hang_up()
    row, recordings = await children_of(office, caller)

    assert (row["outcome"], row["outcome_reason"], recordings, row["left_ms"]) == ("abandoned_queue", "", [], None)
    assert row["wait_ms"] == row["ended_ms"] - row["arrived_ms"]


async def test_caller_says_nothing_and_presses_hash_he_hears_the_refusal(office: ExitsOffice, voices: Voices) -> None:
    caller = await office.dial(voices, did_of("closed", "box"))
    voices.hush(caller.media)
    await asyncio.sleep(1.5)
    caller.phone.press(caller.leg, "#")
    await asyncio.wait_for(caller.leg.is_ended.wait(), 20)
    row, recordings = await children_of(office, caller)

    assert (row["outcome"], row["outcome_reason"], recordings) == ("rejected", "closed", [])
    assert office.played_to(row) == ["callcenter/exit-voicemail", "callcenter/reject-closed"]


async def test_day_worked_instead_is_open_though_its_weekday_is_not(office: ExitsOffice, voices: Voices) -> None:
    await office.ready("1001")
    caller = await office.dial(voices, "12399")
    await office.until_open(caller.leg, lambda row: row["answered_ms"], "he is answered")
    caller.hang_up()
    row, _ = await children_of(office, caller)

    assert (row["outcome"], row["line_code"], row["agent"]) == ("agent_answered", "worked", "8001")


async def test_line_closes_while_callers_wait_they_are_served_and_new_ones_are_refused(
    office: ExitsOffice, voices: Voices
) -> None:
    old = office.site.plan_text
    waiting = await office.dial(voices, "12399")
    await office.site_reloads(old.replace('hours = "00:00-24:00"\nlines = ["worked"]', 'lines = ["worked"]'))
    try:
        late = await office.dial(voices, "12399")
        await asyncio.wait_for(late.leg.is_ended.wait(), 20)
        late_row, _ = await children_of(office, late)
        await office.ready("1001")
        await office.until_open(waiting.leg, lambda row: row["answered_ms"], "who waited is answered")
        waiting.hang_up()
        row, _ = await children_of(office, waiting)
    finally:
        await office.site_reloads(old)

    assert (late_row["outcome"], late_row["outcome_reason"]) == ("rejected", "closed")
    assert row["outcome"] == "agent_answered"


async def test_service_killed_while_he_waits_in_the_next_line_he_stays_in_it_fallback_and_restart_alike(
    office: ExitsOffice, voices: Voices
) -> None:
    caller = await office.dial(voices, did_of("closed", "line"))
    await office.until_waiting("general", 1)
    office.site.kill_service()
    await office.until_in_queue("callcenter-general")
    await office.site.start_service()
    await office.until_waiting("general", 1)
    await office.ready("1001")
    await office.until_open(caller.leg, lambda row: row["answered_ms"], "he is answered")
    caller.hang_up()
    row, _ = await children_of(office, caller)
    (offer,) = await office.offers(row)

    assert (row["outcome"], row["via"], row["line_code"]) == ("agent_answered", "engine", "closed-line")
    assert (offer["line"], offer["agent"]) == ("general", "8001")


async def test_service_killed_while_he_hears_the_prompt_he_is_queued_in_the_next_line(
    office: ExitsOffice, voices: Voices
) -> None:
    caller = await office.dial(voices, did_of("closed", "line_long"))
    await office.until_channel("callcenter-announce")
    office.site.kill_service()
    await office.site.start_service()
    await office.ready("1001")
    await office.until_open(caller.leg, lambda row: row["answered_ms"], "he is answered")
    caller.hang_up()
    row, _ = await children_of(office, caller)

    assert (row["outcome"], [one["line"] for one in await office.offers(row)]) == ("agent_answered", ["general"])
    assert row["answered_ms"] - row["arrived_ms"] > 7500, "when the prompt of 8 s was over"


async def test_service_killed_while_he_speaks_to_voicemail_the_message_and_its_reason_are_on_record(
    office: ExitsOffice, voices: Voices
) -> None:
    caller = await office.dial(voices, did_of("closed", "box"))
    voices.speak(caller.media, SPEAKS_HZ)
    await office.until_open(caller.leg, lambda row: row["left_ms"], "he is sent to the box")
    office.site.kill_service()
    await office.site.start_service()
    await office.until_spoken(2.0)
    caller.hang_up()
    row, recordings = await children_of(office, caller)

    assert (row["outcome"], row["end_detail"], len(recordings)) == ("voicemail", "closed", 1)


async def test_service_is_away_when_the_message_ends_it_is_read_from_cel(office: ExitsOffice, voices: Voices) -> None:
    caller = await office.dial(voices, did_of("closed", "box"))
    voices.speak(caller.media, SPEAKS_HZ)
    await office.until_open(caller.leg, lambda row: row["left_ms"], "he is sent to the box")
    office.site.kill_service()
    await office.until_spoken(2.0)
    caller.hang_up()
    await asyncio.wait_for(caller.leg.is_ended.wait(), 20)
    await office.site.start_service()
    row = await office.until_open(caller.leg, lambda row: row["outcome"], "CEL has told")
    (recording,) = await office.children("recordings", row)
    office.agree([row])

    assert (row["outcome"], recording["kind"]) == ("voicemail", "voicemail")
    assert recording["length_ms"] >= 2000


async def test_next_line_records_he_hears_the_prompt_and_its_notice_before_anybody_is_rung(
    office: ExitsOffice, voices: Voices
) -> None:
    agent = await office.ready("1001")
    caller = await office.dial(voices, did_of("closed", "line_recorded"))
    await agent.next_call(20)
    samples = voices.samples_from(caller.media)
    await office.until_open(caller.leg, lambda row: row["answered_ms"], "he is answered")
    caller.hang_up()
    row, _ = await children_of(office, caller)

    assert office.played_to(row) == ["own/refused&own/moved"]
    assert has_tone(samples, TONES_HZ["refused"])
    assert has_tone(samples, TONES_HZ["moved"])
    assert row["answered_ms"] - row["arrived_ms"] >= 2000, "two sounds of a second"
