"""Sound files and ratings of calls that nobody watched, read from what the dialplan said in CEL."""

from acd.names import CallId, RecordingKind
from acd.records import CallClosed, CallRated, RecordingClosed, RecordingOpened
from tests.unit.cel_timeline import ms
from tests.unit.rebuild_world import Ledger, Spoken, gap

CALL = CallId("pbx", "pbx-1")
PATH = "callcenter/20261124/pbx-1.wav"


def a_call(*, talks: bool = True) -> Spoken:
    """A recorded call that is rated with 4 on the second try."""
    cel = Spoken()
    cel.arrives(0)
    cel.offered(1, "8101", "3-1")
    cel.says(1.001, "trunk", "CcRecording", PATH)
    cel.begins(1.1, "8101")
    if talks:
        cel.talks(3, 30, "8101")
        cel.ends(30.1, "8101", by="8101")
        cel.says(35, "trunk", "CcRating", "4*3-1*#4")
    else:
        cel.ends(20, "8101")
    cel.ends(36, "trunk", by="trunk")
    return cel


def test_whole_call_in_the_gap_its_file_and_its_rating_are_told_before_its_end() -> None:
    records = a_call().told(gap(-20, 60)).records
    assert [one for one in records if isinstance(one, RecordingOpened | RecordingClosed)] == [
        RecordingOpened(CALL, ms(3), RecordingKind.TALK, PATH),
        RecordingClosed(CALL, ms(36), PATH, None),
    ]
    assert [one for one in records if isinstance(one, CallRated)] == [CallRated(CALL, ms(35), "3-1", 4, "#4")]
    assert isinstance(records[-1], CallClosed)


def test_file_and_rating_that_the_ledger_has_are_not_told_again() -> None:
    cel = a_call()
    ledger = Ledger().take(cel.told(gap(-20, 60)).records)
    again = cel.told(gap(-20, 60), ledger).records
    assert not [one for one in again if isinstance(one, RecordingOpened | RecordingClosed | CallRated)]


def test_nobody_spoke_to_him_no_file_is_missed() -> None:
    records = a_call(talks=False).told(gap(-20, 60)).records
    assert not [one for one in records if isinstance(one, RecordingOpened | CallRated)]


def test_rating_out_of_range_or_forged_is_no_score() -> None:
    cel = Spoken()
    cel.arrives(0)
    cel.offered(1, "8101", "3-1")
    cel.begins(1.1, "8101")
    cel.talks(3, 30, "8101")
    cel.says(35, "trunk", "CcRating", "9*3-1*99x")
    cel.ends(36, "trunk", by="trunk")
    (rated,) = [one for one in cel.told(gap(-20, 60)).records if isinstance(one, CallRated)]
    assert (rated.score, rated.keys) == (None, "")
