"""A drawn call as the records that the service would have written of it."""

from collections.abc import Iterator

from acd.names import CallId, Via
from acd.records import (
    CallClosed,
    CallInMenu,
    CallLeft,
    CallOpened,
    CallWaiting,
    OfferClosed,
    OfferMade,
    Record,
    TalkClosed,
    TalkOpened,
)
from callcenter.sample.year import SampleCall

PBX = "sample"
PLATFORM = "sample"


def need_of(line: str) -> str:
    """Return the need of a line's calls."""
    return f"{line} >= 1"


def offer_id(call: SampleCall, seq: int) -> str:
    """Return the name of a call's offer."""
    return f"1-{call.uniqueid}-{seq}"


def told(call: SampleCall) -> Iterator[Record]:
    """Return a call's records in order."""
    key = CallId(PBX, call.uniqueid)
    is_inbound = call.direction == "inbound"
    by = None if is_inbound else call.agent
    yield CallOpened(key, call.arrived_ms, call.line, "", call.caller, "", "", False, PLATFORM, call.direction, by)
    if is_inbound:
        yield CallInMenu(key, call.arrived_ms)
    if call.queued_ms is not None:
        yield CallWaiting(key, call.queued_ms, call.line, need_of(call.line), 1)
    for seq, offer in enumerate(call.offers, start=1):
        name = offer_id(call, seq)
        yield OfferMade(
            key,
            name,
            seq,
            offer.made_ms,
            offer.agent,
            "seat",
            offer.agent,
            call.line,
            0,
            need_of(call.line),
            "",
            0.0,
            1,
        )
        yield OfferClosed(key, name, offer.ended_ms, offer.result)
    if call.answered_ms is not None and call.agent is not None:
        name = offer_id(call, max(len(call.offers), 1))
        yield TalkOpened(key, name, call.answered_ms, call.agent, "seat", call.agent, Via.ENGINE)
        yield TalkClosed(key, name, call.answered_ms + call.talk_ms, call.hold_ms)
    if call.left_ms is not None:
        yield CallLeft(key, call.left_ms, "0")
    yield CallClosed(key, call.ended_ms, call.ended_by, call.outcome, call.reason)
