"""The service itself: does it lead, does it hear the PBX, is it fast, does the ledger follow, what has it noted."""

from callcenter.grafana.shape import Dashboard, Levels, Look, Panel, Row, Text, Unit, each, plain
from callcenter.grafana.words import DIRECTION, RECORDING, SESSION


def _quantile(q: float, series: str) -> str:
    return f"histogram_quantile({q}, sum by (le) (rate({series}_bucket[$__rate_interval])))"


_WELL = Row(
    Text("是否正常", "Is it well"),
    (
        Panel(
            Text("主控", "Leads"),
            Text(
                "1：本实例分配来电。两个实例中恰有一个为 1；都不为 1 时来电走应急队列。",
                "1: this instance distributes calls. Of two instances exactly one has 1; with none, callers go to the "
                "fallback queue.",
            ),
            Unit.YES_NO,
            (each("instance", "max by (instance) (callcenter_leader)"),),
            Look.NUMBER,
            6,
        ),
        Panel(
            Text("备机", "Stands by"),
            Text(
                "1：本实例为备机，主控消失时接管。单机部署全为 0；成对部署中没有 1 时，主控消失后来电走应急队列。",
                "1: this instance would take over. A lone service has 0; of a pair one has 1, else nobody is there when the leader is lost.",
            ),
            Unit.YES_NO,
            (each("instance", "max by (instance) (callcenter_standing_by)"),),
            Look.NUMBER,
            6,
        ),
        Panel(
            Text("座席状态已共享", "Agents' states are shared"),
            Text(
                "1：座席最新状态已在 Redis 中，切换不会丢失；单机无须共享，也为 1。0：此刻接管将不知道部分座席状态。",
                "1: the newest states of agents are in Redis, so a take-over knows them; so too where there is no pair. 0: a take-over now "
                "would know less than it should.",
            ),
            Unit.YES_NO,
            (plain("共享", "Shared", "min(callcenter_shared_state_up or callcenter_leader >= bool 0)"),),
            Look.NUMBER,
            6,
            Levels(1, 0.5),
        ),
        Panel(
            Text("AMI 会话", "AMI sessions"),
            Text(
                "1：与 Asterisk 的会话已登录；指令与事件各一个。",
                "1: the session with Asterisk is logged in; there is one for actions and one for events.",
            ),
            Unit.YES_NO,
            (each("session", "max by (session) (callcenter_ami_link_up)"),),
            Look.NUMBER,
            6,
            Levels(1, 0.5),
            SESSION,
        ),
        Panel(
            Text("台账可写", "Ledger takes records"),
            Text(
                "1：该实例最近一次写入台账成功；0：其记录在磁盘上等待，来电不受影响。",
                "1: the instance's last write succeeded; 0: its records wait on disk, calls go on.",
            ),
            Unit.YES_NO,
            (each("instance", "max by (instance) (callcenter_database_up)"),),
            Look.NUMBER,
            8,
            Levels(1, 0.5),
        ),
        Panel(
            Text("待写入记录", "Records waiting"),
            Text(
                "已写盘而台账尚未收到的记录；持续增长说明数据库跟不上或不可用。",
                "Records on disk that the ledger does not have yet; growing for long: the database is slow or away.",
            ),
            Unit.RECORDS,
            (plain("待写入", "Waiting", "max(callcenter_outbox_records)"),),
            Look.NUMBER,
            8,
            Levels(1_000, 10_000),
        ),
        Panel(
            Text("主控任期号", "Epoch"),
            Text(
                "每次接管加大；变动说明发生过重启或切换。",
                "Grows with each take-over: a step says that there was a restart or a change of leader.",
            ),
            Unit.NUMBER,
            (plain("任期号", "Epoch", "max(callcenter_epoch)"),),
            Look.NUMBER,
            8,
        ),
    ),
)

