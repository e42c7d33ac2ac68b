"""Exits of a line: each reason with each destination, what the caller is told, and the one outcome that follows."""

from dataclasses import replace

import pytest

from acd import events as ev
from acd.commands import ExitCall, TagCall
from acd.names import EndedBy, HandOverMode, OfferResult, Outcome, RecordingKind, RejectReason
from acd.plan import REJECT, Exit, Plan
from acd.records import CallClosed, CallLeft, CallWaiting, Noted, OfferMade, RecordingClosed, RecordingOpened
from tests.scenarios.world import PLAN, Timeline, call_id, ms, with_line

PATH = "voicemail/callcenter/100/INBOX/msg0000.wav"
NUMBER, BOX = Exit(number="555"), Exit(voicemail="100", prompt="own/box")
ENTERPRISE, TOLD = Exit(line="enterprise"), Exit(line="enterprise", prompt="own/moved")

_KEYS = {
    RejectReason.BUSY: "on_full",
    RejectReason.FULL: "on_full",
    RejectReason.CLOSED: "on_closed",
    RejectReason.MAX_WAIT: "on_max_wait",
    RejectReason.NO_AGENT: "on_no_agent",
}
_LIMITS = {
    RejectReason.BUSY: {"max_waiting": 0},
    RejectReason.FULL: {"max_waiting": 1},
    RejectReason.CLOSED: {"is_open": False},
    RejectReason.MAX_WAIT: {"max_wait_s": 10.0},
    RejectReason.NO_AGENT: {},
}
every_reason = pytest.mark.parametrize("reason", RejectReason)


def leaving(reason: RejectReason, to: Exit) -> Timeline:
    """Call `a` came at 5 (at 0 where he waits his time out) and has to leave the general line at 10 at the latest."""
    plan = with_line(PLAN, "general", **{_KEYS[reason]: to, **_LIMITS[reason]})
    t = Timeline(plan)
    t.login(0, "1003")
    if reason is not RejectReason.NO_AGENT:
        t.login(0, "1001")
        t.tell(0, ev.AgentNotReady("1001", ms(0), "break"))
    if reason is RejectReason.FULL:
        t.arrive(0, "before")
    t.arrive(0 if reason is RejectReason.MAX_WAIT else 5, "a")
    t.run_to(10)
    return t


def taken(t: Timeline, at: float = 10.1) -> None:
    """The newest exit's wish is seen by the dialplan."""
    t.connecting(at, "a", t.last(ExitCall).offer)


def closed(t: Timeline) -> tuple[Outcome | None, str]:
    return t.last(CallClosed).outcome, t.last(CallClosed).reason


@every_reason
def test_refused_hears_the_reason_and_is_rejected_with_it(reason: RejectReason) -> None:
    t = leaving(reason, REJECT)
    assert [one for one in t.all(ExitCall) if one.to == REJECT and one.reason is reason]
    taken(t)
    t.gone(12, "a", EndedBy.SYSTEM)
    assert closed(t) == (Outcome.REJECTED, str(reason))
    assert not t.all(CallLeft)


@every_reason
def test_refused_hangs_up_in_the_prompt_it_is_a_refusal_all_the_same(reason: RejectReason) -> None:
    t = leaving(reason, REJECT)
    taken(t)
    t.gone(11, "a", EndedBy.CALLER)
    assert closed(t) == (Outcome.REJECTED, str(reason))


@every_reason
def test_outside_number_takes_him_he_overflowed(reason: RejectReason) -> None:
    t = leaving(reason, NUMBER)
    taken(t)
    assert t.last(CallLeft) == CallLeft(call_id("a"), ms(10.1), "555")
    t.gone(90, "a", EndedBy.UNKNOWN)
    assert closed(t) == (Outcome.OVERFLOWED_OUT, str(reason))


@every_reason
def test_outside_number_is_not_reached_he_is_refused_with_the_reason_that_sent_him(reason: RejectReason) -> None:
    t = leaving(reason, NUMBER)
    taken(t)
    t.ended(20, "a", OfferResult.BUSY, t.last(ExitCall).offer)
    t.hold(20.1, "a")
    assert (t.last(Noted).what, t.last(Noted).detail) == ("exit_failed", "555")
    assert (t.last(ExitCall).to, t.last(ExitCall).reason) == (REJECT, reason)
    taken(t, 20.2)
    t.gone(23, "a", EndedBy.SYSTEM)
    assert closed(t) == (Outcome.REJECTED, str(reason))


