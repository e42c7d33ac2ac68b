"""What is told of a gap, case by case: nothing guessed, nothing seen live overwritten."""

import pytest

from acd.names import CallId, EndedBy, HandOverMode, HandOverResult, OfferResult, Outcome, Via
from acd.records import (
    CallClosed,
    CallLeft,
    CallOpened,
    CallRebuilt,
    CallWaiting,
    HandOverOpened,
    OfferMade,
    TalkClosed,
    TalkOpened,
)
from tests.unit.cel_timeline import ms
from tests.unit.rebuild_world import Ledger, Spoken, gap

CALL = CallId("pbx", "pbx-1")


def opened() -> CallOpened:
    return CallOpened(CALL, ms(0.001), "general", "12345", "138", "", "sip-trunk@phones", False, "gz")


def offered(offer: str = "3-1", at_s: float = 1.0) -> OfferMade:
    return OfferMade(CALL, offer, 1, ms(at_s), "1001", "seat", "8101", "general", 0, "general >= 1", "", 0.0, 1)


def talking(offer: str = "3-1", at_s: float = 2.0) -> TalkOpened:
    return TalkOpened(CALL, offer, ms(at_s), "1001", "seat", "8101", Via.ENGINE)


def talked(until_s: float = 20.0) -> Spoken:
    """A call with one talk by the service's offer; the agent hangs up."""
    cel = Spoken()
    cel.arrives(0)
    cel.offered(0.9, "8101", "3-1")
    cel.begins(1.0, "leg", endpoint="8101")
    cel.talks(2.0, until_s, "leg")
    cel.ends(until_s + 0.001, "trunk", by="dialplan/builtin", status="ANSWER")
    return cel


def test_talk_of_before_the_gap_ended_in_it_its_end_is_cels_and_the_agent_hung_up() -> None:
    ledger = Ledger().take([opened(), offered(), talking()])
    account = talked().told(gap(10, 30), ledger)
    ledger.take(account.records)
    row = ledger.row()
    assert (row["outcome"], row["ended_by"], row["answered_ms"]) == ("agent_answered", "agent", ms(2.0))
    assert (row["talk_ended_ms"], row["ended_ms"], row["rebuilt_ms"]) == (ms(20.0), ms(20.001), ms(30))
    assert ledger.stories[CALL].offers["3-1"]["result"] == OfferResult.ACCEPTED
    assert account.calls == {CALL}


def test_talk_found_by_the_snapshot_is_put_back_to_its_beginning_and_the_channel_is_told_so() -> None:
    ledger = Ledger().take([opened(), talking("3-1", at_s=12.0)])
    account = talked(until_s=40).told(gap(1, 12), ledger, living=["pbx-1"])
    assert account.answered == {CALL: ms(2.0)}
    ledger.take(account.records)
    assert ledger.row()["answered_ms"] == ms(2.0)
    assert [talk["opened_ms"] for talk in ledger.talks()] == [ms(2.0)]
    assert ledger.stories[CALL].gone == [("talks", ledger.stories[CALL].gone[0][1])]


def test_end_that_a_reconnect_assumed_is_put_right_and_one_that_was_seen_is_not() -> None:
    assumed = CallClosed(CALL, ms(25), EndedBy.UNKNOWN, Outcome.AGENT_ANSWERED, "")
    seen = CallClosed(CALL, ms(20.2), EndedBy.AGENT, Outcome.AGENT_ANSWERED, "")
    for closing, ended_ms in ((assumed, ms(20.001)), (seen, ms(20.2))):
        ended = TalkClosed(CALL, "3-1", closing.at_ms, 0)
        ledger = Ledger().take([opened(), talking(), ended, closing])
        ledger.take(talked().told(gap(20.1 if closing is seen else 10, 25), ledger).records)
        assert ledger.row()["ended_ms"] == ended_ms


def test_arrived_and_gone_in_the_gap_whole_call_is_told_with_what_the_dialplan_said() -> None:
    cel = Spoken()
    cel.arrives(3, line="enterprise", did="12346", menu=True)
    cel.queued(6, line="enterprise")
    cel.falls_back(6.1)
    cel.ends(9, "trunk", by="trunk", context="callcenter-fallback")
    account = cel.told(gap(1, 20))
    row = Ledger().take(account.records).row()
    assert (row["line_code"], row["did"], row["caller_number"]) == ("enterprise", "12346", "13800138000")
    assert (row["sip_call_id"], row["caller_name"]) == ("sip-trunk@phones", "")
    assert (row["arrived_ms"], row["queued_ms"], row["ended_ms"]) == (ms(3.001), ms(6), ms(9))
    assert (row["menu_ms"], row["outcome"], row["opening_unseen"]) == (ms(3.002), "abandoned_queue", False)
    assert isinstance(account.records[1], CallRebuilt)


