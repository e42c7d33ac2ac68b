"""What a report says of its own completeness, and of the times in which nobody watched."""

from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest

from metrics.completeness import Gap, completeness_in_words, completeness_section, gaps_in_words, gaps_section
from metrics.dictionary import TOTALS
from metrics.document import said

ZONE = timezone(timedelta(hours=8))
NOON_MS = 1_767_240_000_000
"""2026-01-01 12:00 in China."""
READ = Gap("pbx1", NOON_MS, NOON_MS + 35_400, is_read=True)
UNREAD = Gap("pbx1", NOON_MS + 60_000, NOON_MS + 63_100, has_restarted=True)


def totals(**some: int) -> dict[str, Any]:
    return dict.fromkeys(TOTALS, 0) | some


@pytest.mark.parametrize(
    ("offered", "unknown", "printed"),
    [(200, 1, "99.5%"), (200, 0, "100.0%"), (3, 3, "0.0%"), (0, 0, "—"), (277492, 100, "100.0%"), (6, 1, "83.3%")],
)
def test_share_of_calls_with_a_known_outcome_is_rounded_once(offered: int, unknown: int, printed: str) -> None:
    section = completeness_section(totals(offered=offered, unknown=unknown, rebuilt=2, not_ended=4))

    (row,) = section.rows
    assert [said(content, "zh") for content in row.contents] == ["来电", printed, str(offered), str(unknown), "2", "4"]
    assert len(section.columns) == len(row.contents)


def test_gaps_are_listed_with_length_and_whether_cel_told_of_them() -> None:
    section = gaps_section([READ, UNREAD], ZONE)

    assert [[said(content, "zh") for content in row.contents] for row in section.rows] == [
        ["pbx1", "2026-01-01 12:00:00+08:00", "2026-01-01 12:00:35+08:00", "35", "已由CEL补录"],
        [
            "pbx1",
            "2026-01-01 12:01:00+08:00",
            "2026-01-01 12:01:03+08:00",
            "3",
            "未能读取CEL：可能缺少来电；话务平台曾重启",
        ],
    ]
    assert said(section.rows[1].contents[4], "en") == "CEL not read: calls may be missing; the PBX was started anew"


def test_no_gap_is_said_and_gaps_are_added_up_before_they_are_rounded() -> None:
    assert gaps_in_words([]).en == "No gap is on record."
    assert gaps_in_words([READ]).en == "Nobody watched in 1 gap, 35 s together, all told from CEL."
    assert gaps_in_words([READ, UNREAD]).zh.startswith("无人值守2段，共39秒，其中1段未能由CEL补录，可能缺少来电；")


def test_gap_that_cel_did_not_tell_makes_waits_and_talks_too_long_that_is_said_and_not_of_one_still_open() -> None:
    told = gaps_in_words([UNREAD])
    assert "counts until the gap's end: averages and longest times may be too high." in told.en
    assert "计至该段结束，平均与最长时长可能偏高。" in told.zh
    still_open = replace(UNREAD, is_open=True)
    for quiet in ([READ], [still_open]):
        assert "too high" not in gaps_in_words(quiet).en and "偏高" not in gaps_in_words(quiet).zh


def test_one_line_for_below_a_report_has_both() -> None:
    line = completeness_in_words(totals(offered=200, unknown=1), [READ])

    assert line.en == "Completeness: 99.5%. Nobody watched in 1 gap, 35 s together, all told from CEL."
    assert line.zh == "数据完整率：99.5%。无人值守1段，共35秒，均已由CEL补录。"
