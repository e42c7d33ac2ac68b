"""The dialplan's words about sound file and rating, read as events; what our dialplan does not say is not believed."""

import pytest

from acd import events as e
from acd.names import CallId
from callcenter.asterisk.after_talk import rating_told, recording_told
from callcenter.asterisk.message import AmiMessage

CALL = CallId("pbx1", "u1")
PATH = "callcenter/20261124/pbx1-1.2.wav"


def message(**headers: str) -> AmiMessage:
    return AmiMessage(headers)


@pytest.mark.parametrize(
    ("state", "size", "expected"),
    [
        ("started", "", e.RecordingStarted(CALL, 5, PATH)),
        ("paused", "", e.RecordingHeld(CALL, 5, PATH, True)),
        ("resumed", "", e.RecordingHeld(CALL, 5, PATH, False)),
        ("ended", "8044", e.RecordingEnded(CALL, 5, PATH, 8044)),
        ("ended", "", e.RecordingEnded(CALL, 5, PATH, None)),
        ("ended", "-1", e.RecordingEnded(CALL, 5, PATH, None)),
    ],
)
def test_recording_is_told_in_each_of_its_states(state: str, size: str, expected: e.Event) -> None:
    assert recording_told(message(State=state, Path=PATH, Bytes=size), CALL, 5) == [expected]


@pytest.mark.parametrize("path", ["", "/etc/passwd", "callcenter/../../x.wav", "callcenter/20261124/a b.wav"])
def test_recording_of_a_path_that_our_dialplan_does_not_make_is_nothing(path: str) -> None:
    assert recording_told(message(State="started", Path=path), CALL, 5) == []


@pytest.mark.parametrize(
    ("score", "keys", "expected"),
    [
        ("4", "4", (4, "4")),
        ("", "", (None, "")),
        ("6", "6", (None, "6")),
        ("4", "4\x01", (4, "")),
        ("x", "9*#", (None, "9*#")),
    ],
)
def test_rating_counts_from_1_to_5_and_only_keys_are_kept(
    score: str, keys: str, expected: tuple[int | None, str]
) -> None:
    (told,) = rating_told(message(State="given", Offer="3-1", Score=score, Keys=keys), CALL, 5)
    assert told == e.RatingGiven(CALL, 5, "3-1", *expected)


def test_rating_asked_names_its_talk_if_the_dialplan_knows_it() -> None:
    assert rating_told(message(State="asked", Offer="3-1"), CALL, 5) == [e.RatingAsked(CALL, 5, "3-1")]
    assert rating_told(message(State="asked"), CALL, 5) == [e.RatingAsked(CALL, 5, None)]
    assert rating_told(message(State="else"), CALL, 5) == []
