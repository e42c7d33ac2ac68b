"""Each kind of call rebuilt from hand-made CEL rows: instants, agents, outcome."""

import pytest

from acd.names import CallId, EndedBy, Outcome
from callcenter.witness.calls import DeviceUse
from callcenter.witness.channels import endpoint_of
from callcenter.witness.rebuild import rebuild
from callcenter.witness.verdict import Places
from tests.unit.cel_timeline import PHONES, Timeline, ms


def only(outcome: Outcome) -> frozenset[Outcome]:
    return frozenset({outcome})


def waiting() -> Timeline:
    """A caller who has arrived and waits."""
    timeline = Timeline()
    timeline.begins(0.0, "trunk")
    timeline.line(0.3, "ANSWER", "trunk")
    return timeline


def answered(ended_s: float = 10.0) -> Timeline:
    """8101 rings at 4, talks from 5 to `ended_s`."""
    timeline = waiting()
    timeline.begins(4.0, "8101")
    timeline.line(4.9, "ANSWER", "8101")
    timeline.talks(5.0, ended_s, "8101")
    return timeline


def test_caller_answered_and_caller_hangs_up() -> None:
    timeline = answered()
    timeline.ends(10.001, "trunk", by="trunk", status="ANSWER")
    timeline.ends(10.002, "8101", by="trunk")

    call = timeline.call()

    assert call.call == CallId("pbx", "pbx-1")
    assert call.outcomes == only(Outcome.AGENT_ANSWERED)
    assert (call.arrived_ms, call.answered_ms, call.talk_ended_ms, call.ended_ms) == (ms(0), ms(5), ms(10), ms(10.001))
    assert (call.agent, call.ended_by, call.talk_ms) == ("1001", EndedBy.CALLER, 5000)


def test_caller_enters_bridge_first_answered_is_the_later_entry() -> None:
    timeline = waiting()
    timeline.begins(4.0, "8101")
    timeline.enters(5.0, "trunk")
    timeline.enters(5.4, "8101")
    timeline.leaves(9.0, "8101")
    timeline.leaves(9.3, "trunk")
    timeline.ends(9.3, "trunk", by="8101")

    call = timeline.call()

    assert (call.answered_ms, call.talk_ended_ms, call.talk_ms) == (ms(5.4), ms(9.0), 3600)


def test_agent_hangs_up_call_ended_by_agent() -> None:
    timeline = answered()
    timeline.ends(10.001, "8101", by="8101")
    timeline.ends(10.002, "trunk", by="8101", status="ANSWER")

    call = timeline.call()

    assert (call.outcomes, call.ended_by) == (only(Outcome.AGENT_ANSWERED), EndedBy.AGENT)


def test_caller_gives_up_waiting_abandoned_queue() -> None:
    timeline = waiting()
    timeline.ends(8.0, "trunk", by="trunk")

    call = timeline.call()

    assert call.outcomes == only(Outcome.ABANDONED_QUEUE)
    assert (call.answered_ms, call.talk_ended_ms, call.agent, call.talk_ms) == (None, None, None, 0)


@pytest.mark.parametrize("leg_after_s", [-0.002, 0.0003])
def test_caller_gives_up_ringing_leg_ends_just_before_or_after_him_abandoned_ringing(leg_after_s: float) -> None:
    timeline = waiting()
    timeline.begins(4.0, "8101")
    timeline.ends(8.0 + leg_after_s, "8101")
    timeline.ends(8.0, "trunk", by="trunk", status="CANCEL", context="callcenter-connect")

    assert timeline.call().outcomes == only(Outcome.ABANDONED_RINGING)


def test_caller_gives_up_ringing_and_a_busy_machine_ends_the_leg_long_before_him_abandoned_ringing() -> None:
    timeline = waiting()
    timeline.begins(4.0, "8101")
    timeline.ends(7.8, "8101")
    timeline.ends(8.0, "trunk", by="trunk", status="CANCEL", context="callcenter-connect")

    assert timeline.call().outcomes == only(Outcome.ABANDONED_RINGING)


@pytest.mark.parametrize("status", ["NOANSWER", "BUSY", "CHANUNAVAIL"])
def test_caller_gives_up_just_after_the_offer_ended_by_itself_abandoned_queue(status: str) -> None:
    timeline = waiting()
    timeline.begins(4.0, "8101")
    timeline.ends(7.998, "8101")
    timeline.ends(8.0, "trunk", by="trunk", status=status)

    assert timeline.call().outcomes == only(Outcome.ABANDONED_QUEUE)


