"""Channels of the PBX as calls: each place, the order, and that events which follow can be read."""

import pytest

from acd import events as e
from acd.names import CallId, EndedBy, OfferResult
from callcenter.asterisk.message import AmiMessage
from callcenter.asterisk.snapshot import found_calls, found_consults, found_outbound, status_action
from callcenter.asterisk.tracks import CallTrack, ConsultTrack
from callcenter.asterisk.translate import Translator

AT = 1_700_000_100_000
CALLER = "p-1700000000.1"
LEG = "p-1700000050.2"
CALL = CallId("pbx1", CALLER)
TARGET = "endpoint*1001*9-1*9*20"
BASE = {
    "CC_ARRIVED": "1700000000.123999",
    "CC_QUEUED": "1700000008.5",
    "CC_LINE": "general",
    "CC_DID": "12345",
    "CC_SIPID": "abc@x",
}


def status(
    uniqueid: str = CALLER, channel: str = "PJSIP/trunk-00000001", bridge: str = "", **variables: str
) -> AmiMessage:
    lines = [
        "Event: Status",
        f"Channel: {channel}",
        f"Uniqueid: {uniqueid}",
        f"Linkedid: {CALLER}",
        "CallerIDNum: 13800000000",
        "CallerIDName: 市民",
    ]
    lines += [f"BridgeID: {bridge}"] if bridge else []
    lines += [f"Variable: {name}={value}" for name, value in variables.items()]
    return AmiMessage.parse("\r\n".join(lines).encode())


def caller(place: str, bridge: str = "", **more: str) -> AmiMessage:
    return status(bridge=bridge, **BASE, CC_PLACE=place, **more)


def leg(bridge: str = "", offer: str = "9-1") -> AmiMessage:
    return status(LEG, "PJSIP/1001-00000002", bridge, CC_OFFER=offer)


def read(*rows: AmiMessage) -> tuple[list[e.CallFound], Translator]:
    translator = Translator("pbx1")
    return found_calls("pbx1", rows, AT, translator.tracks), translator


def after(translator: Translator, name: str, uniqueid: str = CALLER, **headers: str) -> list[object]:
    head = {"Event": name} if not name.startswith("Cc") else {"Event": "UserEvent", "UserEvent": name}
    return list(translator.translate(AmiMessage(head | {"Timestamp": "1700000200.5", "Uniqueid": uniqueid} | headers)))


def test_caller_at_rest_is_told_with_what_he_waited() -> None:
    (found,), _ = read(caller("hold", CC_SCORE="1700000003000", CC_TEST="1"))
    assert found == e.CallFound(
        call=CALL,
        at_ms=AT,
        place="rest",
        arrived_ms=1_700_000_000_123,
        queued_ms=1_700_000_008_500,
        score_ms=1_700_000_003_000,
        line="general",
        did="12345",
        caller_number="13800000000",
        caller_name="市民",
        sip_call_id="abc@x",
        is_test=True,
    )


@pytest.mark.parametrize(
    ("written", "target", "expected"),
    [
        ("early", "", "rest"),
        ("hold", "", "rest"),
        ("", "", "rest"),
        ("menu", "", "menu"),
        ("offer", TARGET, "offer"),
        ("offer", "out*02012345*9-1*9*0", "exit"),
        ("exit", "reject*max_wait*9-1*9*0", "exit"),
        ("fallback", "", "fallback"),
    ],
)
def test_place_is_what_the_dialplan_wrote(written: str, target: str, expected: str) -> None:
    (found,), _ = read(caller(written, CC_TARGET=target))
    assert found.place == expected


def test_caller_who_is_dialled_for_is_told_with_his_offer_though_he_carries_its_id_himself() -> None:
    (found,), translator = read(caller("offer", CC_TARGET=TARGET, CC_OFFER="9-1"), leg())
    assert (found.place, found.offer, found.kind, found.number) == ("offer", "9-1", "endpoint", "1001")
    released = translator.tracks.leg_of("9-1")
    assert released is not None
    assert released.uniqueid == LEG


