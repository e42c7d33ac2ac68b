"""From rows to channels: when each began and ended, and in which bridges it was, with whom (pure)."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from callcenter.witness.cel import CelKind, CelRow

_NAME = re.compile(r"(?P<technology>[^/]+)/(?P<endpoint>.+)-[0-9a-f]{8,}(;[12])?\Z")


def endpoint_of(channel: str) -> str:
    """Return the endpoint in a channel's name (`PJSIP/8101-0000000a` -> `8101`); empty when it names none."""
    found = _NAME.match(channel)
    return found["endpoint"] if found else ""


@dataclass(slots=True)
class Stay:
    """One stay of a channel in a bridge."""

    bridge: str
    uniqueid: str
    entered_ms: int
    left_ms: int | None = None
    """None: still there when the rows end."""
    context: str = ""
    """Where in the dialplan the channel stood when it entered."""


@dataclass(slots=True)
class Channel:
    """One channel, as its rows tell it."""

    uniqueid: str
    name: str
    linkedid: str
    """As its first row has it: a leg is born with its caller's."""
    seen_ms: int
    """Instant of its first row of any kind."""
    last_ms: int = 0
    """Instant of its newest row."""
    started_ms: int | None = None
    """None: its CHAN_START is not in the file."""
    ended_ms: int | None = None
    """None: it has not hung up."""
    hangup: CelRow | None = None
    born_in: str = ""
    """Context of its first row: that of its endpoint."""
    contexts: set[str] = field(default_factory=set)
    """All contexts in which it stood when something happened."""
    stays: list[Stay] = field(default_factory=list)
    """In the order of time."""

    @property
    def endpoint(self) -> str:
        """The endpoint whose channel it is."""
        return endpoint_of(self.name)

    @property
    def technology(self) -> str:
        """`PJSIP`, `Local`, ..."""
        return self.name.partition("/")[0]


def channels_of(rows: Iterable[CelRow]) -> dict[str, Channel]:
    """Return the channels by Uniqueid. `rows` in the order of time."""
    channels: dict[str, Channel] = {}
    for row in rows:
        if row.uniqueid not in channels:
            channels[row.uniqueid] = Channel(row.uniqueid, row.channel, row.linkedid, row.at_ms, born_in=row.context)
        channels[row.uniqueid].contexts.add(row.context)
        channels[row.uniqueid].last_ms = row.at_ms
        if take := _TAKE.get(row.kind):
            take(channels[row.uniqueid], row)
    return channels


def _started(channel: Channel, row: CelRow) -> None:
    channel.started_ms = row.at_ms


def _entered(channel: Channel, row: CelRow) -> None:
    channel.stays.append(Stay(row.bridge_id, channel.uniqueid, row.at_ms, context=row.context))


def _left(channel: Channel, row: CelRow) -> None:
    for stay in channel.stays:
        if stay.bridge == row.bridge_id and stay.left_ms is None:
            stay.left_ms = row.at_ms


def _hung_up(channel: Channel, row: CelRow) -> None:
    """A channel that is gone is in no bridge: its HANGUP closes what a lost BRIDGE_EXIT left open."""
    channel.ended_ms = row.at_ms
    channel.hangup = row
    for stay in channel.stays:
        if stay.left_ms is None:
            stay.left_ms = row.at_ms


_TAKE: dict[CelKind, Callable[[Channel, CelRow], None]] = {
    CelKind.CHAN_START: _started,
    CelKind.BRIDGE_ENTER: _entered,
    CelKind.BRIDGE_EXIT: _left,
    CelKind.HANGUP: _hung_up,
}
"""ANSWER and LINKEDID_END tell no milestone: Answer() is not a person, and a Linkedid outlives its caller."""
