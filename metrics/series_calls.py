"""Series of calls: what arrived, what became of it, waits and talks, hand-overs, sound files."""

from metrics.series_shape import Kind, Series

_ENDED = "FROM calls WHERE direction = 'inbound' AND NOT excluded AND ended_ms IS NOT NULL"

OF_CALLS = (
    Series(
        "callcenter_calls_offered_total",
        Kind.COUNTER,
        "Inbound calls that arrived and have ended, hang-ups in the greeting included: the connect rate's denominator unless the plan "
        "leaves them out.",
        ("line",),
        f"SELECT line_code, count(*) {_ENDED} GROUP BY line_code",
        zh="已呼入且已结束的来电（来电总量，含欢迎语中挂断的）；除非计划不计后者，即接通率的分母。",
        unit="calls",
    ),
    Series(
        "callcenter_calls_answered_total",
        Kind.COUNTER,
        "Inbound calls that a person answered (outcome agent_answered).",
        ("line",),
        f"SELECT line_code, count(*) {_ENDED} AND outcome = 'agent_answered' GROUP BY line_code",
        zh="由人工接听的来电（座席接通量）。",
        unit="calls",
    ),
    Series(
        "callcenter_calls_abandoned_total",
        Kind.COUNTER,
        "Inbound calls whose caller hung up before an answer, in greeting, queue or ringing, whatever the plan's choice.",
        ("line",),
        f"SELECT line_code, count(*) {_ENDED} AND outcome IN "
        "('abandoned_ivr', 'abandoned_queue', 'abandoned_ringing') GROUP BY line_code",
        zh="接听前来电人自行挂断的来电：欢迎语中、排队中或振铃中，不随计划口径变化。",
        unit="calls",
    ),
    Series(
        "callcenter_calls_ended_total",
        Kind.COUNTER,
        "Inbound calls by their one outcome; unknown: ended while nobody watched. Adds up to offered.",
        ("line", "outcome"),
        f"SELECT line_code, coalesce(outcome, 'unknown'), count(*) {_ENDED} GROUP BY 1, 2",
        zh="按唯一结果分的来电；unknown：无人值守时结束。各结果之和等于来电总量。",
        unit="calls",
    ),
    Series(
        "callcenter_wait_seconds",
        Kind.HISTOGRAM,
        "Wait of inbound calls from arrival to the first answer (answered) or to hand-over or end (unanswered).",
        ("line", "result"),
        "SELECT line_code, CASE WHEN outcome = 'agent_answered' THEN 'answered' ELSE 'unanswered' END, wait_ms "
        + _ENDED,
        zh="来电等待时长：从呼入到首次接听（answered），未接听的到转出或结束（unanswered）。",
        unit="seconds",
    ),
    Series(
        "callcenter_talk_seconds",
        Kind.HISTOGRAM,
        "Talk of answered inbound calls: bridged with seats or specialists, hold included, overlap once.",
        ("line",),
        f"SELECT line_code, talk_ms {_ENDED} AND outcome = 'agent_answered'",
        zh="已接听来电的通话时长：与座席或政策专员的通话，含保持，多方重叠只计一次。",
        unit="seconds",
    ),
    Series(
        "callcenter_estimated_wait_seconds",
        Kind.GAUGE,
        "Estimated wait of a caller who would arrive now, as `metrics/estimate.py` says; "
        "no sample: nobody could take him, or too few answers to tell.",
        ("line",),
        zh="此刻呼入者的预计等待时长；无样本：无人可接，或接听次数太少无法估计。",
        unit="seconds",
    ),
    Series(
        "callcenter_estimated_wait_error_seconds",
        Kind.HISTOGRAM,
        "Answered calls: how far the estimate made at the arrival was from the wait that came out, either way.",
        ("line",),
        zh="已接听来电：呼入时的预计等待与实际等待之差的绝对值。",
        unit="seconds",
    ),
    Series(
        "callcenter_offers_total",
        Kind.COUNTER,
        "Offers to seats and specialists by their one result.",
        ("result",),
        "SELECT result, count(*) FROM offers JOIN calls USING (pbx, uniqueid) "
        "WHERE NOT excluded AND result IS NOT NULL GROUP BY result",
        zh="向座席和政策专员的派发，按唯一结果分。",
        unit="offers",
    ),
    Series(
        "callcenter_handovers_total",
        Kind.COUNTER,
        "Hand-overs to policy specialists by their one result: reached, no_specialist, caller_gone.",
        ("result",),
        "SELECT result, count(*) FROM hand_overs JOIN calls USING (pbx, uniqueid) "
        "WHERE NOT excluded AND result IS NOT NULL GROUP BY result",
        zh="向政策专员的转接，按唯一结果分：已接通、无专员、来电人已挂断。",
        unit="hand-overs",
    ),
    Series(
        "callcenter_fallback_entries_total",
        Kind.COUNTER,
        "Callers who went into the PBX's own queue while this service lived: 0, or its heartbeat was late.",
        (),
        "SELECT count(*) FROM notes WHERE kind = 'noted' AND what = 'fallback_entered'",
        zh="服务运行期间进入交换机应急队列的来电人：应为 0，否则心跳曾延误。",
        unit="callers",
    ),
    Series(
        "callcenter_recordings_total",
        Kind.COUNTER,
        "Sound files of calls by what is known of them: kept, not_recorded, unchecked (the service cannot see the folder).",
        ("status",),
        "SELECT status, count(*) FROM recordings WHERE status IS NOT NULL GROUP BY status",
        zh="录音文件，按核查结果分：已保存、未录到、未核查（服务看不到该目录）。",
        unit="files",
    ),
    Series(
        "callcenter_recording_failures_total",
        Kind.COUNTER,
        "Sound files that should be there and are not, or hold nothing (disk full, folder missing). Alert when it grows.",
        (),
        "SELECT count(*) FROM recordings WHERE status = 'not_recorded'",
        zh="应有而没有、或内容为空的录音文件（磁盘满、目录缺失）。增长时应告警。",
        unit="files",
    ),
    Series(
        "callcenter_connect_ratio",
        Kind.GAUGE,
        "Connect rate of the calls that have ended since the start, by the report's own definition, as a share of 1.",
        ("line",),
        zh="服务启动以来已结束来电的接通率，口径与报表相同，以 1 为满。",
        unit="ratio",
    ),
    Series(
        "callcenter_trunk_calls",
        Kind.GAUGE,
        "Calls with the outside that are up now: what is taken of the trunks, but for the second channel of a caller who is sent on to an "
        "outside number or talks to a specialist on one. Callers refused for want of a channel reach nobody here and are in no "
        "figure: look at its highest value beside what the carrier sells.",
        ("direction",),
        zh="此刻与外线相连的通话数，即中继占用；转往外部号码的来电、与外线专员通话的来电另占的一路不计。因中继无空闲而被拒的来电不到达本系统，不在任何数字中：请将其峰值与运营商开通的并发数对照。",
        unit="calls",
    ),
    Series(
        "callcenter_calls_waiting",
        Kind.GAUGE,
        "Callers who wait in the line now, ringing included.",
        ("line",),
        zh="此刻在线路中等待的来电人，含正在振铃的。",
        unit="callers",
    ),
    Series(
        "callcenter_oldest_wait_seconds",
        Kind.GAUGE,
        "Longest wait of those who wait now.",
        ("line",),
        zh="此刻等待者中最长的等待时长。",
        unit="seconds",
    ),
    Series(
        "callcenter_line_state",
        Kind.GAUGE,
        "1: the state that a supervisor's order gives the line (open: as the plan says).",
        ("line", "state"),
        zh="1：班长指令给线路的状态（open：按计划）。",
        unit="0 or 1",
    ),
    Series(
        "callcenter_unknown_calls",
        Kind.GAUGE,
        "Inbound calls without an outcome since the start: they ended while nobody watched, and CEL does not tell.",
        zh="服务启动以来没有结果的来电：在无人值守时结束，且 CEL 未记录。",
        unit="calls",
    ),
)
