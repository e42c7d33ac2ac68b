"""Recording and rating as the dialplan does them, without the service: what is in the file, which keys do what."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callcenter.lab.sip_phone import RINGS_ONLY, Leg, Phone, answers
from callcenter.lab.voices import Voices, has_tone, media_of, samples_of
from tests.integration.dialplan.desk import Call, Desk
from tests.integration.office import until
from tests.integration.raw_ami import Message
from tests.integration.stalls import least

pytestmark = pytest.mark.pbx
CALLER_HZ, AGENT_HZ, SECRET_HZ = 500, 900, 1700
MUSIC_HZ = 392
"""First note of the lab's music on hold."""


@pytest.fixture
async def voices() -> AsyncIterator[Voices]:
    voices = await Voices(keeps=True).open()
    yield voices
    await voices.close()


@pytest.fixture
async def recorded(desk: Desk) -> AsyncIterator[Desk]:
    """A desk whose line is recorded."""
    await desk.actions.set_global("CC_RECORD_general", "1")
    yield desk
    await desk.actions.set_global("CC_RECORD_general", "")


@pytest.fixture
async def rated(desk: Desk) -> AsyncIterator[Desk]:
    """A desk whose line asks for a rating."""
    await desk.actions.set_global("CC_RATING_general", "1")
    yield desk
    await desk.actions.set_global("CC_RATING_general", "")


def file_of(desk: Desk, told: Message) -> Path:
    return desk.pbx.asterisk.folder / "spool" / "monitor" / told["Path"]


async def talk(desk: Desk, voices: Voices, agent: Phone) -> tuple[Call, Phone, Leg]:
    """A caller and the agent who talk, both with a tone of their own; the call, the caller's phone, the agent's leg."""
    caller = await desk.caller()
    call = await desk.arrive(phone=caller)
    await desk.offer(call, "8101")
    leg = await agent.next_call()
    await call.leg.wait_for(200)
    await desk.bridged(call)
    voices.speak(media_of(leg.request), AGENT_HZ)
    voices.speak(media_of_caller(call), CALLER_HZ)
    return call, caller, leg


def media_of_caller(call: Call) -> tuple[str, int]:
    return media_of(next(message for message in call.leg.messages if "m=audio" in message))


async def test_recorded_call_file_has_both_voices_its_talk_and_the_calls_name(recorded: Desk, voices: Voices) -> None:
    agent = await recorded.agent("8101", answers(0.05))

    async def wrong_by_s() -> float:
        call, _, leg = await talk(recorded, voices, agent)
        started = await recorded.events.user("CcRecording", Uniqueid=call.uid, State="started")
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(3.0)
        agent.hang_up(leg)
        talked_s = asyncio.get_running_loop().time() - began
        ended = await recorded.events.user("CcRecording", Uniqueid=call.uid, State="ended")
        path = file_of(recorded, started)
        samples = samples_of(path)
        assert started["Path"].endswith(f"/{call.uid}.wav")
        assert int(ended["Bytes"]) == path.stat().st_size
        assert has_tone(samples, CALLER_HZ)
        assert has_tone(samples, AGENT_HZ)
        assert not has_tone(samples, SECRET_HZ)
        return abs(len(samples) / 8000 - talked_s)

    assert await least(wrong_by_s, 0.3) < 0.3


