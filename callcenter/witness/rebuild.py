"""Rebuilds every inbound call from CEL alone: instants, agents, outcome (pure).

Theory of operation: a call is a channel of a caller's endpoint that begins a Linkedid of its own (a leg dialled out
through the same trunk is born with the caller's). A talk is the time that the caller and a phone were in the same
bridge, so it begins with the later of the two BRIDGE_ENTERs and ends with the earlier of the two BRIDGE_EXITs; joined
by bridge and Uniqueid, never by Linkedid, which a transfer changes. Who sat at the phone is told by the caller of this
module (`DeviceUse`), from what people did at the phones, never from what the service believes. What becomes of a call
that nobody took is told in `verdict`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from acd.names import CallId, Outcome
from callcenter.witness.calls import CelCall, CelCalls, CelTalk, DeviceUse
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
        for use in self.uses.get(device, ()):
            if use.from_ms <= at_ms and (use.until_ms is None or at_ms < use.until_ms):
                return use
        return None


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
        if channel.started_ms is not None and channel.endpoint in scene.callers and channel.linkedid == channel.uniqueid
    ]
    calls.sort(key=lambda call: (call.arrived_ms, call.call))
    orphans = tuple(sorted(c.uniqueid for c in scene.channels.values() if c.started_ms is None))
    return CelCalls(tuple(calls), orphans)


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
    )


def _talks(scene: _Scene, caller: Channel) -> tuple[tuple[CelTalk, ...], bool]:
    """Return the talks in the order of time, and whether the caller was ever in a bridge with an outside line."""
    talks, outside = [], False
    for own in caller.stays:
        for other in scene.bridges[own.bridge]:
            channel = scene.channels[other.uniqueid]
            ends = [end for end in (own.left_ms, other.left_ms) if end is not None]
            began_ms, ended_ms = max(own.entered_ms, other.entered_ms), min(ends, default=None)
            is_together = ended_ms is None or began_ms <= ended_ms
            if channel is caller or channel.technology in _NOBODY or not is_together:
                continue
            if channel.endpoint in scene.outside:
                outside = True
                continue
            use = scene.who(channel.endpoint, began_ms)
            agent, kind = (use.agent, use.kind) if use else (None, "unknown")
            talks.append(CelTalk(channel.endpoint, agent, kind, began_ms, ended_ms))
    return tuple(sorted(talks, key=lambda talk: talk.began_ms)), outside


def _covered_ms(spans: list[tuple[int, int]]) -> int:
    """How much time the spans cover, overlaps once."""
    if not spans:
        return 0
    edges = sorted({edge for span in spans for edge in span})
    return sum(b - a for a, b in pairwise(edges) if any(begin <= a and b <= end for begin, end in spans))