def test_caller_in_a_talk_is_told_with_its_instants() -> None:
    rows = (caller("offer", "b1", CC_TARGET=TARGET, CC_OFFER="9-1", CC_ANSWERED="1700000060000"), leg("b1"))
    (found,), _ = read(*rows)
    assert (found.place, found.offer, found.number) == ("talk", "9-1", "1001")
    assert (found.answered_ms, found.first_answered_ms) == (1_700_000_060_000, 1_700_000_060_000)


def test_caller_back_at_rest_after_a_talk_keeps_the_first_answer_only() -> None:
    (found,), _ = read(caller("hold", CC_ANSWERED="1700000060000"))
    assert (found.answered_ms, found.first_answered_ms) == (None, 1_700_000_060_000)


def test_caller_in_the_fallback_waits_rings_or_talks() -> None:
    (waits,), _ = read(caller("fallback"))
    (rings,), _ = read(caller("fallback"), leg(offer=""))
    (talks,), _ = read(caller("fallback", "b1"), leg("b1", offer=""))
    assert [waits.place, rings.place, talks.place] == ["fallback", "fallback_ring", "fallback_talk"]
    assert talks.number == "1001"


def test_callers_are_told_oldest_first_and_by_asterisks_own_count_within_a_millisecond() -> None:
    rows = [
        status(uniqueid, CC_ARRIVED=arrived)
        for uniqueid, arrived in (("p-2.10", "2.5"), ("p-2.9", "2.5"), ("p-1.11", "1.0"), ("p-3.1", "3.0"))
    ]
    assert [one.call.uniqueid for one in read(*rows)[0]] == ["p-1.11", "p-2.9", "p-2.10", "p-3.1"]


def test_clock_was_put_back_callers_of_before_keep_order_and_waits_and_nobody_comes_from_the_future() -> None:
    now = AT / 1000
    rows = [
        status("p-1.1", CC_ARRIVED=f"{now + 3500}", CC_QUEUED=f"{now + 3508}", CC_ANSWERED=f"{AT + 3_520_000}"),
        status("p-1.2", CC_ARRIVED=f"{now + 3590}", CC_QUEUED=f"{now + 3600}"),
        status("p-1.3", CC_ARRIVED=f"{now - 1}"),
    ]

    first, second, third = read(*rows)[0]

    assert [one.call.uniqueid for one in (first, second, third)] == ["p-1.1", "p-1.2", "p-1.3"]
    assert (second.arrived_ms, second.queued_ms) == (AT - 15_000, AT - 5_000), "the newest instant is five seconds old"
    assert (first.arrived_ms, first.queued_ms) == (AT - 105_000, AT - 97_000)
    assert first.first_answered_ms == AT - 85_000
    assert (third.arrived_ms, third.score_ms) == (AT - 1000, AT - 1000)
    assert [one.score_ms for one in (first, second)] == [AT - 105_000, AT - 15_000]


def test_channels_that_are_no_callers_are_left_out() -> None:
    found, translator = read(leg("b1"), status("p-9.9"), AmiMessage({"Event": "StatusComplete"}))
    assert found == []
    assert translator.tracks.calls == {}


def test_variables_that_make_no_sense_are_as_if_not_there() -> None:
    (found,), _ = read(status(CC_ARRIVED="soon", CC_QUEUED="²", CC_SCORE="-1", CC_ANSWERED="x", CC_TARGET="a*b"))
    assert (found.arrived_ms, found.queued_ms, found.score_ms, found.first_answered_ms) == (AT, None, AT, None)
    assert found.offer is None


def test_events_after_the_snapshot_are_read_hang_up() -> None:
    _, translator = read(caller("offer", "b1", CC_TARGET=TARGET), leg("b1"))
    assert after(translator, "Hangup") == [
        e.TalkEnded(CALL, "9-1", 1_700_000_200_500),
        e.CallerGone(CALL, 1_700_000_200_500, EndedBy.UNKNOWN),
    ]


