"""What AMI's events mean to the engine: timelines of messages in, events out."""

from acd import events as e
from acd.names import CallId, EndedBy, HandOverMode, OfferResult
from agents.presence import DeviceState
from callcenter.asterisk.message import AmiMessage
from callcenter.asterisk.translate import FeatureUsed, Told, Translator, WishFenced

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


def test_phone_without_offer_enters_the_bridge_is_told_as_joined() -> None:
    told = run(*ANSWERED, message("BridgeEnter", Uniqueid="x.9", Channel="PJSIP/1009-0a", BridgeUniqueid="b1"))
    assert told[-1] == e.PartyJoined(CALL, "1009", 1700000000123)


def test_agent_dials_out_is_told_with_answer_and_end() -> None:
    told = run(
        leg("CcOutbound", Endpoint="1001", Number="02512345", State="started"),
        leg("DialBegin", DestUniqueid="o.2", DestChannel="PJSIP/trunk-5"),
        leg("BridgeEnter", BridgeUniqueid="b7"),
        message("BridgeEnter", "1700000003.000000", Uniqueid="o.2", Channel="PJSIP/trunk-5", BridgeUniqueid="b7"),
        leg("CcOutbound", Endpoint="1001", Number="02512345", State="ended", Status="ANSWER"),
        leg("Hangup", "1700000009.000000"),
    )
    call = CallId("pbx1", "pbx1-1.2")
    assert told == [
        e.OutboundStarted(call, "1001", "02512345", None, 1700000001500),
        e.OutboundAnswered(call, 1700000003000),
        e.OutboundEnded(call, 1700000009000, EndedBy.UNKNOWN, "ANSWER"),
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
