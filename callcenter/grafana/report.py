"""The report of the 12345 hotline, live: the same figures that `callcenter report` prints, over windows that end now."""

from callcenter.grafana.shape import Choice, Dashboard, Levels, Look, Panel, Query, Row, Text, Unit, each, plain
from callcenter.grafana.words import WINDOW

_DUTY = Levels(0.95, 0.9)


def _all(name: str) -> str:
    return f'max(callcenter_report_{name}{{window="$window",line="all"}})'


def _by_line(name: str) -> tuple[Query, ...]:
    return (each("line", f'max by (line) (callcenter_report_{name}{{window="$window",line=~"$line",line!="all"}})'),)


def _by_window(name: str) -> tuple[Query, ...]:
    return (each("window", f'max by (window) (callcenter_report_{name}{{line="all"}})'),)


_NO_CALLS = Text("无来电", "no calls")
_NO_CALLS_OUT = Text("无呼出", "no calls out")
_NO_TALKS = Text("无通话", "no talks")
_HEAD = Row(
    Text("数据公开口径（所选时间窗，全部线路）", "As an office publishes it (the chosen window, all lines)"),
    (
        Panel(
            Text("来电总量", "Calls offered"),
            Text(
                "时间窗内呼入且已结束的来电；公开报表不列此数。",
                "Calls that arrived in the window and have ended; published reports leave it out.",
            ),
            Unit.CALLS,
            (plain("来电总量", "Calls offered", _all("offered")),),
            Look.NUMBER,
            4,
        ),
        Panel(
            Text("座席接通量", "Calls answered"),
            Text("其中由人工接听的来电。", "Those of them that a person answered."),
            Unit.CALLS,
            (plain("座席接通量", "Calls answered", _all("answered")),),
            Look.NUMBER,
            4,
        ),
        Panel(
            Text("接通率", "Connect rate"),
            Text("座席接通量 / 来电总量。", "Calls answered / calls offered."),
            Unit.SHARE,
            (plain("接通率", "Connect rate", _all("connect_rate")),),
            Look.NUMBER,
            4,
            _DUTY,
            calm=_NO_CALLS,
        ),
        Panel(
            Text("平均等待时长", "Average wait"),
            Text(
                "全部来电从呼入到首次接听的平均等待，未接听的到转出或结束。",
                "Of all calls offered, from arrival to the first answer, else to the end.",
            ),
            Unit.SECONDS,
            (plain("平均等待", "Average wait", _all("average_wait_seconds")),),
            Look.NUMBER,
            4,
            calm=_NO_CALLS,
        ),
        Panel(
            Text("平均通话时长", "Average talk"),
            Text(
                "通话总时长 / 座席接通量；保持计入，除非计划另有口径。",
                "Sum of talk / calls answered; hold is in it unless the plan says otherwise.",
            ),
            Unit.SECONDS,
            (plain("平均通话", "Average talk", _all("average_talk_seconds")),),
            Look.NUMBER,
            4,
            calm=_NO_CALLS,
        ),
        Panel(
            Text("未结束的通话", "Calls still open"),
            Text(
                "呼入与呼出中尚未结束的，未计入其他任何数字。",
                "Calls of both directions that have not ended, so are in no other figure yet.",
            ),
            Unit.CALLS,
            (plain("未结束", "Open", _all("open")),),
            Look.NUMBER,
            4,
        ),
        Panel(
            Text("放弃量", "Calls abandoned"),
            Text("来电人在接听前自行挂断的来电。", "Calls whose caller hung up before an answer."),
            Unit.CALLS,
            (plain("放弃量", "Abandoned", _all("abandoned")),),
            Look.NUMBER,
            6,
        ),
        Panel(
            Text("N 秒接通率", "Service level"),
            Text(
                "在计划规定的秒数内接听的占来电总量的比例。",
                "Answered within the plan's N seconds, of the calls offered.",
            ),
            Unit.SHARE,
            (plain("N 秒接通率", "Service level", _all("service_level")),),
            Look.NUMBER,
            6,
            Levels(0.8, 0.7),
            calm=_NO_CALLS,
        ),
        Panel(
            Text("呼出量", "Calls dialled out"),
            Text("座席外呼且已结束的通话。", "Calls that agents dialled out, ended."),
            Unit.CALLS,
            (plain("呼出量", "Dialled out", _all("outbound_attempts")),),
            Look.NUMBER,
            6,
        ),
        Panel(
            Text("呼出接通量", "Calls out reached"),
            Text("其中被叫接听的。", "Those of them that the called party answered."),
            Unit.CALLS,
            (plain("呼出接通", "Reached", _all("outbound_reached")),),
            Look.NUMBER,
            6,
        ),
    ),
)

