"""A drawn call as rows of the ledger, the same that its records would become (a test folds some both ways)."""

from collections.abc import Iterable, Iterator
from typing import Any

from acd.names import Via
from agents.presence import Presence
from callcenter.sample.told import PBX, PLATFORM, need_of, offer_id
from callcenter.sample.year import SampleCall
from metrics.dictionary import WAIT_MS

Row = dict[str, Any]
WRAPUP_MS = 20_000


def call_row(call: SampleCall) -> Row:
    """Return the row of `calls`."""
    is_answered, is_inbound = call.answered_ms is not None, call.direction == "inbound"
    row: Row = {
        "pbx": PBX,
        "uniqueid": call.uniqueid,
        "platform_id": PLATFORM,
        "line_code": call.line,
        "direction": call.direction,
        "is_test": False,
        "excluded": False,
        "via": Via.ENGINE.value if is_answered else None,
        "did": "",
        "caller_number": call.caller,
        "caller_name": "",
        "sip_call_id": "",
        "arrived_ms": call.arrived_ms,
        "menu_ms": call.arrived_ms if is_inbound else None,
        "queued_ms": call.queued_ms,
        "first_offer_ms": min((offer.made_ms for offer in call.offers), default=None),
        "answered_ms": call.answered_ms,
        "talk_ended_ms": None if call.answered_ms is None else call.answered_ms + call.talk_ms,
        "left_ms": call.left_ms,
        "ended_ms": call.ended_ms,
        "ended_by": call.ended_by.value,
        "talk_ms": call.talk_ms,
        "hold_ms": call.hold_ms,
        "requeue_wait_ms": 0,
        "requeue_abandoned": False,
        "step": 0,
        "agent": call.agent,
        "agent_answers": int(is_answered),
        "specialist_answers": 0,
        "offers": len(call.offers),
        "outcome": None if call.outcome is None else call.outcome.value,
        "outcome_reason": call.reason,
        "end_detail": "",
        "opening_unseen": False,
        "clock_adjusted": False,
        "follows": None,
        "rebuilt_ms": None,
        "imported": False,
        "blocked": False,
    }
    row["wait_ms"] = WAIT_MS.of(row)
    return row


def placement_rows(call: SampleCall) -> Iterator[Row]:
    """Return the rows of `placements`."""
    if call.queued_ms is not None:
        where = {"kind": "queued", "seq": 1, "at_ms": call.queued_ms, "line": call.line, "need": need_of(call.line)}
        yield {"pbx": PBX, "uniqueid": call.uniqueid, **where}


def offer_rows(call: SampleCall) -> Iterator[Row]:
    """Return the rows of `offers`."""
    for seq, offer in enumerate(call.offers, start=1):
        yield {
            "pbx": PBX,
            "uniqueid": call.uniqueid,
            "offer": offer_id(call, seq),
            "seq": seq,
            "agent": offer.agent,
            "kind": "seat",
            "device": offer.agent,
            "line": call.line,
            "step": 0,
            "need": need_of(call.line),
            "strategy": "",
            "score_ms": 0,
            "could": 1,
            "passed_over": "[]",
            "made_ms": offer.made_ms,
            "rang_ms": None,
            "ended_ms": offer.ended_ms,
            "result": offer.result.value,
            "detail": "",
        }


def talk_rows(call: SampleCall) -> Iterator[Row]:
    """Return the rows of `talks`."""
    if call.answered_ms is not None:
        yield {
            "pbx": PBX,
            "uniqueid": call.uniqueid,
            "offer": offer_id(call, max(len(call.offers), 1)),
            "opened_ms": call.answered_ms,
            "closed_ms": call.answered_ms + call.talk_ms,
            "hold_ms": call.hold_ms,
            "agent": call.agent,
            "kind": "seat",
            "device": call.agent,
            "via": Via.ENGINE.value,
        }


def presence_rows(calls: Iterable[SampleCall], positions: Iterator[int]) -> Iterator[Row]:
    """Return rows of `presence_history`: what the agents of these calls did (one who has two at once does the later thing)."""
    for call in calls:
        for agent, at_ms, presence in _changes(call):
            yield {
                "outbox": PBX,
                "segment": 1,
                "position": next(positions),
                "agent": agent,
                "at_ms": at_ms,
                "presence": presence.value,
                "reason": "",
                "device": agent,
                "ready_ms": 0,
                "until_ms": None,
                "misses": 0,
                "reachable": True,
                "wants": "",
            }


def _changes(call: SampleCall) -> Iterator[tuple[str, int, Presence]]:
    for offer in call.offers:
        yield offer.agent, offer.made_ms, Presence.RINGING
        if offer.agent != call.agent:
            yield offer.agent, offer.ended_ms, Presence.READY
    if call.agent is None:
        return
    if call.direction == "outbound":
        yield call.agent, call.arrived_ms, Presence.DIALLING
    if call.answered_ms is not None:
        yield call.agent, call.answered_ms, Presence.TALKING
        yield call.agent, call.ended_ms, Presence.ACW
        yield call.agent, call.ended_ms + WRAPUP_MS, Presence.READY
    else:
        yield call.agent, call.ended_ms, Presence.READY
