"""Series of people: agents by line, skill and state, their time, and policy specialists. Aggregates only: no series per agent."""

from metrics.series_shape import Kind, Series

_SPANS = (
    "SELECT presence, sum(next_ms - at_ms) FROM (SELECT presence, at_ms, lead(at_ms) OVER "
    "(PARTITION BY agent ORDER BY at_ms, outbox, segment, position) AS next_ms FROM presence_history) AS spans "
    "WHERE next_ms IS NOT NULL AND presence <> 'logged_out' GROUP BY presence"
)

OF_PEOPLE = (
    Series(
        "callcenter_agents",
        Kind.GAUGE,
        "Agents by what they are doing.",
        ("presence",),
        zh="座席人数，按状态分。",
        unit="agents",
    ),
    Series(
        "callcenter_line_agents",
        Kind.GAUGE,
        "Agents who satisfy the line's own need (its steps may widen it later), by what they are doing. "
        "An agent counts in each line that he can serve.",
        ("line", "presence"),
        zh="满足线路自身技能要求（放宽步骤不计）的座席，按状态分；一人计入其可服务的每条线路。",
        unit="agents",
    ),
    Series(
        "callcenter_agents_not_ready",
        Kind.GAUGE,
        "Agents who are not ready, by the plan's reasons; other: any other (missed, unreachable, set by a supervisor). "
        "Reasons that the plan marks as case work are the state case_work, and 0 here.",
        ("reason",),
        zh="置忙座席，按计划中的原因分；other：其他原因（漏接、离线、班长设置）。计划中标为办件的原因属 case_work 状态，此处为 0。",
        unit="agents",
    ),
    Series(
        "callcenter_line_agents_not_ready",
        Kind.GAUGE,
        "Agents who satisfy the line's own need and are not ready, by reason as in callcenter_agents_not_ready: the state not_ready of "
        "callcenter_line_agents, taken apart. An agent counts in each line that he can serve: over all lines use "
        "callcenter_agents_not_ready.",
        ("line", "reason"),
        zh="满足线路自身技能要求而置忙的座席，按原因分（同 callcenter_agents_not_ready），即 callcenter_line_agents 中 not_ready 的细分；"
        "一人计入其可服务的每条线路，全部线路合计请用 callcenter_agents_not_ready。",
        unit="agents",
    ),
    Series(
        "callcenter_agents_unreachable",
        Kind.GAUGE,
        "Agents logged in at a phone that the PBX cannot reach: nothing is offered to them.",
        zh="已登录但话机离线的座席：不会向其派发。",
        unit="agents",
    ),
    Series(
        "callcenter_skill_agents_logged_in",
        Kind.GAUGE,
        "Agents logged in who have the skill, at any level; each skill that some line of the plan asks for is there.",
        ("skill",),
        zh="具有该技能（不论等级）且已登录的座席；计划中任一线路要求的技能均列出。",
        unit="agents",
    ),
    Series(
        "callcenter_agent_seconds_total",
        Kind.COUNTER,
        "Time that agents spent in each state since the start, of all agents together, time logged out left out. "
        "The ledger's query tells the states that have ended; those that go on are added at each scrape.",
        ("presence",),
        _SPANS,
        zh="服务启动以来全体座席在各状态所用的时间，未登录不计。台账查询给出已结束的状态，进行中的在抓取时加上。",
        unit="seconds",
        per=1_000,
    ),
    Series(
        "callcenter_phone_occupancy_ratio",
        Kind.GAUGE,
        "Phone occupancy since the start, by the dictionary's definition: (ringing + dialling + talking + hold + wrap-up) / "
        "(the same + ready), as a share of 1. For any other time divide increases of callcenter_agent_seconds_total.",
        zh="服务启动以来的话务占用率，口径同指标字典：（振铃+外呼+通话+保持+事后处理）/（同上+就绪），以 1 为满。",
        unit="ratio",
    ),
    Series(
        "callcenter_workload_occupancy_ratio",
        Kind.GAUGE,
        "The same with case work (not-ready reasons that the plan marks so) on both sides: (phone + case work) / "
        "(the same + ready), as a share of 1.",
        zh="同上，分子分母均加办件（计划中标为办件的置忙原因）：（话务+办件）/（同上+就绪），以 1 为满。",
        unit="ratio",
    ),
    Series(
        "callcenter_specialists",
        Kind.GAUGE,
        "Policy specialists of a topic: reachable, unreachable (phone), busy (being dialled, talking, phone busy), "
        "closed (outside their hours). One counts in each of his topics.",
        ("topic", "state"),
        zh="各主题的政策专员：可达、离线、忙、非服务时间；一人计入其每个主题。",
        unit="specialists",
    ),
)
