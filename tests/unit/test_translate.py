"""What AMI's events mean to the engine: timelines of messages in, events out."""

import pytest

from acd import events as e
from acd.names import CallId, EndedBy, HandOverMode, OfferResult
from agents.presence import DeviceState
from callcenter.asterisk.message import AmiMessage
from callcenter.asterisk.told import FeatureUsed, Told, WishFenced
from callcenter.asterisk.translate import Translator

CALL = CallId("pbx1", "pbx1-1.1")
CALLER = "PJSIP/trunk-00000001"
LEG = "PJSIP/1001-00000002"
TARGET = "endpoint*1001*9-1*9*20"


def message(name: str, at: str = "1700000000.123999", **headers: str) -> AmiMessage:
    head = {"Event": name} if not name.startswith("Cc") else {"Event": "UserEvent", "UserEvent": name}
    return AmiMessage(head | {"Timestamp": at} | headers)


def caller(name: str, at: str = "1700000000.123999", **headers: str) -> AmiMessage:
    return message(name, at, Uniqueid=CALL.uniqueid, Channel=CALLER, **headers)


def leg(name: str, at: str = "1700000001.500000", **headers: str) -> AmiMessage:
    return message(name, at, Uniqueid="pbx1-1.2", Channel=LEG, **headers)


def run(*messages: AmiMessage) -> list[Told]:
    translator = Translator("pbx1")
    told: list[Told] = []
    for one in messages:
        told.extend(translator.translate(one))
    return told


ARRIVED = caller("CcArrived", Did="12345", Line="general", SipCallId="abc@x", Menu="0", CallerIDNum="13800000000")
CONNECTING = caller("CcConnecting", "1700000001.000000", Target=TARGET)
DIALLED = caller("DialBegin", "1700000001.001000", DestUniqueid="pbx1-1.2", DestChannel=LEG)
RINGING = message(
    "DialState", "1700000001.100000", DestUniqueid="pbx1-1.2", DialStatus="RINGING", Uniqueid=CALL.uniqueid
)
LEG_IN = leg("BridgeEnter", "1700000002.000400", BridgeUniqueid="b1")
CALLER_IN = caller("BridgeEnter", "1700000002.000900", BridgeUniqueid="b1")
ANSWERED = (ARRIVED, CONNECTING, DIALLED, RINGING, LEG_IN, CALLER_IN)


def test_caller_arrives_instant_is_cut_to_milliseconds() -> None:
    (told,) = run(ARRIVED)
    assert isinstance(told, e.CallArrived)
    assert (told.call, told.at_ms, told.did, told.line) == (CALL, 1700000000123, "12345", "general")
    assert (told.sip_call_id, told.caller_number, told.has_menu) == ("abc@x", "13800000000", False)


def test_agent_answers_instant_is_the_later_of_the_two_bridge_entries() -> None:
    told = run(*ANSWERED)
    assert [type(one).__name__ for one in told] == ["CallArrived", "OfferConnecting", "OfferRinging", "OfferAnswered"]
    assert told[-1] == e.OfferAnswered(CALL, "9-1", 1700000002000)


def test_agent_answers_caller_entering_first_is_told_once() -> None:
    told = run(
        ARRIVED,
        CONNECTING,
        DIALLED,
        caller("BridgeEnter", "1700000002.000000", BridgeUniqueid="b1"),
        leg("BridgeEnter", "1700000002.003000", BridgeUniqueid="b1"),
    )
    assert told[-1] == e.OfferAnswered(CALL, "9-1", 1700000002003)


def test_caller_hangs_up_in_talk_talk_ends_before_the_call() -> None:
    told = run(
        *ANSWERED,
        caller("BridgeLeave", "1700000005.000000", BridgeUniqueid="b1"),
        leg("BridgeLeave", "1700000005.000500", BridgeUniqueid="b1"),
        leg("Hangup", "1700000005.001000"),
        caller("CcEnd", "1700000005.002000", By=CALLER, Who="caller"),
        caller("Hangup", "1700000005.003000"),
    )
    assert told[4:] == [
        e.TalkEnded(CALL, "9-1", 1700000005000),
        e.CallerGone(CALL, 1700000005003, EndedBy.CALLER),
    ]


def test_agent_hangs_up_is_told_as_by_agent() -> None:
    told = run(
        *ANSWERED,
        leg("BridgeLeave", "1700000005.000000", BridgeUniqueid="b1"),
        caller("BridgeLeave", "1700000005.000500", BridgeUniqueid="b1"),
        leg("Hangup", "1700000005.001000"),
        caller("CcOfferEnd", "1700000005.001500", Target=TARGET, Status="ANSWER", Cause="16", ElapsedMs="4000"),
        caller("CcEnd", "1700000005.002000", By=LEG, Who="agent"),
        caller("Hangup", "1700000005.003000"),
    )
    assert told[4:] == [
        e.TalkEnded(CALL, "9-1", 1700000005000),
        e.CallerGone(CALL, 1700000005003, EndedBy.AGENT),
    ]


