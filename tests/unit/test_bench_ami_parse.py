"""The benchmark's own check: it must notice a lost character, a lost header and a lost event."""

import pytest

from callcenter.asterisk.message import AmiMessage
from callcenter.bench.ami_parse import RECORDING, compare, segments_of
from callcenter.bench.errors import BenchWrong

OURS = [AmiMessage({"Event": "Hangup", "CallerIDName": "欧阳娜娜", "Cause": "16"})]


def theirs(**changes: str) -> list[dict[str, str]]:
    """The same event as panoramisk gives it when it is told that the stream is latin-1."""
    headers = {"Event": "Hangup", "CallerIDName": "欧阳娜娜", "Cause": "16", **changes}
    return [{key: value.encode().decode("latin-1") for key, value in headers.items()}]


def test_equal_events_pass() -> None:
    compare(OURS, theirs(content=""))


@pytest.mark.parametrize("wrong", [theirs(CallerIDName="欧阳娜"), theirs(Extra="1"), theirs(Cause=""), []])
def test_different_events_are_wrong(wrong: list[dict[str, str]]) -> None:
    with pytest.raises(BenchWrong):
        compare(OURS, wrong)


def test_segments_are_the_whole_stream_and_cut_characters_in_two() -> None:
    stream = RECORDING.read_bytes()
    segments = segments_of(stream * 4, 12345)
    assert b"".join(segments) == stream * 4
    assert any(0x80 <= segment[0] < 0xC0 for segment in segments)  # begins inside a character
