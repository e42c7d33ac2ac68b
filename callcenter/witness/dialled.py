"""Calls that phones of ours dialled, from CEL alone: when the called party answered, and when it was over (pure).

Theory: a phone's channel that begins a Linkedid of its own and comes to where the dialplan dials out is one attempt,
reached or not; the phone's own leg is no call. The channel of an outside line born with that Linkedid is the called party
(none was made where the trunk has no contact). Both in one bridge: he has answered, at the later of the two entries, and
they talk until the first of them leaves. What a phone dials beside that (feature codes, refused numbers, a specialist whom
a seat asks first) never comes there.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from callcenter.witness.cel import CelRow
from callcenter.witness.channels import Channel, channels_of

DIALS_OUT = "callcenter-trunk"
"""Context of the shipped dialplan in which a phone's channel dials out."""


@dataclass(frozen=True, slots=True)
class CelDialled:
    """One call dialled out, as CEL has it. Instants are ms since the epoch on the PBX's clock."""

    uniqueid: str
    device: str
    answered_ms: int | None
    """None: nobody answered."""
    ended_ms: int | None
    """None: it goes on when the rows end."""
    dialled_ms: int | None = None
    """When the outside line's channel was made; None: there was none."""
    talk_ended_ms: int | None = None
    """None: no talk, or it goes on."""
    agent: str | None = None
    """Who was to be reached at the phone then; None: nobody, or not asked."""
    ended_source: str = ""
    """Channel name of who hung up, as the phone's HANGUP row has it, else the called party's."""
    status: str = ""
    """How the dial ended, in Asterisk's word (ANSWER, BUSY, NOANSWER); empty: it never did, or goes on."""
    is_dropped: bool = False
    """Asterisk was started anew while it lived."""


def dialled(rows: Iterable[CelRow], outside: Collection[str]) -> list[CelDialled]:
    """Return the calls dialled out through the endpoints `outside`, in order. `rows` in the order of time."""
    channels = channels_of(rows)
    legs: dict[str, list[Channel]] = {}
    for channel in channels.values():
        if channel.endpoint in outside and channel.linkedid != channel.uniqueid:
            legs.setdefault(channel.linkedid, []).append(channel)
    return [
        _call(phone, legs.get(phone.uniqueid, []))
        for phone in channels.values()
        if phone.endpoint not in outside and phone.linkedid == phone.uniqueid and DIALS_OUT in phone.contexts
    ]


def _call(phone: Channel, legs: Collection[Channel]) -> CelDialled:
    spans = _spans(phone, legs)
    ends = [end for _, end in spans if end is not None]
    # where the bridge was gone before the phone's channel was told who hung up, the other side's row has it
    told = (phone, *(leg for leg in legs if leg.stays))
    return CelDialled(
        phone.uniqueid,
        phone.endpoint,
        answered_ms=min((begin for begin, _ in spans), default=None),
        ended_ms=phone.ended_ms,
        dialled_ms=min((leg.seen_ms for leg in legs), default=None),
        talk_ended_ms=max(ends) if spans and len(ends) == len(spans) else None,
        ended_source=next((one.hangup.hangup_source for one in told if one.hangup and one.hangup.hangup_source), ""),
        status="" if phone.hangup is None else phone.hangup.dial_status,
    )


def _spans(phone: Channel, legs: Iterable[Channel]) -> list[tuple[int, int | None]]:
    """Times in which phone and called party were in one bridge."""
    found = []
    for own in phone.stays:
        for other in (stay for leg in legs for stay in leg.stays if stay.bridge == own.bridge):
            ends = [end for end in (own.left_ms, other.left_ms) if end is not None]
            began_ms, ended_ms = max(own.entered_ms, other.entered_ms), min(ends, default=None)
            if ended_ms is None or began_ms <= ended_ms:
                found.append((began_ms, ended_ms))
    return found