def test_call_of_which_only_the_end_is_left_gets_its_beginning_and_its_talk() -> None:
    closed = CallClosed(CALL, ms(20.001), EndedBy.AGENT, Outcome.AGENT_ANSWERED, "")
    for left in ([closed], [TalkClosed(CALL, "3-1", ms(20), 0), closed]):
        ledger = Ledger().take(left)
        assert ledger.row()["opening_unseen"]
        account = talked().told(gap(-5, 19), ledger)
        row = ledger.take(account.records).row()
        assert (row["arrived_ms"], row["caller_number"], row["opening_unseen"]) == (ms(0.001), "13800138000", False)
        assert (row["answered_ms"], row["ended_ms"], row["ended_by"]) == (ms(2), ms(20.001), "agent")
        (talk,) = ledger.talks()
        assert (talk["agent"], talk["opened_ms"], talk["closed_ms"]) == ("1001", ms(2), ms(20))
        assert row["outcome"] == "agent_answered" and row["rebuilt_ms"] == ms(19)


def test_line_that_the_plan_does_not_know_is_the_default_one() -> None:
    cel = Spoken()
    cel.arrives(3, line="gone", did="999")
    cel.ends(9, "trunk", by="trunk")
    (waiting,) = [one for one in cel.told(gap(1, 20)).records if isinstance(one, CallWaiting)]
    assert waiting.line == "general"


def test_fallback_answered_says_so_and_who() -> None:
    cel = Spoken()
    cel.arrives(3)
    cel.falls_back(3.1)
    cel.begins(4, "leg", endpoint="8102")
    cel.talks(5, 9, "leg")
    cel.ends(9.1, "trunk", by="dialplan/builtin")
    ledger = Ledger().take(cel.told(gap(1, 20)).records)
    (talk,) = ledger.talks()
    assert (talk["agent"], talk["kind"], talk["device"], talk["via"]) == ("1002", "seat", "8102", "fallback")
    assert talk["offer"] == "joined-pbx-2"


def test_phone_at_which_nobody_was_is_unknown() -> None:
    cel = Spoken()
    cel.arrives(3)
    cel.falls_back(3.1)
    cel.begins(4, "leg", endpoint="8199")
    cel.talks(5, 9, "leg")
    cel.ends(9.1, "trunk", by="trunk")
    (talk,) = Ledger().take(cel.told(gap(1, 20)).records).talks()
    assert (talk["agent"], talk["kind"]) == ("8199", "unknown")


def test_specialist_on_the_trunk_whose_talk_ends_in_the_gap_is_a_talk_and_no_overflow() -> None:
    cel = talked(until_s=5)
    cel.lines.pop()
    cel.offered(5.1, "13900000000", "3-2", kind="trunk")
    cel.begins(5.2, "out", endpoint="trunk")
    cel.talks(7, 12, "out", bridge="b2")
    cel.ends(12.1, "trunk", by="trunk")
    ledger = Ledger().take(cel.told(gap(-1, 20)).records)
    assert [(talk["device"], talk["closed_ms"]) for talk in ledger.talks()] == [
        ("8101", ms(5)),
        ("13900000000", ms(12)),
    ]


@pytest.mark.parametrize(("to_s", "living"), [(20, []), (10, ["pbx-1"])])
def test_hand_over_that_was_open_reached_the_specialist_who_talked_next(to_s: float, living: list[str]) -> None:
    cel = talked(until_s=5)
    cel.lines.pop()
    cel.offered(5.1, "8203", "3-2")
    cel.begins(5.2, "specialist", endpoint="8203")
    cel.talks(7, 12, "specialist", bridge="b2")
    cel.ends(12.1, "trunk", by="trunk")
    asked = HandOverOpened(CALL, 1, ms(4.9), "1001", "03", HandOverMode.BLIND)
    ledger = Ledger().take([opened(), offered(), talking(), asked, TalkClosed(CALL, "3-1", ms(5), 0)])
    ledger.take(cel.told(gap(6, to_s), ledger, living).records)
    (hand_over,) = ledger.stories[CALL].hand_overs.values()
    assert (hand_over["result"], hand_over["specialist"]) == (HandOverResult.REACHED, "55")


