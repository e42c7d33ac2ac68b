"""One call's story as rows: facts go in by record, everything that can be computed is computed from them.

Theory of operation: a `CallStory` holds the rows of one call as the database has them (or none). `take` puts one record
in: it sets a fact that is not there yet, or adds a row of evidence under its own key; a record taken twice finds its
fact there and changes nothing. `call_settle.settle` then computes everything else from the evidence. Nothing here does
I/O.

One thing is ever corrected: what a snapshot could only see too late. After `CallRebuilt` an earlier instant of a talk's
beginning or end, or of an end that nobody saw (`ended_by` unknown), takes the place of the later one. What was seen live
is never later than CEL has it, so nothing of it is touched.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from acd.names import CallId, EndedBy
from acd.records import (
    CallBlocked,
    CallClosed,
    CallInMenu,
    CallLeft,
    CallOpened,
    CallRated,
    CallRebuilt,
    CallWaiting,
    HandOverClosed,
    HandOverOpened,
    OfferClosed,
    OfferMade,
    OfferRang,
    RecordingClosed,
    RecordingJudged,
    RecordingOpened,
    RecordingPaused,
    StepTaken,
    TalkClosed,
    TalkOpened,
)
from callcenter.storage import call_after as after
from callcenter.storage.tables import calls

Row = dict[str, Any]

CallRecord = (
    CallOpened
    | CallBlocked
    | CallInMenu
    | CallWaiting
    | StepTaken
    | OfferMade
    | OfferRang
    | OfferClosed
    | TalkOpened
    | TalkClosed
    | HandOverOpened
    | HandOverClosed
    | CallLeft
    | CallClosed
    | CallRebuilt
    | RecordingOpened
    | RecordingPaused
    | RecordingClosed
    | RecordingJudged
    | CallRated
)

_EMPTY: Mapping[str, object] = {
    **{column.name: None for column in calls.columns},
    **dict.fromkeys(("platform_id", "line_code", "did", "caller_number", "caller_name", "sip_call_id"), ""),
    **dict.fromkeys(
        ("talk_ms", "hold_ms", "requeue_wait_ms", "step", "agent_answers", "specialist_answers", "offers"), 0
    ),
    **dict.fromkeys(
        ("is_test", "excluded", "requeue_abandoned", "opening_unseen", "clock_adjusted", "imported", "blocked"), False
    ),
    "direction": "inbound",
    "outcome_reason": "",
    "end_detail": "",
}


def raise_in_order(row: Row, chain: Iterable[str]) -> bool:
    """Raise each instant of the chain to the latest one before it; return whether anything moved. None is skipped."""
    latest: int | None = None
    moved = False
    for column in chain:
        value = row[column]
        if value is None:
            continue
        if latest is not None and value < latest:
            row[column], moved = latest, True
        latest = row[column]
    return moved


@dataclass(slots=True)
class CallStory:
    """All rows of one call. `row` is None until the first record; children are keyed as in their tables."""

    call: CallId
    row: Row | None = None
    placements: dict[tuple[str, int, int], Row] = field(default_factory=dict)
    offers: dict[str, Row] = field(default_factory=dict)
    talks: dict[tuple[str, int], Row] = field(default_factory=dict)
    hand_overs: dict[int, Row] = field(default_factory=dict)
    recordings: dict[str, Row] = field(default_factory=dict)
    ratings: dict[int, Row] = field(default_factory=dict)
    changed: list[tuple[str, Row]] = field(default_factory=list)
    """Child rows to write: (table name, row)."""
    gone: list[tuple[str, Row]] = field(default_factory=list)
    """Child rows to delete, as they were: a part of their key was corrected."""
    corrections: list[str] = field(default_factory=list)

    def take(self, record: CallRecord) -> None:
        """Put one record in. Call `settle` (call_settle) after the last one."""
        if self.row is None and not isinstance(record, CallOpened):
            self.row = self._fresh(record.at_ms) | {"opening_unseen": True}
        _TAKE[type(record)](self, record)

    def clock_adjusted(self) -> None:
        """An instant had to be raised: flag the call, and say so the first time."""
        assert self.row is not None
        if not self.row["clock_adjusted"]:
            self.row["clock_adjusted"] = True
            self.corrections.append("an instant lay before the one that it follows (clock set back?): raised to it")

    # facts --------------------------------------------------------------------------------------------------------

    def key(self) -> Row:
        return {"pbx": self.call.pbx, "uniqueid": self.call.uniqueid}

    def _fresh(self, at_ms: int) -> Row:
        return {**_EMPTY, **self.key(), "arrived_ms": at_ms}

    def _opened(self, record: CallOpened) -> None:
        row = self.row
        if row is not None and not row["opening_unseen"]:
            return
        self.row = (row or self._fresh(record.at_ms)) | {
            "arrived_ms": record.at_ms,
            "platform_id": record.platform_id,
            "line_code": record.line,
            "direction": record.direction,
            "is_test": record.is_test,
            "excluded": record.is_test,
            "did": record.did,
            "caller_number": record.caller_number,
            "caller_name": record.caller_name,
            "sip_call_id": record.sip_call_id,
            "opening_unseen": False,
        }
        if record.agent is not None:
            self.row["agent"] = record.agent
        if record.follows is not None:
            self.row["follows"] = record.follows

    def _blocked(self, record: CallBlocked) -> None:
        assert self.row is not None
        why = f"blocked {record.entry}: {record.why}"
        self.row |= {"blocked": True, "end_detail": self.row["end_detail"] or why}

    def _rebuilt(self, record: CallRebuilt) -> None:
        self._set_once("rebuilt_ms", record.at_ms)

    def _in_menu(self, record: CallInMenu) -> None:
        self._set_once("menu_ms", record.at_ms)

    def _left(self, record: CallLeft) -> None:
        self._set_once("left_ms", record.at_ms)

    def _set_once(self, column: str, value: object) -> None:
        assert self.row is not None
        if self.row[column] is None:
            self.row[column] = value

    def _placed(self, record: CallWaiting | StepTaken) -> None:
        kind, seq = ("queued", record.seq) if isinstance(record, CallWaiting) else ("step", record.step)
        key = (kind, seq, record.at_ms)
        if key not in self.placements:
            where = {"kind": kind, "seq": seq, "at_ms": record.at_ms, "line": record.line, "need": record.need}
            self.add("placements", self.placements, key, where)
        if kind == "queued":
            self._set_once("queued_ms", record.at_ms)

    def add(self, table: str, rows: dict[Any, Row], key: object, values: Row) -> None:
        rows[key] = self.key() | values
        self.changed.append((table, rows[key]))

    def _offer_made(self, record: OfferMade) -> None:
        known = self.offers.get(record.offer)
        if known is not None and known["strategy"]:
            return
        values = {
            **{name: getattr(record, name) for name in _OFFER_FIELDS},
            "score_ms": int(record.score_s * 1000 + 0.5),
            "passed_over": json.dumps([[other.agent, other.why] for other in record.passed_over]),
            "made_ms": record.at_ms,
        }
        later = {"rang_ms": None, "ended_ms": None, "result": None, "detail": ""}
        self.add("offers", self.offers, record.offer, later | (known or {}) | values)
        self._order_offer(self.offers[record.offer])

    def _offer(self, offer: str, at_ms: int) -> Row:
        """Return the offer's row; one whose making was never seen is made from what is known."""
        if offer not in self.offers:
            texts = dict.fromkeys(("agent", "kind", "device", "line", "need", "strategy", "detail"), "")
            counts = dict.fromkeys(("seq", "step", "score_ms", "could"), 0)
            ends = dict.fromkeys(("rang_ms", "ended_ms", "result"))
            self.add(
                "offers",
                self.offers,
                offer,
                {"offer": offer, **texts, **counts, **ends, "passed_over": "[]", "made_ms": at_ms},
            )
        row = self.offers[offer]
        self.changed.append(("offers", row))
        return row

    def _order_offer(self, row: Row) -> None:
        if raise_in_order(row, ("made_ms", "rang_ms", "ended_ms")):
            self.clock_adjusted()

    def _offer_rang(self, record: OfferRang) -> None:
        row = self._offer(record.offer, record.at_ms)
        if row["rang_ms"] is None and row["result"] is None:
            row["rang_ms"] = record.at_ms
            self._order_offer(row)

    def _offer_closed(self, record: OfferClosed) -> None:
        row = self._offer(record.offer, record.at_ms)
        if row["result"] is None:
            row |= {"ended_ms": record.at_ms, "result": record.result.value, "detail": record.detail}
            self._order_offer(row)

    def _talk_opened(self, record: TalkOpened) -> None:
        mine = [talk for (offer, _), talk in self.talks.items() if offer == record.offer]
        late = [talk for talk in mine if self._is_rebuilt and record.at_ms < talk["opened_ms"]]
        if late:
            self._opened_earlier(min(late, key=lambda talk: int(talk["opened_ms"])), record.at_ms)
            return
        if any(talk["closed_ms"] is None or record.at_ms <= talk["opened_ms"] for talk in mine):
            return
        values = {name: getattr(record, name) for name in ("offer", "agent", "kind", "device")}
        values |= {"via": record.via.value, "opened_ms": record.at_ms, "closed_ms": None, "hold_ms": 0}
        self.add("talks", self.talks, (record.offer, record.at_ms), values)

    @property
    def _is_rebuilt(self) -> bool:
        assert self.row is not None
        return self.row["rebuilt_ms"] is not None

    def _opened_earlier(self, talk: Row, at_ms: int) -> None:
        """A snapshot saw a talk later than it had begun."""
        self.gone.append(("talks", dict(talk)))
        self.changed = [(name, row) for name, row in self.changed if row is not talk]
        del self.talks[(talk["offer"], talk["opened_ms"])]
        self.add("talks", self.talks, (talk["offer"], at_ms), talk | {"opened_ms": at_ms})

    def _talk_closed(self, record: TalkClosed) -> None:
        mine = [talk for (offer, _), talk in self.talks.items() if offer == record.offer]
        if any(talk["closed_ms"] == record.at_ms for talk in mine):
            return
        for talk in mine:
            was_late = talk["closed_ms"] is not None and talk["opened_ms"] <= record.at_ms < talk["closed_ms"]
            if talk["closed_ms"] is None or (self._is_rebuilt and was_late):
                talk |= {"closed_ms": record.at_ms, "hold_ms": max(record.hold_ms, 0)}
                if raise_in_order(talk, ("opened_ms", "closed_ms")):
                    self.clock_adjusted()
                self.changed.append(("talks", talk))

    def _hand_over_opened(self, record: HandOverOpened) -> None:
        if record.seq not in self.hand_overs:
            values = {"seq": record.seq, "opened_ms": record.at_ms, "agent": record.agent, "topic": record.topic}
            ends: Row = {"mode": record.mode.value, "closed_ms": None, "result": None, "specialist": None}
            self.add("hand_overs", self.hand_overs, record.seq, values | ends)

    def _hand_over_closed(self, record: HandOverClosed) -> None:
        row = self.hand_overs.get(record.seq)
        if row is None:
            self.corrections.append(f"hand-over {record.seq} closed ({record.result.value}) without having been opened")
        elif row["result"] is None:
            row |= {"closed_ms": record.at_ms, "result": record.result.value, "specialist": record.agent}
            if raise_in_order(row, ("opened_ms", "closed_ms")):
                self.clock_adjusted()
            self.changed.append(("hand_overs", row))

    def _closed(self, record: CallClosed) -> None:
        row = self.row
        assert row is not None
        was_late = row["ended_by"] == EndedBy.UNKNOWN and record.at_ms <= (row["ended_ms"] or 0)
        if row["ended_ms"] is None or (self._is_rebuilt and was_late):
            row |= {"ended_ms": record.at_ms, "ended_by": record.by.value}
        if row["outcome"] is None and record.outcome is not None:
            row |= {"outcome": record.outcome.value, "outcome_reason": record.reason}
        elif row["outcome"] is None:
            row["end_detail"] = row["end_detail"] or record.reason


_OFFER_FIELDS = ("offer", "seq", "agent", "kind", "device", "line", "step", "need", "strategy", "could")
_TAKE: Mapping[type[Any], Callable[[CallStory, Any], None]] = {
    CallOpened: CallStory._opened,
    CallBlocked: CallStory._blocked,
    CallInMenu: CallStory._in_menu,
    CallWaiting: CallStory._placed,
    StepTaken: CallStory._placed,
    OfferMade: CallStory._offer_made,
    OfferRang: CallStory._offer_rang,
    OfferClosed: CallStory._offer_closed,
    TalkOpened: CallStory._talk_opened,
    TalkClosed: CallStory._talk_closed,
    HandOverOpened: CallStory._hand_over_opened,
    HandOverClosed: CallStory._hand_over_closed,
    CallLeft: CallStory._left,
    CallClosed: CallStory._closed,
    CallRebuilt: CallStory._rebuilt,
    RecordingOpened: after.recording_opened,
    RecordingPaused: after.recording_paused,
    RecordingClosed: after.recording_closed,
    RecordingJudged: after.recording_judged,
    CallRated: after.rated,
}
