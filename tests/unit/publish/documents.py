"""Documents to publish: the year 2020 as its report prints it, 24 hours, and names that somebody meant harm with."""

from datetime import datetime, timedelta, timezone
from fractions import Fraction

from metrics.document import Cell, Chart, ChartKind, Column, Document, Row, Section
from metrics.figures import Unit
from metrics.words import Words

MADE_AT = datetime(2021, 1, 4, 9, 30, tzinfo=timezone(timedelta(hours=8)))
HOSTILE = (
    '=HYPERLINK("http://127.0.0.1/","Zhang")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "<script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "&amp;\t李\r\n四",
    "_x0041_",
    "王小明（北京）",
)
HOURS = tuple(
    (hour, 2_000 + 37 * hour * (24 - hour) * (5 if 8 <= hour < 18 else 1), 900 * hour + 11) for hour in range(24)
)
"""Hour, answered, outbound."""


def call_service() -> Section:
    """The table of the year 2020."""
    columns = (
        Column("name", Words("Calls", "话务类别")),
        Column("call_volume", Words("Volume (calls)", "话务量（通）")),
        Column("connect_rate", Words("Connect rate", "接通率")),
        Column("avg_wait_s", Words("Average wait (s)", "平均等待时长（秒）")),
        Column("avg_talk_s", Words("Average talk (s)", "平均通话时长（秒）")),
        Column("max_talk_s", Words("Longest talk (s)", "最大通话时长（秒）")),
    )
    rows = (
        _row("inbound", Words("Answered", "接听"), 198_684, Fraction(198_684 * 100, 277_492), 40, 311, 5443),
        _row("outbound", Words("Outbound", "呼出"), 259_935, None, None, 122, 5933),
        _row("total", Words("Total", "合计"), 458_619, None, None, Fraction(93_502_794, 458_619), 5933),
    )
    notes = (
        Words(
            "Outbound includes follow-ups and some supplements to internet appeals.",
            "呼出包含部分互联网渠道诉求信息补充、办结诉求满意度回访等。",
        ),
        Words("Connect rate = calls answered by an agent / calls offered.", "接通率 = 座席接通量 / 来电总量。"),
        Words(
            "Average wait = answered (else hung up) - arrived.",
            "平均等待时长 = 座席接通时间（或未接通前挂断时间）- 来电呼入时间。",
        ),
    )
    return Section("call_service", Words("Call service", "话务服务"), columns, rows, notes, is_public=True)


def by_hour(divisor: int = 10_000) -> Section:
    """24 bins with a chart of two series, in units of `divisor` calls."""
    columns = (
        Column("hour", Words("Hour", "时段")),
        Column("answered", Words("Answered", "接听")),
        Column("outbound", Words("Outbound", "呼出")),
    )
    rows = tuple(
        Row(
            str(hour),
            (str(hour), Cell.of("agent_answered", answered, Unit.CALLS), Cell.of("outbound", out, Unit.CALLS)),
        )
        for hour, answered, out in HOURS
    )
    unit = Words("10,000 calls", "万通") if divisor != 1 else Words("calls", "通")
    chart = Chart(ChartKind.BARS, "hour", ("answered", "outbound"), unit, divisor, 2 if divisor != 1 else 0)
    note = Words(
        "0 is from 0:00 to 1:00, and so on.",
        "横坐标为时间段，0表示“0时至1时”，其他以此类推；纵坐标表示话务量，单位为万（通）。",
    )
    return Section("by_hour", Words("Calls by hour", "分时话务量"), columns, rows, (note,), chart, is_public=True)


def agents(names: tuple[str, ...] = HOSTILE) -> Section:
    """The operator's own section: one row an agent, under the names given."""
    columns = (
        Column("agent", Words("Agent", "工号")),
        Column("name", Words("Name", "姓名")),
        Column("answers", Words("Answers", "接听（通）")),
        Column("occupancy", Words("Phone occupancy", "通话利用率")),
    )
    rows = tuple(
        Row(
            str(8001 + n),
            (
                str(8001 + n),
                name,
                Cell.of("agent_answers", 1_000 * n, Unit.CALLS),
                Cell.of("phone_occupancy", Fraction(100 * n, 17), Unit.PERCENT),
            ),
        )
        for n, name in enumerate(names)
    )
    return Section("agents", Words("Agents", "座席"), columns, rows)


def year(*sections: Section, is_final: bool = True) -> Document:
    """A report of the year 2020 of these sections; of all three without any."""
    return Document(
        title=Words("Call service of the year 2020", "“江苏 12345 在线”2020 年度话务服务情况"),
        period=Words("[2020-01-01, 2021-01-01) Asia/Shanghai", "[2020-01-01, 2021-01-01) Asia/Shanghai，省级平台"),
        sections=sections or (call_service(), by_hour(), agents()),
        notes=(
            Words("Each figure is rounded once from the exact value.", "各数由精确值四舍五入一次。"),
            Words("Completeness: 100%, no gaps.", "完整率 100%，无缺口。"),
        ),
        is_final=is_final,
    )


def _row(
    key: str, name: Words, volume: int, rate: Fraction | None, wait: int | None, talk: Fraction | int, longest: int
) -> Row:
    return Row(
        key,
        (
            name,
            Cell.of("volume", volume, Unit.CALLS),
            Cell.of("connect_rate", rate, Unit.PERCENT),
            Cell.of("avg_wait_s", wait, Unit.SECONDS),
            Cell.of("avg_talk_s", talk, Unit.SECONDS),
            Cell.of("max_talk_s", longest, Unit.SECONDS),
        ),
    )
