"""Rebuilds every inbound call from CEL alone: instants, agents, outcome (pure).

Theory of operation: a call is a channel of a caller's endpoint that begins a Linkedid of its own (a leg dialled out
through the same trunk is born with the caller's). A talk is the time that the caller and a phone were in the same
bridge, so it begins with the later of the two BRIDGE_ENTERs and ends with the earlier of the two BRIDGE_EXITs; joined
by bridge and Uniqueid, never by Linkedid, which a transfer changes. Who sat at the phone is told by the caller of this
module (`DeviceUse`), from what people did at the phones, never from what the service believes. Who came over an outside
line is a specialist if the caller stood where he is with people (`Places.people`), else the other end of an exit. What
becomes of a call that nobody took is told in `verdict`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from acd.names import CallId, Outcome
from callcenter.witness.calls import CelCall, CelCalls, CelTalk, DeviceUse, who_at
from callcenter.witness.cel import CelRow
from callcenter.witness.channels import Channel, Stay, channels_of
from callcenter.witness.verdict import Places, ended_by, unanswered

_NOBODY = frozenset({"Local", "Announcer", "Recorder", "Snoop", "Surrogate"})
"""Technologies of channels behind which no person is."""


@dataclass(frozen=True, slots=True)
class _Scene:
    """Everything that one call's story needs of the others."""

    pbx: str
    callers: frozenset[str]
    outside: frozenset[str]
    """Endpoints of outside lines; those that callers come in by are among them."""
    places: Places
    uses: dict[str, list[DeviceUse]] = field(default_factory=dict)
    bridges: dict[str, list[Stay]] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    legs: dict[str, list[Channel]] = field(default_factory=dict)
    """By the Linkedid that they were born with."""

    def who(self, device: str, at_ms: int) -> DeviceUse | None:
        return who_at(self.uses.get(device, ()), device, at_ms)


def rebuild(
    rows: Iterable[CelRow],
    *,
    pbx: str,
    callers: Iterable[str],
    devices: Sequence[DeviceUse],
    outside: Iterable[str] = (),
    places: Places | None = None,
) -> CelCalls:
    """Rebuild the inbound calls.

    `rows` in the order of time (`read_cel`); `pbx` the ledger's name of the Asterisk; `callers` the endpoints that
    callers come in by (an outside line may be dialled out through the same), `outside` further endpoints of outside
    lines; `places` None: the shipped dialplan.
    """
    inward = frozenset(callers)
    scene = _Scene(pbx, inward, inward | frozenset(outside), places or Places.of_our_dialplan())
    for use in devices:
        scene.uses.setdefault(use.device, []).append(use)
    scene.channels.update(channels_of(rows))
    for channel in scene.channels.values():
        scene.legs.setdefault(channel.linkedid, []).append(channel)
        for stay in channel.stays:
            scene.bridges.setdefault(stay.bridge, []).append(stay)
    calls = [
        _call(scene, channel, channel.started_ms)
        for channel in scene.channels.values()
        if channel.started_ms is not None and _is_caller(scene, channel)
    ]
    calls.sort(key=lambda call: (call.arrived_ms, call.call))
    orphans = tuple(sorted(c.uniqueid for c in scene.channels.values() if c.started_ms is None))
    return CelCalls(
        tuple(calls),
        orphans,
        {c.uniqueid: c.ended_ms for c in scene.channels.values() if c.ended_ms is not None},
        {c.uniqueid: c.last_ms for c in scene.channels.values() if c.ended_ms is None},
    )


def _is_caller(scene: _Scene, channel: Channel) -> bool:
    """A caller begins a Linkedid of his own, at an endpoint that callers come in by. So does a three-way's specialist on an
    outside number, whom nobody dials: he stands where only such legs do or, not reached, never left the endpoint's context."""
    if channel.endpoint not in scene.callers or channel.linkedid != channel.uniqueid:
        return False
    legs = scene.places.legs
    has_stayed = channel.ended_ms is not None and channel.born_in != "" and channel.contexts == {channel.born_in}
    return not legs or not (has_stayed or channel.contexts & legs)


def _call(scene: _Scene, caller: Channel, arrived_ms: int) -> CelCall:
    talks, outside = _talks(scene, caller)
    if caller.ended_ms is not None and (talks or outside):
        outcomes = frozenset({Outcome.AGENT_ANSWERED if talks else Outcome.OVERFLOWED_OUT})
    else:
        legs = [leg for leg in scene.legs[caller.linkedid] if leg is not caller]
        outcomes = unanswered(caller, legs, scene.outside, scene.places)
    closed = [(talk.began_ms, talk.ended_ms) for talk in talks if talk.ended_ms is not None]
    return CelCall(
        call=CallId(scene.pbx, caller.uniqueid),
        arrived_ms=arrived_ms,
        answered_ms=talks[0].began_ms if talks else None,
        talk_ended_ms=max(end for _, end in closed) if talks and len(closed) == len(talks) else None,
        ended_ms=caller.ended_ms,
        ended_by=ended_by(caller, scene.outside),
        outcomes=outcomes,
        talks=talks,
        talk_ms=_covered_ms(closed),
        outside=outside,
        ended_source="" if caller.hangup is None else caller.hangup.hangup_source,
    )


def _talks(scene: _Scene, caller: Channel) -> tuple[tuple[CelTalk, ...], tuple[CelTalk, ...]]:
    """Return the talks with phones of ours and those with outside lines, each in the order of time."""
    talks: list[CelTalk] = []
    outside: list[CelTalk] = []
    for own in caller.stays:
        for other in scene.bridges[own.bridge]:
            leg = scene.channels[other.uniqueid]
            ends = [end for end in (own.left_ms, other.left_ms) if end is not None]
            began_ms, ended_ms = max(own.entered_ms, other.entered_ms), min(ends, default=None)
            is_together = ended_ms is None or began_ms <= ended_ms
            if leg is caller or leg.technology in _NOBODY or not is_together:
                continue
            dialled_ms = leg.seen_ms if leg.linkedid == caller.linkedid else None
            if leg.endpoint in scene.outside and own.context in scene.places.people:
                kind = "specialist"
                talks.append(CelTalk(leg.endpoint, None, kind, began_ms, ended_ms, leg.uniqueid, dialled_ms, True))
                continue
            if leg.endpoint in scene.outside:
                outside.append(CelTalk(leg.endpoint, None, "outside", began_ms, ended_ms, leg.uniqueid, dialled_ms))
                continue
            use = scene.who(leg.endpoint, began_ms)
            agent, kind = (use.agent, use.kind) if use else (None, "unknown")
            talks.append(CelTalk(leg.endpoint, agent, kind, began_ms, ended_ms, leg.uniqueid, dialled_ms))
    return _in_order(talks), _in_order(outside)


def _in_order(talks: Iterable[CelTalk]) -> tuple[CelTalk, ...]:
    return tuple(sorted(talks, key=lambda talk: talk.began_ms))


def _covered_ms(spans: list[tuple[int, int]]) -> int:
    """How much time the spans cover, overlaps once."""
    if not spans:
        return 0
    edges = sorted({edge for span in spans for edge in span})
    return sum(b - a for a, b in pairwise(edges) if any(begin <= a and b <= end for begin, end in spans))
