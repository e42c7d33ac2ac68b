"""Recorded calls with the running service on a real PBX: what is in the file, what the ledger says of it, what goes wrong."""

import asyncio
import hashlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from callcenter.lab.sip_phone import RINGS_ONLY, answers
from callcenter.lab.voices import Voices, has_tone, media_of, samples_of
from tests.integration.office import STALE_S, Building, Office, Row, until
from tests.integration.recorded_office import (
    AGENT_HZ,
    CALLER_HZ,
    NOTICED,
    RECORDED,
    SECRET_HZ,
    SPECIALIST_HZ,
    Talk,
    children,
    heard,
    recorded_building,
    talking,
    voices_of_a_test,
)
from tests.integration.stalls import least

pytestmark = pytest.mark.pbx
BUILDING = recorded_building
EDGES_MS = 180
"""Begin, pause, go on: MixMonitor takes up to 60 ms for each."""
voices = pytest.fixture(voices_of_a_test)


async def failures(office: Office) -> float:
    return (await office.samples())["callcenter_recording_failures_total"][()]


async def test_recorded_call_one_file_of_the_talks_length_with_both_voices_its_hash_in_the_ledger(
    office: Office, voices: Voices
) -> None:
    async def call() -> float:
        talk = await talking(office, voices, RECORDED)
        await heard(4.0)
        talk.agent.hang_up(talk.agent_leg)
        row = await talk.row()
        (recording,) = await talk.recordings()
        data = talk.file(recording).read_bytes()
        assert recording["path"].endswith(f"/{row['uniqueid']}.wav")
        assert (recording["status"], recording["kind"], recording["pauses"]) == ("kept", "talk", 0)
        assert (recording["size"], recording["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        samples = samples_of(talk.file(recording))
        assert has_tone(samples, CALLER_HZ)
        assert has_tone(samples, AGENT_HZ)
        assert (await office.samples())["callcenter_recordings_total"][("kept",)] >= 1
        return float(abs(recording["length_ms"] / row["talk_ms"] - 1))

    assert await least(call, 0.02) < 0.02


async def test_agent_pauses_the_callers_words_are_in_no_file_and_the_pause_is_on_record(
    office: Office, voices: Voices
) -> None:
    async def call() -> float:
        talk = await talking(office, voices, RECORDED)
        await heard(1.0)
        await talk.caller.keys(talk.caller_leg, "*9")
        await heard(0.5)
        pressed = time.monotonic()
        await talk.agent.keys(talk.agent_leg, "*9")
        await until(lambda: paused(talk), "the pause is on record")
        stopped = time.monotonic()
        voices.speak(talk.caller_media, SECRET_HZ)
        await heard(2.0)
        voices.speak(talk.caller_media, CALLER_HZ)
        await heard(0.3)
        least_ms = 1000 * (time.monotonic() - stopped)
        await talk.agent.keys(talk.agent_leg, "*9")
        await until(lambda: resumed(talk), "the end of the pause is on record")
        most_ms = 1000 * (time.monotonic() - pressed)
        await heard(1.5)
        talk.agent.hang_up(talk.agent_leg)
        row = await talk.row()
        (recording,) = await talk.recordings()
        samples = samples_of(talk.file(recording))
        assert (recording["status"], recording["pauses"]) == ("kept", 1)
        assert 2300 <= least_ms - 1 <= recording["paused_ms"] <= most_ms + 1
        assert has_tone(samples, CALLER_HZ)
        assert not has_tone(samples, SECRET_HZ)
        return float(abs(recording["length_ms"] - (row["talk_ms"] - recording["paused_ms"])))

    assert await least(call, EDGES_MS) < EDGES_MS


async def resumed(talk: Talk) -> bool:
    return not await paused(talk)


async def paused(talk: Talk) -> bool:
    rows = await talk.office.rows()
    row = next((one for one in rows if one["sip_call_id"] == talk.caller_leg.call_id), None)
    return row is not None and any(one["paused_from_ms"] for one in await children(talk.office, "recordings", row))


async def test_pause_that_nobody_ends_ends_with_the_call(office: Office, voices: Voices) -> None:
    async def call() -> float:
        talk = await talking(office, voices, RECORDED)
        await heard(1.0)
        await talk.agent.keys(talk.agent_leg, "*9")
        await until(lambda: paused(talk), "the pause is on record")
        voices.speak(talk.caller_media, SECRET_HZ)
        await heard(1.0)
        talk.caller.hang_up(talk.caller_leg)
        row = await talk.row()
        (recording,) = await talk.recordings()
        assert (recording["status"], recording["pauses"], recording["paused_from_ms"]) == ("kept", 1, None)
        assert not has_tone(samples_of(talk.file(recording)), SECRET_HZ)
        return float(abs(recording["length_ms"] - (row["talk_ms"] - recording["paused_ms"])))

    assert await least(call, EDGES_MS) < EDGES_MS


@pytest.mark.parametrize("how", ["key", "refer"])
async def test_caller_is_handed_over_the_same_file_goes_on_with_the_specialists_voice(
    office: Office, voices: Voices, how: str
) -> None:
    specialist = await office.phone("1003", answers(0.3))

    async def call() -> float:
        talk = await talking(office, voices, RECORDED)
        await heard(1.0)
        if how == "key":
            await talk.agent.keys(talk.agent_leg, "*701")
        else:
            talk.agent.refer(talk.agent_leg, "701")
        leg = await specialist.next_call(20)
        voices.speak(media_of(leg.request), SPECIALIST_HZ)
        await heard(2.5)
        specialist.hang_up(leg)
        row = await talk.row()
        (recording,) = await talk.recordings()
        samples = samples_of(talk.file(recording))
        assert (row["outcome"], recording["status"]) == ("agent_answered", "kept")
        assert has_tone(samples, AGENT_HZ)
        assert has_tone(samples, SPECIALIST_HZ)
        return float(abs(recording["length_ms"] - row["talk_ms"]) / max(100, 0.02 * row["talk_ms"]))

    assert await least(call, 1.0) < 1.0


async def test_three_way_the_same_file_goes_on_when_the_seat_leaves_and_the_seat_can_pause_it(
    office: Office, voices: Voices
) -> None:
    specialist = await office.phone("1003", RINGS_ONLY)
    talk = await talking(office, voices, RECORDED)
    await talk.agent.keys(talk.agent_leg, "*801")
    third = await specialist.next_call(10)
    specialist.reply(third, 200)
    voices.speak(media_of(third.request), SPECIALIST_HZ)

    async def together() -> bool:
        rows = [one for one in await office.rows() if one["sip_call_id"] == talk.caller_leg.call_id]
        return bool(rows) and any(one["result"] == "reached" for one in await children(office, "hand_overs", rows[0]))

    await until(together, "three talk")
    await heard(1.0)
    await talk.agent.keys(talk.agent_leg, "*9")
    await until(lambda: paused(talk), "the pause is on record")
    voices.speak(talk.caller_media, SECRET_HZ)
    await heard(1.0)
    voices.speak(talk.caller_media, CALLER_HZ)
    await heard(0.3)
    await talk.agent.keys(talk.agent_leg, "*9")
    await heard(0.5)
    talk.agent.hang_up(talk.agent_leg)
    await heard(1.5)
    specialist.hang_up(third)
    row = await talk.row()
    (recording,) = await talk.recordings()
    samples = samples_of(talk.file(recording))
    assert (row["outcome"], recording["status"], recording["pauses"]) == ("agent_answered", "kept", 1)
    assert has_tone(samples, AGENT_HZ)
    assert has_tone(samples[-8000:], SPECIALIST_HZ)
    assert not has_tone(samples, SECRET_HZ)


async def test_line_with_notice_caller_hears_it_before_anybody_rings(office: Office, voices: Voices) -> None:
    agent = await office.ready("1002", answers(0.05))
    caller = await office.caller("13800000022")
    leg = caller.call(NOTICED)
    await leg.wait_for(200, 20)
    ringing = await agent.next_call(20)
    await heard(0.5)
    agent.hang_up(ringing)
    row = await office.row(leg)
    (offer,) = await office.offers(row)
    assert row["arrived_ms"] <= row["menu_ms"] < row["queued_ms"] <= offer["made_ms"] <= row["answered_ms"]
    assert row["queued_ms"] - row["menu_ms"] > 500, "the notice takes its time"


async def test_nobody_answers_no_recording_is_missed(office: Office) -> None:
    before = await failures(office)
    agent = await office.ready("1002", RINGS_ONLY)
    caller = await office.caller("13800000023")
    leg = caller.call(RECORDED)
    await agent.next_call(10)
    caller.hang_up(leg)
    row = await office.row(leg)
    assert row["outcome"] == "abandoned_ringing"
    assert await children(office, "recordings", row) == []
    assert await failures(office) == before


async def test_folder_cannot_be_written_the_call_goes_on_and_the_loss_is_told(office: Office, voices: Voices) -> None:
    before = await failures(office)
    folder = office.site.pbx.recordings / "callcenter"
    folder.mkdir(exist_ok=True)
    aside = folder.rename(folder.with_name("aside"))
    folder.write_text("a file where the folder should be")
    try:
        talk = await talking(office, voices, RECORDED)
        await heard(1.5)
        assert not talk.caller_leg.is_ended.is_set()
        talk.agent.hang_up(talk.agent_leg)
        row = await talk.row()
        (recording,) = await talk.recordings()
    finally:
        folder.unlink()
        aside.rename(folder)
    assert (row["outcome"], row["ended_by"]) == ("agent_answered", "agent")
    assert row["talk_ms"] >= 1500
    assert (recording["status"], recording["sha256"]) == ("not_recorded", "")
    assert await failures(office) == before + 1


async def test_service_is_away_calls_through_the_fallback_queue_are_recorded_and_told_after_its_return(
    office: Office, voices: Voices
) -> None:
    agent = await office.ready("1002", RINGS_ONLY)
    office.site.kill_service()
    await heard(STALE_S)
    legs = []
    for number in ("13800000041", "13800000042"):  # the first is over when the service is back, the second talks
        caller = await office.caller(number)
        leg = caller.call(RECORDED)
        ringing = await agent.next_call(15)
        agent.reply(ringing, 200)
        voices.speak(media_of(ringing.request), AGENT_HZ)
        await heard(1.5)
        legs.append(leg)
        if len(legs) == 1:
            agent.hang_up(ringing)
            await asyncio.wait_for(leg.is_ended.wait(), 5)
    await office.site.start_service()
    agent.hang_up(ringing)
    for leg in legs:
        row = await office.row(leg)
        (recording,) = await until(lambda row=row: judged(office, row), "the sound file was looked at")
        assert (row["outcome"], row["via"], recording["status"]) == ("agent_answered", "fallback", "kept")
        assert recording["length_ms"] >= 1400


async def judged(office: Office, row: Row) -> list[Row] | None:
    rows = await children(office, "recordings", row)
    return rows if rows and all(one["status"] for one in rows) else None


@pytest.fixture
def small_disk(building: Building) -> Iterator[Path]:
    """The recordings' folder, of whatever day, on a disk of 64 kB; skips where nothing can be mounted."""
    days = building.site.pbx.recordings / "callcenter"
    days.mkdir(parents=True, exist_ok=True)
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k,mode=777", "tmpfs", str(days)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mount.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {mount.stderr.strip()}")
    try:
        yield days
    finally:
        subprocess.run(["umount", "-l", str(days)], check=True)


async def test_disk_is_full_the_call_goes_on_and_the_loss_is_told(
    office: Office, voices: Voices, small_disk: Path
) -> None:
    (small_disk / "filler").write_bytes(b"x" * (64 << 10))
    before = await failures(office)
    talk = await talking(office, voices, RECORDED)
    await heard(3.0)
    assert not talk.caller_leg.is_ended.is_set()
    talk.agent.hang_up(talk.agent_leg)
    row = await talk.row()
    (recording,) = await talk.recordings()
    assert (row["outcome"], recording["status"]) == ("agent_answered", "not_recorded")
    assert await failures(office) == before + 1


async def test_disk_becomes_full_in_the_talk_what_was_written_is_kept_and_the_rest_is_noted(
    office: Office, voices: Voices, small_disk: Path
) -> None:
    (small_disk / "filler").write_bytes(b"x" * (24 << 10))
    talk = await talking(office, voices, RECORDED)
    await heard(5.0)
    talk.agent.hang_up(talk.agent_leg)
    row = await talk.row()
    (recording,) = await talk.recordings()
    assert recording["status"] == "kept"
    assert 1000 < recording["length_ms"] < 3000 < row["talk_ms"]

    async def noted() -> bool:
        return (await office.samples())["callcenter_notes_total"].get(("recording_short",), 0) == 1

    await until(noted, "the short file is noted")


@pytest.mark.parametrize("ends", ["while-away", "after-the-restart"])
async def test_service_is_killed_in_a_recorded_talk_the_file_is_closed_and_judged_all_the_same(
    office: Office, voices: Voices, ends: str
) -> None:
    talk = await talking(office, voices, RECORDED)
    await heard(1.0)
    office.site.kill_service()
    await heard(1.0)
    if ends == "while-away":
        talk.agent.hang_up(talk.agent_leg)
        await asyncio.wait_for(talk.caller_leg.is_ended.wait(), 5)
    await office.site.start_service()
    if ends == "after-the-restart":
        await heard(0.5)
        talk.agent.hang_up(talk.agent_leg)
    row = await talk.row()
    (recording,) = await talk.recordings()
    assert row["outcome"] == "agent_answered"
    assert (recording["status"], recording["closed_ms"] is not None) == ("kept", True)
    assert recording["length_ms"] >= 2000 - EDGES_MS  # a file that ended with the service would have 1000
    assert recording["sha256"] == hashlib.sha256(talk.file(recording).read_bytes()).hexdigest()