@pytest.mark.parametrize(("kind", "digits", "outcome", "reason"), [("reject", "full", "rejected", "full")])
def test_refused_in_the_gap_the_reason_is_the_wishs(kind: str, digits: str, outcome: str, reason: str) -> None:
    cel = Spoken()
    cel.arrives(3)
    cel.says(4, "trunk", "CcOut", f"{kind}*{digits}*3-1*3*0")
    cel.ends(6, "trunk", by="dialplan/builtin", context="callcenter-reject")
    row = Ledger().take(cel.told(gap(1, 20)).records).row()
    assert (row["outcome"], row["outcome_reason"]) == (outcome, reason)


def test_message_left_in_the_gap_is_on_record() -> None:
    cel = Spoken()
    cel.arrives(3)
    cel.says(4, "trunk", "CcOut", "voicemail*100*3-1*3*0")
    cel.says(9, "trunk", "CcVoicemail", "voicemail/callcenter/100/INBOX/msg0000.wav*32044*2000")
    cel.ends(9.5, "trunk", by="dialplan/builtin", context="callcenter-voicemail-left")
    account = cel.told(gap(1, 20))
    assert [(one.at_ms, one.to) for one in account.records if isinstance(one, CallLeft)] == [(ms(4), "voicemail 100")]
    ledger = Ledger().take(account.records)
    (recording,) = ledger.stories[CALL].recordings.values()
    assert (recording["kind"], recording["length_ms"], recording["size"]) == ("voicemail", 2000, 32044)
    assert ledger.row()["outcome"] == "voicemail"


def test_end_that_is_not_written_yet_is_missing_and_nothing_is_told_of_it() -> None:
    cel = talked()
    cel.lines.pop()
    ledger = Ledger().take([opened(), offered(), talking(), TalkClosed(CALL, "3-1", ms(20), 0)])
    account = cel.told(gap(10, 30), ledger)
    assert (account.missing, account.calls) == ({CALL}, set())
    assert not [one for one in account.records if isinstance(one, CallClosed)]


def test_asterisk_crashed_what_lived_failed_at_the_last_sign_of_life() -> None:
    cel = Spoken()
    cel.arrives(0)
    cel.arrives(7, "other")
    ledger = Ledger().take([opened()])
    account = cel.told(gap(-12, 30, has_restarted=True), ledger)
    ledger.take(account.records)
    rows = ledger.rows()
    assert [(row["outcome"], row["outcome_reason"], row["ended_by"]) for row in rows] == [
        ("failed", "system", "system")
    ] * 2
    assert all(ms(7) <= row["ended_ms"] <= ms(7.002) for row in rows)


def test_call_whose_beginning_cel_does_not_have_is_only_closed() -> None:
    cel = talked()
    ledger = Ledger().take([opened(), offered(), talking()])
    account = cel.told(gap(10, 30), ledger, lines=cel.lines[-1:])
    ledger.take(account.records)
    assert (ledger.row()["outcome"], ledger.row()["ended_ms"]) == ("agent_answered", ms(20.001))
    assert account.missing == set()


def test_what_a_caller_controls_is_a_number_or_nothing() -> None:
    cel = Spoken()
    cel.arrives(3)
    cel.ends(9, "trunk", by="trunk")
    for given, kept in (("+8613800138000", "+8613800138000"), ("<script>", ""), ("1" * 40, ""), ("anonymous", "")):
        lines = [line.replace("13800138000", given) for line in cel.lines]
        (call,) = [one for one in cel.told(gap(1, 20), lines=lines).records if isinstance(one, CallOpened)]
        assert call.caller_number == kept


def test_words_of_the_dialplan_that_are_no_tokens_are_not_believed() -> None:
    cel = Spoken()
    cel.arrives(3, line="gen'eral<b>", did="12345")
    cel.ends(9, "trunk", by="trunk")
    (call,) = [one for one in cel.told(gap(1, 20)).records if isinstance(one, CallOpened)]
    assert (call.line, call.did, call.sip_call_id, call.at_ms) == ("general", "", "", ms(3.001))