def test_events_after_the_snapshot_are_read_hold_and_leaving_the_bridge() -> None:
    _, translator = read(caller("offer", "b1", CC_TARGET=TARGET), leg("b1"))
    assert [type(one) for one in after(translator, "Hold", LEG)] == [e.HoldStarted]
    assert [type(one) for one in after(translator, "Unhold", LEG)] == [e.HoldEnded]
    assert after(translator, "BridgeLeave", LEG, BridgeUniqueid="b1") == [e.TalkEnded(CALL, "9-1", 1_700_000_200_500)]


def test_events_after_the_snapshot_are_read_phone_that_rang_is_answered() -> None:
    _, translator = read(caller("offer", CC_TARGET=TARGET), leg())
    after(translator, "BridgeEnter", LEG, BridgeUniqueid="b1")
    assert after(translator, "BridgeEnter", BridgeUniqueid="b1") == [e.OfferAnswered(CALL, "9-1", 1_700_000_200_500)]


def test_events_told_in_the_snapshot_already_are_not_told_twice() -> None:
    _, translator = read(caller("offer", "b1", CC_TARGET=TARGET), leg("b1"))
    assert after(translator, "CcArrived", Line="general") == []
    assert after(translator, "BridgeEnter", BridgeUniqueid="b1") == []
    assert after(translator, "BridgeEnter", LEG, BridgeUniqueid="b1") == []


def test_probe_of_one_channel_keeps_the_other_tracks() -> None:
    _, translator = read(caller("hold"), status("p-5.5", CC_ARRIVED="5.0"))
    found = found_calls("pbx1", [caller("hold")], AT, translator.tracks, keep_tracks=True)
    assert [one.call for one in found] == [CALL]
    assert set(translator.tracks.calls) == {CALLER, "p-5.5"}
    assert status_action(CALLER)["Channel"] == CALLER  # type: ignore[call-overload]  # an action may be a list of pairs


# --- phones that dial out


DIALLED = "1700000090.500000"


def dialled(bridge: str = "") -> AmiMessage:
    return status("p-7.7", "PJSIP/1002-00000007", bridge, CC_ENDPOINT="1002", CC_OUT="13911111111", CC_DIALLED=DIALLED)


def outbound(*rows: AmiMessage, before: dict[str, CallTrack] | None = None) -> tuple[list[object], Translator]:
    translator = Translator("pbx1")
    return list(found_outbound("pbx1", rows, AT, translator.tracks, before or {})), translator


OUT = CallId("pbx1", "p-7.7")


def test_call_dialled_out_is_found_after_a_restart_and_its_end_is_read() -> None:
    told, translator = outbound(dialled("b7"))
    assert told == [e.OutboundStarted(OUT, "1002", "13911111111", None, 1_700_000_090_500), e.OutboundAnswered(OUT, AT)]
    assert after(translator, "Hangup", "p-7.7") == [e.OutboundEnded(OUT, 1_700_000_200_500, EndedBy.UNKNOWN, "ANSWER")]


def test_call_dialled_out_that_we_knew_is_told_only_what_is_new() -> None:
    _, translator = outbound(dialled())
    before = dict(translator.tracks.calls)
    assert outbound(dialled(), before=before)[0] == []
    assert outbound(dialled("b7"), before=before)[0] == [e.OutboundAnswered(OUT, AT)]


def test_call_dialled_out_that_ended_while_the_link_was_down_is_told_as_ended() -> None:
    _, translator = outbound(dialled("b7"))
    assert outbound(before=dict(translator.tracks.calls))[0] == [e.OutboundEnded(OUT, AT, EndedBy.UNKNOWN, "ANSWER")]


