"""`python -m metrics.series_table > docs/metrics.md`: the table of all Prometheus series, for who writes queries and alerts."""

import sys
from collections.abc import Iterator

from metrics.series import SERIES, Series

HEAD = """\
# Metrics · 指标

What `/metrics` shows. This file is made from the code (`python -m metrics.series_table > docs/metrics.md`); a test holds it.
`/metrics` 所示的全部指标。本文件由代码生成。

- Units are base units: seconds, shares of 1 (`ratio`), or the thing that is counted. A restart begins counters at zero.
- Labels have bounded values: `line`, `skill`, `topic`, `reason` are what the plan names, the others are words of the code
  (see the glossary). There is no series per agent or per call. `callcenter_report_*` know lines as the ledger does: one that
  the plan names no more, or that came with imported calls, is shown while a call of it lies in a window, at most 100 of them;
  `line="all"` has every call. Of a line that was renamed gauges vanish, counters keep what they have counted.
- What is a choice of the plan's `[report]` (hang-ups in the greeting, hold, the N-second rate) holds in `callcenter_report_*` and
  `callcenter_connect_ratio`; counters and histograms count always the same, so that they never go back.
- Where a ledger query stands, counter and ledger are made of the same records and equal each other over a run (milliseconds there).
- Recorded from counters (`config/prometheus/rules/recording.yml`, `callcenter:*:5m|1h|1d:approx`) are the calls that ended in the
  window before the newest scrape, within one call or 2 %; the scrapes' interval of 15 s is in the rules. A restart of the service costs
  them the calls that ended between the last scrape and its end (of a line with a call a second up to fifteen); those that ended while
  it was away count when CEL has told of them. Windows that begin right after it may be 5 % too low. The file's head says where else it
  is not held. `callcenter_report_*` are exact and know no restart.
- 由计数器记录的 `:approx` 数为最近一次抓取前窗口内结束的通话，误差不超过一通或 2%（规则内含 15 秒抓取间隔）；服务重启时，最后一次抓取至停止之间结束的通话不计入，其余照常；
  重启后最初的窗口可能偏低至多 5%。精确数请用 `callcenter_report_*`，不受重启影响。
"""
COLUMNS = (
    "name · 名称",
    "kind · 类型",
    "unit · 单位",
    "labels · 标签",
    "what it says",
    "含义",
    "ledger query · 台账查询",
)


def rows() -> Iterator[str]:
    """Return the table's lines."""
    yield _row(COLUMNS)
    yield _row(["---"] * len(COLUMNS))
    for series in SERIES.values():
        yield _row(_cells(series))


def document() -> str:
    """Return the whole file."""
    return "\n".join((HEAD, *rows(), ""))


def _cells(series: Series) -> tuple[str, ...]:
    labels = ", ".join(f"`{label}`" for label in series.labels)
    query = "-" if series.ledger is None else f"`{series.ledger}`"
    return f"`{series.name}`", series.kind.value, series.unit, labels or "-", series.help, series.zh, query


def _row(cells: tuple[str, ...] | list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    sys.stdout.write(document())
