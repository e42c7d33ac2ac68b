"""The operator's sections of the report: outcomes, levels, waits, abandonment, lines, skills, agents, callers.

Nothing here reads a database or a clock; every cell is one figure of the dictionary, rounded once.
"""

from collections.abc import Sequence

from metrics.call_figures import BINS_S, bin_name
from metrics.callers import FirstCall
from metrics.choices import CLOCK_WORDS, THRESHOLDS_S
from metrics.dictionary import DICTIONARY, OUTCOMES, Dictionary
from metrics.document import Cell, Chart, ChartKind, Column, Row, Section
from metrics.figures import Unit
from metrics.report import INTERVAL_FIGURES, line_of, with_level
from metrics.rounding import NOT_APPLICABLE
from metrics.tables import Part, cell, list_of, table_of
from metrics.totals import REASONS, Totals
from metrics.windows import WindowMinimum
from metrics.words import Words

LINE_FIGURES = (*INTERVAL_FIGURES, "asa_s", "max_wait_s")
SKILL_FIGURES = ("offered", "agent_answered", "connect_rate", "abandoned", "avg_wait_s", "asa_s", "avg_talk_s")
AGENT_FIGURES = (
    "seat_answers",
    "seat_misses",
    "seat_outbound",
    "seat_avg_talk_s",
    "seat_avg_hold_s",
    "seat_avg_wrapup_s",
    "aht_s",
    "logged_in_s",
    "phone_occupancy",
    "workload_occupancy",
    "utilisation",
)
OVERVIEW_FIGURES = (
    "offered",
    "blocked",
    "agent_answered",
    "connect_rate",
    "connect_rate_excl_short",
    "abandon_rate",
    "short_abandons",
    "avg_wait_s",
    "avg_queue_wait_s",
    "avg_wait_answered_s",
    "asa_s",
    "max_wait_s",
    "hold_s",
    "agent_answers",
    "specialist_answers",
    "specialist_reach",
    "requeue_wait_s",
    "requeue_abandoned",
    "aht_s",
    "phone_occupancy",
    "workload_occupancy",
    "utilisation",
)
OUTBOUND_FIGURES = (
    "outbound_attempts",
    "outbound_answered",
    "outbound_reached_rate",
    "outbound_call_backs",
    "outbound_avg_talk_s",
    "outbound_max_talk_s",
)
OUTCOME_FIGURES = (*OUTCOMES, "unknown")
REASON_FIGURES = tuple(f"rejected_{reason}" for reason in REASONS)
BIN_FIGURES = tuple(bin_name(*edges) for edges in BINS_S)
LEVEL_KINDS = {
    "service_level": Words("Service level", "N秒接通率"),
    "answered_within_share": Words("Answered within", "N秒内接通占比"),
    "service_level_icmi4": Words("Service level without early hang-ups", "N秒服务水平（不计早挂）"),
}
LEVEL_FIGURES = tuple(
    f"{kind}_{seconds}_{clock}" for kind in LEVEL_KINDS for seconds in THRESHOLDS_S for clock in CLOCK_WORDS
)


def outcomes(totals: Totals, dictionary: Dictionary = DICTIONARY) -> Section:
    """Return the terminal outcomes, which add up to all calls that arrived, and below the sum why calls were refused."""
    columns = (Column("outcome", Words("Outcome", "结果")), Column("calls", Words("Calls", "来电（通）")))
    refused = (name for name in REASON_FIGURES if totals[name])
    rows = tuple(
        Row(name, (dictionary.figures[name].title, cell(dictionary, name, totals)))
        for name in (*OUTCOME_FIGURES, "inbound_ended", *refused)
    )
    return Section("outcomes", Words("How inbound calls ended", "来电结果"), columns, rows)


def overview(totals: Totals, dictionary: Dictionary = DICTIONARY) -> Section:
    """Return volumes, rates, waits and the work of all seats together."""
    return list_of(dictionary, "overview", Words("Overview", "总览"), OVERVIEW_FIGURES, totals)


def levels(totals: Totals, dictionary: Dictionary = DICTIONARY) -> Section:
    """Return service level and answered-within share for each threshold, from both clocks."""
    columns = (
        Column("within_s", Words("Within (s)", "秒数（秒）")),
        *(
            Column(f"{kind}_{clock}", Words(f"{title.en}, from {since.en}", f"{title.zh}（自{since.zh}）"))
            for kind, title in LEVEL_KINDS.items()
            for clock, since in CLOCK_WORDS.items()
        ),
    )
    rows = tuple(
        Row(
            f"{seconds}",
            (
                f"{seconds}",
                *(
                    cell(dictionary, f"{kind}_{seconds}_{clock}", totals)
                    for kind in LEVEL_KINDS
                    for clock in CLOCK_WORDS
                ),
            ),
        )
        for seconds in THRESHOLDS_S
    )
    notes = [
        Words(
            "Service level is over calls offered, the answered-within share over calls answered: two figures, two names.",
            "N秒接通率以来电总量为分母，N秒内接通占比以座席接通量为分母，二者不可混用。",
        ),
    ]
    answered, timed = totals["agent_answered"] or 0, totals["answered_queued"] or 0
    untold = answered - timed
    if untold and timed:
        notes.append(
            Words(
                f"Of {untold} calls answered nobody tells when they were queued: from the queue they count as not in time.",
                f"有{untold}通接通来电没有进入排队的时刻：自排队起的各项按未在时限内接通计。",
            )
        )
    return Section("service_levels", Words("Service level", "N秒接通率"), columns, rows, tuple(notes))