def test_caller_hangs_up_in_the_instant_of_the_answer_and_meets_nobody_abandoned_ringing() -> None:
    timeline = waiting()
    timeline.begins(4.0, "8101")
    timeline.line(7.9880, "ANSWER", "8101")
    timeline.ends(7.9890, "8101")
    timeline.ends(8.0, "trunk", by="trunk", status="ANSWER", context="callcenter-connect")

    assert timeline.call().outcomes == only(Outcome.ABANDONED_RINGING)


def test_caller_gives_up_long_after_a_leg_outside_was_picked_up_and_not_taken_abandoned_queue() -> None:
    timeline = waiting()
    timeline.begins(4.0, "8101")
    timeline.line(5.0, "ANSWER", "8101")
    timeline.ends(6.0, "8101")
    timeline.ends(8.0, "trunk", by="trunk", status="ANSWER")

    assert timeline.call().outcomes == only(Outcome.ABANDONED_QUEUE)


def test_caller_gives_up_long_after_a_cancelled_dial_abandoned_queue() -> None:
    timeline = waiting()
    timeline.begins(4.0, "8101")
    timeline.ends(6.0, "8101")
    timeline.ends(8.0, "trunk", by="trunk", status="CANCEL")

    assert timeline.call().outcomes == only(Outcome.ABANDONED_QUEUE)


def test_caller_gives_up_with_leg_just_ended_and_no_status_stays_undecided() -> None:
    timeline = waiting()
    timeline.begins(4.0, "8101")
    timeline.ends(7.998, "8101")
    timeline.ends(8.0, "trunk", by="trunk")

    assert timeline.call().outcomes == {Outcome.ABANDONED_QUEUE, Outcome.ABANDONED_RINGING}


def test_first_agent_lets_it_ring_next_answers_agent_is_the_second() -> None:
    timeline = waiting()
    timeline.begins(1.0, "8101")
    timeline.ends(4.0, "8101")
    timeline.begins(4.1, "8102")
    timeline.talks(6.0, 9.0, "8102")
    timeline.ends(9.1, "trunk", by="trunk", status="ANSWER")

    call = timeline.call()

    assert (call.agent, call.answered_ms, call.outcomes) == ("1002", ms(6.0), only(Outcome.AGENT_ANSWERED))
    assert [talk.device for talk in call.talks] == ["8102"]


def test_caller_handed_over_talk_is_both_and_agent_the_first() -> None:
    timeline = answered(10.0)
    timeline.ends(10.1, "8101")
    timeline.begins(12.0, "8203")
    timeline.talks(15.0, 20.0, "8203", bridge="b2")
    timeline.ends(20.1, "trunk", by="8203", status="ANSWER")

    call = timeline.call()

    assert [(talk.agent, talk.kind) for talk in call.talks] == [("1001", "seat"), ("55", "specialist")]
    assert (call.agent, call.answered_ms, call.talk_ended_ms, call.talk_ms) == ("1001", ms(5), ms(20), 10_000)


def test_caller_gives_up_between_two_talks_stays_answered() -> None:
    timeline = answered(10.0)
    timeline.ends(10.1, "8101")
    timeline.ends(14.0, "trunk", by="trunk", status="ANSWER")

    call = timeline.call()

    assert (call.outcomes, call.talk_ended_ms, call.ended_ms) == (only(Outcome.AGENT_ANSWERED), ms(10), ms(14))


def test_three_in_a_bridge_time_counts_once_and_ends_with_the_last_of_them() -> None:
    timeline = waiting()
    timeline.begins(4.0, "8101")
    timeline.begins(7.0, "8203")
    timeline.enters(5.0, "8101")
    timeline.enters(5.0, "trunk")
    timeline.enters(8.0, "8203")
    timeline.leaves(10.0, "8101")
    timeline.leaves(13.0, "trunk")
    timeline.leaves(13.0, "8203")
    timeline.ends(13.0, "trunk", by="trunk", status="ANSWER")

    call = timeline.call()

    assert [(talk.agent, talk.began_ms, talk.ended_ms) for talk in call.talks] == [
        ("1001", ms(5), ms(10)),
        ("55", ms(8), ms(13)),
    ]
    assert (call.talk_ms, call.talk_ended_ms) == (8000, ms(13))


