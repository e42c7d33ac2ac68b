"""What follows from a call's evidence: answer, talk, waits, counts, and the rules that its row must keep.

A record must never be lost nor stop the ledger, so `settle` makes the row obey the table's CHECK constraints and says
once what it changed (`CallStory.corrections`):

- an instant before the one that it must follow (the PBX's clock was set back) is raised to it, `clock_adjusted` is set;
- a record of a call whose opening was never seen made the row itself: `opening_unseen` is set;
- the first answer decides the outcome: answered and closed otherwise becomes agent_answered; closed as agent_answered
  without any answer (until one is told), or rejected without a reason that we know, becomes unknown (NULL), never guessed;
- who is on the list of blocked numbers (`blocked`) has no outcome and is `excluded`; one who was answered all the same, in the
  PBX's own queue, was not turned away: he is a call like any other;
- who was sent to an outside number and came back to us was not handed over: his wait went on, `left_ms` is emptied (an answered one keeps it, if it lies behind his talk).
"""

from itertools import pairwise

from acd.names import Outcome, RejectReason
from callcenter.storage.call_fold import CallStory, Row, raise_in_order
from callcenter.storage.cover import joined
from metrics.dictionary import HANDED_OUT, WAIT_MS

_ANSWER_UNSEEN = "agent_answered, answer unseen"
_REJECT_REASONS = frozenset(reason.value for reason in RejectReason)


def settle(story: CallStory) -> Row:
    """Compute the derived columns, keep the table's rules, and return the call's row."""
    row = story.row
    assert row is not None, "settle before take"
    _settle_talks(story, row)
    _settle_order(story, row)
    _settle_blocked(row)
    _settle_outcome(story, row)
    if row["outcome"] not in HANDED_OUT and not _left_after_talk(row):
        row["left_ms"] = None
    row["wait_ms"] = WAIT_MS.of(row)
    return row


def _settle_talks(story: CallStory, row: Row) -> None:
    row["offers"] = len(story.offers)
    row["first_offer_ms"] = min((offer["made_ms"] for offer in story.offers.values()), default=None)
    talks = sorted(story.talks.values(), key=lambda talk: int(talk["opened_ms"]))
    kinds = [talk["kind"] for talk in talks]
    row["agent_answers"], row["specialist_answers"] = kinds.count("seat"), kinds.count("specialist")
    row["step"] = _step(story, talks)
    if not talks:
        return
    closed = [(talk["opened_ms"], end) for talk in talks if (end := _end_of(talk, row)) is not None]
    spans = joined(closed)  # overlapping time counts once
    row["answered_ms"], row["via"] = talks[0]["opened_ms"], talks[0]["via"]
    row["agent"] = talks[0]["agent"] or row["agent"]
    row["talk_ended_ms"] = max(end for _, end in spans) if len(closed) == len(talks) else None
    row["talk_ms"] = sum(end - begin for begin, end in spans)
    row["hold_ms"] = min(sum(talk["hold_ms"] for talk in talks), row["talk_ms"])
    row["requeue_wait_ms"] = sum(b[0] - a[1] for a, b in pairwise(spans))
    row["requeue_abandoned"] = _lost_again(story, row)
    if _left_after_talk(row):
        row["requeue_wait_ms"] += row["left_ms"] - row["talk_ended_ms"]
    elif row["requeue_abandoned"]:
        row["requeue_wait_ms"] += max(row["ended_ms"] - row["talk_ended_ms"], 0)


def _left_after_talk(row: Row) -> bool:
    """Whether a caller who had been answered was then handed to an outside number."""
    left, last = row["left_ms"], row["talk_ended_ms"]
    return left is not None and last is not None and bool(left >= last)


def _end_of(talk: Row, row: Row) -> int | None:
    """A talk's end; one whose end was not seen (yet) ended with the call. None: it goes on."""
    if talk["closed_ms"] is None and row["ended_ms"] is not None:
        return max(int(row["ended_ms"]), int(talk["opened_ms"]))
    end: int | None = talk["closed_ms"]
    return end


def _step(story: CallStory, talks: list[Row]) -> int:
    """The step the call was answered in; without an answer, the last one taken."""
    if talks and (offer := story.offers.get(talks[0]["offer"])):
        return int(offer["step"])
    until = talks[0]["opened_ms"] if talks else None
    steps = [seq for kind, seq, at_ms in story.placements if kind == "step" and (until is None or at_ms <= until)]
    return max(steps, default=0)


def _lost_again(story: CallStory, row: Row) -> bool:
    """Whether the caller hung up in a second queue or hand-over, after his last talk."""
    last = row["talk_ended_ms"]
    if row["ended_ms"] is None or last is None or _left_after_talk(row):
        return False
    queued = any(kind == "queued" and seq > 1 and at_ms >= last for kind, seq, at_ms in story.placements)
    return queued or any(
        row["result"] == "caller_gone" and row["closed_ms"] >= last for row in story.hand_overs.values()
    )


def _settle_order(story: CallStory, row: Row) -> None:
    chain = ("arrived_ms", "menu_ms", "queued_ms", "answered_ms", "talk_ended_ms", "ended_ms")
    raised = raise_in_order(row, chain)
    raised |= raise_in_order(row, ("arrived_ms", "menu_ms", "queued_ms", "first_offer_ms", "ended_ms"))
    raised |= raise_in_order(row, ("arrived_ms", "left_ms", "ended_ms"))
    if raised:
        story.clock_adjusted()


def _settle_blocked(row: Row) -> None:
    if not row["blocked"]:
        return
    if row["answered_ms"] is None:
        row |= {"excluded": True, "outcome": None, "outcome_reason": ""}
        return
    row["excluded"] = row["is_test"]
    if row["ended_ms"] is not None and row["outcome"] is None:
        row["outcome"] = Outcome.AGENT_ANSWERED.value


def _settle_outcome(story: CallStory, row: Row) -> None:
    outcome, reason = row["outcome"], row["outcome_reason"]
    answered = row["answered_ms"] is not None
    if row["direction"] != "inbound":
        if outcome is not None:
            row |= {"outcome": None, "outcome_reason": "", "end_detail": reason or outcome}
        return
    if outcome is None:
        if answered and row["end_detail"] == _ANSWER_UNSEEN:
            row |= {"outcome": Outcome.AGENT_ANSWERED.value, "end_detail": ""}
        return
    if answered and outcome != Outcome.AGENT_ANSWERED.value:
        row |= {"outcome": Outcome.AGENT_ANSWERED.value, "outcome_reason": "", "end_detail": f"{outcome} {reason}"}
        story.corrections.append(f"closed as {outcome} {reason}, but it was answered: agent_answered")
    elif outcome == Outcome.AGENT_ANSWERED.value and not answered:
        row |= {"outcome": None, "outcome_reason": "", "end_detail": _ANSWER_UNSEEN}
        story.corrections.append("closed as agent_answered, but no answer is known: outcome unknown until one is")
    elif outcome == Outcome.REJECTED.value and reason not in _REJECT_REASONS:
        row |= {"outcome": None, "outcome_reason": "", "end_detail": f"{outcome} {reason}"}
        story.corrections.append(f"closed as {outcome} {reason!r} without what belongs to it: outcome unknown")
    elif outcome == Outcome.FAILED.value:
        row["outcome_reason"] = reason or "system"
    elif outcome != Outcome.REJECTED.value and reason:
        row |= {"outcome_reason": "", "end_detail": reason}
