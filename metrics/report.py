"""The call-service table: answered, outbound, total; what does not apply prints `—`, never 0.

Rows and columns are named as the public reports name them. Volumes are counts of calls with a talk: answered inbound
calls, outbound calls that the called party answered. Every cell is one figure of the dictionary, rounded once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from metrics.dictionary import FIGURES, OUTCOMES, PLACES, Totals, Unit
from metrics.rounding import NOT_APPLICABLE, Rounding, printed

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "zh": ("", "话务量（通）", "接通率", "平均等待时长（秒）", "平均通话时长（秒）", "最大通话时长（秒）"),
    "en": ("", "Calls", "Connect rate", "Average wait (s)", "Average talk (s)", "Longest talk (s)"),
}
TITLES: Mapping[str, str] = {"zh": "话务服务", "en": "Call service"}
ROWS: tuple[tuple[Mapping[str, str], tuple[str | None, ...]], ...] = (
    (
        {"zh": "接听", "en": "Answered"},
        ("agent_answered", "connect_rate", "avg_wait_s", "avg_talk_s", "max_talk_s"),
    ),
    (
        {"zh": "呼出", "en": "Outbound"},
        ("outbound_answered", None, None, "outbound_avg_talk_s", "outbound_max_talk_s"),
    ),
    (
        {"zh": "合计", "en": "Total"},
        ("total_volume", None, None, "total_avg_talk_s", "total_max_talk_s"),
    ),
)
"""Each row's name and the figure of each column; None: not applicable."""

DEFINITIONS: Mapping[str, tuple[str, ...]] = {
    "zh": (
        "接通率 = 座席接通量 / 来电总量；来电总量含在语音导航中挂断的来电，不含测试与内部呼叫。",
        "平均等待时长 =（座席接通时间，或未接通前挂断、转出时间）- 来电呼入时间，对全部来电平均。",
        "通话时长含保持和三方通话，三方只计一次；不含排队、振铃和话后处理。呼出只计被叫已接听的通话。",
        "通话计入其呼入时所在的时段；各数由精确值四舍五入一次。",
        "被运营商或中继限额拒绝的来电不到达本系统，不在来电总量中。",
    ),
    "en": (
        "Connect rate = calls answered by an agent / calls offered; offered includes hang-ups in the greeting, not tests.",
        "Average wait = (answered, else hung up or handed out) - arrived, over all calls offered.",
        "Talk includes hold and three-way (counted once), not queue, ringing or wrap-up. Outbound: answered calls only.",
        "A call belongs to the period in which it arrived; each figure is rounded once from the exact value, half up.",
        "Callers refused by the carrier or at the trunk's own limit never reach us: they are not among the calls offered.",
    ),
}
_NOTES: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "offered": "来电总量 {offered}：{split}",
        "open": "未定稿：{not_ended} 通电话尚未结束，未计入以上各数。",
        "running": "未定稿：统计时段尚未结束。",
        "unknown": "{unknown} 通来电的结果未知（服务不在时结束），计入来电总量。",
        "excluded": "另有 {excluded} 通测试或内部呼叫，不计入。",
        "none": "该时段没有电话。",
        "attempts": "呼出 {outbound_attempts} 次，接通 {outbound_answered} 次（{rate}）。",
        "half_even": "精确值恰在中间时按 GB/T 8170 取偶数。",
    },
    "en": {
        "offered": "Calls offered: {offered} = {split}",
        "open": "Not final: {not_ended} calls have not ended and are in none of these figures.",
        "running": "Not final: the period is not over.",
        "unknown": "{unknown} calls ended with an unknown outcome (while the service was away); they count as offered.",
        "excluded": "Besides, {excluded} test or internal calls, not counted.",
        "none": "No calls in this period.",
        "attempts": "Outbound: {outbound_attempts} attempts, {outbound_answered} reached ({rate}).",
        "half_even": "Exact ties are rounded to the even neighbour (GB/T 8170).",
    },
}
_OUTCOME_NAMES: Mapping[str, str] = {
    "agent_answered": "座席接通",
    "abandoned_ivr": "导航中放弃",
    "abandoned_queue": "排队中放弃",
    "abandoned_ringing": "振铃中放弃",
    "callback_requested": "预约回呼",
    "voicemail": "留言",
    "self_service": "自助服务",
    "overflowed_out": "转出",
    "rejected": "拒绝",
    "failed": "系统失败",
    "unknown": "未知",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table ready to print: header, rows of text, notes below it."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def figure_text(name: str, totals: Totals, mode: Rounding = Rounding.HALF_UP) -> str:
    """Return a figure of the dictionary as it is printed, e.g. `71.6%`."""
    figure = FIGURES[name]
    suffix = "%" if figure.unit is Unit.PERCENT else ""
    return printed(figure.value(totals), PLACES[figure.unit], suffix, mode)


def call_service_table(
    totals: Totals, lang: str = "zh", *, is_over: bool = True, mode: Rounding = Rounding.HALF_UP
) -> Table:
    """Return the call-service table of a period's totals in `zh` or `en`. `is_over`: the period has passed."""
    rows = tuple(
        (names[lang], *(NOT_APPLICABLE if name is None else figure_text(name, totals, mode) for name in figures))
        for names, figures in ROWS
    )
    notes = (*_notes(totals, lang, is_over, mode), *DEFINITIONS[lang])
    return Table(TITLES[lang], COLUMNS[lang], rows, notes)


def _notes(totals: Totals, lang: str, is_over: bool, mode: Rounding) -> list[str]:
    """What must be known to read the figures: the outcome split, and whether and why they are not final."""
    parts = [(name, totals[name]) for name in (*OUTCOMES, "unknown") if totals[name]]
    names: Mapping[str, str] = _OUTCOME_NAMES if lang == "zh" else {}
    split = " + ".join(f"{count} {names.get(name, name)}" for name, count in parts)
    rate = figure_text("outbound_reached_rate", totals, mode)
    wanted = {
        "open": bool(totals["not_ended"]),
        "running": not is_over,
        "none": not any(totals[name] for name in ("offered", "outbound_attempts", "not_ended")),
        "offered": bool(totals["offered"]),
        "attempts": bool(totals["outbound_attempts"]),
        "unknown": bool(totals["unknown"]),
        "excluded": bool(totals["excluded"]),
        "half_even": mode is Rounding.HALF_EVEN,
    }
    return [
        _NOTES[lang][key].format(**totals, split=split, rate=rate) for key, is_wanted in wanted.items() if is_wanted
    ]
