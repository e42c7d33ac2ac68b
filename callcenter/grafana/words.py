"""What label values are called on the dashboards; each word of the code has its text here (a test holds it)."""

from collections.abc import Mapping

from callcenter.grafana.shape import Text

PRESENCE: Mapping[str, Text] = {
    "ready": Text("就绪", "Ready"),
    "ringing": Text("振铃", "Ringing"),
    "talking": Text("通话", "Talking"),
    "hold": Text("保持", "On hold"),
    "acw": Text("事后处理", "Wrap-up"),
    "dialling": Text("外呼", "Dialling"),
    "case_work": Text("办件", "Case work"),
    "not_ready": Text("置忙", "Not ready"),
    "logged_out": Text("未签入", "Logged out"),
}
OUTCOME: Mapping[str, Text] = {
    "agent_answered": Text("人工接听", "Answered"),
    "abandoned_ivr": Text("欢迎语中放弃", "Abandoned in the greeting"),
    "abandoned_queue": Text("排队中放弃", "Abandoned waiting"),
    "abandoned_ringing": Text("振铃中放弃", "Abandoned ringing"),
    "callback_requested": Text("预约回呼", "Call-back asked for"),
    "voicemail": Text("留言", "Voicemail"),
    "self_service": Text("自助", "Self-service"),
    "overflowed_out": Text("溢出至外部号码", "Overflowed outside"),
    "rejected": Text("拒接", "Rejected"),
    "failed": Text("系统失败", "Failed"),
    "unknown": Text("未知", "Unknown"),
}
OFFER: Mapping[str, Text] = {
    "accepted": Text("已接", "Accepted"),
    "refused": Text("拒接", "Refused"),
    "not_answered": Text("漏接", "Not answered"),
    "busy": Text("话机忙", "Busy"),
    "unreachable": Text("话机离线", "Unreachable"),
    "caller_gone": Text("来电人已挂断", "Caller gone"),
    "timed_out": Text("事件丢失", "Timed out"),
    "failed": Text("系统失败", "Failed"),
}
HANDOVER: Mapping[str, Text] = {
    "reached": Text("已接通专员", "Reached"),
    "no_specialist": Text("无专员可接", "No specialist"),
    "caller_gone": Text("来电人已挂断", "Caller gone"),
}
SPECIALIST: Mapping[str, Text] = {
    "reachable": Text("可接", "Reachable"),
    "unreachable": Text("话机离线", "Unreachable"),
    "busy": Text("忙", "Busy"),
    "closed": Text("非服务时间", "Closed"),
}
LINE_STATE: Mapping[str, Text] = {
    "open": Text("按计划", "As planned"),
    "drained": Text("停止接入", "Drained"),
    "emergency": Text("应急转移", "Emergency"),
}
DIRECTION: Mapping[str, Text] = {
    "inbound": Text("呼入", "Inbound"),
    "outbound": Text("呼出", "Outbound"),
}
WINDOW: Mapping[str, Text] = {
    "5m": Text("近 5 分钟", "5 minutes"),
    "1h": Text("近 1 小时", "1 hour"),
    "today": Text("今日", "Today"),
    "24h": Text("近 24 小时", "24 hours"),
}
RECORDING: Mapping[str, Text] = {
    "kept": Text("已保存", "Kept"),
    "not_recorded": Text("未录到", "Not recorded"),
    "unchecked": Text("未核查", "Unchecked"),
}
SESSION: Mapping[str, Text] = {
    "actions": Text("指令会话", "Actions"),
    "events": Text("事件会话", "Events"),
}
REASON: Mapping[str, Text] = {
    "break": Text("小休", "Break"),
    "meal": Text("用餐", "Meal"),
    "training": Text("培训", "Training"),
    "meeting": Text("会议", "Meeting"),
    "write_up": Text("填单", "Write-up"),
    "other": Text("其他", "Other"),
}
"""Reasons of the shipped plan; those of a plan of one's own are shown as they are."""
