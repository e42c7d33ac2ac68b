"""The readers of the benchmark find what a board must never do: a gap, two truths, a whole state that is another one."""

import json
from typing import Any

import pytest

from callcenter.bench.replayed_pbx import NEEDED, templates
from callcenter.bench.screens import Screen, Story
from callcenter.board.fanout import message

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
EMPTY: dict[str, Any] = {"lines": {"probe": {"from_ms": None, "waiting": 0}}, "figures": {}}


def story() -> Story:
    made = Story("lines", "from_ms", ["probe"])
    made.is_timed = True
    return made


def told(screen: Screen, *messages: bytes) -> Screen:
    screen.data_received(HEAD + b"".join(messages))
    return screen


def delta(number: int, from_ms: int | None, other: int = 0) -> bytes:
    rows = {"probe": {"from_ms": from_ms, "waiting": 1}, "l1": {"from_ms": other, "waiting": 1}}
    return message("delta", {"number": number, "now_ms": 1, "delta": {"lines": rows}})


def test_screens_get_the_same_story_each_new_instant_is_timed_once_for_each() -> None:
    one = story()
    whole = message("state", {"number": 4, "now_ms": 1, "state": EMPTY})
    told_to_all = (whole, delta(5, 1000), delta(6, 1000, other=7), message("beat", {"number": 6, "now_ms": 1}))
    screens = [told(Screen(one), *told_to_all) for _ in range(3)]
    assert [(screen.error, screen.number) for screen in screens] == [(None, 6)] * 3
    assert len(one.took_ms) == 3
    assert one.states[6]["lines"]["l1"]["from_ms"] == 7


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (delta(6, 1), "came after"),
        (message("beat", {"number": 3, "now_ms": 1}), "came after"),
        (message("end", {"why": "service"}), "was ended"),
        (message("state", {"number": 5, "now_ms": 1, "state": {"lines": {}}}), "is not what the differences made"),
    ],
)
def test_screen_is_told_something_that_does_not_fit_it_says_so(wrong: bytes, said: str) -> None:
    one = story()
    whole = message("state", {"number": 4, "now_ms": 1, "state": EMPTY})
    told(Screen(one), whole, delta(5, 1))
    screen = told(Screen(one), whole, wrong)
    assert said in str(screen.error)


def test_two_screens_are_told_different_things_under_one_number_it_is_found() -> None:
    one = story()
    whole = message("state", {"number": 4, "now_ms": 1, "state": EMPTY})
    told(Screen(one), whole, delta(5, 1))
    assert "two different messages" in str(told(Screen(one), whole, delta(5, 2)).error)


def test_message_comes_in_pieces_it_is_one_message() -> None:
    one, text = story(), HEAD + message("state", {"number": 1, "now_ms": 1, "state": EMPTY})
    screen = Screen(one)
    for at in range(len(text)):
        screen.data_received(text[at : at + 1])
    assert (screen.number, screen.wholes, screen.error) == (1, 1, None)


def test_service_refuses_the_screen_it_is_an_error() -> None:
    screen = Screen(story())
    screen.data_received(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
    assert "503" in str(screen.error)


def test_recording_has_every_event_that_a_call_needs() -> None:
    found = templates()
    assert set(found) == set(NEEDED)
    assert all("Timestamp" in dict(headers) for headers in found.values())
    assert json.dumps(found)
