"""What callers do on their way out of a line."""

from dataclasses import dataclass

from acd.names import CallId


@dataclass(frozen=True, slots=True)
class VoicemailLeft:
    """A caller left a message in a voicemail box (CcVoicemail); it is on the PBX's disk."""

    call: CallId
    at_ms: int
    path: str
    """Below the PBX's spool folder."""
    size: int | None
    """Bytes."""
    length_ms: int | None
    """None: the PBX does not know (not a WAV file)."""
