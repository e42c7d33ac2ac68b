"""A seat speaks with a specialist before he hands over: the consult call, which is no call of the ledger."""

from dataclasses import dataclass

from acd.names import CallId


@dataclass(frozen=True, slots=True)
class ConsultAsked:
    """A phone asks for a specialist of a topic, the first time or because the last one named was not reached (CcConsult)."""

    consult: CallId
    """The phone's own channel: where the answer goes."""
    device: str
    topic: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class ConsultFound:
    """A consult that goes on when we (re)connect, told by its channel's variables."""

    consult: CallId
    device: str
    topic: str
    number: str
    """Of the specialist who is rung or spoken to."""
    at_ms: int


@dataclass(frozen=True, slots=True)
class ConsultEnded:
    """The phone's channel of a consult is gone: hung up, or the two others were joined."""

    consult: CallId
    at_ms: int