async def test_agent_pauses_words_in_the_pause_are_not_in_the_file_and_the_caller_has_no_such_key(
    recorded: Desk, voices: Voices
) -> None:
    agent = await recorded.agent("8101", answers(0.05))
    call, caller, leg = await talk(recorded, voices, agent)
    await asyncio.sleep(1.0)
    since = recorded.mark()
    await caller.keys(call.leg, "*9")
    assert await recorded.quiet("CcRecording", 1.5, since)
    before = len(voices.samples_from(media_of(leg.request)))
    await agent.keys(leg, "*9")
    paused = await recorded.events.user("CcRecording", Uniqueid=call.uid, State="paused")
    voices.speak(media_of_caller(call), SECRET_HZ)
    await asyncio.sleep(1.5)

    async def music_is_over() -> bool:
        said = voices.samples_from(media_of(leg.request), since=before)
        return has_tone(said, MUSIC_HZ) and not has_tone(said[-8000:], MUSIC_HZ)

    await until(music_is_over, "the agent hears for a moment that it is paused")
    voices.speak(media_of_caller(call), CALLER_HZ)
    await asyncio.sleep(0.3)
    await agent.keys(leg, "*9")
    await recorded.events.user("CcRecording", Uniqueid=call.uid, State="resumed")
    await asyncio.sleep(1.0)
    agent.hang_up(leg)
    await recorded.events.user("CcRecording", Uniqueid=call.uid, State="ended")
    samples = samples_of(file_of(recorded, paused))
    assert has_tone(samples, CALLER_HZ)
    assert not has_tone(samples, SECRET_HZ)


async def asked(desk: Desk, *keys: str) -> tuple[Call, Message]:
    """A rated talk whose agent hangs up; the caller then presses these keys, each while it is asked. Returns what was told."""
    agent = await desk.agent("8101", answers(0.05))
    phone = await desk.caller()
    call = await desk.arrive(phone=phone)
    target = await desk.offer(call, "8101")
    leg = await agent.next_call()
    await desk.bridged(call)
    agent.hang_up(leg)
    question = await desk.events.user("CcRating", Uniqueid=call.uid, State="asked")
    assert question["Offer"] == target.split("*")[2]
    for key in keys:
        await asyncio.sleep(0.4)
        assert not call.leg.is_ended.is_set(), "the agent's BYE cut the question"
        phone.press(call.leg, key)
    if not keys:
        phone.hang_up(call.leg)
    return call, await desk.events.user("CcRating", Uniqueid=call.uid, State="given", timeout_s=25)


@pytest.mark.parametrize(
    ("keys", "score", "told"),
    [("4", "4", "4"), ("05", "5", "05"), ("7*", "", "7*"), ("#1", "1", "#1"), ("", "", "")],
    ids=["score", "other-key-then-score", "two-other-keys", "hash-then-score", "hangs-up"],
)
async def test_agent_hangs_up_caller_rates_and_it_is_told_once_with_the_talks_end(
    rated: Desk, keys: str, score: str, told: str
) -> None:
    call, given = await asked(rated, *keys)
    end = await rated.events.user("CcEnd", Uniqueid=call.uid, timeout_s=25)
    assert (given["Score"], given["Keys"], end["Who"]) == (score, told, "agent")
    assert rated.story(call).count("CcRating") == 2


async def test_caller_says_nothing_the_question_ends_by_itself_without_a_score(rated: Desk) -> None:
    agent = await rated.agent("8101", answers(0.05))
    call = await rated.arrive()
    await rated.offer(call, "8101")
    leg = await agent.next_call()
    await rated.bridged(call)
    agent.hang_up(leg)
    given = await rated.events.user("CcRating", Uniqueid=call.uid, State="given", timeout_s=25)
    await asyncio.wait_for(call.leg.is_ended.wait(), 20)
    assert (given["Score"], given["Keys"]) == ("", "")


async def test_caller_hangs_up_himself_is_not_asked(rated: Desk) -> None:
    agent = await rated.agent("8101", answers(0.05))
    phone = await rated.caller()
    call = await rated.arrive(phone=phone)
    await rated.offer(call, "8101")
    await agent.next_call()
    await rated.bridged(call)
    phone.hang_up(call.leg)
    end = await rated.events.user("CcEnd", Uniqueid=call.uid)
    assert end["Who"] == "caller"
    assert "CcRating" not in rated.story(call)


async def test_nobody_answers_caller_is_not_asked_and_holds_again(rated: Desk) -> None:
    await rated.agent("8101", RINGS_ONLY)
    call = await rated.arrive()
    await rated.offer(call, "8101", ring_s=1)
    await rated.events.user("CcHolding", Uniqueid=call.uid)
    assert "CcRating" not in rated.story(call)
