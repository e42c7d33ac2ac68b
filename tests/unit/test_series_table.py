"""The table of series as an interface: documented whole, in both languages, and the committed file is what the code makes."""

import re
from pathlib import Path

import pytest

from metrics.series import BOUNDS, SERIES, Kind, Series
from metrics.series_table import document

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
BOUNDED = {
    "direction",
    "line",
    "skill",
    "topic",
    "outcome",
    "presence",
    "reason",
    "pbx",
    "session",
    "result",
    "state",
    "status",
    "what",
    "window",
}
OF_BUILD = {"version", "plan"}


def test_committed_table_is_what_the_code_makes() -> None:
    assert PAGE.read_text(encoding="utf-8") == document(), "run: python -m metrics.series_table > docs/metrics.md"


@pytest.mark.parametrize("series", SERIES.values(), ids=SERIES)
def test_series_is_described_whole_with_unit_in_the_name_and_bounded_labels(series: Series) -> None:
    assert re.fullmatch(r"callcenter_[a-z_]+", series.name)
    assert series.help.endswith(".") and "\n" not in series.help
    assert re.search(r"[\u4e00-\u9fff]", series.zh) and series.zh.endswith("。")
    assert series.unit
    assert series.name.endswith("_total") is (series.kind is Kind.COUNTER)
    assert (series.unit == "seconds") is ("_seconds" in series.name)
    assert (series.unit == "ratio") is series.name.endswith(("_ratio", "_rate", "_level"))
    assert set(series.labels) <= (OF_BUILD if series.kind is Kind.INFO else BOUNDED)
    assert (series.name in BOUNDS) is (series.kind is Kind.HISTOGRAM)
