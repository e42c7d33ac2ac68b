"""What belongs to a call beside its way: its sound file, and what the caller says of it after the talk."""

from dataclasses import dataclass

from acd.names import CallId, OfferId


@dataclass(frozen=True, slots=True)
class RecordingStarted:
    """The PBX writes down what is said from the next talk on (CcRecording): one file a call, through all its talks."""

    call: CallId
    at_ms: int
    path: str


@dataclass(frozen=True, slots=True)
class RecordingHeld:
    """The agent stopped the writing by key, or (`is_paused` False) lets it go on."""

    call: CallId
    at_ms: int
    path: str
    is_paused: bool


@dataclass(frozen=True, slots=True)
class RecordingEnded:
    """The PBX closed the file; `size` in bytes (0: it is not there), None: it does not know."""

    call: CallId
    at_ms: int
    path: str
    size: int | None


@dataclass(frozen=True, slots=True)
class RatingAsked:
    """The agent has hung up, the caller hears the question (CcRating)."""

    call: CallId
    at_ms: int
    offer: OfferId | None
    """The talk that ended last; None: the dialplan does not know it."""


@dataclass(frozen=True, slots=True)
class RatingGiven:
    """The question is over: the caller pressed something that counts, or (`score` None) nothing that does."""

    call: CallId
    at_ms: int
    offer: OfferId | None
    score: int | None
    keys: str = ""
