"""Sound files and ratings of one call: records in, rows of evidence out. Part of `call_fold`; the same rules hold.

A recording is one row for each file. Its pauses add up while `paused_from_ms` remembers the open one; the end of the file
ends an open pause. What the service found by looking at the file (`RecordingJudged`) outweighs what the PBX said of it.
"""

from typing import TYPE_CHECKING

from acd.names import RecordingStatus
from acd.records import CallRated, RecordingClosed, RecordingJudged, RecordingOpened, RecordingPaused

if TYPE_CHECKING:
    from callcenter.storage.call_fold import CallStory, Row

SCORES = range(1, 6)
"""Ratings that the table takes."""


def recording_opened(story: "CallStory", record: RecordingOpened) -> None:
    """A file began."""
    if record.path not in story.recordings:
        _begin(story, record.path, record.kind.value, record.at_ms)


def recording_paused(story: "CallStory", record: RecordingPaused) -> None:
    """A file was paused, or goes on."""
    row = _row(story, record.path, record.at_ms)
    since = row["paused_from_ms"]
    if row["closed_ms"] is not None or record.is_paused == (since is not None):
        return
    if record.is_paused:
        row |= {"paused_from_ms": max(record.at_ms, row["opened_ms"]), "pauses": row["pauses"] + 1}
    else:
        row |= {"paused_from_ms": None, "paused_ms": row["paused_ms"] + max(record.at_ms - since, 0)}
    story.changed.append(("recordings", row))


def recording_closed(story: "CallStory", record: RecordingClosed) -> None:
    """A file ended."""
    row = _row(story, record.path, record.at_ms)
    if row["closed_ms"] is not None:
        return
    if row["paused_from_ms"] is not None:
        row["paused_ms"] += max(record.at_ms - row["paused_from_ms"], 0)
    row |= {"closed_ms": max(record.at_ms, row["opened_ms"]), "paused_from_ms": None}
    if row["status"] is None:
        row |= {"size": record.size, "length_ms": record.length_ms}
    story.changed.append(("recordings", row))


def recording_judged(story: "CallStory", record: RecordingJudged) -> None:
    """The service looked at the file."""
    row = _row(story, record.path, record.at_ms)
    status = record.status
    if status is RecordingStatus.KEPT and not (record.size and record.length_ms is not None and record.sha256):
        story.corrections.append(f"recording {record.path} judged kept without size, length or hash: unchecked")
        status = RecordingStatus.UNCHECKED
    row["status"] = status.value
    if status is not RecordingStatus.UNCHECKED:
        row |= {"size": record.size, "length_ms": record.length_ms, "sha256": record.sha256}
    story.changed.append(("recordings", row))


def rated(story: "CallStory", record: CallRated) -> None:
    """The caller was asked for a rating."""
    if record.at_ms not in story.ratings:
        score = record.score
        if score is not None and score not in SCORES:
            story.corrections.append(f"rating {score} is not on the scale: none")
            score = None
        values = {"asked_ms": record.at_ms, "offer": record.offer or "", "score": score, "keys": record.keys}
        story.add("ratings", story.ratings, record.at_ms, values)


def _row(story: "CallStory", path: str, at_ms: int) -> "Row":
    """Return the file's row; one whose beginning was not seen begins now."""
    return story.recordings.get(path) or _begin(story, path, "talk", at_ms)


def _begin(story: "CallStory", path: str, kind: str, at_ms: int) -> "Row":
    empty = dict.fromkeys(("closed_ms", "paused_from_ms", "size", "length_ms", "status"))
    values = {"path": path, "kind": kind, "opened_ms": at_ms, "pauses": 0, "paused_ms": 0, "sha256": ""}
    story.add("recordings", story.recordings, path, values | empty)
    return story.recordings[path]
