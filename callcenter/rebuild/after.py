"""What belongs to a call beside its way and was missed in a gap: its sound file, and the caller's rating (pure).

Theory of operation: the dialplan names the file when it begins and tells a rating, both in CEL too. A file that the ledger
has is settled by `callcenter.recordings`; one that it never heard of is told here, if there was a talk to be heard in it. Its
size and pauses are not in CEL: whoever looks at the file finds the size, pauses stay unknown.
"""

from acd.names import CallId, RecordingKind
from acd.records import CallRated, RecordingClosed, RecordingOpened
from callcenter.storage.call_fold import CallRecord, CallStory
from callcenter.witness.spoken import Spoken


def tell_after(
    call: CallId, said: Spoken, talk_ms: int | None, end_ms: int | None, story: CallStory | None
) -> list[CallRecord]:
    """Say what is missing of a call that is over. `talk_ms`: its first talk; None: nobody spoke to him. `end_ms`: its end."""
    records: list[CallRecord] = []
    is_new = story is None or said.recording not in story.recordings
    if said.recording and talk_ms is not None and is_new:
        records.append(RecordingOpened(call, talk_ms, RecordingKind.TALK, said.recording))
        records.append(RecordingClosed(call, max(talk_ms, end_ms or talk_ms), said.recording, None))
    if said.rating is not None and (story is None or not story.ratings):
        rating = said.rating
        records.append(CallRated(call, rating.at_ms, rating.offer or None, rating.score, rating.keys))
    return records