_SPEED = Row(
    Text("快慢", "Speed"),
    (
        Panel(
            Text("决策用时", "Time to decide"),
            Text(
                "从事件进入到引擎给出决策；99% 超过 5 毫秒值得查看。",
                "From an event in to the engine's step out; 99 % above 5 ms is worth a look.",
            ),
            Unit.SECONDS,
            (
                plain("中位数", "Median", _quantile(0.5, "callcenter_decision_seconds")),
                plain("99% 分位", "99 %", _quantile(0.99, "callcenter_decision_seconds")),
            ),
            width=8,
        ),
        Panel(
            Text("接续用时", "Wish to effect"),
            Text(
                "从写下接续意愿到交换机动作；变慢说明 Asterisk 主机繁忙。",
                "From a wish written to its effect seen; growing: Asterisk's host is busy.",
            ),
            Unit.SECONDS,
            (
                plain("中位数", "Median", _quantile(0.5, "callcenter_wish_seconds")),
                plain("99% 分位", "99 %", _quantile(0.99, "callcenter_wish_seconds")),
            ),
            width=8,
        ),
        Panel(
            Text("事件延迟", "Event lag"),
            Text(
                "最新事件被处理时的年龄；持续大于 0.5 秒说明服务或网络过载。",
                "Age of the newest event when it was handled; above 0.5 s for long: service or network is overloaded.",
            ),
            Unit.SECONDS,
            (each("pbx", "max by (pbx) (callcenter_ami_event_lag_seconds)"),),
            width=8,
            levels=Levels(0.5, 2),
        ),
        Panel(
            Text("会话持续时间", "Sessions without a break"),
            Text(
                "AMI 会话不间断登录的时长；跌到 0 即断线。",
                "How long each AMI session has been logged in; a fall to 0 is a lost link.",
            ),
            Unit.SECONDS,
            (each("session", "max by (session) (callcenter_ami_link_seconds)"),),
            width=8,
            words=SESSION,
        ),
        Panel(
            Text("内存", "Memory"),
            Text(
                "服务进程占用的内存；持续单调增长应报告。",
                "Resident memory of the service's process; growth without end should be reported.",
            ),
            Unit.BYTES,
            (each("instance", 'max by (instance) (process_resident_memory_bytes{job="callcenter"})'),),
            width=8,
        ),
        Panel(
            Text("CPU", "CPU"),
            Text(
                "服务进程占用的核数；引擎只用一个核，接近 1 即到极限。",
                "Cores that the service's process uses; the engine has one, near 1 it is at its end.",
            ),
            Unit.CORES,
            (
                each(
                    "instance",
                    'max by (instance) (rate(process_cpu_seconds_total{job="callcenter"}[$__rate_interval]))',
                ),
            ),
            width=8,
            levels=Levels(0.7, 0.9),
        ),
        Panel(
            Text("中继占用", "Calls on the trunks"),
            Text(
                "此刻与外线相连的通话（转往外线另占的一路不计）；峰值接近运营商开通的并发数时，再来的电话打不进来，也不在任何数字中。",
                "Calls with the outside that are up (not the second channel of a caller who is sent on to an outside number): near what "
                "the carrier sells, further callers cannot get through and are in no figure.",
            ),
            Unit.CALLS,
            (each("direction", "sum by (direction) (callcenter_trunk_calls)"),),
            Look.AREAS,
            24,
            words=DIRECTION,
        ),
    ),
)

