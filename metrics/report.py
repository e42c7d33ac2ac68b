"""The sections of the report, each from its totals; what does not apply prints `—`, never 0.

Theory of operation: the call-service table is laid out as the public reports print it: volumes are calls with a talk, and
the calls offered are never shown; what the public sees is `is_public`, the rest is the operator's. Every cell is one figure
of the dictionary, rounded once. Nothing here reads a database or a clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from metrics.dictionary import DICTIONARY, Dictionary
from metrics.document import Chart, ChartKind, Column, Row, Section
from metrics.rounding import NOT_APPLICABLE
from metrics.tables import Part, cell, table_of
from metrics.totals import Totals
from metrics.words import Words

CALL_COLUMNS = (
    Column("row", Words("Calls of", "话务类别")),
    Column("call_volume", Words("Calls", "话务量（通）")),
    Column("connect_rate", Words("Connect rate", "接通率")),
    Column("avg_wait_s", Words("Average wait (s)", "平均等待时长（秒）")),
    Column("avg_talk_s", Words("Average talk (s)", "平均通话时长（秒）")),
    Column("max_talk_s", Words("Longest talk (s)", "最大通话时长（秒）")),
)
CALL_ROWS: Mapping[str, tuple[Words, tuple[str | None, ...]]] = {
    "inbound": (
        Words("Answered", "接听"),
        ("agent_answered", "connect_rate", "avg_wait_s", "avg_talk_s", "max_talk_s"),
    ),
    "outbound": (
        Words("Outbound", "呼出"),
        ("outbound_answered", None, None, "outbound_avg_talk_s", "outbound_max_talk_s"),
    ),
    "total": (Words("Total", "合计"), ("total_volume", None, None, "total_avg_talk_s", "total_max_talk_s")),
}
"""Each row's name and the figure of each column; None: not applicable."""
DEFINITIONS = (
    Words("Connect rate = calls answered by an agent / calls offered.", "接通率 = 座席接通量 / 来电总量。"),
    Words(
        "Average wait = (answered, else hung up or handed out) - arrived, over all calls offered.",
        "平均等待时长 =（座席接通时间，或未接通前挂断、转出时间）- 来电呼入时间，对全部来电平均。",
    ),
    Words(
        "Three-way talk is counted once; queue, ringing and wrap-up are not talk.",
        "三方通话只计一次；通话时长不含排队、振铃和话后处理。",
    ),
    Words(
        "Outbound includes call-backs, follow-up calls and calls for missing information.",
        "呼出包含诉求信息补充、满意度回访、回呼等。",
    ),
    Words(
        "A call belongs to the period in which it arrived; each figure is rounded once from the exact value.",
        "通话计入其呼入时所在的时段；各数由精确值舍入一次。",
    ),
    Words(
        "Callers refused by the carrier or at the trunk's own limit never reach us: they are not among the calls offered.",
        "被运营商或中继限额拒绝的来电不到达本系统，不在来电总量中。",
    ),
)

HOUR_FIGURES = ("agent_answered", "outbound_answered", "total_volume")
BUSY_FIGURES = ("offered", "agent_answered", "abandoned", "connect_rate")
INTERVAL_FIGURES = (
    "offered",
    "agent_answered",
    "connect_rate",
    "abandoned",
    "avg_wait_s",
    "avg_talk_s",
    "outbound_answered",
    "total_volume",
)
PUBLIC_INTERVAL_FIGURES = (
    "agent_answered",
    "connect_rate",
    "avg_wait_s",
    "avg_talk_s",
    "max_talk_s",
    "outbound_answered",
    "outbound_avg_talk_s",
    "total_volume",
    "total_avg_talk_s",
)
"""Those of the call-service table."""
TEN_THOUSAND = 10_000


def with_level(figures: tuple[str, ...], dictionary: Dictionary) -> tuple[str, ...]:
    """Return the figures of a table and, last, the service level with the threshold and clock that the choices name."""
    choices = dictionary.choices
    return (*figures, f"service_level_{choices.level_s}_{choices.level_clock}")


def call_service(totals: Totals, dictionary: Dictionary = DICTIONARY) -> Section:
    """Return the call-service table: answered, outbound, total."""
    rows = tuple(
        Row(
            key, (name, *(NOT_APPLICABLE if figure is None else cell(dictionary, figure, totals) for figure in figures))
        )
        for key, (name, figures) in CALL_ROWS.items()
    )
    return Section("call_service", Words("Call service", "话务服务"), CALL_COLUMNS, rows, DEFINITIONS, is_public=True)


def intervals(parts: Sequence[Part], dictionary: Dictionary = DICTIONARY) -> Section:
    """Return the call-service table's figures of each interval, for the public."""
    column = Column("interval", Words("From", "起始"))
    chart = line_of(("total_volume", "agent_answered"), parts)
    title = Words("Call service by interval", "分时段话务服务")
    key = "call_service_by_interval"
    return table_of(dictionary, key, title, column, PUBLIC_INTERVAL_FIGURES, parts, chart=chart, is_public=True)


def line_of(series: tuple[str, ...], parts: Sequence[Part]) -> Chart | None:
    """Return the line of intervals; a single one makes none, only an empty picture."""
    return Chart(ChartKind.LINE, "interval", series, Words("calls", "通")) if len(parts) > 1 else None


def hour_sections(hours: Sequence[Totals], dictionary: Dictionary = DICTIONARY) -> Iterable[Section]:
    """Return the calls by hour of the day for the public, and with the calls offered for the operator. `hours`: 24."""
    parts = [Part(f"{hour:02}", f"{hour}", totals) for hour, totals in enumerate(hours)]
    column = Column("hour", Words("Hour", "时段"))
    zero = Words("0 is from 0 to 1 o'clock, and so on.", "0表示“0时至1时”，其他以此类推。")
    volume = _bars("hour", ("total_volume",), [dictionary.figures["total_volume"].value(totals) for totals in hours])
    yield table_of(
        dictionary,
        "call_volume_by_hour",
        Words("Calls by hour of the day", "分时段话务量"),
        column,
        HOUR_FIGURES,
        parts,
        (zero,),
        volume,
        is_public=True,
    )
    busy = _bars("hour", ("offered", "agent_answered"), [dictionary.figures["offered"].value(one) for one in hours])
    title = Words("Calls offered by hour of the day", "分时段来电与接通")
    yield table_of(dictionary, "calls_by_hour", title, column, BUSY_FIGURES, parts, (zero,), busy)


def _bars(x: str, series: tuple[str, ...], values: Iterable[Fraction | None]) -> Chart:
    """Bars in calls, or in units of 10,000 calls where some bar is that large."""
    if max((value for value in values if value is not None), default=0) >= TEN_THOUSAND:
        return Chart(ChartKind.BARS, x, series, Words("10,000 calls", "万通"), TEN_THOUSAND, 1)
    return Chart(ChartKind.BARS, x, series, Words("calls", "通"))
