"""The floor now: who waits, who can take calls, how it has gone in the last hour."""

from callcenter.grafana.shape import Choice, Dashboard, Levels, Look, Panel, Query, Row, Text, Unit, each, plain
from callcenter.grafana.words import LINE_STATE, OFFER, OUTCOME, PRESENCE, REASON

_WAITING = Row(
    Text("等待", "Waiting"),
    (
        Panel(
            Text("排队等待", "Waiting"),
            Text(
                "所选线路此刻等待的来电人，含正在振铃的。",
                "Callers who wait in the chosen lines now, those included whose call rings.",
            ),
            Unit.CALLERS,
            (plain("等待", "Waiting", 'sum(callcenter_calls_waiting{line=~"$line"})'),),
            Look.NUMBER,
            4,
            Levels(5, 15),
        ),
        Panel(
            Text("最久等待", "Longest wait"),
            Text("此刻等待者中等得最久的时长，从呼入起算。", "Longest wait of those who wait now, from arrival on."),
            Unit.SECONDS,
            (plain("最久等待", "Longest wait", 'max(callcenter_oldest_wait_seconds{line=~"$line"})'),),
            Look.NUMBER,
            4,
            Levels(20, 60),
        ),
        Panel(
            Text("预计等待", "Estimated wait"),
            Text(
                "此刻呼入者的预计等待，取所选线路中最长的。无样本：无人可接，或近期接听太少。",
                "What a caller would wait who arrived now, the longest of the chosen lines. No sample: nobody could take him, or "
                "there were too few answers to tell.",
            ),
            Unit.SECONDS,
            (plain("预计等待", "Estimated wait", 'max(callcenter_estimated_wait_seconds{line=~"$line"})'),),
            Look.NUMBER,
            4,
            Levels(20, 60),
            calm=Text("无法估计", "cannot tell"),
        ),
        Panel(
            Text("就绪座席", "Agents ready"),
            Text(
                "全部座席中此刻就绪的人数；为 0 时新来电必须等待。",
                "Agents of the whole floor who are ready; at 0 every new caller waits.",
            ),
            Unit.AGENTS,
            (plain("就绪", "Ready", 'sum(callcenter_agents{presence="ready"})'),),
            Look.NUMBER,
            4,
            Levels(2, 1),
        ),
        Panel(
            Text("近 1 小时接通率", "Connect rate, last hour"),
            Text(
                "近 1 小时呼入且已结束的来电中人工接听的占比，全部线路，口径同年报；监管要求 95%。",
                "Of the calls that arrived in the last hour and have ended, the share that a person answered; all lines, by the "
                "report's own definition. The duty is 95 %.",
            ),
            Unit.SHARE,
            (plain("接通率", "Connect rate", 'max(callcenter_report_connect_rate{window="1h",line="all"})'),),
            Look.NUMBER,
            4,
            Levels(0.95, 0.9),
            calm=Text("无来电", "no calls"),
        ),
        Panel(
            Text("近 1 小时 N 秒接通率", "Service level, last hour"),
            Text(
                "近 1 小时在计划规定的秒数内接听的占比（默认呼入后 20 秒），全部线路。",
                "Of the calls offered in the last hour, the share answered within the plan's N seconds (20 from arrival unless it "
                "says otherwise); all lines.",
            ),
            Unit.SHARE,
            (plain("N 秒接通率", "Service level", 'max(callcenter_report_service_level{window="1h",line="all"})'),),
            Look.NUMBER,
            4,
            Levels(0.8, 0.7),
            calm=Text("无来电", "no calls"),
        ),
        Panel(
            Text("各线路等待人数", "Waiting by line"),
            Text("各线路等待的来电人随时间的变化。", "Callers who wait, by line, over time."),
            Unit.CALLERS,
            (each("line", 'sum by (line) (callcenter_calls_waiting{line=~"$line"})'),),
            Look.AREAS,
            8,
        ),
        Panel(
            Text("各线路最久等待", "Longest wait by line"),
            Text(
                "各线路此刻等待者中的最长等待；只升不降说明该线路没有人接。",
                "Longest wait of those who wait, by line; a line that only climbs has nobody who answers.",
            ),
            Unit.SECONDS,
            (each("line", 'max by (line) (callcenter_oldest_wait_seconds{line=~"$line"})'),),
            width=8,
        ),
        Panel(
            Text("各线路预计等待", "Estimated wait by line"),
            Text(
                "各线路新来电的预计等待；中断处为无法估计。",
                "What a new caller would wait, by line; a break in the curve: it could not be told.",
            ),
            Unit.SECONDS,
            (each("line", 'max by (line) (callcenter_estimated_wait_seconds{line=~"$line"})'),),
            width=8,
        ),
    ),
)