def test_channel_dropped_by_the_pbx_failed() -> None:
    timeline = waiting()
    timeline.ends(8.0, "trunk")

    call = timeline.call()

    assert (call.outcomes, call.ended_by) == (only(Outcome.FAILED), EndedBy.SYSTEM)


def test_dialplan_hangs_up_unanswered_rejected() -> None:
    timeline = waiting()
    timeline.ends(8.0, "trunk", by="dialplan/builtin", context="callcenter-reject")

    assert timeline.call().outcomes == only(Outcome.REJECTED)


@pytest.mark.parametrize(
    ("context", "allowed"),
    [
        ("callcenter-menu", {Outcome.ABANDONED_IVR}),
        ("callcenter-tone", {Outcome.ABANDONED_IVR, Outcome.REJECTED}),
        ("callcenter-say", {Outcome.REJECTED}),
        ("callcenter-early", {Outcome.ABANDONED_QUEUE}),
        ("callcenter-fallback", {Outcome.ABANDONED_QUEUE}),
        ("callcenter-announce", {Outcome.ABANDONED_QUEUE}),
        ("callcenter-voicemail", {Outcome.ABANDONED_QUEUE}),
        ("callcenter-voicemail-left", {Outcome.VOICEMAIL}),
        ("callcenter-out", {Outcome.OVERFLOWED_OUT}),
    ],
)
def test_caller_gives_up_outcome_follows_where_he_stood(context: str, allowed: set[Outcome]) -> None:
    timeline = waiting()
    timeline.ends(2.0, "trunk", by="trunk", context=context)

    assert timeline.call().outcomes == allowed
    assert timeline.call(Places.unknown()).outcomes == {
        Outcome.ABANDONED_IVR,
        Outcome.ABANDONED_QUEUE,
        Outcome.REJECTED,
        Outcome.OVERFLOWED_OUT,
        Outcome.VOICEMAIL,
    }


def test_caller_whose_message_is_kept_hangs_up_by_the_dialplan_outcome_is_voicemail() -> None:
    timeline = waiting()
    timeline.ends(2.0, "trunk", by="dialplan/builtin", context="callcenter-voicemail-left")

    assert timeline.call().outcomes == {Outcome.VOICEMAIL}
    assert timeline.call(Places.unknown()).outcomes == {Outcome.REJECTED, Outcome.VOICEMAIL}


def test_caller_connected_to_an_outside_line_overflowed_out() -> None:
    timeline = waiting()
    timeline.begins(4.0, "outside", endpoint="trunk")
    timeline.talks(6.0, 9.0, "outside")
    timeline.ends(9.1, "trunk", by="outside", status="ANSWER")

    call = timeline.call()

    assert (call.outcomes, call.ended_by) == (only(Outcome.OVERFLOWED_OUT), EndedBy.UNKNOWN)
    assert (call.answered_ms, call.talks) == (None, ())


def test_specialist_on_an_outside_number_is_a_talk_where_callers_are_with_people() -> None:
    timeline = waiting()
    timeline.begins(3.0, "8101")
    timeline.talks(4.0, 6.0, "8101")
    timeline.begins(6.0, "outside", endpoint="trunk")
    for at_s, kind in ((8.0, "BRIDGE_ENTER"), (9.0, "BRIDGE_EXIT")):
        for name, context in (("outside", "callcenter-inbound"), ("trunk", "callcenter-connect")):
            timeline.line(at_s, kind, name, context, bridge_id="b2", bridge_technology="simple_bridge")
    timeline.ends(9.1, "trunk", by="outside", status="ANSWER", context="callcenter-connect")

    call = timeline.call()

    assert [(talk.kind, talk.agent) for talk in call.talks] == [("seat", "1001"), ("specialist", None)]
    assert (call.agent, call.talk_ended_ms, call.outside) == ("1001", ms(9.0), ())


