"""The sound file of a call: told by the dialplan, put on record once there is something in it.

Theory of operation: MixMonitor is started when a phone is dialled, but writes only what is bridged. So a recording is opened
on record when the first talk begins (or the end tells of a file with sound in it); a call that nobody answered has none, and
misses none. It is closed by the dialplan's word at the call's end, or, where that word was lost, by the end itself.
"""

from acd.calls import Call, Recording
from acd.events import RecordingEnded, RecordingHeld, RecordingStarted
from acd.floor import Floor
from acd.names import RecordingKind
from acd.records import RecordingClosed, RecordingOpened, RecordingPaused

EMPTY_BYTES = 44
"""Size of a WAV file without a sound: its header."""


def on_started(floor: Floor, event: RecordingStarted) -> None:
    """The PBX writes from now on."""
    call = floor.calls.get(event.call)
    if call is None:
        floor.ignore(event, "no such call", event.call)
        return
    found(floor, call, event.path)


def found(floor: Floor, call: Call, path: str) -> None:
    """A call has a file of this path (a snapshot tells it too)."""
    if call.recording is None:
        call.recording = Recording(path)
        if call.talks:
            begin(floor, call)


def begin(floor: Floor, call: Call) -> None:
    """A talk began: what is said goes into the file, if there is one."""
    recording = call.recording
    if recording is not None and not recording.is_open and not recording.is_over:
        recording.is_open = True
        floor.records.append(RecordingOpened(call.id, floor.at(call), RecordingKind.TALK, recording.path))


def on_held(floor: Floor, event: RecordingHeld) -> None:
    """The agent paused it, or lets it go on."""
    call = floor.calls.get(event.call)
    if call is None or call.recording is None:
        floor.ignore(event, "no such call" if call is None else "no recording", event.call)
        return
    begin(floor, call)  # the key works in talks only: the talk's own beginning may be told a moment later
    floor.records.append(RecordingPaused(call.id, floor.at(call), call.recording.path, event.is_paused))


def on_ended(floor: Floor, event: RecordingEnded) -> None:
    """The PBX closed the file."""
    call = floor.calls.get(event.call)
    if call is None:
        floor.ignore(event, "no such call", event.call)
        return
    found(floor, call, event.path)
    if call.is_answered or (event.size or 0) > EMPTY_BYTES:
        begin(floor, call)
    end(floor, call, event.size)


def end(floor: Floor, call: Call, size: int | None = None) -> None:
    """Close the file on record, if it was opened there and is not closed yet."""
    recording = call.recording
    if recording is None or recording.is_over:
        return
    recording.is_over = True
    if recording.is_open:
        floor.records.append(RecordingClosed(call.id, floor.at(call), recording.path, size))
