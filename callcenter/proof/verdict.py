"""What the kills did to the callers: counted from the phones, the sound and the proof's own eyes, never from the service.

`lost`: the PBX ended a caller's dialog although nobody at an agent's phone had hung up on him. `out_of_order`: an agent was
dialled for a caller while another, who had come earlier, still waited. `rtp_gaps`: sound missing for a caller who was in hold
over a kill. `false_fallbacks`: entries into the PBX's own queue while the service lived, or had not been dead for long
enough. Beside them `late_fallbacks` (no entry 15 s after a kill without a restart) and `wrapups_broken` (a phone rang within
the wrap-up, or later than its end although callers waited).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from callcenter.lab.baresip import Baresip
from callcenter.lab.phone_log import PhoneCall
from callcenter.proof.hall import ANSWER_S, WRAPUP_S, Caller
from callcenter.proof.watch import Leg, Seen

SAME_S = 0.1
"""Turns this close count as one: several agents came free together."""
STALE_S = 12.0
FALLBACK_S = 15.0
SETTLE_S = 1.0
Pair = tuple[Caller, Seen]


@dataclass(slots=True)
class Kill:
    """One kill of the service, and what it met."""

    kind: str
    at: float
    """Wall clock."""
    census: dict[str, int]
    heard: dict[str, float] = field(default_factory=dict)
    """SIP Call-ID of a caller in hold -> sound heard until then, seconds."""
    ready_at: float = float("inf")
    """When the service distributed again; infinite: it was not started again."""
    stalled: int = 0
    """Callers in hold over this kill whose sound stood still."""


def lost(callers: Sequence[Caller], seen: Sequence[Pair], agents: Sequence[Baresip]) -> list[str]:
    """Return the numbers of callers who were cut off. Who hung up is the phones' word, when it was the PBX's."""
    of = {caller.call.number: one for caller, one in seen}
    return [
        number
        for caller in callers
        if caller.call.ended_by == "peer" and not _is_hung_up_on(number := caller.call.number, of.get(number), agents)
    ]


def _is_hung_up_on(number: str, one: Seen | None, agents: Sequence[Baresip]) -> bool:
    """Whether an agent who talked with him hung up, and his own call ended right then."""
    if one is None or one.ended_at is None:
        return False
    until = {leg.phone for leg in one.legs if leg.left_at is not None and abs(leg.left_at - one.ended_at) < 1.0}
    return any(_shows(call, number) for phone in agents if phone.number in until for call in phone.calls)


def _shows(call: PhoneCall, number: str) -> bool:
    shows = number in call.peer_name or number in call.peer_number
    return shows and call.direction == "in" and call.ended_by == "self"


def out_of_order(seen: Sequence[Pair]) -> list[str]:
    """Return what was out of order, in words."""
    turns = sorted((turn, one) for _, one in seen if (turn := one.turn_at) is not None)
    return [
        f"arrived {early.arrived:.3f} still waited when one of {late.arrived:.3f} was dialled for at {at:.3f}"
        for at, late in turns
        for _, early in seen
        if early.arrived < late.arrived and _still_waits(early, at + SAME_S)
    ]


def _still_waits(call: Seen, at: float) -> bool:
    if call.is_rung(at):
        return False
    if call.turn_at is not None:
        turn = call.turn_at
    elif call.talked_at is not None:  # the PBX's own queue rang for him
        turn = call.rings[-1] if call.rings else call.talked_at - ANSWER_S - SAME_S
    else:
        turn = float("inf")
    return turn > at and (call.ended_at is None or call.ended_at > at)


def rtp_gaps(seen: Sequence[Pair], kills: Sequence[Kill]) -> list[str]:
    """Return the gaps in what callers heard who were in hold over a kill."""
    found = []
    for kill in kills:
        begin, end = kill.at - 0.5, min(kill.ready_at, kill.at + STALE_S) + 0.5
        for caller, one in seen:
            if one.held_through(begin, end):
                jumps = [jump for jump in caller.ear.jumps if begin <= jump.at <= end]
                found += [f"{kill.kind}: {caller.call.number} missed {jump.lost_s:.2f} s" for jump in jumps]
    return found + [f"{kill.kind}: the sound stood still for {kill.stalled}" for kill in kills if kill.stalled]


def false_fallbacks(seen: Sequence[Pair], kills: Sequence[Kill]) -> list[str]:
    """Return the entries into `Queue()` that should not have been."""
    return [
        f"{caller.call.number} at {at:.3f}"
        for caller, one in seen
        for at in one.fallbacks
        if not any(kill.at + STALE_S - SETTLE_S <= at <= kill.ready_at + SETTLE_S for kill in kills)
    ]


def late_fallbacks(seen: Sequence[Pair], kills: Sequence[Kill]) -> list[str]:
    """Return the callers who rested on although the service had been dead for 15 s."""
    return [
        caller.call.number
        for kill in kills
        if kill.ready_at > kill.at + FALLBACK_S
        for caller, one in seen
        if one.arrived < kill.at and one.held_through(kill.at, kill.at + FALLBACK_S)
    ]


def wrapups_broken(calls: Iterable[Seen], kills: Sequence[Kill]) -> list[str]:
    """Return the wrap-ups that did not hold, in words. Talks that ended while nobody watched have none to hold.

    By the PBX's own instants: a phone's events are told the time at which they are read."""
    found = []
    of: dict[str, list[Leg]] = {}
    for leg in sorted((leg for one in calls for leg in one.legs), key=lambda leg: leg.dialled_at):
        of.setdefault(leg.phone, []).append(leg)
    for phone, legs in of.items():
        for before, after in pairwise(legs):
            end = before.left_at
            if end is None or any(kill.at - 0.2 < end < kill.ready_at for kill in kills):
                continue
            ready, rang_at = _alive_from(end + WRAPUP_S, kills), after.dialled_at
            if rang_at < end + WRAPUP_S - 0.1:
                found.append(f"{phone} rang {rang_at - end:.2f} s after a talk at {end:.2f}")
            elif rang_at > ready + SETTLE_S:
                found.append(f"{phone} rang {rang_at - ready:.2f} s after it was ready")
    return found


def _alive_from(at: float, kills: Sequence[Kill]) -> float:
    """Return the first instant from `at` on at which the service lived, and went on to live for a while."""
    for kill in kills:
        if kill.at - SETTLE_S < at < kill.ready_at:
            at = kill.ready_at
    return at
