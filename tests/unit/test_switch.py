"""Commands of the engine as AMI actions: exactly which, in one write, and how a refusal comes back."""

import asyncio
from collections.abc import Sequence

import pytest

from acd import commands as c
from acd import events as e
from acd.names import HandOverMode, OfferResult, RejectReason
from acd.plan import Exit
from callcenter.asterisk.errors import AmiDisconnected, AmiTimeout
from callcenter.asterisk.message import Action, AmiMessage, AmiReply, action_pairs
from callcenter.asterisk.switch import AsteriskSwitch
from callcenter.asterisk.tracks import CallTrack, Leg, Tracks
from tests.scenarios.world import call_id

CALL = call_id("pbx1-1.1")


class Link:
    """Takes actions as the real link does (the same checks) and lets the test answer."""

    def __init__(self) -> None:
        self.writes: list[list[dict[str, str]]] = []
        self.answers: list[asyncio.Future[AmiReply]] = []
        self.is_up = True

    def send_many(self, actions: Sequence[Action], *, timeout_s: float = 5.0) -> list[asyncio.Future[AmiReply]]:
        checked = [dict(action_pairs(action)) for action in actions]
        if not self.is_up:
            raise AmiDisconnected("no session")
        self.writes.append(checked)
        futures: list[asyncio.Future[AmiReply]] = [asyncio.get_running_loop().create_future() for _ in checked]
        self.answers += futures
        return futures

    def answer(self, *texts: str) -> None:
        """Answer the oldest actions: "" is Success, anything else an error's text."""
        for text in texts:
            response = {"Response": "Error" if text else "Success", "Message": text}
            self.answers.pop(0).set_result(AmiReply(AmiMessage(response)))


class Desk:
    def __init__(self) -> None:
        self.link = Link()
        self.tracks = Tracks()
        self.told: list[e.Event] = []
        self.probed: list[object] = []
        self.may_act = True
        self.label = "群众诉求 138"
        self.switch = AsteriskSwitch(
            self.link,
            self.tracks,
            epoch=lambda: 9,
            label=lambda line, call: self.label,
            tell=self.told.append,
            now_ms=lambda: 77,
            probe=self.probed.append,
            may_act=lambda: self.may_act,
        )

    def talk(self, offer: str = "9-1") -> None:
        track = CallTrack(CALL, "PJSIP/trunk-1")
        self.tracks.calls[CALL.uniqueid] = track
        self.tracks.add_leg(track, Leg("pbx1-1.2", CALL, offer, "d1", "PJSIP/d1-2"))


def setvar(name: str, value: str) -> dict[str, str]:
    return {"Action": "Setvar", "Channel": "pbx1-1.1", "Variable": name, "Value": value}


WAKE = {"Action": "PlayDTMF", "Channel": "pbx1-1.1", "Digit": "D", "Receive": "true"}
AFTER = setvar("CC_AFTER", "1")
RELEASE = {"Action": "Hangup", "Channel": "pbx1-1.2"}
OFFER = c.OfferCall(CALL, "9-2", "endpoint", "d1", 20, "general")


