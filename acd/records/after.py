"""What belongs to a call beside its way: sound files, the caller's rating; and what a supervisor did."""

from dataclasses import dataclass

from acd.names import Act, CallId, OfferId, RecordingKind, RecordingStatus


@dataclass(frozen=True, slots=True)
class RecordingOpened:
    """The PBX began to write a sound file for a call (told again for the same `path`: nothing new)."""

    call: CallId
    at_ms: int
    kind: RecordingKind
    path: str
    """As the PBX names it, below its recordings folder or voicemail spool."""


@dataclass(frozen=True, slots=True)
class RecordingPaused:
    """An agent paused the recording for sensitive words, or (`is_paused` False) lets it go on."""

    call: CallId
    at_ms: int
    path: str
    is_paused: bool


@dataclass(frozen=True, slots=True)
class RecordingClosed:
    """The PBX wrote the end of a sound file; `size` is what it says of it, bytes; None: it does not know."""

    call: CallId
    at_ms: int
    path: str
    size: int | None
    length_ms: int | None = None
    """Length as the PBX tells it (voicemail); None: it does not."""


@dataclass(frozen=True, slots=True)
class RecordingJudged:
    """The service looked at the file itself."""

    call: CallId
    at_ms: int
    path: str
    status: RecordingStatus
    size: int | None
    length_ms: int | None
    sha256: str
    """Hex; empty when the file cannot be reached."""


@dataclass(frozen=True, slots=True)
class CallRated:
    """The caller was asked for a rating after his talk; `score` None: he gave none that counts."""

    call: CallId
    at_ms: int
    offer: OfferId | None
    """The talk that ended last: whom he rated."""
    score: int | None
    keys: str = ""
    """What he pressed, digits, `*` and `#` only; at most 8."""


@dataclass(frozen=True, slots=True)
class SupervisorActed:
    """A supervisor's hand: who did what, to whom or what, why, and what came of it."""

    at_ms: int
    act: Act
    subject: str
    """Agent number, line code or call."""
    to: str
    """Where to, or the not-ready reason; empty: nothing of the kind."""
    who: str
    why: str
    call: CallId | None = None
