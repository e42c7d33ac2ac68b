"""Ways out in the dialplan alone: prompts that are hostile or missing, mailboxes that are not there, keys in a message."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from callcenter.lab.pbx import Asterisk
from callcenter.lab.voices import Voices, media_of
from tests.integration.dialplan.desk import Call, Desk, DialplanPbx

pytestmark = pytest.mark.pbx
KINDS = {"reject": "closed", "out": "02584001234", "voicemail": "100", "say": "0"}
HOSTILE = "../../x${GLOBAL(CC_TRUNK)},skip&y z\x7f|" + "a" * 200


@pytest.fixture
async def voices() -> AsyncIterator[Voices]:
    voices = await Voices().open("127.0.0.2")
    yield voices
    await voices.close()


async def leave(desk: Desk, call: Call, kind: str, digits: str = "", prompt: str = "") -> str:
    """Write an exit's wish as the service does."""
    await desk.actions.ask("Setvar", Channel=call.uid, Variable="CC_PROMPT", Value=prompt)
    return await desk.offer(call, digits or KINDS[kind], 0, kind)


def played(desk: Desk, call: Call) -> list[str]:
    """Sounds that were played to this caller, by Asterisk's log."""
    full = (desk.pbx.asterisk.folder / "log" / "full").read_text(encoding="utf-8", errors="replace")
    begins = f'Playback("{call.arrived["Channel"]}", "'
    return [line.split(begins)[1].split(",noanswer")[0] for line in full.splitlines() if begins in line]


async def spoken(desk: Desk, voices: Voices, call: Call, seconds: float) -> float:
    """Speak into a mailbox, once it records; return for how long: a busy machine makes it more than meant, seconds."""
    media = media_of(next(message for message in reversed(call.leg.messages) if "m=audio" in message))
    await desk.records(call)
    began = asyncio.get_running_loop().time()
    voices.speak(media, 700)
    await asyncio.sleep(seconds)
    voices.hush(media)
    return asyncio.get_running_loop().time() - began


@pytest.mark.parametrize("kind", KINDS)
async def test_sound_named_on_the_channel_is_only_a_file_name_whatever_it_holds(desk: Desk, kind: str) -> None:
    call = await desk.arrive_in_hold()
    await leave(desk, call, kind, prompt=HOSTILE)
    await desk.events.user("CcConnecting", Uniqueid=call.uid)
    for _ in range(400):
        if played(desk, call):
            break
        await asyncio.sleep(0.05)
    sound = played(desk, call)[0]
    assert len(sound) <= (161 if kind == "say" else 80)
    assert set(sound) - {"&"} <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-")


async def test_prompt_on_the_way_is_over_the_caller_holds_and_takes_a_wish(desk: Desk) -> None:
    call = await desk.arrive_in_hold()
    since = desk.mark()
    await leave(desk, call, "say", prompt="no/such-sound")
    await desk.events.user("CcHolding", since=since, Uniqueid=call.uid)
    await desk.assert_waits(call)


@pytest.mark.usefixtures("unanswered")
async def test_prompt_on_the_way_in_the_unanswered_rest_is_early_media(desk: Desk) -> None:
    call = await desk.arrive()
    await leave(desk, call, "say", prompt="no/such-sound")
    await desk.events.user("CcHolding", Uniqueid=call.uid)
    assert call.leg.statuses()[:2] == [100, 183]


async def test_mailbox_not_there_the_caller_is_back_in_hold(desk: Desk) -> None:
    call = await desk.arrive_in_hold()
    since = desk.mark()
    target = await leave(desk, call, "voicemail", "999")
    ended = await desk.events.user("CcOfferEnd", since=since, Uniqueid=call.uid)
    await desk.events.user("CcHolding", since=since, Uniqueid=call.uid)
    assert (ended["Target"], ended["Status"]) == (target, "NOMESSAGE")
    assert played(desk, call) == [], "he is not asked to speak"
    await desk.assert_waits(call)


async def test_voicemail_not_loaded_the_caller_is_back_in_hold() -> None:
    asterisk = Asterisk(lines=("general",), extra={"modules.conf": "\nnoload = app_voicemail.so\n"})
    await asterisk.start()
    try:
        desk = await Desk.open(DialplanPbx(asterisk, {}))
        call = await desk.arrive_in_hold()
        await leave(desk, call, "voicemail")
        ended = await desk.events.user("CcOfferEnd", Uniqueid=call.uid)
        await desk.assert_waits(call)
        await desk.close()
    finally:
        await asterisk.stop()
    assert ended["Status"] == "NOMESSAGE"


@pytest.mark.parametrize("keys", ["0", "*", "D", "1234", "0*D9"])
async def test_keys_pressed_while_he_speaks_lead_nowhere_else(desk: Desk, voices: Voices, keys: str) -> None:
    call = await desk.arrive_in_hold()
    phone = next(phone for phone in desk._phones if call.leg.call_id in phone.legs)
    await leave(desk, call, "voicemail")
    await spoken(desk, voices, call, 1.5)
    await phone.keys(call.leg, keys)
    await phone.keys(call.leg, "#")
    kept = await desk.events.user("CcVoicemail", Uniqueid=call.uid)
    end = await desk.events.user("CcEnd", Uniqueid=call.uid)
    assert kept["Box"] == "100"
    assert (end["Who"], end["Place"]) == ("system", "exit")
    assert desk.story(call) == ["CcArrived", "CcHolding", "CcConnecting", "CcVoicemail", "CcEnd"]


async def test_callers_sound_stops_for_good_what_he_said_is_kept_and_he_is_not_held_for_ever(
    desk: Desk, voices: Voices
) -> None:
    call = await desk.arrive_in_hold()
    await leave(desk, call, "voicemail")
    spoke_s = await spoken(desk, voices, call, 2.0)
    kept = await desk.events.user("CcVoicemail", timeout_s=20, Uniqueid=call.uid)
    await asyncio.wait_for(call.leg.is_ended.wait(), 20)
    assert abs(int(kept["LengthMs"]) - spoke_s * 1000) <= 500


async def test_two_callers_speak_to_one_box_at_once_each_has_a_file_of_his_own(desk: Desk, voices: Voices) -> None:
    first, second = await desk.arrive_in_hold(), await desk.arrive_in_hold()
    for call in (first, second):
        await leave(desk, call, "voicemail")
    spoke_s = await asyncio.gather(spoken(desk, voices, first, 1.5), spoken(desk, voices, second, 3.0))
    phones = {leg: phone for phone in desk._phones for leg in phone.legs}
    files = []
    for call in (first, second):
        phones[call.leg.call_id].hang_up(call.leg)
        kept = await desk.events.user("CcVoicemail", Uniqueid=call.uid)
        files.append((kept["File"], int(kept["LengthMs"]) / 1000))
    assert len({name for name, _ in files}) == 2
    assert [length for _, length in files] == [pytest.approx(seconds, abs=0.5) for seconds in spoke_s]