@pytest.mark.parametrize(
    ("at", "status", "result"),
    [
        ("1700000021.001000", "NOANSWER", OfferResult.NOT_ANSWERED),
        ("1700000003.000000", "NOANSWER", OfferResult.BUSY),  # 480
        ("1700000003.000000", "BUSY", OfferResult.BUSY),
    ],
)
def test_caller_hangs_up_in_the_instant_in_which_his_dial_came_back_and_the_offers_end_is_told_first(
    at: str, status: str, result: OfferResult
) -> None:
    told = run(
        ARRIVED,
        CONNECTING,
        DIALLED,
        RINGING,
        leg("Hangup", at),
        caller("CcEnd", at, By=CALLER, Who="caller", Status=status, Place="offer"),
        caller("Hangup", at),
    )
    at_ms = int(at.replace(".", "")[:13])
    assert told[3:] == [
        e.OfferEnded(CALL, "9-1", at_ms, result, f"{status}/"),
        e.CallerGone(CALL, at_ms, EndedBy.CALLER),
    ]


@pytest.mark.parametrize("status", ["CANCEL", "ANSWER", ""])
def test_caller_hangs_up_while_it_rings_and_no_end_of_the_offer_is_made_up(status: str) -> None:
    told = run(
        ARRIVED, CONNECTING, RINGING, caller("CcEnd", Who="caller", Status=status, Place="offer"), caller("Hangup")
    )
    assert [type(one).__name__ for one in told if isinstance(one, e.OfferEnded | e.CallerGone)] == ["CallerGone"]


def test_phone_is_busy_offer_ends_so_and_caller_holds_again() -> None:
    told = run(
        ARRIVED,
        CONNECTING,
        DIALLED,
        caller("CcOfferEnd", "1700000001.200000", Target=TARGET, Status="BUSY", Cause="17", ElapsedMs="100"),
        caller("CcHolding", "1700000001.201000"),
    )
    assert told[2:] == [
        e.OfferEnded(CALL, "9-1", 1700000001200, OfferResult.BUSY, "BUSY/17"),
        e.CallHolding(CALL, 1700000001201),
    ]


def test_agent_holds_and_takes_back() -> None:
    told = run(*ANSWERED, leg("Hold", "1700000003.000000"), leg("Unhold", "1700000004.000000"))
    assert told[4:] == [
        e.HoldStarted(CALL, "9-1", 1700000003000),
        e.HoldEnded(CALL, "9-1", 1700000004000),
    ]


def test_seat_asks_for_a_topic_is_told_with_his_offer() -> None:
    told = run(*ANSWERED, leg("CcTopic", Offer="9-1", Topic="01", Mode="blind"))
    assert told[-1] == e.HandOverAsked(CALL, "9-1", "01", HandOverMode.BLIND, 1700000001500)


def test_channel_that_is_nobodys_phone_enters_the_bridge_and_is_no_party() -> None:
    told = run(
        *ANSWERED,
        message("BridgeEnter", Uniqueid="x.9", Channel="Local/756@callcenter-transfer-0a;1", BridgeUniqueid="b1"),
    )
    assert not [one for one in told if isinstance(one, e.PartyJoined)]


def test_phone_without_offer_enters_the_bridge_is_told_as_joined() -> None:
    told = run(*ANSWERED, message("BridgeEnter", Uniqueid="x.9", Channel="PJSIP/1009-0a", BridgeUniqueid="b1"))
    assert told[-1] == e.PartyJoined(CALL, "1009", 1700000000123, leg="x.9")


def test_agent_dials_out_is_told_with_answer_and_end() -> None:
    told = run(
        leg("CcOutbound", Endpoint="1001", Number="02512345", State="started"),
        leg("DialBegin", DestUniqueid="o.2", DestChannel="PJSIP/trunk-5"),
        leg("BridgeEnter", BridgeUniqueid="b7"),
        message("BridgeEnter", "1700000003.000000", Uniqueid="o.2", Channel="PJSIP/trunk-5", BridgeUniqueid="b7"),
        leg("CcOutbound", Endpoint="1001", Number="02512345", State="ended", Status="ANSWER", By="PJSIP/trunk-5"),
        leg("Hangup", "1700000009.000000"),
    )
    call = CallId("pbx1", "pbx1-1.2")
    assert told == [
        e.OutboundStarted(call, "1001", "02512345", None, 1700000001500),
        e.OutboundAnswered(call, 1700000003000),
        e.OutboundEnded(call, 1700000009000, EndedBy.CALLER, "ANSWER"),
    ]