def test_call_dialled_out_is_found_with_line_own_answer_and_the_call_that_it_follows() -> None:
    more = {"CC_LINE": "general", "CC_FOLLOWS": "p-1.1", "CC_ANSWERED": "1700000095250"}
    row = status("p-7.7", "PJSIP/1002-00000007", "b7", CC_ENDPOINT="1002", CC_OUT="139", CC_DIALLED=DIALLED, **more)
    assert outbound(row)[0] == [
        e.OutboundStarted(OUT, "1002", "139", "general", 1_700_000_090_500, "p-1.1"),
        e.OutboundAnswered(OUT, 1_700_000_095_250),
    ]


def test_clock_was_put_back_a_call_dialled_out_before_is_over_its_beginning() -> None:
    hour_on = {"CC_DIALLED": f"{AT / 1000 + 3600:.1f}", "CC_ANSWERED": str(AT + 3_605_000)}
    row = status("p-7.7", "PJSIP/1002-00000007", "b7", CC_ENDPOINT="1002", CC_OUT="139", **hour_on)
    assert outbound(row)[0] == [
        e.OutboundStarted(OUT, "1002", "139", None, AT - 5000),
        e.OutboundAnswered(OUT, AT - 5000),
    ]


def test_phone_that_still_asks_is_no_call() -> None:
    assert outbound(status("p-7.7", "PJSIP/1002-00000007", CC_ENDPOINT="1002", CC_OUT="13911111111"))[0] == []


def test_callers_are_no_calls_dialled_out() -> None:
    assert outbound(caller("hold"), leg("b1"))[0] == []


@pytest.mark.parametrize(
    ("target", "kind", "number"),
    [
        ("reject*closed*9-1*9*0", "reject", "closed"),
        ("out*02584001234*9-1*9*0", "out", "02584001234"),
        ("voicemail*100*9-1*9*0", "voicemail", "100"),
        ("say*0*9-1*9*0", "say", "0"),
    ],
)
@pytest.mark.parametrize("place", ["exit", "offer"])
def test_caller_on_his_way_out_is_told_with_where_to_and_why(target: str, kind: str, number: str, place: str) -> None:
    (found,), _ = read(caller(place, CC_TARGET=target, CC_EXIT="closed"))
    assert (found.place, found.kind, found.number, found.reason, found.offer) == ("exit", kind, number, "closed", None)


def test_caller_who_came_back_from_an_exit_is_no_longer_on_his_way_out() -> None:
    (found,), _ = read(caller("hold", CC_EXIT="closed"))
    assert (found.place, found.reason) == ("rest", "")


# several people with one caller, consults --------------------------------------------------------------------------------


def third(bridge: str = "", **more: str) -> AmiMessage:
    names = {"CC_OFFER": "9-2", "CC_TARGET": "trunk*0258*9-2*9*20", "CC_CALLER": "PJSIP/trunk-00000001"}
    return status(
        "p-1700000060.3", "PJSIP/trunk-00000003", bridge, **(names | {"CC_SEAT": "PJSIP/1001-00000002"} | more)
    )


SEAT = e.FoundParty("9-1", "1001", True, LEG)


def test_three_together_are_told_as_parties_the_seat_first() -> None:
    (found,), translator = read(third("b1"), caller("offer", "b1", CC_TARGET=TARGET), leg("b1"))
    assert (found.place, found.offer, found.number, found.is_insured) == ("talk", "9-1", "1001", False)
    assert found.parties == (SEAT, e.FoundParty("9-2", "0258", True, "p-1700000060.3"))
    left = after(translator, "BridgeLeave", LEG, BridgeUniqueid="b1")
    assert [type(one).__name__ for one in left] == ["TalkEnded"]