def abandonment(totals: Totals, dictionary: Dictionary = DICTIONARY) -> Section:
    """Return how long those waited who hung up, with their share of all who did."""
    columns = (
        Column("wait", Words("Wait", "等待时长")),
        Column("abandoned", Words("Abandoned", "放弃（通）")),
        Column("share", Words("Share", "占比")),
    )
    whole = dictionary.figures["abandoned"].value(totals)
    mode = dictionary.choices.rounding
    rows = []
    for name in BIN_FIGURES:
        count = cell(dictionary, name, totals)
        share = None if not whole or count.value is None else count.value * 100 / whole
        contents = (dictionary.figures[name].title, count, Cell.of("", share, Unit.PERCENT, mode))
        rows.append(Row(name, contents))
    chart = Chart(ChartKind.BARS, "wait", ("abandoned",), Words("calls", "通"))
    title = Words("When callers hung up", "放弃时长分布")
    return Section("abandonment", title, columns, tuple(rows), chart=chart)


def rolling(lowest: WindowMinimum, began: str, dictionary: Dictionary = DICTIONARY) -> Section:
    """Return the connect rate of the worst 24 hours against the duty. `began`: their beginning as people read it."""
    mode = dictionary.choices.rounding
    columns = (
        Column("item", Words("Any 24 hours", "任意连续24小时")),
        Column("value", Words("Value", "数值")),
    )
    rows = (
        Row(
            "connect_rate_24h_min",
            (
                Words("Lowest connect rate", "最低接通率"),
                Cell.of("connect_rate_24h_min", lowest.value, Unit.PERCENT, mode),
            ),
        ),
        Row("began", (Words("Beginning of these 24 hours", "该24小时起点"), began or NOT_APPLICABLE)),
        Row(
            "windows_below",
            (Words("Windows under 95%", "低于95%的窗口数"), Cell.of("", lowest.below, Unit.CALLS, mode)),
        ),
        Row("windows", (Words("Windows with calls", "有来电的窗口数"), Cell.of("", lowest.windows, Unit.CALLS, mode))),
    )
    note = Words(
        "GB/T 33358-2016 asks for at least 95% in any continuous 24 hours; windows begin at full hours.",
        "GB/T 33358-2016 要求任意连续24小时接通率不低于95%；窗口自整点起。",
    )
    return Section(
        "connect_rate_24h", Words("Connect rate of any 24 hours", "24小时滚动接通率"), columns, rows, (note,)
    )


def outbound(totals: Totals, dictionary: Dictionary = DICTIONARY) -> Section:
    """Return attempts, reached and talk of calls that agents dialled."""
    return list_of(dictionary, "outbound", Words("Outbound calls", "呼出"), OUTBOUND_FIGURES, totals)


def intervals(parts: Sequence[Part], dictionary: Dictionary = DICTIONARY) -> Section:
    """Return one row for each interval of the period."""
    column = Column("interval", Words("From", "起始"))
    chart = line_of(("offered", "agent_answered"), parts)
    title = Words("By interval", "分时段统计")
    return table_of(
        dictionary, "intervals", title, column, with_level(INTERVAL_FIGURES, dictionary), parts, chart=chart
    )


def lines(parts: Sequence[Part], dictionary: Dictionary = DICTIONARY) -> Section:
    """Return one row for each line."""
    column = Column("line", Words("Line", "线路"))
    return table_of(
        dictionary, "lines", Words("By line", "分线路"), column, with_level(LINE_FIGURES, dictionary), parts
    )


def skills(parts: Sequence[Part], dictionary: Dictionary = DICTIONARY) -> Section:
    """Return one row for each skill that a call's first need names."""
    note = Words(
        "A call whose need names two skills is in both rows; a call that was never queued is in none.",
        "技能要求含两项技能的来电在两行中各计一次；未进入排队的来电不计。",
    )
    column = Column("skill", Words("Skill", "技能"))
    return table_of(
        dictionary, "skills", Words("By skill", "分技能"), column, with_level(SKILL_FIGURES, dictionary), parts, (note,)
    )


def agents(parts: Sequence[Part], dictionary: Dictionary = DICTIONARY) -> Section:
    """Return one row for each seat."""
    column = Column("agent", Words("Agent", "座席"))
    return table_of(dictionary, "agents", Words("By agent", "分座席"), column, AGENT_FIGURES, parts)


def callers(distinct: int, first: FirstCall, dictionary: Dictionary = DICTIONARY) -> Section:
    """Return distinct callers and first-call resolution."""
    mode = dictionary.choices.rounding
    columns = (Column("item", Words("Callers", "来电人")), Column("value", Words("Value", "数值")))
    rows = (
        Row(
            "distinct_callers",
            (Words("Different callers", "不同来电号码"), Cell.of("distinct_callers", distinct, Unit.CALLS, mode)),
        ),
        Row("fcr", (Words("First-call resolution", "一次解决率"), Cell.of("fcr", first.value, Unit.PERCENT, mode))),
        Row(
            "fcr_resolved",
            (Words("Resolved at the first call", "一次解决"), Cell.of("", first.resolved, Unit.CALLS, mode)),
        ),
        Row(
            "fcr_answered",
            (Words("Answered, number known", "号码可知的接通来电"), Cell.of("", first.answered, Unit.CALLS, mode)),
        ),
    )
    days = dictionary.choices.fcr_after_days
    early = Words(
        f"First-call resolution is not final until {days} days after the period.",
        f"一次解决率在时段结束{days}天后方可定稿。",
    )
    return Section("callers", Words("Callers", "来电人"), columns, rows, () if first.is_final else (early,))
