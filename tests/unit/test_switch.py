"""Commands of the engine as AMI actions: exactly which, in one write, and how a refusal comes back."""

import asyncio
from collections.abc import Sequence

import pytest

from acd import commands as c
from acd import events as e
from acd.names import OfferResult, RejectReason
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


async def test_hand_over_hangs_up_the_leg_instead_of_waking() -> None:
    desk = Desk()
    desk.talk()
    desk.switch.execute(c.OfferCall(CALL, "9-2", "trunk", "701", 20, "general", release="9-1"))
    assert desk.link.writes == [[setvar("CC_LABEL", "群众诉求 138"), setvar("CC_GO", "trunk*701*9-2*9*20"), RELEASE]]


async def test_hand_over_whose_leg_is_gone_wakes_a_caller_who_may_be_at_rest_again() -> None:
    desk = Desk()
    desk.switch.execute(c.ReturnCall(CALL, "9-2", release="9-1"))
    assert desk.link.writes == [[setvar("CC_GO", "hold*0*9-2*9*0"), WAKE]]


async def test_exit_and_refusal_are_wishes_too() -> None:
    desk = Desk()
    desk.switch.execute(c.ExitCall(CALL, "9-3", "02012345", None))
    desk.switch.execute(c.ExitCall(CALL, "9-4", None, RejectReason.MAX_WAIT))
    desk.switch.execute(c.ExitCall(CALL, "9-5", None, None))
    assert [write[0] for write in desk.link.writes] == [
        setvar("CC_GO", "out*02012345*9-3*9*0"),
        setvar("CC_GO", "reject*max_wait*9-4*9*0"),
        setvar("CC_GO", "reject*busy*9-5*9*0"),
    ]
    assert [write[1:] for write in desk.link.writes] == [[WAKE]] * 3


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
