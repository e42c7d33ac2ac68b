"""Recorded lines reached on a side way: a supervisor's move, and Asterisk's own queue while the service is away."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from callcenter.lab.sip_phone import RINGS_ONLY, Leg, Phone, answers, says
from callcenter.lab.voices import Voices, has_tone, media_of, samples_of
from tests.integration.office import STALE_S, Office, until
from tests.integration.recorded_office import (
    AGENT_HZ,
    CALLER_HZ,
    RATED,
    RECORDED,
    SECRET_HZ,
    children,
    heard,
    recorded_building,
    voices_of_a_test,
)
from tests.integration.supervised_office import id_of, ordered

pytestmark = pytest.mark.pbx
BUILDING = recorded_building
voices = pytest.fixture(voices_of_a_test)


async def test_talking_caller_is_moved_to_a_recorded_line_he_hears_the_notice_before_anybody_rings(
    office: Office,
) -> None:
    first = await office.ready("1002")
    caller = await office.caller("13800000071")
    leg = caller.call(RATED)  # a line that is not recorded
    talk = await first.next_call()
    await office.until_presence("8002", "talking")
    second = await office.ready("1003")
    await ordered(office, "call", call=await id_of(office, leg), to="special", why="must be on record")
    await asyncio.wait_for(talk.is_ended.wait(), 20)
    ringing = await second.next_call(20)
    await office.until_presence("8003", "talking")
    second.hang_up(ringing)

    row = await office.row(leg)
    assert (row["outcome"], row["agent_answers"]) == ("agent_answered", 2)
    lines = [one["line"] for one in await children(office, "placements", row) if one["kind"] == "queued"]
    assert lines == ["tax", "special"]
    talks = sorted(await children(office, "talks", row), key=lambda one: int(one["opened_ms"]))
    (offer,) = [one for one in await office.offers(row) if one["agent"] == "8003"]
    assert offer["made_ms"] - talks[0]["closed_ms"] > 700, "the notice, or its tone, takes its time"


async def is_paused(office: Office) -> bool:
    """Whether the dialplan has written down on the caller's channel that his file is closed: the service cannot tell."""
    pbx = office.site.pbx
    shown = await asyncio.to_thread(pbx.rx, "core show channels concise")
    callers = [line.partition("!")[0] for line in shown.splitlines() if line.startswith("PJSIP/trunk-")]
    told = [await asyncio.to_thread(pbx.rx, f"core show channel {caller}") for caller in callers]
    return any("CC_PAUSED=1" in one for one in told)


class Away:
    """A caller in talk with 8001 by Asterisk's own queue, the service dead."""

    def __init__(self, office: Office, caller: Phone, leg: Leg, seat: Phone, seat_leg: Leg) -> None:
        self.office, self.caller, self.leg, self.seat, self.seat_leg = office, caller, leg, seat, seat_leg


@pytest.fixture
async def away(office: Office) -> AsyncIterator[Away]:
    seat = await office.ready("1001", says(302))
    other = await office.phone("1003", answers(0.1))
    outside = await Phone.open("outside", ("127.0.0.3", office.site.pbx.outside_port), office.sip, answers(0.1))
    office._callers.append(outside)
    caller = await office.caller("13800000072")
    office.site.kill_service()
    await heard(STALE_S)
    try:
        leg = caller.call(RECORDED)
        for user in ("s", "1003", "902512345678"):
            seat.forwards_to = f"sip:{user}@127.0.0.1"
            await seat.next_call(15)  # rung again and again: where his phone points to is not followed
        assert other.incoming.empty()
        assert outside.incoming.empty()
        seat.script = RINGS_ONLY
        seat_leg = await seat.next_call(15)
        seat.reply(seat_leg, 200)
        await asyncio.sleep(0.5)
        yield Away(office, caller, leg, seat, seat_leg)
    finally:
        if office.site.process is None or office.site.process.poll() is not None:
            await office.site.start_service()


async def test_service_is_away_agent_pauses_the_recording_and_transfers_nobody_out(away: Away, voices: Voices) -> None:
    office, seat = away.office, away.seat
    media = media_of(next(message for message in away.leg.messages if "m=audio" in message))
    voices.speak(media_of(away.seat_leg.request), AGENT_HZ)
    voices.speak(media, CALLER_HZ)
    await heard(1.0)
    for number in ("902512345678", "1003", "12345", "s"):
        seat.refer(away.seat_leg, number)
        await asyncio.sleep(0.2)
    assert not away.seat_leg.is_ended.is_set()
    assert not away.leg.is_ended.is_set()
    await seat.keys(away.seat_leg, "*9")
    await until(lambda: is_paused(office), "the recording pauses")
    voices.speak(media, SECRET_HZ)
    await heard(1.0)
    voices.speak(media, CALLER_HZ)
    await heard(0.3)
    await seat.keys(away.seat_leg, "*9")
    await heard(1.5)
    seat.hang_up(away.seat_leg)
    await asyncio.wait_for(away.leg.is_ended.wait(), 5)
    await office.site.start_service()

    row = await office.row(away.leg)

    async def judged() -> list[dict[str, object]] | None:
        found = await children(office, "recordings", row)
        return found if found and all(one["status"] for one in found) else None

    (recording,) = await until(judged, "the sound file was looked at")
    assert (row["outcome"], row["via"], recording["status"]) == ("agent_answered", "fallback", "kept")
    samples = samples_of(office.site.pbx.recordings / str(recording["path"]))
    assert has_tone(samples, CALLER_HZ)
    assert has_tone(samples, AGENT_HZ)
    assert not has_tone(samples, SECRET_HZ)
