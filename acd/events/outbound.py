"""Calls that agents dial out."""

from dataclasses import dataclass

from acd.names import CallId, EndedBy


@dataclass(frozen=True, slots=True)
class OutboundStarted:
    """A phone dialled out through our outbound context; the agent (if one is logged in there) is `dialling`."""

    call: CallId
    device: str
    number: str
    line: str | None
    at_ms: int
    follows: str | None = None
    """Uniqueid of the inbound call that it calls back."""


@dataclass(frozen=True, slots=True)
class OutboundAnswered:
    """The called party of an outbound call answered and is bridged to the agent."""

    call: CallId
    at_ms: int


@dataclass(frozen=True, slots=True)
class OutboundEnded:
    """An outbound call is over; `cause`: ANSWER, BUSY, NOANSWER (rang out), CANCEL (the agent gave up), REFUSED,
    CHANUNAVAIL or CONGESTION (not reached at all)."""

    call: CallId
    at_ms: int
    by: EndedBy
    cause: str = ""
