"""What one PBX tells the shell: events of the engine, and a few facts that are the shell's own business."""

from dataclasses import dataclass
from typing import TypeAlias

from acd import events as e
from acd.names import CallId


@dataclass(frozen=True, slots=True)
class FeatureUsed:
    """A phone dialled a feature code and waits for our reply on its own channel."""

    pbx: str
    channel: str
    """Uniqueid of the phone's channel: where the reply goes."""
    at_ms: int
    code: str
    device: str
    agent: str = ""
    proof: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DialAsked:
    """A phone wants to dial out and waits for our reply on its own channel."""

    pbx: str
    channel: str
    """Uniqueid of the phone's channel: where the reply goes, and the call's key if it is dialled."""
    at_ms: int
    device: str
    number: str
    """As dialled, filtered to digits, `*`, `#`, `+`; a cut or filtered one ends with `*`, so that it is no number."""
    is_call_back: bool = False
    """It asks for the last caller of its agent instead of a number."""


@dataclass(frozen=True, slots=True)
class WishFenced:
    """The dialplan refused our wish because our epoch is revoked: we are not the leader any more."""

    pbx: str
    at_ms: int
    epoch: int


@dataclass(frozen=True, slots=True)
class FallbackEntered:
    """A caller went into the PBX's own queue because our heartbeat was stale."""

    call: CallId
    at_ms: int
    is_in: bool


Told: TypeAlias = e.Event | FeatureUsed | DialAsked | WishFenced | FallbackEntered