@pytest.mark.parametrize(
    ("end", "result"),
    [
        ("NOANSWER*0*5003", OfferResult.NOT_ANSWERED),
        ("NOANSWER*0*700", OfferResult.NOT_ANSWERED),
        ("NOANSWER*19*700", OfferResult.BUSY),
        ("CHANUNAVAIL*21*80", OfferResult.REFUSED),
        ("CHANUNAVAIL**80", OfferResult.UNREACHABLE),
    ],
)
def test_caller_is_back_from_a_dial_in_vain_and_how_it_ended_is_told(end: str, result: OfferResult) -> None:
    status, cause, elapsed = end.split("*")
    (found,), _ = read(caller("hold", CC_LAST=f"endpoint*1001*9-1*9*5*{end}*1700000099000"))
    began_ms = 1_700_000_099_000 - int(elapsed)
    assert found.last == e.LastDial("9-1", "1001", result, f"{status}/{cause}", began_ms, 1_700_000_099_000)


@pytest.mark.parametrize(
    "text",
    [
        "*****1700000099000",
        "hold*0*9-1*9*0***17*1700000099000",
        "endpoint*1001*9-1*9*5*NOANSWER*0**",
        "endpoint*1001*9-1*9*5*NOANSWER*0*x*y",
        "x",
    ],
)
def test_nothing_was_dialled_or_the_words_are_torn_and_no_end_is_told(text: str) -> None:
    assert read(caller("hold", CC_LAST=text))[0][0].last is None


def test_third_person_is_rung_he_and_the_insurance_are_told() -> None:
    insured = caller("offer", "b1", CC_TARGET=TARGET, CC_GO="hold*three*9-3*9*0")
    (found,), translator = read(insured, leg("b1"), third())
    assert found.is_insured
    assert found.parties == (SEAT, e.FoundParty("9-2", "0258", False, "p-1700000060.3"))
    assert after(translator, "Hangup", "p-1700000060.3", Cause="21") == [
        e.OfferEnded(CALL, "9-2", 1_700_000_200_500, OfferResult.REFUSED, "invited/21")
    ]


def test_seat_has_left_the_three_the_specialist_stands_for_the_talk() -> None:
    (found,), _ = read(caller("offer", "b1", CC_TARGET=TARGET), third("b1"))
    assert (found.place, found.offer, found.number) == ("talk", "9-2", "0258")


CONSULT = status("p-1700000070.8", "PJSIP/1001-00000008", "b2", CC_CONSULT="1001", CC_TOPIC="55", CC_TARGET="endpoint*701*9-2*9*20")  # fmt: skip


def consulted(bridge: str) -> AmiMessage:
    names = {"CC_CONSULT": "1001", "CC_TARGET": "endpoint*701*9-2*9*20", "CC_OFFER": "9-2"}
    return status("p-1700000070.9", "PJSIP/701-00000009", bridge, **names, CC_CALLER="PJSIP/1001-00000008")


def test_consult_goes_on_and_what_follows_can_be_read() -> None:
    (found,), translator = read(caller("offer", "b1", CC_TARGET=TARGET), leg("b1"), CONSULT, consulted("b2"))
    assert found.parties == (SEAT,)
    consult = CallId("pbx1", "p-1700000070.8")
    assert found_consults(translator.tracks, AT, {}) == [e.ConsultFound(consult, "1001", "55", "701", AT)]
    after(translator, "BridgeLeave", BridgeUniqueid="b1")
    after(translator, "BridgeLeave", "p-1700000070.8", BridgeUniqueid="b2")
    joined = after(translator, "BridgeEnter", BridgeUniqueid="b2")
    assert joined == [e.PartyJoined(CALL, "701", 1_700_000_200_500, consult, "p-1700000070.9")]
    assert found_consults(translator.tracks, AT, {"gone": ConsultTrack(CallId("pbx1", "gone"), "1002", "55")})[-1] == (
        e.ConsultEnded(CallId("pbx1", "gone"), AT)
    )


def test_consulted_specialist_is_with_the_caller_he_has_no_offer_but_a_leg_that_names_his_talk() -> None:
    (found,), _ = read(caller("offer", "b2", CC_TARGET=TARGET), consulted("b2"))
    assert (found.place, found.offer, found.number) == ("talk", None, "701")
    assert found.parties == (e.FoundParty(None, "701", True, "p-1700000070.9"),)