async def settled() -> None:
    """Let callbacks that were made for later run."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_offer_is_one_write_of_label_wish_and_wake() -> None:
    desk = Desk()
    desk.switch.execute(OFFER)
    assert desk.link.writes == [[setvar("CC_LABEL", "群众诉求 138"), setvar("CC_GO", "endpoint*d1*9-2*9*20"), WAKE]]


async def test_wish_is_withdrawn_and_nobody_is_woken() -> None:
    desk = Desk()
    desk.switch.execute(c.WithdrawWish(CALL))
    assert desk.link.writes == [[setvar("CC_GO", ""), setvar("CC_AFTER", "")]]


async def test_hand_over_hangs_up_the_leg_instead_of_waking() -> None:
    desk = Desk()
    desk.talk()
    desk.switch.execute(c.OfferCall(CALL, "9-2", "trunk", "701", 20, "general", release="9-1"))
    label, wish = setvar("CC_LABEL", "群众诉求 138"), setvar("CC_GO", "trunk*701*9-2*9*20")
    assert desk.link.writes == [[label, AFTER, wish, RELEASE]]


async def test_hand_over_whose_leg_is_gone_wakes_a_caller_who_may_be_at_rest_again() -> None:
    desk = Desk()
    desk.switch.execute(c.ReturnCall(CALL, "9-2", release="9-1"))
    assert desk.link.writes == [[AFTER, setvar("CC_GO", "hold*0*9-2*9*0"), WAKE]]


async def test_caller_who_is_moved_out_of_a_talk_hears_a_sound_first_if_there_is_one() -> None:
    desk = Desk()
    desk.talk()
    desk.switch.execute(c.ReturnCall(CALL, "9-2", release="9-1", prompt="own/notice"))
    assert desk.link.writes == [[setvar("CC_PROMPT", "own/notice"), AFTER, setvar("CC_GO", "say*0*9-2*9*0"), RELEASE]]


async def test_hand_over_is_written_on_the_channel_whole_while_it_goes_on_and_its_number_afterwards() -> None:
    desk = Desk()
    desk.switch.execute(c.TagHandOver(CALL, 2, HandOverMode.BLIND, "55", "1001"))
    desk.switch.execute(c.TagHandOver(CALL, 2, reached="701"))
    assert desk.link.writes == [[setvar("CC_HANDOVER", "2*blind*55*1001")], [setvar("CC_HANDOVER", "2**701")]]


@pytest.mark.parametrize(
    ("to", "target"),
    [
        (Exit(number="02012345"), "out*02012345*9-3*9*0"),
        (Exit(reject=True), "reject*max_wait*9-3*9*0"),
        (Exit(voicemail="100"), "voicemail*100*9-3*9*0"),
        (Exit(line="general", prompt="own/sound"), "say*0*9-3*9*0"),
    ],
)
async def test_exit_is_a_wish_with_its_prompt_and_reason_in_the_same_write(to: Exit, target: str) -> None:
    desk = Desk()
    desk.switch.execute(c.ExitCall(CALL, "9-3", to, RejectReason.MAX_WAIT))
    prompt = setvar("CC_PROMPT", to.prompt or "")
    assert desk.link.writes == [[prompt, setvar("CC_EXIT", "max_wait"), setvar("CC_GO", target), WAKE]]


async def test_caller_in_another_line_has_it_on_his_channel() -> None:
    desk = Desk()
    desk.switch.execute(c.TagCall(CALL, 1234, "enterprise"))
    assert desk.link.writes == [[setvar("CC_SCORE", "1234"), setvar("CC_LINE", "enterprise")]]


async def test_other_commands_are_one_action_each() -> None:
    desk = Desk()
    desk.talk()
    desk.switch.execute(c.HangUpLeg(CALL, "9-1"))
    desk.switch.execute(c.HangUpLeg(CALL, "9-unknown"))
    desk.switch.execute(c.WakeCall(CALL))
    desk.switch.execute(c.TagCall(CALL, 1234))
    desk.switch.mark_answered(CALL, 5678)
    desk.switch.execute(c.ProbeCall(CALL))
    assert desk.link.writes == [[RELEASE], [WAKE], [setvar("CC_SCORE", "1234")], [setvar("CC_ANSWERED", "5678")]]
    assert desk.probed == [CALL]


async def test_reply_to_a_phone_is_a_word_and_a_wake_in_one_write() -> None:
    desk = Desk()
    desk.switch.reply("pbx1-1.1", "ok")
    assert desk.link.writes == [[setvar("CC_REPLY", "ok"), WAKE]]


async def test_wish_is_refused_it_comes_back_as_a_failed_offer() -> None:
    desk = Desk()
    desk.switch.execute(OFFER)
    desk.link.answer("", "No such channel", "No such channel")
    await settled()
    assert desk.told == [e.OfferEnded(CALL, "9-2", 77, OfferResult.FAILED, "No such channel")]
    assert desk.switch.refused == 2


async def test_label_or_wake_is_refused_the_wish_stands() -> None:
    desk = Desk()
    desk.switch.execute(OFFER)
    desk.link.answer("no", "", "no")
    await settled()
    assert desk.told == []


async def test_wish_is_not_answered_it_comes_back() -> None:
    desk = Desk()
    desk.switch.execute(OFFER)
    desk.link.answers[1].set_exception(AmiTimeout("Setvar", 5.0))
    await settled()
    assert [type(one) for one in desk.told] == [e.OfferEnded]


@pytest.mark.parametrize("cause", ["link is down", "not sure to lead", "bad number", "too long", "bad label"])
async def test_wish_cannot_be_written_it_comes_back_after_the_step_once(cause: str) -> None:
    desk = Desk()
    command = OFFER
    if cause == "link is down":
        desk.link.is_up = False
    elif cause == "not sure to lead":
        desk.may_act = False
    elif cause == "bad number":
        command = c.OfferCall(CALL, "9-2", "endpoint", "d1\r\nAction: Hangup", 20, "general")
    elif cause == "too long":
        command = c.OfferCall(CALL, "9-2", "endpoint", "9" * 80, 20, "general")
    else:
        desk.label = "x\r\ny"
    desk.switch.execute(command)
    assert desk.told == [], "not from within the step"
    await settled()
    assert [type(one) for one in desk.told] == [e.OfferEnded]
    assert desk.link.writes == []


# --- the mirror


def mirror(
    device: str = "d1", *lines: str, paused: bool = False, reason: str = "", agent: str = "1001"
) -> c.MirrorAgent:
    return c.MirrorAgent(agent, device, lines, paused, reason)


def add(queue: str, device: str = "d1", paused: str = "false", agent: str = "1001") -> dict[str, str]:
    interface = f"PJSIP/{device}"
    return {
        "Action": "QueueAdd",
        "Queue": f"callcenter-{queue}",
        "Interface": interface,
        "MemberName": agent,
        "StateInterface": interface,
        "Paused": paused,
    }


def remove(queue: str, device: str = "d1") -> dict[str, str]:
    return {"Action": "QueueRemove", "Queue": f"callcenter-{queue}", "Interface": f"PJSIP/{device}"}


def pause(paused: str, reason: str = "none") -> dict[str, str]:
    return {"Action": "QueuePause", "Interface": "PJSIP/d1", "Paused": paused, "Reason": reason}


def member(queue: str, location: str, name: str = "1001", membership: str = "dynamic") -> AmiMessage:
    return AmiMessage(
        {"Event": "QueueMember", "Queue": queue, "Location": location, "Membership": membership, "Name": name}
    )


async def test_agent_is_mirrored_he_is_added_then_paused_then_taken_out() -> None:
    desk = Desk()
    desk.switch.execute(mirror("d1", "general"))
    desk.switch.execute(mirror("d1", "general", paused=True, reason="acw"))
    desk.switch.execute(mirror("d1", "general"))
    desk.switch.execute(mirror("d1", "other"))
    desk.switch.execute(mirror("d1"))
    assert desk.link.writes == [
        [add("default"), add("general")],
        [pause("true", "acw")],
        [pause("false")],
        [remove("general"), add("other"), pause("false")],
        [remove("default"), remove("other")],
    ]


async def test_agent_added_while_paused_has_his_reason() -> None:
    desk = Desk()
    desk.switch.execute(mirror("d1", "general", paused=True, reason="break"))
    assert desk.link.writes == [[add("default", paused="true"), add("general", paused="true"), pause("true", "break")]]


async def test_member_of_before_our_restart_is_corrected_not_added_again() -> None:
    desk = Desk()
    desk.switch.learn_members(
        [
            member("callcenter-old", "PJSIP/d1"),
            member("callcenter-general", "PJSIP/d1"),
            member("callcenter-default", "PJSIP/d1"),
        ]
    )
    desk.switch.execute(mirror("d1", "general"))
    desk.switch.remove_strangers()
    assert desk.link.writes == [[remove("old"), pause("false")]]


async def test_member_of_before_with_another_agents_name_is_made_anew() -> None:
    desk = Desk()
    desk.switch.learn_members([member("callcenter-general", "PJSIP/d1", name="1002")])
    desk.switch.execute(mirror("d1", "general"))
    assert desk.link.writes == [[remove("general"), add("default"), add("general")]]


async def test_members_nobody_was_mirrored_for_are_taken_out_an_operators_own_are_left() -> None:
    desk = Desk()
    desk.switch.learn_members(
        [
            member("callcenter-general", "PJSIP/gone"),
            member("callcenter-general", "PJSIP/static", membership="static"),
            member("callcenter-general", "Local/5@x"),
            member("sales", "PJSIP/d7"),
            AmiMessage({"Event": "QueueParams", "Queue": "callcenter-general"}),
        ]
    )
    desk.switch.remove_strangers()
    desk.switch.remove_strangers()
    assert desk.link.writes == [[remove("general", "gone")]]


async def test_asterisk_was_restarted_without_members_everybody_is_added_again() -> None:
    desk = Desk()
    desk.switch.execute(mirror("d1", "general"))
    desk.switch.learn_members([])
    desk.switch.execute(mirror("d1", "general"))
    assert desk.link.writes[0] == desk.link.writes[1]


async def test_queue_refuses_it_is_counted_and_no_event() -> None:
    desk = Desk()
    desk.switch.execute(mirror("d1", "general"))
    desk.link.answer("Unable to add interface to queue: No such queue", "")
    await settled()
    assert (desk.told, desk.switch.refused) == ([], 1)


# a third person, and consults --------------------------------------------------------------------------------------------


async def test_third_person_is_invited_the_insurance_is_written_before_the_word_to_the_seat() -> None:
    desk = Desk()
    desk.talk()
    desk.switch.execute(c.InviteParty(CALL, "9-2", "trunk", "0258", 20, "9-1", "9-3"))
    assert [(one["Channel"], one["Variable"], one["Value"]) for one in desk.link.writes[0]] == [
        (CALL.uniqueid, "CC_AFTER", "1"),
        (CALL.uniqueid, "CC_GO", "hold*three*9-3*9*0"),
        ("pbx1-1.2", "CC_REPLY", "trunk*0258*9-2*9*20"),
    ]
    desk.link.answer("", "No such channel", "")
    await settled()
    assert desk.told == [], "the caller's own end is told by his own events"


async def test_third_person_is_invited_and_the_seats_leg_is_gone_the_offer_has_failed() -> None:
    desk = Desk()
    desk.switch.execute(c.InviteParty(CALL, "9-2", "endpoint", "701", 20, "9-1", "9-3"))
    await settled()
    assert desk.link.writes == []
    assert [(one.offer, one.result) for one in desk.told if isinstance(one, e.OfferEnded)] == [
        ("9-2", OfferResult.FAILED)
    ]
    desk.talk()
    desk.switch.execute(c.InviteParty(CALL, "9-4", "endpoint", "701", 20, "9-1", "9-5"))
    desk.link.answer("", "", "No such channel")
    await settled()
    assert isinstance(desk.told[-1], e.OfferEnded)
    assert desk.told[-1].offer == "9-4"


async def test_invitation_is_over_the_insurance_goes_and_the_seat_is_told_only_when_nobody_came() -> None:
    desk = Desk()
    desk.talk()
    desk.switch.execute(c.EndInvite(CALL, "9-1", False))
    desk.switch.execute(c.EndInvite(CALL, "9-1", True))
    found = [[(one["Variable"], one["Value"]) for one in write] for write in desk.link.writes]
    gone = [("CC_GO", ""), ("CC_AFTER", "")]
    assert found == [gone, [*gone, ("CC_REPLY", "nobody")]]


@pytest.mark.parametrize(
    ("command", "word"),
    [
        (c.AnswerConsult(CALL, "", "9-2", "endpoint", "701", 20), "endpoint*701*9-2*9*20"),
        (c.AnswerConsult(CALL, "topic"), "topic"),
        (c.AnswerConsult(CALL, "", "9-2", "endpoint", "7 0 1", 20), "nobody"),
    ],
)
async def test_consult_is_answered_by_a_target_or_a_word(command: c.AnswerConsult, word: str) -> None:
    desk = Desk()
    desk.switch.execute(command)
    (write,) = desk.link.writes
    assert (write[0]["Variable"], write[0]["Value"], write[1]["Action"]) == ("CC_REPLY", word, "PlayDTMF")
