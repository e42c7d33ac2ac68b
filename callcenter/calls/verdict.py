"""Was it as the scenario says? The ledger, CEL and the phones, each compared with what must come out (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from acd.names import Outcome, Via
from callcenter.calls.plan import Place
from callcenter.calls.scenario import Expected, Inbound, Outbound
from callcenter.calls.screenplay import OUTSIDE
from callcenter.calls.story import TRUNK, CelStory, Evidence, LedgerStory, Played, Row
from callcenter.demo import witness
from callcenter.lab.phone_log import PhoneCall

_EXITS = frozenset({Outcome.REJECTED, Outcome.VOICEMAIL, Outcome.OVERFLOWED_OUT})
"""Outcomes in which the scenario states that the PBX ends the call."""


@dataclass(slots=True)
class Verdict:
    """What is wrong with one call; empty lists: nothing."""

    kind: str
    turn: int
    caller: str
    """His name in the cast."""
    lost: bool = False
    outcome: list[str] = field(default_factory=list)
    """The outcome, its reason, or that a witness does not know the call."""
    agent: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    """Offers, hand-overs, talks, lines, rating, message, who hung up."""

    @property
    def words(self) -> list[str]:
        """Everything that is wrong, for a person."""
        lost = ["lost: the PBX ended the caller's dialog"] if self.lost else []
        return [*lost, *self.outcome, *self.agent, *self.details]


@dataclass(frozen=True, slots=True)
class Totals:
    """The last line's figures."""

    kinds: int
    calls: int
    lost: int
    wrong_outcome: int
    wrong_agent: int
    ledger_mismatches: int
    wrong_details: int
    not_played: int

    def document(self) -> dict[str, int]:
        """As the JSON line has them."""
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def is_right(self) -> bool:
        """Whether all but `kinds` and `calls` are 0, and there was a call."""
        rest = {name: value for name, value in self.document().items() if name not in ("kinds", "calls")}
        return self.calls > 0 and not any(rest.values())


def judge(played: Iterable[Played], evidence: Evidence) -> list[Verdict]:
    """Return a verdict for each call that a scenario expects, in order."""
    return [_judge(one, name, evidence) for one in played for name in one.place.scenario.calls]


def totals(verdicts: Sequence[Verdict], played: Sequence[Played], mismatches: int) -> Totals:
    """Add up."""
    return Totals(
        kinds=len({one.kind for one in verdicts}),
        calls=len(verdicts),
        lost=sum(one.lost for one in verdicts),
        wrong_outcome=sum(bool(one.outcome) for one in verdicts),
        wrong_agent=sum(bool(one.agent) for one in verdicts),
        ledger_mismatches=mismatches,
        wrong_details=sum(bool(one.details) for one in verdicts),
        not_played=sum(bool(one.failure) for one in played),
    )


def _judge(played: Played, name: str, evidence: Evidence) -> Verdict:
    expected = played.place.scenario.calls[name]
    verdict = _judge_as(expected, played, name, evidence)
    if verdict.words and isinstance(expected, Inbound):
        others = (_judge_as(one, played, name, evidence) for one in expected.alternatives)
        verdict = next((other for other in others if not other.words), verdict)
    return verdict


def _judge_as(expected: Expected, played: Played, name: str, evidence: Evidence) -> Verdict:
    place = played.place
    verdict = Verdict(place.kind, played.turn, name)
    number = place.dialled(played.turn) if isinstance(expected, Outbound) else place.caller(name, played.turn)
    ledger, cel = evidence.ledger.get(number, ()), evidence.cel.get(number, ())
    for witness_, told in (("ledger", ledger), ("CEL", cel)):
        if len(told) != 1:
            verdict.outcome.append(f"{witness_} knows {len(told)} calls of {number}")
    if isinstance(expected, Outbound):
        for story in ledger[:1]:
            _ledger_outbound(verdict, expected, story.row, place)
        for heard in cel[:1]:
            _cel_outbound(verdict, expected, heard, place)
        return verdict
    verdict.lost = is_lost(played, name, expected)
    for story in ledger[:1]:
        _ledger_inbound(verdict, expected, story, place)
    for heard in cel[:1]:
        _cel_inbound(verdict, expected, heard, place)
    return verdict


def is_lost(played: Played, name: str, expected: Inbound) -> bool:
    """Whether the PBX ended the caller's dialog though nobody had hung up and the scenario states no exit."""
    call = played.callers.get(name)
    if call is None or expected.for_cel in _EXITS:
        return False
    number = played.place.caller(name, played.turn)
    rows = [witness.phone_row(call), *(_seen(other, number, played) for other in played.others)]
    return bool(witness.lost(rows))