@every_reason
@pytest.mark.parametrize("by", [EndedBy.CALLER, EndedBy.SYSTEM])
def test_voicemail_message_is_left_outcome_and_length_are_on_record(reason: RejectReason, by: EndedBy) -> None:
    t = leaving(reason, BOX)
    assert t.last(ExitCall).to == BOX
    taken(t)
    assert t.last(CallLeft).to == "voicemail 100"
    t.tell(20, ev.VoicemailLeft(call_id("a"), ms(20), PATH, 64044, 4000))
    t.gone(20.5, "a", by)
    assert t.all(RecordingOpened) == [RecordingOpened(call_id("a"), ms(16), RecordingKind.VOICEMAIL, PATH)]
    assert t.all(RecordingClosed) == [RecordingClosed(call_id("a"), ms(20), PATH, 64044, 4000)]
    assert closed(t) == (Outcome.VOICEMAIL, str(reason))


@every_reason
def test_voicemail_hangs_up_without_a_message_he_is_abandoned(reason: RejectReason) -> None:
    t = leaving(reason, BOX)
    taken(t)
    t.gone(12, "a")
    assert closed(t) == (Outcome.ABANDONED_QUEUE, "")


@every_reason
def test_voicemail_cannot_be_he_is_refused_with_the_reason_that_sent_him(reason: RejectReason) -> None:
    t = leaving(reason, BOX)
    taken(t)
    t.ended(10.2, "a", OfferResult.FAILED, t.last(ExitCall).offer)
    t.hold(10.2, "a")
    assert (t.last(ExitCall).to, t.last(ExitCall).reason) == (REJECT, reason)
    taken(t, 10.3)
    t.gone(13, "a", EndedBy.SYSTEM)
    assert closed(t) == (Outcome.REJECTED, str(reason))


@every_reason
def test_another_line_takes_him_at_once_and_stands_on_his_channel(reason: RejectReason) -> None:
    t = leaving(reason, ENTERPRISE)
    assert not t.all(ExitCall)
    assert TagCall(call_id("a"), t.engine.calls[call_id("a")].score_ms, "enterprise") in t.all(TagCall)
    made = t.last(OfferMade)
    assert (made.call, made.agent, made.line) == (call_id("a"), "1003", "enterprise")
    assert [one.line for one in t.all(CallWaiting) if one.call == call_id("a")] == ["general", "enterprise"]


@every_reason
def test_prompt_on_the_way_to_another_line_he_is_queued_there_when_it_is_over(reason: RejectReason) -> None:
    t = leaving(reason, TOLD)
    assert t.last(ExitCall).to == TOLD
    assert t.last(TagCall).line == "enterprise", "a restart in the middle finds him in the new line"
    taken(t)
    t.run_to(14)
    assert not t.all(OfferMade)
    assert sum(t.engine.waiting_by_line().values()) == (reason is RejectReason.FULL), "he delays nobody"
    t.hold(15, "a")
    made = t.last(OfferMade)
    assert (made.agent, made.line) == ("1003", "enterprise")
    assert made.score_s == (15 if reason is RejectReason.MAX_WAIT else 10), "his wait went on"
    assert not t.all(CallLeft)


@every_reason
def test_prompt_on_the_way_to_another_line_he_hangs_up_in_it_he_is_abandoned(reason: RejectReason) -> None:
    t = leaving(reason, TOLD)
    taken(t)
    t.gone(12, "a")
    assert closed(t) == (Outcome.ABANDONED_QUEUE, "")


@pytest.mark.parametrize(
    ("before", "prompt", "heard"),
    [(None, None, "own/notice"), ("own/notice", None, None), (None, "own/moved", "own/moved&own/notice")],
)
def test_next_line_records_he_hears_its_notice_first_unless_he_has_heard_it(
    before: str | None, prompt: str | None, heard: str | None
) -> None:
    plan = with_line(PLAN, "general", is_open=False, notice=before, on_closed=Exit(line="enterprise", prompt=prompt))
    t = Timeline(with_line(plan, "enterprise", record=True, notice="own/notice"))
    t.login(0, "1003")
    t.arrive(5, "a")
    if heard is not None:
        assert t.last(ExitCall).to.prompt == heard
        assert not t.all(OfferMade)
        taken(t, 5.1)
        t.hold(15, "a")
    assert t.last(OfferMade).line == "enterprise"


def test_prompt_on_the_way_whose_wish_is_lost_is_written_again() -> None:
    t = leaving(RejectReason.CLOSED, TOLD)
    t.run_to(12.5)
    assert t.when(ExitCall) == [5, 6, 7, 8, 9, 10, 11, 12]
    taken(t, 12.6)
    t.hold(13, "a")
    assert t.last(OfferMade).line == "enterprise"


def test_line_closes_who_waits_is_served_and_who_comes_then_finds_it_closed() -> None:
    t = Timeline()
    t.arrive(0, "early")
    t.tell(60, ev.PlanChanged(with_line(PLAN, "general", is_open=False), ms(60)))
    t.arrive(61, "late")
    assert t.when(ExitCall, call=call_id("late")) == [61]
    t.login(70, "1001")
    t.talk(71, "early")
    assert not t.when(ExitCall, call=call_id("early"))