def test_feature_code_is_told_with_proof_and_channel() -> None:
    (told,) = run(leg("CcFeature", Code="login", Endpoint="1001", Agent="8001", Proof="ab"))
    assert told == FeatureUsed("pbx1", "pbx1-1.2", 1700000001500, "login", "1001", "8001", "ab", "")


def test_wish_with_revoked_epoch_is_told_as_fenced() -> None:
    told = run(ARRIVED, caller("CcFenced", Target=TARGET))
    assert told[1:] == [
        e.OfferEnded(CALL, "9-1", 1700000000123, OfferResult.FAILED, "fenced"),
        WishFenced("pbx1", 1700000000123, 9),
    ]


def test_device_of_the_pbx_changes_state() -> None:
    told = run(message("DeviceStateChange", Device="PJSIP/1001", State="UNAVAILABLE"))
    assert told == [e.DeviceChanged("1001", DeviceState.UNREACHABLE, 1700000000123)]


def test_foreign_and_torn_messages_mean_nothing() -> None:
    assert run(message("Newexten"), message("DeviceStateChange", Device="Queue:x", State="INUSE")) == []
    assert run(caller("CcConnecting", Target="rubbish"), caller("Hangup"), leg("BridgeLeave")) == []
    assert Translator("pbx1").translate(AmiMessage({"Event": "Hangup", "Uniqueid": "1"})) == []


def test_message_left_is_told_with_its_file_and_length() -> None:
    path = "voicemail/callcenter/100/INBOX/msg0000.wav"
    kept = caller("CcVoicemail", "1700000009.000000", Box="100", File=path, Size="48044", LengthMs="3000")
    assert run(ARRIVED, kept)[-1] == e.VoicemailLeft(CALL, 1700000009000, path, 48044, 3000)


def test_message_whose_file_the_dialplan_could_not_measure_is_told_all_the_same() -> None:
    kept = caller("CcVoicemail", "1700000009.000000", Box="100", File="voicemail/x.wav", Size="", LengthMs="")
    assert run(ARRIVED, kept)[-1] == e.VoicemailLeft(CALL, 1700000009000, "voicemail/x.wav", None, None)


def test_mailbox_that_kept_nothing_ends_the_exit_as_failed() -> None:
    target = "voicemail*100*9-1*9*0"
    taken = caller("CcConnecting", "1700000001.000000", Target=target)
    ended = caller("CcOfferEnd", "1700000002.000000", Target=target, Status="NOMESSAGE", Cause="0", ElapsedMs="0")
    told = run(ARRIVED, taken, ended)
    assert isinstance(told[-1], e.OfferEnded)
    assert (told[-1].offer, told[-1].detail) == ("9-1", "NOMESSAGE/0")


# a third person, and consults --------------------------------------------------------------------------------------------

THIRD = "endpoint*701*9-2*9*20"


def third(name: str, at: str, **headers: str) -> AmiMessage:
    return message(name, at, Uniqueid="pbx1-1.3", Channel="PJSIP/701-00000003", **headers)


def invited(state: str, at: str = "1700000010.000000") -> AmiMessage:
    return third("CcLeg", at, State=state, Caller=CALLER, Target=THIRD)


def test_third_person_is_called_rings_and_joins() -> None:
    told = run(
        *ANSWERED,
        invited("dialled"),
        message("DialState", "1700000010.5", DestUniqueid="pbx1-1.3", DialStatus="RINGING"),
        invited("answered", "1700000012.0"),
        third("BridgeEnter", "1700000013.0", BridgeUniqueid="b1"),
        third("BridgeLeave", "1700000020.0", BridgeUniqueid="b1"),
        third("Hangup", "1700000020.0", Cause="16"),
    )
    assert told[4:] == [
        e.OfferConnecting(CALL, "9-2", 1700000010000),
        e.OfferRinging(CALL, "9-2", 1700000010500),
        e.OfferAnswered(CALL, "9-2", 1700000013000),
        e.TalkEnded(CALL, "9-2", 1700000020000),
    ]


@pytest.mark.parametrize(
    ("states", "cause", "at", "result"),
    [
        ((), "17", "1700000010.1", OfferResult.BUSY),
        ((), "19", "1700000010.1", OfferResult.BUSY),
        ((), "21", "1700000010.1", OfferResult.REFUSED),
        ((), "34", "1700000010.1", OfferResult.UNREACHABLE),
        ((), "1", "1700000010.1", OfferResult.UNREACHABLE),
        ((), "19", "1700000030.0", OfferResult.NOT_ANSWERED),
        (("answered", "unconfirmed"), "16", "1700000015.0", OfferResult.NOT_ANSWERED),
        (("answered",), "16", "1700000015.0", OfferResult.FAILED),
    ],
)
def test_third_person_never_joins_the_hang_up_of_his_leg_says_why(
    states: tuple[str, ...], cause: str, at: str, result: OfferResult
) -> None:
    told = run(*ANSWERED, invited("dialled"), *(invited(state) for state in states), third("Hangup", at, Cause=cause))
    ended = told[-1]
    assert isinstance(ended, e.OfferEnded)
    assert (ended.offer, ended.result) == ("9-2", result)


