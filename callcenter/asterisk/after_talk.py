"""The dialplan's words about a call's sound file and its rating (CcRecording, CcRating), as events of the engine."""

import re

from acd import events as e
from acd.names import CallId
from callcenter.asterisk.message import AmiMessage
from callcenter.asterisk.told import Told

_PATH = re.compile(r"callcenter/\d{8}/[A-Za-z0-9._-]{1,150}\.wav")
_KEYS = re.compile(r"[0-9*#]{0,8}")


def recording_told(m: AmiMessage, call: CallId, at_ms: int) -> list[Told]:
    """Read a CcRecording; [] when it is none of ours (a path that our dialplan does not make)."""
    path, size = m.get("Path", ""), m.get("Bytes", "")
    if not _PATH.fullmatch(path):
        return []
    match m.get("State"):
        case "started":
            return [e.RecordingStarted(call, at_ms, path)]
        case "paused" | "resumed" as state:
            return [e.RecordingHeld(call, at_ms, path, is_paused=state == "paused")]
        case "ended":
            return [e.RecordingEnded(call, at_ms, path, int(size) if size.isascii() and size.isdigit() else None)]
    return []


def rating_told(m: AmiMessage, call: CallId, at_ms: int) -> list[Told]:
    """Read a CcRating; a score that is none of 1 to 5 is no score."""
    offer, score, keys = m.get("Offer") or None, m.get("Score", ""), m.get("Keys", "")
    match m.get("State"):
        case "asked":
            return [e.RatingAsked(call, at_ms, offer)]
        case "given":
            counts = int(score) if score in {"1", "2", "3", "4", "5"} else None
            return [e.RatingGiven(call, at_ms, offer, counts, keys if _KEYS.fullmatch(keys) else "")]
    return []
