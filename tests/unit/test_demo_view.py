"""The demo's screen: read from the service's own words, told in both languages, at home in 100 x 30."""

import io
import re
from typing import Any

from rich.console import Console

from callcenter.demo.board import Board, Counts, read_metrics
from callcenter.demo.happenings import happenings
from callcenter.demo.pictures import svg_of
from callcenter.demo.view import Screen, render, status_line

METRICS = """\
# HELP callcenter_calls_offered_total x
# TYPE callcenter_calls_offered_total counter
callcenter_calls_offered_total{line="general"} 4.0
# HELP callcenter_calls_answered_total x
# TYPE callcenter_calls_answered_total counter
callcenter_calls_answered_total{line="general"} 3.0
# HELP callcenter_calls_abandoned_total x
# TYPE callcenter_calls_abandoned_total counter
callcenter_calls_abandoned_total{line="general"} 1.0
# HELP callcenter_offers_total x
# TYPE callcenter_offers_total counter
callcenter_offers_total{result="not_answered"} 1.0
"""


def _status(presence: str, specialist: str = "idle") -> dict[str, Any]:
    agent = {"name": "王芳", "device": "1001", "reason": "", "since_ms": 1_000, "until_ms": None, "reachable": True}
    return {
        "now_ms": 8_000,
        "links": {"actions": True, "events": True},
        "event_lag_s": 0.002,
        "lines": [
            {"code": "general", "name": "群众诉求", "dids": ["12345"], "waiting": 2, "oldest_wait_s": 3.4},
        ],
        "agents": [
            agent | {"number": f"80{n:02d}", "presence": presence, "calls": n, "misses": 0} for n in range(1, 11)
        ],
        "specialists": [
            {"number": "801", "name": "孙税务", "department": "税务局", "topics": ["01"], "state": specialist}
        ],
    }


def _board(presence: str, specialist: str = "idle", abandoned: int = 1, ronas: int = 0) -> Board:
    counts = {"general": Counts(4, 4 - abandoned, abandoned)}
    return Board(_status(presence, specialist), counts, {"not_answered": ronas})


def test_metrics_give_counts_by_line_and_offers_by_result() -> None:
    assert read_metrics(METRICS) == ({"general": Counts(4, 3, 1)}, {"not_answered": 1})


def test_screen_of_100_by_30_shows_lines_agents_specialists_and_events_whole() -> None:
    console = Console(width=100, height=30, record=True, file=io.StringIO(), force_terminal=True)
    events = [("10:00:00", "red", "群众诉求 放弃")]
    console.print(render(Screen(_board("talking", "busy"), 12.0, 40.0, "来电 calls come in", 3, events)))
    text = console.export_text()
    assert len(text.rstrip("\n").splitlines()) == 30
    for word in ("群众诉求", "75.0%", "王芳 8001", "王芳 8010", "通话 talking", "孙税务", "放弃", "7 s", "12 / 40 s"):
        assert word in text, word


def test_screen_before_the_first_answer_is_drawn() -> None:
    console = Console(width=100, height=30, file=io.StringIO())
    console.print(render(Screen(Board(), 0.0, None, "来电")))


def test_status_line_says_what_goes_on() -> None:
    line = status_line(Screen(_board("talking"), 5.0, 40.0, "calls"))
    assert line == "    5 s  calls: waiting 2, talking 10, ended 4, answered 3, abandoned 1, connect rate 75.0%"


def test_happenings_tell_answers_hand_overs_ronas_and_abandonments() -> None:
    texts = [text for _, text in happenings(_board("ringing"), _board("talking", "busy", abandoned=2, ronas=1))]
    assert sum("接听" in text for text in texts) == 10
    for word in ("转政策专员", "RONA", "放弃"):
        assert sum(word in text for text in texts) == 1, word


def test_happenings_of_the_first_look_are_none() -> None:
    assert list(happenings(Board(), _board("ready"))) == []


def test_picture_is_whole_and_names_no_foreign_host() -> None:
    picture = svg_of(Screen(_board("talking", "busy"), 12.0, 40.0, "来电 calls come in", 3, [("10:00:00", "", "振铃")]))
    assert "王芳" in picture and "WenQuanYi" in picture
    hosts = set(re.findall(r"https?://([^/\"')\s]+)", picture))
    assert hosts == {"www.w3.org"}
    assert "url(" not in picture.replace("url(#", "")
