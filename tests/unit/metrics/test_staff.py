"""Seats: the count in force, persons per 100,000 as published, sources printed."""

from dataclasses import replace

from metrics.document import printed_rows
from metrics.staff import StaffCount, in_force, seats

PROVINCE = StaffCount("2020-12-31", "js-all", "全省平台", 3115, 2539, 2315, 84_748_000, "人事登记", "普查")
PLATFORM = StaffCount("2020-12-31", "js", "省级平台", 66, 52, 148)


def test_published_staff_gives_3_7_per_100000_and_no_figure_without_a_population() -> None:
    assert printed_rows(seats([PLATFORM, PROVINCE]), "zh") == (
        ("省级平台", "66", "52", "148", "—", "2020-12-31"),
        ("全省平台", "3115", "2539", "2315", "3.7", "2020-12-31"),
    )


def test_sources_stand_below_the_table() -> None:
    said = [note.zh for note in seats([PROVINCE]).notes]
    assert "全省平台人员数来源：人事登记" in said and "全省平台人口 84748000，来源：普查" in said
    assert seats([PROVINCE]).is_public


def test_newest_count_of_each_platform_up_to_the_day_is_in_force() -> None:
    old, new = replace(PLATFORM, since="2019-06-30", total=60), replace(PLATFORM, since="2021-01-01", total=70)
    counts = [old, PROVINCE, PLATFORM, new]
    assert in_force(counts, "2020-12-31") == [PLATFORM, PROVINCE]
    assert in_force(counts, "2020-12-30") == [old]
    assert in_force(counts, "2021-01-01", "js") == [new]
    assert in_force(counts, "2018-01-01") == []