def _seen(call: PhoneCall, number: str, played: Played) -> dict[str, object]:
    """Return a phone's row; where its display named no caller of this turn, he is the one caller there is."""
    row = witness.phone_row(call)
    numbers = {played.place.caller(name, played.turn) for name in played.callers}
    if row["peer_number"] not in numbers and len(numbers) == 1:
        row["peer_number"] = number
    return row


def _differs(words: list[str], what: str, expected: object, told: object) -> None:
    if expected != told:
        words.append(f"{what}: {_said(told)}, expected {_said(expected)}")


def _said(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_said(one) for one in value)}]"
    return "nobody" if value is None else str(value) or "-"


def _ledger_inbound(verdict: Verdict, expected: Inbound, story: LedgerStory, place: Place) -> None:
    row, names = story.row, place.names
    _differs(verdict.outcome, "ledger outcome", expected.outcome and expected.outcome.value, row["outcome"])
    _differs(verdict.outcome, "ledger blocked", expected.outcome is None, row["blocked"])
    _differs(verdict.outcome, "ledger reason", expected.reason, row["outcome_reason"])
    _differs(verdict.agent, "ledger agent", expected.agent, names.get(row["agent"], row["agent"]))
    via = expected.via or (Via.ENGINE if expected.agent else None)
    children = story.children
    offers = [(names.get(one["agent"], one["agent"]), one["result"]) for one in children["offers"]]
    hand_overs = [(one["mode"], one["result"], names.get(one["specialist"])) for one in children["hand_overs"]]
    lines = [names.get(one["line"], one["line"]) for one in children["placements"] if one["kind"] == "queued"]
    told = {
        "via": (via and via.value, row["via"]),
        "ended by": (expected.ended_by.value, row["ended_by"]),
        "offers": ([(who, result.value) for who, result in expected.offers], offers),
        "offers counted": (len(expected.offers), row["offers"]),
        "hand-overs": ([(mode.value, result.value, who) for mode, result, who in expected.hand_overs], hand_overs),
        "talks": (list(expected.talks), [_talker(one, names) for one in children["talks"]]),
        "lines": (list(expected.lines), lines),
        "rating": ([expected.rating] if expected.rating else [], [one["score"] for one in children["ratings"]]),
        "messages": (int(expected.message), sum(one["kind"] == "voicemail" for one in children["recordings"])),
    }
    for what, (wanted, found) in told.items():
        _differs(verdict.details, f"ledger {what}", wanted, found)


def _talker(row: Row, names: Mapping[str, str]) -> str:
    return names.get(str(row["agent"]), str(row["agent"]))


def _cel_inbound(verdict: Verdict, expected: Inbound, story: CelStory, place: Place) -> None:
    call, names = story.inbound, place.names
    if call is None:
        verdict.outcome.append("CEL has it as a call dialled out")
        return
    if expected.for_cel not in call.outcomes:
        allowed = " or ".join(sorted(call.outcomes)) or "not ended"
        verdict.outcome.append(f"CEL outcome: {allowed}, expected {expected.for_cel.value}")
    _differs(
        verdict.agent, "CEL agent", expected.agent, None if call.agent is None else names.get(call.agent, call.agent)
    )
    people = [names.get(talk.agent or "", talk.device) for talk in call.talks]
    talks = [who for who, _ in groupby(people)]  # a phone that joins two calls is there with both of its channels
    _differs(verdict.details, "CEL talks", list(expected.talks), talks)
    rang = expected.rang if expected.rang is not None else tuple(who for who, _ in expected.offers)
    found = [OUTSIDE if device == TRUNK else names.get(device, device) for device in story.rang]
    _differs(verdict.details, "CEL phones rung", list(rang), found)


def _ledger_outbound(verdict: Verdict, expected: Outbound, row: Row, place: Place) -> None:
    _differs(verdict.outcome, "ledger direction", "outbound", row["direction"])
    _differs(verdict.outcome, "ledger answered", expected.answered, row["answered_ms"] is not None)
    _differs(verdict.outcome, "ledger status", expected.status, row["end_detail"])
    _differs(verdict.agent, "ledger agent", expected.agent, place.names.get(row["agent"], row["agent"]))
    _differs(verdict.details, "ledger ended by", expected.ended_by.value, row["ended_by"])
    _differs(verdict.details, "ledger line", place.kind, row["line_code"])


def _cel_outbound(verdict: Verdict, expected: Outbound, story: CelStory, place: Place) -> None:
    call = story.outbound
    if call is None:
        verdict.outcome.append("CEL has it as a caller's call")
        return
    _differs(verdict.outcome, "CEL answered", expected.answered, call.answered_ms is not None)
    _differs(verdict.agent, "CEL agent", expected.agent, place.names.get(call.device, call.device))
