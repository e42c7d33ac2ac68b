"""The hand-over on a caller's channel: written, read back, and never a reason to fail."""

import pytest

from acd.commands import TagHandOver
from acd.events import FoundHandOver
from acd.names import CallId, HandOverMode
from callcenter.asterisk.hand_over_tag import hand_over_text, parse_hand_over

CALL = CallId("pbx1", "1.1")


@pytest.mark.parametrize("mode", HandOverMode)
@pytest.mark.parametrize("by", ["1001", ""])
def test_hand_over_under_way_is_read_as_it_was_written(mode: HandOverMode, by: str) -> None:
    assert parse_hand_over(hand_over_text(TagHandOver(CALL, 3, mode, "55", by))) == FoundHandOver(3, mode, "55", by)


@pytest.mark.parametrize("reached", ["701", ""])
def test_hand_over_that_is_over_leaves_its_number_and_who_was_reached(reached: str) -> None:
    tag = TagHandOver(CALL, 3, reached=reached)
    assert parse_hand_over(hand_over_text(tag)) == FoundHandOver(3, None, reached=reached)


@pytest.mark.parametrize(
    "text", ["", "x", "1", "1*x*701", "1*blind", "1*sideways*55*1001", "1*blind*55*1001*x", "-1", "9" * 12, "٣"]
)
def test_what_is_none_of_ours_is_nothing(text: str) -> None:
    assert parse_hand_over(text) is None
