"""Today against yesterday and the same day of last week."""

from callcenter.grafana.shape import Choice, Dashboard, Look, Panel, Query, Row, Text, Unit, plain


def _three(expr: str) -> tuple[Query, ...]:
    """Return an expression now, a day ago and a week ago; `OFFSET` in it stands behind each selector."""
    return (
        plain("今日", "Today", expr.replace(" OFFSET", "")),
        plain("昨日同时", "Yesterday, same time", expr.replace("OFFSET", "offset 1d")),
        plain("上周同日同时", "Last week, same day and time", expr.replace("OFFSET", "offset 7d")),
    )


def _so_far(name: str, window: str = "today") -> str:
    return f'max(callcenter_report_{name}{{window="{window}",line="all"}} OFFSET)'


def _against(days: int, name: str) -> str:
    """The change of a count so far today against that of `days` ago, as a share of the latter."""
    now = f'max(callcenter_report_{name}{{window="today",line="all"}})'
    then = f'max(callcenter_report_{name}{{window="today",line="all"}} offset {days}d)'
    return f"{now} / ({then} > 0) - 1"


_NO_PAST = Text("无历史", "no past yet")
_CHANGES = Row(
    Text("与往日相比（截至此刻）", "Against other days, so far"),
    tuple(
        Panel(
            title,
            Text(
                f"{title.zh}：今日零时至此刻，与昨日、上周同日零时至同一时刻之差的百分比。",
                f"{title.en}: from midnight to now, against yesterday and the same day of last week from midnight to the same time.",
            ),
            Unit.CHANGE,
            (
                plain("较昨日", "Against yesterday", _against(1, name)),
                plain("较上周同日", "Against last week", _against(7, name)),
            ),
            Look.NUMBER,
            8,
            calm=_NO_PAST,
        )
        for title, name in (
            (Text("来电总量", "Calls offered"), "offered"),
            (Text("座席接通量", "Calls answered"), "answered"),
            (Text("放弃量", "Calls abandoned"), "abandoned"),
        )
    ),
)

_FIGURES = Row(
    Text("今日进程（零时起累计）", "The day so far (from midnight)"),
    tuple(
        Panel(title, says, unit, _three(_so_far(name)), width=8)
        for title, says, unit, name in (
            (
                Text("来电总量", "Calls offered"),
                Text(
                    "零时起呼入且已结束的来电，全部线路，与台账一致。",
                    "Calls that arrived since midnight and have ended, all lines; equal to the ledger.",
                ),
                Unit.CALLS,
                "offered",
            ),
            (
                Text("座席接通量", "Calls answered"),
                Text("其中由人工接听的。", "Those of them that a person answered."),
                Unit.CALLS,
                "answered",
            ),
            (
                Text("放弃量", "Calls abandoned"),
                Text("其中来电人在接听前自行挂断的。", "Those of them whose caller hung up before an answer."),
                Unit.CALLS,
                "abandoned",
            ),
            (
                Text("接通率", "Connect rate"),
                Text("零时起的接通率，口径同年报。", "Connect rate since midnight, by the report's own definition."),
                Unit.SHARE,
                "connect_rate",
            ),
            (
                Text("平均等待时长", "Average wait"),
                Text("零时起全部来电的平均等待。", "Average wait of all calls offered since midnight."),
                Unit.SECONDS,
                "average_wait_seconds",
            ),
            (
                Text("平均通话时长", "Average talk"),
                Text("零时起已接听来电的平均通话。", "Average talk of the calls answered since midnight."),
                Unit.SECONDS,
                "average_talk_seconds",
            ),
        )
    ),
)

_HOURS = Row(
    Text("每小时的节奏", "The pace, hour by hour"),
    (
        Panel(
            Text("近 1 小时来电", "Calls of the last hour"),
            Text(
                "每一时刻之前 1 小时内呼入的来电，全部线路：峰谷与往日对照。",
                "Calls that arrived in the hour before each instant, all lines: where the peaks are, and were.",
            ),
            Unit.CALLS,
            _three(_so_far("offered", "1h")),
        ),
        Panel(
            Text("近 1 小时 N 秒接通率", "Service level of the last hour"),
            Text(
                "每一时刻之前 1 小时内呼入的来电在 N 秒内接听的占比。",
                "Of the calls that arrived in the hour before each instant, the share answered within N seconds.",
            ),
            Unit.SHARE,
            _three(_so_far("service_level", "1h")),
        ),
        Panel(
            Text("排队等待", "Waiting"),
            Text("所选线路等待的来电人。", "Callers who wait in the chosen lines."),
            Unit.CALLERS,
            _three('sum(callcenter_calls_waiting{line=~"$line"} OFFSET)'),
        ),
        Panel(
            Text("签入座席", "Agents logged in"),
            Text("全部已签入的座席：与往日排班对照。", "All agents who are logged in: how the staffing compares."),
            Unit.AGENTS,
            _three('sum(callcenter_agents{presence!="logged_out"} OFFSET)'),
        ),
    ),
)

COMPARED = Dashboard(
    "compared",
    Text("今日与往日对照", "Today against other days"),
    Text(
        "今日与昨日、上周同日同一时刻对照；Prometheus 保存满一周后才有上周的曲线。",
        "Today against yesterday and the same day of last week; the curve of last week begins when Prometheus has "
        "kept a week.",
    ),
    (_CHANGES, _FIGURES, _HOURS),
    (Choice.LINE,),
    "now/d",
)
