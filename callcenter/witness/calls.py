"""What CEL tells of inbound calls, as values; and what has to be told besides: who was at which phone, and when (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from acd.names import CallId, EndedBy, Outcome

AT_ONCE_MS = 50
"""What goes on within it goes on at once."""


@dataclass(frozen=True, slots=True)
class DeviceUse:
    """Who was to be reached at a phone, and when: a log-in of a seat, or a specialist's own phone."""

    device: str
    """Endpoint."""
    agent: str
    kind: str = "seat"
    """`seat` or `specialist`."""
    from_ms: int = 0
    until_ms: int | None = None
    """First instant at which it is no longer so; None: for ever."""


def who_at(people: Iterable[DeviceUse], device: str, at_ms: int) -> DeviceUse | None:
    """Return who was to be reached at a phone at an instant; None: nobody."""
    for use in people:
        if use.device == device and use.from_ms <= at_ms and (use.until_ms is None or at_ms < use.until_ms):
            return use
    return None


@dataclass(frozen=True, slots=True)
class CelTalk:
    """The caller in one bridge with one phone."""

    device: str
    agent: str | None
    """None: nobody was to be reached at that phone then."""
    kind: str
    """`seat`, `specialist`, or `unknown`."""
    began_ms: int
    ended_ms: int | None
    leg: str = ""
    """Uniqueid of the phone's channel."""
    dialled_ms: int | None = None
    """When that channel was made for this caller; None: it came from elsewhere (a transfer, a three-way talk)."""
    is_outside: bool = False
    """He came over an outside line: which number that was, CEL does not know."""


def _goes_on(before: CelTalk, talk: CelTalk) -> bool:
    if before.leg == talk.leg:
        return True
    is_same = before.device == talk.device and not talk.is_outside
    return is_same and (before.ended_ms is None or talk.began_ms <= before.ended_ms + AT_ONCE_MS)


@dataclass(frozen=True, slots=True)
class CelCall:
    """One inbound call, as CEL tells it. Instants are ms since the epoch on the PBX's clock, None: it never came."""

    call: CallId
    arrived_ms: int
    answered_ms: int | None
    talk_ended_ms: int | None
    ended_ms: int | None
    """None: the caller's channel had not hung up when the rows ended."""
    ended_by: EndedBy | None
    outcomes: frozenset[Outcome]
    """What the rows allow; one word, but for what the module's head says. Empty: not ended."""
    talks: tuple[CelTalk, ...] = ()
    talk_ms: int = 0
    """Time in a bridge with a phone of ours; overlapping talks count once."""
    outside: tuple[CelTalk, ...] = ()
    """Time in a bridge with outside lines; `device` is the line's endpoint."""
    ended_source: str = ""
    """Channel name of who hung up, as the caller's HANGUP row has it."""

    is_dropped: bool = False
    """Asterisk was started anew while it lived: it ended then, and no row tells when."""

    @property
    def agent(self) -> str | None:
        """Who answered first; None: nobody, or a phone at which nobody was to be reached."""
        return self.talks[0].agent if self.talks else None

    @property
    def met(self) -> tuple[CelTalk, ...]:
        """The talks, as people see them: one that a leg went out of for a while (to ring a third one) is one, and so is one that
        goes on at once with another channel of the same phone (the one by which it joined two calls)."""
        whole: list[CelTalk] = []
        for talk in self.talks:
            before = next((one for one in whole if _goes_on(one, talk)), None)
            if before is None:
                whole.append(talk)
            elif before.ended_ms is not None:
                ended_ms = None if talk.ended_ms is None else max(before.ended_ms, talk.ended_ms)
                whole[whole.index(before)] = replace(before, ended_ms=ended_ms)
        return tuple(whole)


@dataclass(frozen=True, slots=True)
class CelCalls:
    """All inbound calls in the order of arrival, and channels whose beginning the rows do not have."""

    calls: tuple[CelCall, ...]
    orphans: tuple[str, ...] = ()
    """Uniqueids without a CHAN_START: rows were lost, or the file begins in the middle of a call."""
    ends: Mapping[str, int] = field(default_factory=dict)
    """When each channel hung up, whosever it was: Uniqueid -> ms."""
    last_signs: Mapping[str, int] = field(default_factory=dict)
    """The newest row of each channel that has not hung up: Uniqueid -> ms."""