_TRUTH = Row(
    Text("数据可靠", "Truth"),
    (
        Panel(
            Text("进入应急队列的来电（每小时）", "Callers into the fallback, per hour"),
            Text(
                "服务运行期间进入交换机应急队列的来电人：应为 0，否则心跳曾延误。",
                "Callers who went into the PBX's own queue while the service lived: 0, or its heartbeat was late.",
            ),
            Unit.CALLERS,
            (plain("应急队列", "Fallback", "sum(increase(callcenter_fallback_entries_total[1h]))"),),
            width=8,
            levels=Levels(1, 5),
        ),
        Panel(
            Text("未知结果的来电", "Calls without an outcome"),
            Text(
                "服务启动以来没有结果的来电：结束时无人值守，且 CEL 未记录。",
                "Since the start: they ended while nobody watched, and CEL does not tell.",
            ),
            Unit.CALLS,
            (plain("未知", "Unknown", "max(callcenter_unknown_calls)"),),
            width=8,
            levels=Levels(1, 10),
        ),
        Panel(
            Text("今日未补录的无人值守时间", "Time of today nobody watched"),
            Text(
                "今天无人值守且 CEL 尚未补录的时间；长时间大于 0，今天的数字可能缺通话。",
                "In which nobody watched a PBX and of which CEL has not told yet; above 0 for long: figures of today "
                "may lack calls.",
            ),
            Unit.SECONDS,
            (plain("无人值守", "Unwatched", "max(callcenter_reconciliation_gap_seconds)"),),
            width=8,
            levels=Levels(60, 600),
        ),
        Panel(
            Text("录音（每小时）", "Recordings, per hour"),
            Text("近 1 小时的录音文件按核查结果。", "Sound files of the last hour by what is known of them."),
            Unit.FILES,
            (each("status", "sum by (status) (increase(callcenter_recordings_total[1h]))"),),
            Look.AREAS,
            8,
            words=RECORDING,
        ),
        Panel(
            Text("录音失败（每小时）", "Recordings that failed, per hour"),
            Text(
                "应有而没有、或内容为空的录音：磁盘满或目录缺失，请立即处理。",
                "Files that should be there and are not, or are empty: disk full or folder missing; act at once.",
            ),
            Unit.FILES,
            (plain("失败", "Failed", "sum(increase(callcenter_recording_failures_total[1h]))"),),
            width=8,
            levels=Levels(1, 3),
        ),
        Panel(
            Text("丢弃的记录（每小时）", "Records thrown away, per hour"),
            Text(
                "磁盘写不下而丢弃的记录：应为 0；台账将缺这些记录，请腾出空间后核对 CEL。",
                "Records that found no room on disk: 0, or the ledger lacks them; make room, then reconcile with CEL.",
            ),
            Unit.RECORDS,
            (plain("丢弃", "Thrown away", "sum(increase(callcenter_outbox_dropped_total[1h]))"),),
            width=8,
            levels=Levels(1, 1),
        ),
        Panel(
            Text("运维提示（每小时）", "Notes for the operator, per hour"),
            Text(
                "运维人员应知的事项：未知号码、找回的丢失事件、计划变更、时钟跳变。",
                "What an operator should know: unknown number, lost event found, plan change, clock step.",
            ),
            Unit.TIMES,
            (each("what", "sum by (what) (increase(callcenter_notes_total[1h]))"),),
            Look.AREAS,
            8,
            calm=Text("无", "none"),
        ),
        Panel(
            Text("未引起变化的事件（每小时）", "Events ignored, per hour"),
            Text(
                "迟到、重复、无关的事件按原因；少量正常，突增值得查看。",
                "Late, twice, foreign events by reason; some are normal, a jump is worth a look.",
            ),
            Unit.TIMES,
            (each("reason", "sum by (reason) (increase(callcenter_ignored_events_total[1h]))"),),
            Look.AREAS,
            8,
            calm=Text("无", "none"),
        ),
        Panel(
            Text("预计等待的误差（1 小时）", "Error of the estimated wait, last hour"),
            Text(
                "近 1 小时已接听来电：呼入时的预计与实际等待之差的绝对值。",
                "Calls answered in the last hour: how far the estimate at arrival was from the wait that came out.",
            ),
            Unit.SECONDS,
            (
                plain(
                    "中位数",
                    "Median",
                    "histogram_quantile(0.5, sum by (le) (rate(callcenter_estimated_wait_error_seconds_bucket[1h])))",
                ),
            ),
            width=8,
        ),
        Panel(
            Text("程序与计划版本", "Versions in force"),
            Text("运行中的程序版本与生效的计划版本。", "Version of the program, and of the plan in force."),
            Unit.NUMBER,
            (
                each("version", "max by (version) (callcenter_build_info)"),
                each("plan", "max by (plan) (callcenter_build_info)"),
            ),
            Look.NUMBER,
            24,
        ),
    ),
)

SERVICE = Dashboard(
    "service",
    Text("服务自身", "The service itself"),
    Text(
        "是否主控、是否听得到交换机、快慢、台账是否跟上、记下了什么。",
        "Does it lead, does it hear the PBX, is it fast, does the ledger follow, what has it noted.",
    ),
    (_WELL, _SPEED, _TRUTH),
    (),
    "now-6h",
)