_TALKS = Row(
    Text("话务数据表：呼出与合计", "The report's table: calls out, and the total"),
    (
        Panel(
            Text("呼出平均通话时长", "Average talk, calls out"),
            Text(
                "呼出通话总时长 / 呼出话务量；呼出口径与保持按计划。",
                "Sum of talk / calls out; which of them count, and hold, as the plan's choices have it.",
            ),
            Unit.SECONDS,
            (plain("呼出平均通话", "Average talk out", _all("outbound_average_talk_seconds")),),
            Look.NUMBER,
            4,
            calm=_NO_CALLS_OUT,
        ),
        Panel(
            Text("合计话务量", "Total calls"),
            Text(
                "人工接听的来电与呼出之和；呼出口径按计划。",
                "Calls in that a person answered, and calls out as the plan's choice counts them.",
            ),
            Unit.CALLS,
            (plain("合计话务量", "Total calls", _all("total_calls")),),
            Look.NUMBER,
            4,
        ),
        Panel(
            Text("合计平均通话时长", "Average talk, all"),
            Text(
                "呼入、呼出通话总时长 / 合计话务量。",
                "Sum of talk of both directions / total calls.",
            ),
            Unit.SECONDS,
            (plain("合计平均通话", "Average talk, all", _all("total_average_talk_seconds")),),
            Look.NUMBER,
            4,
            calm=_NO_TALKS,
        ),
        Panel(
            Text("最大通话时长", "Longest talk"),
            Text(
                "呼入、呼出与合计中单次通话的最长时间；没有通话的不显示。",
                "The longest talk of one call: in, out, and of both; what had no talk is not shown.",
            ),
            Unit.SECONDS,
            (
                plain("呼入", "In", _all("max_talk_seconds")),
                plain("呼出", "Out", _all("outbound_max_talk_seconds")),
                plain("合计", "All", _all("total_max_talk_seconds")),
            ),
            Look.NUMBER,
            calm=_NO_TALKS,
        ),
    ),
)

_DUTY_ROW = Row(
    Text("95% 接通率要求", "The duty of 95 %"),
    (
        Panel(
            Text("任意 24 小时接通率", "Connect rate of any 24 hours"),
            Text(
                "每一时刻之前 24 小时的接通率；监管要求任意 24 小时不低于 95%。",
                "The connect rate of the 24 hours before each instant; the duty is 95 % in any 24 hours.",
            ),
            Unit.SHARE,
            (
                plain(
                    "24 小时接通率",
                    "Connect rate, 24 h",
                    'max(callcenter_report_connect_rate{window="24h",line="all"})',
                ),
            ),
            levels=_DUTY,
        ),
        Panel(
            Text("各时间窗接通率", "Connect rate by window"),
            Text(
                "近 5 分钟、近 1 小时、今日、近 24 小时的接通率。",
                "Of the last 5 minutes, the last hour, today, the last 24 hours.",
            ),
            Unit.SHARE,
            _by_window("connect_rate"),
            Look.BARS,
            6,
            _DUTY,
            WINDOW,
        ),
        Panel(
            Text("各时间窗来电", "Calls offered by window"),
            Text(
                "近 5 分钟、近 1 小时、今日、近 24 小时呼入且已结束的来电。",
                "Calls that arrived in the last 5 minutes, the last hour, today, the last 24 hours, and have ended.",
            ),
            Unit.CALLS,
            _by_window("offered"),
            Look.BARS,
            6,
            words=WINDOW,
        ),
    ),
)

_HOURS = Row(
    Text("分时段话务量", "Calls by hour"),
    (
        Panel(
            Text("每小时来电与接通", "Calls offered and answered, each hour"),
            Text(
                "每根柱为其整点之前一小时内呼入且至该整点已结束的来电（全部线路）。",
                "Each bar stands for the hour before its full hour: calls that arrived in it and had ended by then, all lines.",
            ),
            Unit.CALLS,
            (
                plain("来电", "Offered", 'max(callcenter_report_offered{window="1h",line="all"})'),
                plain("接通", "Answered", 'max(callcenter_report_answered{window="1h",line="all"})'),
            ),
            Look.HOURS,
        ),
        Panel(
            Text("每小时合计话务量", "Total calls, each hour"),
            Text(
                "每根柱为其整点之前一小时的合计话务量：人工接听的来电与呼出之和；呼出口径按计划。",
                "Each bar stands for the hour before its full hour: calls in that a person answered, and calls out as the plan's choice "
                "counts them.",
            ),
            Unit.CALLS,
            (plain("合计", "Total", 'max(callcenter_report_total_calls{window="1h",line="all"})'),),
            Look.HOURS,
        ),
    ),
)

_LINES = Row(
    Text("各线路（所选时间窗）", "By line (the chosen window)"),
    (
        Panel(
            Text("各线路来电总量", "Calls offered by line"),
            Text("时间窗内各线路呼入且已结束的来电。", "Calls that arrived in the window and have ended, by line."),
            Unit.CALLS,
            _by_line("offered"),
            width=8,
        ),
        Panel(
            Text("各线路接通率", "Connect rate by line"),
            Text("时间窗内各线路的接通率。", "Connect rate in the window, by line."),
            Unit.SHARE,
            _by_line("connect_rate"),
            width=8,
            levels=_DUTY,
        ),
        Panel(
            Text("各线路平均等待", "Average wait by line"),
            Text("时间窗内各线路全部来电的平均等待。", "Average wait of the calls offered in the window, by line."),
            Unit.SECONDS,
            _by_line("average_wait_seconds"),
            width=8,
        ),
    ),
)

REPORT = Dashboard(
    "report",
    Text("12345 话务数据（实时）", "The 12345 report, live"),
    Text(
        "与 callcenter report 同一口径、与台账逐通一致的数字；来电归入其呼入的时间窗，结束时计入。",
        "The figures of `callcenter report`, equal to the ledger to the call; a call belongs to the window in which it arrived, and "
        "counts once it has ended.",
    ),
    (_HEAD, _TALKS, _HOURS, _DUTY_ROW, _LINES),
    (Choice.WINDOW, Choice.LINE),
    "now-24h",
)
