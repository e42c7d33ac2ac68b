"""A number that no line has: the caller reaches the default line all the same, and an operator is told."""

from acd.records import CallOpened, Noted
from tests.scenarios.world import Timeline, call_id


def test_number_unknown_and_no_line_named_default_line_takes_it_and_it_is_noted() -> None:
    t = Timeline()
    t.arrive(1, "a", "99999")
    assert t.last(CallOpened).line == "general"
    assert [(note.what, note.detail, note.call) for note in t.all(Noted)] == [("unknown_did", "99999", call_id("a"))]


def test_number_unknown_and_the_dialplan_chose_the_default_line_it_is_noted_all_the_same() -> None:
    t = Timeline()
    t.arrive(1, "a", "99999", line="general")
    assert t.last(CallOpened).line == "general"
    assert [note.what for note in t.all(Noted)] == ["unknown_did"]


def test_number_known_nothing_is_noted() -> None:
    t = Timeline()
    t.arrive(1, "a", "12346", line="enterprise")
    t.arrive(2, "b", "12345")
    t.arrive(3, "c", "", line="general")
    assert t.all(Noted) == []