def test_third_person_has_no_contact_his_offer_is_unreachable_at_once() -> None:
    failed = leg("CcLeg", "1700000010.0", State="failed", Caller=CALLER, Target=THIRD)
    assert run(*ANSWERED, failed)[-1] == e.OfferEnded(CALL, "9-2", 1700000010000, OfferResult.UNREACHABLE, "no contact")


def test_third_persons_leg_names_a_caller_who_is_not_known_and_says_nothing() -> None:
    foreign = third("CcLeg", "1700000010.0", State="dialled", Caller="PJSIP/trunk-000000ff", Target=THIRD)
    assert len(run(*ANSWERED, foreign, invited("dialled"))) == 5
    assert len(run(*ANSWERED, third("CcLeg", "1700000010.0", State="dialled", Caller=CALLER, Target="nonsense"))) == 4


CONSULT = CallId("pbx1", "pbx1-1.8")


def consult(name: str, at: str = "1700000020.0", **headers: str) -> AmiMessage:
    return message(name, at, Uniqueid=CONSULT.uniqueid, Channel="PJSIP/1001-00000008", **headers)


ASKED = consult("CcConsult", State="asked", Endpoint="1001", Topic="55")
CONSULTED = (
    ASKED,
    consult("CcConsult", "1700000020.1", State="dialling", Endpoint="1001", Topic="55", Target="trunk*0258*9-2*9*20"),
    consult("DialBegin", "1700000020.2", DestUniqueid="pbx1-1.9", DestChannel="PJSIP/trunk-00000009"),
    message("BridgeEnter", "1700000021.0", Uniqueid="pbx1-1.9", Channel="PJSIP/trunk-00000009", BridgeUniqueid="b2"),
    consult("BridgeEnter", "1700000021.0", BridgeUniqueid="b2"),
)


def test_consult_asks_and_its_talk_is_nobodys() -> None:
    told = run(*ANSWERED, *CONSULTED, consult("BridgeLeave", BridgeUniqueid="b2"), consult("Hangup", "1700000030.0"))
    assert told[4:] == [
        e.ConsultAsked(CONSULT, "1001", "55", 1700000020000),
        e.ConsultEnded(CONSULT, 1700000030000),
    ]


@pytest.mark.parametrize("seat_is_late", [False, True])
def test_caller_enters_the_consults_bridge_the_specialist_has_joined_by_his_number(seat_is_late: bool) -> None:
    goes = [
        caller("BridgeLeave", "1700000030.0", BridgeUniqueid="b1"),
        consult("BridgeLeave", "1700000030.0", BridgeUniqueid="b2"),
        caller("BridgeEnter", "1700000030.0", BridgeUniqueid="b2"),
    ]
    if seat_is_late:
        goes[1:] = reversed(goes[1:])
    told = run(*ANSWERED, *CONSULTED, *goes, consult("Hangup", "1700000030.1"))
    assert told[5:] == [
        e.TalkEnded(CALL, "9-1", 1700000030000),
        e.PartyJoined(CALL, "0258", 1700000030000, CONSULT, "pbx1-1.9"),
        e.ConsultEnded(CONSULT, 1700000030100),
    ]


def test_caller_is_joined_with_whom_the_seat_had_dialled_the_other_end_is_told_as_joined() -> None:
    dialled = consult("CcOutbound", State="started", Endpoint="1001", Number="0258")
    there = {"Uniqueid": "pbx1-1.9", "Channel": "PJSIP/trunk-00000009", "BridgeUniqueid": "b2"}
    told = run(
        *ANSWERED,
        dialled,
        consult("DialBegin", DestUniqueid="pbx1-1.9", DestChannel="PJSIP/trunk-00000009"),
        message("BridgeEnter", **there),
        consult("BridgeEnter", BridgeUniqueid="b2"),
        caller("BridgeLeave", "1700000030.0", BridgeUniqueid="b1"),
        consult("BridgeLeave", "1700000030.0", BridgeUniqueid="b2"),
        caller("BridgeEnter", "1700000030.0", BridgeUniqueid="b2"),
        message("BridgeLeave", "1700000040.0", **there),
    )
    assert told[-2:] == [
        e.PartyJoined(CALL, "trunk", 1700000030000, leg="pbx1-1.9"),
        e.PartyLeft(CALL, "trunk", 1700000040000),
    ]