_AGENTS = Row(
    Text("座席", "Agents"),
    (
        Panel(
            Text("座席状态", "Agents by state"),
            Text("全部已签入座席按状态的人数。", "All agents who are logged in, by what they do."),
            Unit.AGENTS,
            (each("presence", 'sum by (presence) (callcenter_agents{presence!="logged_out"})'),),
            Look.AREAS,
            12,
            words=PRESENCE,
        ),
        Panel(
            Text("各线路就绪座席", "Agents ready by line"),
            Text(
                "能服务该线路（满足其技能要求）且就绪的座席；一人计入其可服务的每条线路。",
                "Agents who are ready and satisfy the line's own need; one counts in each line that he can serve.",
            ),
            Unit.AGENTS,
            (each("line", 'sum by (line) (callcenter_line_agents{presence="ready",line=~"$line"})'),),
            Look.BARS,
            6,
            Levels(2, 1),
        ),
        Panel(
            Text("各技能签入座席", "Agents logged in by skill"),
            Text(
                "具有该技能（不论等级）且已签入的座席；为 0 的技能无人可接。",
                "Agents logged in who have the skill, at any level; at 0 nobody can serve its calls.",
            ),
            Unit.AGENTS,
            (each("skill", "sum by (skill) (callcenter_skill_agents_logged_in)"),),
            Look.BARS,
            6,
            Levels(2, 1),
        ),
        Panel(
            Text("置忙原因", "Not ready by reason"),
            Text(
                "置忙座席按计划中的原因；other：其他原因（漏接、离线、班长设置）。",
                "Agents who are not ready, by the plan's reasons; other: missed calls, an unreachable phone, a "
                "supervisor.",
            ),
            Unit.AGENTS,
            (each("reason", "sum by (reason) (callcenter_agents_not_ready)"),),
            Look.AREAS,
            6,
            words=REASON,
        ),
        Panel(
            Text("各线路置忙原因", "Not ready by line and reason"),
            Text(
                "能服务该线路（满足其技能要求）而此刻置忙的座席，按原因；一人计入其可服务的每条线路。",
                "Agents who satisfy the line's own need and are not ready now, by reason; one counts in each line that he can serve.",
            ),
            Unit.AGENTS,
            (
                Query(
                    'sum by (line, reason) (callcenter_line_agents_not_ready{line=~"$line"}) > 0',
                    Text("{{line}}：{{reason}}", "{{line}}: {{reason}}"),
                ),
            ),
            Look.BARS,
            6,
            calm=Text("无人置忙", "nobody"),
        ),
        Panel(
            Text("话务占用率（15 分钟）", "Phone occupancy, 15 minutes"),
            Text(
                "近 15 分钟座席在电话工作（振铃、外呼、通话、保持、事后处理）上的时间占（同上加就绪）的比例。",
                "Of the agents' time of the last 15 minutes in phone work or ready, the share in phone work (ringing, dialling, talking, "
                "hold, wrap-up). Near 100 % for long wears people out, and callers wait.",
            ),
            Unit.SHARE,
            (
                plain(
                    "占用率",
                    "Occupancy",
                    'sum(rate(callcenter_agent_seconds_total{presence=~"ringing|dialling|talking|hold|acw"}[15m]))'
                    ' / (sum(rate(callcenter_agent_seconds_total{presence=~"ringing|dialling|talking|hold|acw|ready"}[15m])) > 0)',
                ),
            ),
            width=6,
            levels=Levels(0.85, 0.95),
        ),
        Panel(
            Text("话机离线的座席", "Agents with an unreachable phone"),
            Text(
                "已签入但话机无法振铃的座席：不会向其派发；请检查话机或网络。",
                "Logged in at a phone that the PBX cannot reach: they get no calls. Look at phone or network.",
            ),
            Unit.AGENTS,
            (plain("话机离线", "Phone away", "sum(callcenter_agents_unreachable)"),),
            width=6,
            levels=Levels(1, 5),
        ),
    ),
)

_CALLS = Row(
    Text("来电", "Calls"),
    (
        Panel(
            Text("每分钟来电", "Calls per minute"),
            Text(
                "各线路每分钟结束的来电（一通来电在结束时计数）。",
                "Calls per minute by line; a call is counted when it ends.",
            ),
            Unit.CALLS_PER_MINUTE,
            (
                each(
                    "line", '60 * sum by (line) (rate(callcenter_calls_offered_total{line=~"$line"}[$__rate_interval]))'
                ),
            ),
            Look.AREAS,
            8,
        ),
        Panel(
            Text("来电结果（每小时）", "Outcomes, per hour"),
            Text(
                "近 1 小时结束的来电按其唯一结果；精确值见报表。",
                "Calls that ended in the last hour by their one outcome; the report is exact.",
            ),
            Unit.CALLS,
            (each("outcome", 'sum by (outcome) (increase(callcenter_calls_ended_total{line=~"$line"}[1h]))'),),
            Look.AREAS,
            8,
            words=OUTCOME,
        ),
        Panel(
            Text("派发结果（每小时）", "Offers by result, per hour"),
            Text(
                "近 1 小时向座席与专员的派发按结果；漏接增多说明有人离席未置忙。",
                "Offers of the last hour by result; many not answered: somebody left his seat while ready.",
            ),
            Unit.OFFERS,
            (each("result", "sum by (result) (increase(callcenter_offers_total[1h]))"),),
            Look.AREAS,
            8,
            words=OFFER,
        ),
        Panel(
            Text("班长对线路的指令", "Supervisors' orders on lines"),
            Text(
                "此刻处于各状态的线路数：按计划、停止接入、应急转移。",
                "Lines in each state that an order gave them: as planned, drained, emergency.",
            ),
            Unit.NUMBER,
            (each("state", 'sum by (state) (callcenter_line_state{line=~"$line"})'),),
            Look.BARS,
            24,
            words=LINE_STATE,
        ),
    ),
)

FLOOR = Dashboard(
    "floor",
    Text("现场实况", "The floor now"),
    Text("谁在等、谁能接、近一小时如何。", "Who waits, who can take calls, how the last hour went."),
    (_WAITING, _AGENTS, _CALLS),
    (Choice.LINE,),
    "now-3h",
)
