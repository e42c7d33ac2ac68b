"""The enterprise line and the policy specialists: one line looked at closely, hand-overs, who of the specialists can be had."""

from callcenter.grafana.shape import Choice, Dashboard, Levels, Look, Panel, Row, Text, Unit, each, plain
from callcenter.grafana.words import HANDOVER, PRESENCE, SPECIALIST


def _quantile(q: float, series: str, more: str = "") -> str:
    return f'histogram_quantile({q}, sum by (le) (rate({series}_bucket{{line=~"$line"{more}}}[1h])))'


def _report(name: str, window: str) -> str:
    return f'max by (line) (callcenter_report_{name}{{window="{window}",line=~"$line",line!="all"}})'


_LINE = Row(
    Text("企业专线", "The enterprise line"),
    (
        Panel(
            Text("排队等待", "Waiting"),
            Text(
                "所选线路此刻等待的来电人，含正在振铃的。",
                "Callers who wait in the chosen lines now, those included whose call rings.",
            ),
            Unit.CALLERS,
            (each("line", 'sum by (line) (callcenter_calls_waiting{line=~"$line"})'),),
            Look.NUMBER,
            4,
            Levels(3, 8),
        ),
        Panel(
            Text("最久等待", "Longest wait"),
            Text("此刻等待者中等得最久的时长。", "Longest wait of those who wait now."),
            Unit.SECONDS,
            (each("line", 'max by (line) (callcenter_oldest_wait_seconds{line=~"$line"})'),),
            Look.NUMBER,
            4,
            Levels(20, 60),
        ),
        Panel(
            Text("企业专席就绪", "Seats ready"),
            Text("能服务该线路且就绪的座席。", "Agents who can serve the line and are ready."),
            Unit.AGENTS,
            (each("line", 'sum by (line) (callcenter_line_agents{presence="ready",line=~"$line"})'),),
            Look.NUMBER,
            4,
            Levels(2, 1),
        ),
        Panel(
            Text("今日接通率", "Connect rate today"),
            Text(
                "零时起该线路的接通率，口径同年报。",
                "Connect rate of the line since midnight, by the report's own definition.",
            ),
            Unit.SHARE,
            (each("line", _report("connect_rate", "today")),),
            Look.NUMBER,
            4,
            Levels(0.95, 0.9),
            calm=Text("无来电", "no calls"),
        ),
        Panel(
            Text("今日来电", "Calls today"),
            Text("零时起该线路呼入且已结束的来电。", "Calls of the line that arrived since midnight and have ended."),
            Unit.CALLS,
            (each("line", _report("offered", "today")),),
            Look.NUMBER,
            4,
        ),
        Panel(
            Text("今日平均通话", "Average talk today"),
            Text(
                "零时起该线路已接听来电的平均通话，含专员通话。",
                "Average talk of the line's calls answered since midnight, specialists' talk included.",
            ),
            Unit.SECONDS,
            (each("line", _report("average_talk_seconds", "today")),),
            Look.NUMBER,
            4,
            calm=Text("无通话", "no talks"),
        ),
        Panel(
            Text("座席状态（该线路）", "Agents of the line by state"),
            Text(
                "能服务所选线路的座席按状态；选多条线路时一人会计入多次。",
                "Agents who can serve the chosen line, by state; with several lines chosen one agent counts in each.",
            ),
            Unit.AGENTS,
            (each("presence", 'sum by (presence) (callcenter_line_agents{presence!="logged_out",line=~"$line"})'),),
            Look.AREAS,
            8,
            words=PRESENCE,
        ),
        Panel(
            Text("等待时长分位（1 小时）", "Wait, quantiles of an hour"),
            Text(
                "近 1 小时已接听来电的等待：一半在中位数以内，九成在 90% 分位以内；由直方图估计。",
                "Wait of the calls answered in the last hour: half of them waited less than the median, nine of ten less than the 90 % "
                "quantile; estimated from buckets.",
            ),
            Unit.SECONDS,
            (
                plain("中位数", "Median", _quantile(0.5, "callcenter_wait_seconds", ',result="answered"')),
                plain("90% 分位", "90 %", _quantile(0.9, "callcenter_wait_seconds", ',result="answered"')),
            ),
            width=8,
        ),
        Panel(
            Text("通话时长分位（1 小时）", "Talk, quantiles of an hour"),
            Text(
                "近 1 小时已接听来电的通话时长分位；由直方图估计。",
                "Talk of the calls answered in the last hour; estimated from buckets.",
            ),
            Unit.SECONDS,
            (
                plain("中位数", "Median", _quantile(0.5, "callcenter_talk_seconds")),
                plain("90% 分位", "90 %", _quantile(0.9, "callcenter_talk_seconds")),
            ),
            width=8,
        ),
    ),
)

_SPECIALISTS = Row(
    Text("政策专员", "Policy specialists"),
    (
        Panel(
            Text("专员状态", "Specialists by state"),
            Text(
                "全部主题的专员按状态：可接、忙、话机离线、非服务时间；一人计入其每个主题。",
                "Specialists by state, all topics; one counts in each of his topics.",
            ),
            Unit.SPECIALISTS,
            (each("state", "sum by (state) (callcenter_specialists)"),),
            Look.AREAS,
            8,
            words=SPECIALIST,
        ),
        Panel(
            Text("各主题可接专员", "Specialists to be had, by topic"),
            Text(
                "各主题此刻可接转接的专员；为 0 的主题转接会落空。",
                "Specialists of each topic who can be reached now; at 0 a hand-over finds nobody.",
            ),
            Unit.SPECIALISTS,
            (each("topic", 'sum by (topic) (callcenter_specialists{state="reachable"})'),),
            Look.BARS,
            8,
            Levels(2, 1),
        ),
        Panel(
            Text("话机离线的专员", "Specialists with an unreachable phone"),
            Text(
                "各主题中话机离线的专员：请联系其部门。",
                "Specialists whose phone the PBX cannot reach, by topic: call their department.",
            ),
            Unit.SPECIALISTS,
            (each("topic", 'sum by (topic) (callcenter_specialists{state="unreachable"})'),),
            Look.BARS,
            8,
            Levels(1, 2),
        ),
        Panel(
            Text("转接结果（每小时）", "Hand-overs by result, per hour"),
            Text(
                "近 1 小时向专员的转接按结果：已接通、无专员、来电人已挂断。",
                "Hand-overs to specialists in the last hour by result.",
            ),
            Unit.CALLS,
            (each("result", "sum by (result) (increase(callcenter_handovers_total[1h]))"),),
            Look.AREAS,
            words=HANDOVER,
        ),
        Panel(
            Text("转接接通率（1 小时）", "Hand-overs reached, last hour"),
            Text(
                "近 1 小时的转接中接通专员的占比。",
                "Of the hand-overs of the last hour, the share that reached a specialist.",
            ),
            Unit.SHARE,
            (
                plain(
                    "转接接通率",
                    "Reached",
                    'sum(increase(callcenter_handovers_total{result="reached"}[1h]))'
                    " / (sum(increase(callcenter_handovers_total[1h])) > 0)",
                ),
            ),
            levels=Levels(0.8, 0.6),
            calm=Text("无转接", "no hand-overs"),
        ),
    ),
)

ENTERPRISE = Dashboard(
    "enterprise",
    Text("企业专线与政策专员", "The enterprise line and specialists"),
    Text("一条线路的细看，以及转接与政策专员。", "One line looked at closely; hand-overs and policy specialists."),
    (_LINE, _SPECIALISTS),
    (Choice.ENTERPRISE,),
    "now-12h",
)