def test_line_opens_who_comes_then_is_served() -> None:
    t = Timeline(with_line(PLAN, "general", is_open=False))
    t.login(0, "1001")
    t.arrive(1, "early")
    t.tell(60, ev.PlanChanged(PLAN, ms(60)))
    t.arrive(61, "late")
    assert (t.when(ExitCall)[0], t.last(OfferMade).call) == (1, call_id("late"))


def test_line_closed_and_greeted_he_is_told_when_the_greeting_is_over() -> None:
    t = Timeline(with_line(PLAN, "general", is_open=False))
    t.arrive(0, "a", has_menu=True)
    assert not t.all(ExitCall)
    t.tell(4, ev.CallQueued(call_id("a"), ms(4)))
    assert t.when(ExitCall, reason=RejectReason.CLOSED) == [4]


def test_line_closed_meanwhile_who_talked_and_comes_back_is_served() -> None:
    t = Timeline(replace(PLAN, specialists=()))
    t.login(0, "1001")
    t.arrive(1, "a")
    t.talk(2, "a")
    t.tell(3, ev.PlanChanged(replace(with_line(PLAN, "general", is_open=False), specialists=()), ms(3)))
    t.tell(4, ev.HandOverAsked(call_id("a"), t.offer_of("a"), "01", HandOverMode.BLIND, ms(4)))
    t.talk_ended(4.1, "a")
    t.hold(4.2, "a")
    t.gone(9, "a")
    assert not t.all(ExitCall)
    assert closed(t) == (Outcome.AGENT_ANSWERED, "")


def test_both_lines_closed_he_hears_the_last_ones_word() -> None:
    plan = with_line(PLAN, "general", is_open=False, on_closed=ENTERPRISE)
    t = Timeline(with_line(plan, "enterprise", is_open=False, on_closed=BOX))
    t.arrive(0, "a")
    assert (t.last(ExitCall).to, t.last(ExitCall).reason) == (BOX, RejectReason.CLOSED)


def test_answered_caller_leaves_a_message_after_his_hand_over_the_call_stays_answered() -> None:
    t = Timeline(replace(PLAN, specialists=(), handover_exit=BOX))
    t.login(0, "1001")
    t.arrive(1, "a")
    t.talk(2, "a")
    t.tell(4, ev.HandOverAsked(call_id("a"), t.offer_of("a"), "01", HandOverMode.BLIND, ms(4)))
    t.talk_ended(4.1, "a")
    t.hold(4.2, "a")
    taken(t, 4.3)
    t.tell(9, ev.VoicemailLeft(call_id("a"), ms(9), PATH, 16044, 1000))
    t.gone(9.1, "a")
    assert len(t.all(RecordingClosed)) == 1
    assert closed(t) == (Outcome.AGENT_ANSWERED, "")


def found(plan: Plan, **more: object) -> Timeline:
    """A restart while call `a` is on its way out: what his channel says."""
    t = Timeline(plan, pbx_up=False)
    told = ev.CallFound(call_id("a"), ms(10), "exit", ms(0), ms(0), ms(0), offer="2-1", did="12345", **more)  # type: ignore[arg-type]  # fields by case
    t.tell(10, told)
    t.tell(10.1, ev.SnapshotDone("pbx1", ms(10.1)))
    return t


@pytest.mark.parametrize(
    ("kind", "number", "outcome"),
    [
        ("reject", "closed", Outcome.REJECTED),
        ("out", "555", Outcome.OVERFLOWED_OUT),
        ("voicemail", "100", Outcome.ABANDONED_QUEUE),
    ],
)
def test_restart_while_he_is_on_his_way_out_outcome_and_reason_are_the_same(
    kind: str, number: str, outcome: Outcome
) -> None:
    t = found(PLAN, line="general", kind=kind, number=number, reason="closed")
    t.gone(12, "a")
    assert closed(t) == (outcome, "" if outcome is Outcome.ABANDONED_QUEUE else "closed")


def test_restart_while_he_speaks_to_voicemail_his_message_counts() -> None:
    t = found(PLAN, line="general", kind="voicemail", number="100", reason="full")
    t.tell(15, ev.VoicemailLeft(call_id("a"), ms(15), PATH, 16044, 1000))
    t.gone(15.1, "a")
    assert closed(t) == (Outcome.VOICEMAIL, "full")


def test_restart_while_he_hears_the_prompt_he_is_queued_in_the_new_line() -> None:
    t = found(PLAN, line="enterprise", kind="say", number="0", reason="full")
    t.login(11, "1003")
    assert not t.all(OfferMade)
    t.hold(12, "a")
    made = t.last(OfferMade)
    assert (made.agent, made.line, made.score_s) == ("1003", "enterprise", 12.0)
