"""What CEL tells of inbound calls, as values; and what has to be told besides: who was at which phone, and when (pure)."""

from dataclasses import dataclass

from acd.names import CallId, EndedBy, Outcome


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

    @property
    def agent(self) -> str | None:
        """Who answered first; None: nobody, or a phone at which nobody was to be reached."""
        return self.talks[0].agent if self.talks else None


@dataclass(frozen=True, slots=True)
class CelCalls:
    """All inbound calls in the order of arrival, and channels whose beginning the rows do not have."""

    calls: tuple[CelCall, ...]
    orphans: tuple[str, ...] = ()
    """Uniqueids without a CHAN_START: rows were lost, or the file begins in the middle of a call."""
