"""`python -m metrics.report_keys > docs/report.md`: every section, row and column of the report's JSON, for whoever reads it by program.

Theory of operation: the sections are made as for a report, of nothing at all; what their rows are is a fixed list of
keys, or one row for each line, skill, agent and so on, which `_EACH` says.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from zoneinfo import ZoneInfo

from metrics import operator_report as operator
from metrics import report as public
from metrics.callers import FirstCall
from metrics.completeness import Gap, completeness_section, gaps_section
from metrics.dictionary import DICTIONARY
from metrics.document import Cell, Row, Section, said
from metrics.staff import StaffCount, seats
from metrics.tables import Part
from metrics.windows import WindowMinimum
from metrics.words import Words

HEAD = """\
# The report's JSON · 报告的 JSON 键

`callcenter report --format json` is one object: a section by each key below, in it one object a row, in it one value a column. This
file is made from the code (`python -m metrics.report_keys > docs/report.md`); a test holds it. 本文件由代码生成。

- A percentage is the printed text (`"71.6%"`), any other figure the printed number, what does not apply `null`.
- Beside the columns each row has `name` (what the reader reads) and, but in `--public`, `exact`: the reduced fraction of each figure
  as text (`"49671/69373"`; seconds and counts as they are).
- `report` says what it is a report of: `title`, `from`, `to`, `zone`, `platform`, `line`, `is_final`, `open_calls`, `made_at`, `choices`, `definitions`.
  `definitions` has the version of each figure's definition; all that was stored until `made_at` is in the report. `notes` is a list of sentences.
- Columns of the N-second rate bear its threshold and clock: `service_level_20_arrival` with the defaults of `[report]`.
- CSV has the same keys in its columns `section`, `row`, `column`.
"""
_EACH: Mapping[str, Words] = {
    "seats": Words("platform of `[[staff]]`", "座席类别"),
    "call_service_by_interval": Words("interval, by its beginning in ISO 8601", "时段起点"),
    "intervals": Words("interval, by its beginning in ISO 8601", "时段起点"),
    "lines": Words("line code, empty where no line was named", "线路编码；未注明线路者为空"),
    "skills": Words("skill", "技能"),
    "agents": Words("agent number", "工号"),
    "gaps": Words("gap, by PBX and end: `<pbx>:<ms>`", "空缺"),
}
"""Sections whose rows depend on what there is: what a row is, and its key."""
_HOURS = Words("hour of the day, `00` to `23`", "钟点")


def sections() -> Iterator[Section]:
    """Return every section of a report, of nothing at all."""
    nothing = DICTIONARY.empty()
    parts = [Part("", "", nothing)]
    yield public.call_service(nothing)
    yield public.intervals(parts)
    yield from public.hour_sections([nothing] * 24)
    yield seats([StaffCount("", "", "", 1, 1)])
    yield operator.overview(nothing)
    yield operator.outcomes({**nothing, **dict.fromkeys(operator.REASON_FIGURES, 1)})
    yield operator.levels(nothing)
    yield operator.abandonment(nothing)
    yield operator.rolling(WindowMinimum(None, None), "")
    yield operator.outbound(nothing)
    for table in (operator.intervals, operator.lines, operator.skills, operator.agents):
        yield table(parts)
    yield operator.callers(0, FirstCall(0, 0, is_final=True))
    yield completeness_section(nothing)
    yield gaps_section([Gap("", 0, 0)], ZoneInfo("UTC"))


def document() -> str:
    """Return the whole file."""
    return "\n".join((HEAD, *(line for section in sections() for line in _lines(section))))


def _lines(section: Section) -> Iterator[str]:
    who = " (public too 公开)" if section.is_public else ""
    yield f"## `{section.key}` {_both(section.title)}{who}\n"
    each = _HOURS if len(section.rows) == 24 else _EACH.get(section.key)
    if each is not None:
        yield f"One row for each {_both(each)}.\n"
    else:
        yield from _table(("row", "what", "含义"), ((row.key, *_named(row)) for row in section.rows))
    titles = ((column.key, column.title.en, column.title.zh) for column in section.columns[1:])
    yield from _table(("column", "what", "含义"), titles)


def _named(row: Row) -> tuple[str, str]:
    name = row.contents[0]
    assert not isinstance(name, Cell)
    return said(name, "en"), said(name, "zh")


def _table(head: Iterable[str], rows: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    yield _row(*head)
    yield _row("---", "---", "---")
    for key, en, zh in rows:
        yield _row(f"`{key}`", en, zh)
    yield ""


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _both(words: Words) -> str:
    return f"{words.en} {words.zh}"


if __name__ == "__main__":
    sys.stdout.write(document())
