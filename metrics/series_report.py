"""Series of the report's own figures over windows that end now (`metrics.report_windows`): 5m, 1h, today, 24h; exact, no sample where a
figure does not apply."""

from metrics.series_shape import Kind, Series

_TOLD = (
    (
        "offered",
        "Inbound calls that arrived in the window and have ended; hang-ups in the greeting as the plan's choice has it",
        "时间窗内呼入且已结束的来电；欢迎语中挂断的按计划口径",
        "calls",
    ),
    ("answered", "Those of them that a person answered", "其中由人工接听的", "calls"),
    (
        "abandoned",
        "Those of them whose caller hung up before an answer; in the greeting as the plan's choice has it",
        "其中接听前来电人自行挂断的；欢迎语中挂断的按计划口径",
        "calls",
    ),
    (
        "connect_rate",
        "Connect rate as a share of 1; the duty is 0.95 over 24h",
        "接通率，以 1 为满；任意 24 小时应达 0.95",
        "ratio",
    ),
    (
        "service_level",
        "Share answered within the plan's N seconds (20 from arrival by default), of offered",
        "在计划的 N 秒内（默认自呼入起 20 秒）接听的占来电总量之比",
        "ratio",
    ),
    ("average_wait_seconds", "Average wait of the calls offered", "来电的平均等待时长", "seconds"),
    (
        "average_talk_seconds",
        "Average talk of the calls answered; hold as the plan's choice has it",
        "已接听来电的平均通话时长；保持按计划口径",
        "seconds",
    ),
    (
        "max_talk_seconds",
        "Longest talk of one call answered; hold as the plan's choice has it",
        "已接听来电的最大通话时长；保持按计划口径",
        "seconds",
    ),
    ("outbound_attempts", "Calls that agents dialled out, ended", "座席外呼且已结束的通话", "calls"),
    ("outbound_reached", "Those of them that the called party answered", "其中被叫已接听的", "calls"),
    (
        "outbound_average_talk_seconds",
        "Average talk of the calls out; which of them count, and hold, as the plan's choices have it",
        "呼出的平均通话时长；呼出口径与保持按计划",
        "seconds",
    ),
    ("outbound_max_talk_seconds", "Longest talk of one call out that was reached", "呼出的最大通话时长", "seconds"),
    (
        "total_calls",
        "Total row: calls in that a person answered and calls out; which of those count as the plan's choice has it",
        "合计话务量：人工接听的来电与呼出之和；呼出口径按计划",
        "calls",
    ),
    (
        "total_average_talk_seconds",
        "Total row: sum of talk of both directions by the calls of the total",
        "合计平均通话时长：呼入、呼出通话总时长 / 合计话务量",
        "seconds",
    ),
    (
        "total_max_talk_seconds",
        "Total row: longest talk of one call of either direction",
        "合计最大通话时长：呼入、呼出中最长的一次",
        "seconds",
    ),
    (
        "open",
        "Calls of both directions that have not ended, so are in no other figure yet",
        "呼入与呼出中尚未结束的通话，未计入其他数字",
        "calls",
    ),
)

_BY_LINE = ("line all: every line", "line=all：全部线路")
_WHOLE = ("line is all: every line together", "line 仅为 all：全部线路合计")


def _lines(name: str) -> tuple[str, str]:
    return _WHOLE if name.startswith(("outbound_", "total_")) else _BY_LINE


OF_REPORT = tuple(
    Series(
        f"callcenter_report_{name}",
        Kind.GAUGE,
        f"{what} (ledger; arrived in the window; {_lines(name)[0]}).",
        ("window", "line"),
        zh=f"{zh}（台账；按呼入时刻计入时间窗；{_lines(name)[1]}）。",
        unit=unit,
    )
    for name, what, zh, unit in _TOLD
)