@pytest.mark.parametrize("is_reached", [True, False])
def test_three_ways_specialist_on_an_outside_number_begins_a_linkedid_and_is_no_caller(is_reached: bool) -> None:
    timeline = waiting()
    timeline.begins(3.0, "third", caller="third", endpoint="trunk")
    timeline.lines.pop()
    timeline.line(3.0, "CHAN_START", "third", "callcenter-inbound")
    timeline.ends(5.0, "third", context="callcenter-three" if is_reached else "callcenter-inbound")
    timeline.ends(9.0, "trunk", by="trunk")

    assert timeline.call().call.uniqueid == "pbx-1"
    assert len(timeline.calls(Places.unknown())) == 2, "another dialplan: nothing is known of where callers stand"


def test_outside_line_of_another_endpoint_is_told_by_name() -> None:
    timeline = waiting()
    timeline.begins(4.0, "exchange")
    timeline.talks(6.0, 9.0, "exchange")
    timeline.ends(9.1, "trunk", by="trunk", status="ANSWER")

    (call,) = rebuild(timeline.rows(), pbx="pbx", callers=["trunk"], devices=PHONES, outside=["exchange"]).calls

    assert (call.outcomes, call.talks) == (only(Outcome.OVERFLOWED_OUT), ())
    assert timeline.call().outcomes == only(Outcome.AGENT_ANSWERED)


def test_phone_that_was_picked_up_but_never_bridged_is_no_answer() -> None:
    timeline = waiting()
    timeline.begins(4.0, "8101")
    timeline.line(5.0, "ANSWER", "8101")
    timeline.ends(8.0, "8101")
    timeline.ends(8.0, "trunk", by="trunk", status="CANCEL")

    call = timeline.call()

    assert (call.answered_ms, call.outcomes) == (None, only(Outcome.ABANDONED_RINGING))


def test_agent_changes_phone_mapping_follows_the_instant() -> None:
    devices = (
        DeviceUse("8101", "1001", until_ms=ms(5)),
        DeviceUse("8101", "1009", from_ms=ms(5), until_ms=ms(6)),
    )
    timeline = answered()
    timeline.ends(10.1, "trunk", by="trunk")
    later = answered()
    later.lines = [line.replace("1700000005.", "1700000007.") for line in later.lines]

    assert timeline.call(devices=devices).agent == "1009"
    (talk,) = later.call(devices=devices).talks
    assert (talk.agent, talk.kind) == (None, "unknown")


def test_call_still_running_has_no_end_and_no_outcome() -> None:
    timeline = waiting()
    timeline.begins(4.0, "8101")
    timeline.enters(5.0, "8101")
    timeline.enters(5.0, "trunk")

    call = timeline.call()

    assert (call.ended_ms, call.ended_by, call.outcomes) == (None, None, frozenset())
    assert (call.answered_ms, call.talk_ended_ms) == (ms(5), None)


def test_bridge_exit_lost_hangup_closes_the_talk() -> None:
    timeline = answered()
    timeline.lines = [line for line in timeline.lines if "BRIDGE_EXIT" not in line]
    timeline.ends(10.0, "8101", by="8101")
    timeline.ends(10.2, "trunk", by="8101")

    assert timeline.call().talk_ended_ms == ms(10)


def test_phone_that_dials_out_or_presses_a_feature_code_is_no_call() -> None:
    timeline = Timeline()
    timeline.begins(0.0, "8101", caller="8101")
    timeline.begins(0.1, "outside", caller="8101", endpoint="trunk")
    timeline.talks(1.0, 3.0, "outside", caller="8101")
    timeline.ends(3.1, "8101", by="8101")

    assert timeline.calls() == ()


def test_channel_without_beginning_is_an_orphan_and_no_call() -> None:
    timeline = waiting()
    timeline.ends(8.0, "trunk", by="trunk")
    timeline.lines = timeline.lines[1:]

    told = rebuild(timeline.rows(), pbx="pbx", callers=["trunk"], devices=())

    assert (told.calls, told.orphans) == ((), ("pbx-1",))


@pytest.mark.parametrize(
    ("channel", "endpoint"),
    [
        ("PJSIP/8101-0000000a", "8101"),
        ("PJSIP/trunk-east-0000000a", "trunk-east"),
        ("Local/1@x-0000000a;2", "1@x"),
        ("dialplan/builtin", ""),
        ("", ""),
    ],
)
def test_channel_name_gives_endpoint(channel: str, endpoint: str) -> None:
    assert endpoint_of(channel) == endpoint
