"""Figures of calls: volumes and outcomes, rates, waits, talk."""

from collections.abc import Iterator, Mapping
from itertools import pairwise

from metrics.choices import Choices, Clock, OutboundVolume
from metrics.figures import NO_TESTS, Figure, Unit
from metrics.totals import ABANDON_EDGES_S, ABANDONED, OUTCOMES, REASONS, abandon_bin
from metrics.words import Words

OUTCOME_WORDS: Mapping[str, Words] = {
    "agent_answered": Words("answered by an agent", "座席接通"),
    "abandoned_ivr": Words("hung up in the greeting", "导航中放弃"),
    "abandoned_queue": Words("hung up in the queue", "排队中放弃"),
    "abandoned_ringing": Words("hung up while a phone rang", "振铃中放弃"),
    "callback_requested": Words("call-back requested", "预约回呼"),
    "voicemail": Words("left a message", "留言"),
    "self_service": Words("self-service", "自助服务"),
    "overflowed_out": Words("sent to an outside number", "转出"),
    "rejected": Words("refused by the line", "拒绝"),
    "failed": Words("dropped by the system", "系统失败"),
    "unknown": Words("unknown", "未知"),
}
REASON_WORDS: Mapping[str, Words] = {
    "busy": Words("all lines busy", "线路忙"),
    "closed": Words("closed", "非服务时间"),
    "full": Words("queue full", "排队已满"),
    "max_wait": Words("longest wait reached", "等待超时"),
    "no_agent": Words("nobody logged in", "无座席登录"),
}
_OFFERED = Words("all inbound external calls that arrived", "到达的全部外部来电")
_OFFERED_QUEUED = Words(
    "inbound external calls that arrived, without hang-ups in the greeting",
    "到达的外部来电，不含在语音导航中挂断的来电",
)
_OUTBOUND = {
    OutboundVolume.CONNECTED: Words("outbound calls that the called party answered", "被叫已接听的呼出通话"),
    OutboundVolume.ATTEMPTS: Words("calls that agents dialled out", "座席拨出的次数"),
}
NO_TESTS_OR_IMPORTS = Words(
    f"{NO_TESTS.en}; calls of a former system, which do not tell it", f"{NO_TESTS.zh}；未提供此项的导入通话"
)
BINS_S = tuple(pairwise((0, *ABANDON_EDGES_S, None)))
"""Bins of the abandonment distribution: waits in [lower, upper) seconds; None: no upper edge."""


def call_figures(choices: Choices) -> Iterator[Figure]:
    """Return the figures of calls under these choices."""
    yield from (
        *_volumes(choices),
        *_outcomes(),
        *_rates(choices),
        *_waits(choices),
        *_later_waits(),
        *_talks(choices),
        *_bins(choices),
        *_after(),
    )


def abandoned_of(choices: Choices) -> tuple[str, ...]:
    """Return the outcomes that are abandoned calls, as the choice about the greeting has it."""
    return ABANDONED if choices.ivr_hangups_offered else ABANDONED[1:]


def of_offered(choices: Choices, total: str = "offered", minus: str = "abandoned_ivr") -> tuple[str, ...]:
    """Return the totals that are the calls offered (or their `total`), as the choice about the greeting has it."""
    return (total,) if choices.ivr_hangups_offered else (total, f"-{minus}")


def _outbound_volume(choices: Choices) -> str:
    return "outbound_attempts" if choices.outbound_volume is OutboundVolume.ATTEMPTS else "outbound_answered"


def _volumes(choices: Choices) -> Iterator[Figure]:
    yield Figure(
        "offered",
        Unit.CALLS,
        of_offered(choices),
        title=Words("Calls offered", "来电总量"),
        counts=_OFFERED if choices.ivr_hangups_offered else _OFFERED_QUEUED,
    )
    yield Figure(
        "outbound_answered",
        Unit.CALLS,
        (_outbound_volume(choices),),
        title=Words("Outbound calls", "呼出话务量"),
        counts=_OUTBOUND[choices.outbound_volume],
    )
    yield Figure(
        "outbound_attempts",
        Unit.CALLS,
        ("outbound_attempts",),
        title=Words("Outbound attempts", "呼出次数"),
        counts=_OUTBOUND[OutboundVolume.ATTEMPTS],
    )
    yield Figure(
        "outbound_reached",
        Unit.CALLS,
        ("outbound_answered",),
        title=Words("Outbound calls reached", "呼出接通量"),
        counts=_OUTBOUND[OutboundVolume.CONNECTED],
    )
    yield Figure(
        "total_volume",
        Unit.CALLS,
        ("agent_answered", _outbound_volume(choices)),
        title=Words("Total calls", "合计话务量"),
        counts=Words("answered inbound calls plus outbound calls", "接听量与呼出量之和"),
    )
    yield Figure(
        "agent_answers",
        Unit.CALLS,
        ("agent_answers",),
        title=Words("Answers by seats", "座席接听次数"),
        counts=Words("answers counted per seat: one call may have several", "按座席计的接听次数，一通可有多次"),
    )
    yield Figure(
        "specialist_answers",
        Unit.CALLS,
        ("specialist_answers",),
        title=Words("Answers by specialists", "政策专员接听次数"),
        counts=Words("talks of policy specialists", "政策专员参与的通话次数"),
        is_ours=True,
        excludes=NO_TESTS_OR_IMPORTS,
    )


def _outcomes() -> Iterator[Figure]:
    for word in OUTCOMES:
        said = OUTCOME_WORDS[word]
        counts = Words(f"inbound calls with the outcome {word}", f"结果为“{said.zh}”的来电")
        title = Words(said.en[0].upper() + said.en[1:], said.zh)
        if word == "agent_answered":
            title = Words("Calls answered by agents", "座席接通量")
        yield Figure(word, Unit.CALLS, (word,), title=title, counts=counts)
    for reason in REASONS:
        said = REASON_WORDS[reason]
        yield Figure(
            f"rejected_{reason}",
            Unit.CALLS,
            (f"rejected_{reason}",),
            title=Words(f"Refused: {said.en}", f"拒绝：{said.zh}"),
            counts=Words(f"inbound calls refused because {said.en}", f"因{said.zh}而拒绝的来电"),
        )
    yield Figure(
        "inbound_ended",
        Unit.CALLS,
        (*OUTCOMES, "unknown"),
        title=Words("Sum: calls that arrived", "合计：全部来电"),
        counts=Words("the outcomes added up", "各结果之和"),
    )
    yield Figure(
        "unknown",
        Unit.CALLS,
        ("unknown",),
        title=Words("Unknown", "未知"),
        counts=Words(
            "inbound calls of whose outcome nobody knows: nobody watched when they ended, or their former system does not tell",
            "结果未知的来电：结束时无人值守，或原系统未记录",
        ),
    )
    yield Figure(
        "blocked",
        Unit.CALLS,
        ("blocked",),
        title=Words("Besides, not counted: calls of blocked numbers", "另有（不计入）：黑名单号码来电"),
        counts=Words(
            "callers turned away by the list of blocked numbers: no outcome, in no other figure",
            "因号码列入黑名单而被拒的来电：无结果，不在其他任何数字中",
        ),
        excludes=Words(
            "calls that have not ended; those who were answered all the same", "尚未结束的通话；仍被接听的来电"
        ),
    )


def _rates(choices: Choices) -> Iterator[Figure]:
    yield Figure(
        "connect_rate",
        Unit.PERCENT,
        ("agent_answered",),
        of_offered(choices),
        title=Words("Connect rate", "接通率"),
        counts=Words("calls answered by an agent / calls offered", "座席接通量 / 来电总量"),
    )
    yield Figure(
        "connect_rate_excl_short",
        Unit.PERCENT,
        ("agent_answered",),
        (*of_offered(choices), *_short_taken_off(choices)),
        title=Words("Connect rate without short calls", "接听比例（不计速挂）"),
        counts=Words(
            f"calls answered / (offered - unanswered calls shorter than {choices.short_s} s)",
            f"座席接通量 /（来电总量 - 等待不足{choices.short_s}秒的未接来电）",
        ),
        clock=Clock.ARRIVAL,
    )
    yield Figure(
        "abandon_rate",
        Unit.PERCENT,
        abandoned_of(choices),
        of_offered(choices),
        title=Words("Abandon rate", "放弃率"),
        counts=Words("callers who hung up unanswered / calls offered", "未接通前挂断的来电 / 来电总量"),
    )
    yield Figure(
        "abandoned",
        Unit.CALLS,
        abandoned_of(choices),
        title=Words("Abandoned", "放弃"),
        counts=Words("callers who hung up unanswered, in greeting, queue or ringing", "未接通前挂断的来电"),
    )
    yield Figure(
        "short_abandons",
        Unit.CALLS,
        tuple(f"short_{word}" for word in abandoned_of(choices)),
        title=Words("Short abandons", "速挂"),
        counts=Words(f"abandoned within less than {choices.short_s} s", f"等待不足{choices.short_s}秒即挂断的来电"),
        clock=Clock.ARRIVAL,
    )
    yield Figure(
        "outbound_reached_rate",
        Unit.PERCENT,
        ("outbound_answered",),
        ("outbound_attempts",),
        title=Words("Outbound reached rate", "呼出接通率"),
        counts=Words("called party answered / attempts", "被叫接听的通话 / 呼出次数"),
    )


def _short_taken_off(choices: Choices) -> tuple[str, ...]:
    """Short unanswered calls leave the denominator once, even where hang-ups in the greeting are not in it."""
    return ("-short_unanswered",) if choices.ivr_hangups_offered else ("-short_unanswered", "short_abandoned_ivr")


def _waits(choices: Choices) -> Iterator[Figure]:
    yield Figure(
        "avg_wait_s",
        Unit.SECONDS,
        of_offered(choices, "wait_ms", "wait_ivr_ms"),
        of_offered(choices),
        title=Words("Average wait", "平均等待时长"),
        counts=Words(
            "(first answered, else end of the call or hand-over, minus arrived) / calls offered",
            "（首次接通，未接通则为挂断或转出，减来电呼入）之和 / 来电总量",
        ),
        clock=Clock.ARRIVAL,
    )
    yield Figure(
        "avg_queue_wait_s",
        Unit.SECONDS,
        ("queue_wait_ms",),
        ("queued",),
        title=Words("Average wait in the queue", "平均排队时长"),
        counts=Words("the same from the queue's beginning / calls that were queued", "自进入排队起 / 进入排队的来电"),
        clock=Clock.QUEUE,
    )
    yield Figure(
        "avg_wait_answered_s",
        Unit.SECONDS,
        ("wait_answered_ms",),
        ("agent_answered",),
        title=Words("Average wait of answered calls", "接通来电平均等待"),
        counts=Words("(answered - arrived) / calls answered", "（接通 - 呼入）之和 / 座席接通量"),
        clock=Clock.ARRIVAL,
    )
    yield Figure(
        "max_wait_s",
        Unit.SECONDS,
        ("longest_wait_ms",),
        longest=True,
        title=Words("Longest wait", "最长等待时长"),
        counts=Words("the longest wait of one call", "单次来电的最长等待"),
        clock=Clock.ARRIVAL,
    )
    yield Figure(
        "asa_s",
        Unit.SECONDS,
        ("queue_wait_answered_ms",),
        ("answered_queued",),
        title=Words("Average speed of answer", "平均应答速度"),
        counts=Words("(answered - queued) / calls answered", "（接通 - 进入排队）之和 / 座席接通量"),
        clock=Clock.QUEUE,
    )


def _later_waits() -> Iterator[Figure]:
    yield Figure(
        "requeue_wait_s",
        Unit.SECONDS,
        ("requeue_wait_ms",),
        ("requeued",),
        title=Words("Average wait after a hand-over", "转接后平均等待"),
        counts=Words("waits after the first answer / calls that waited again", "首次接通后的等待 / 再次等待的来电"),
    )
    yield Figure(
        "requeue_abandoned",
        Unit.CALLS,
        ("requeue_abandoned",),
        title=Words("Lost after a hand-over", "转接等待中放弃"),
        counts=Words("answered calls that hung up in a later wait", "接通后在再次等待中挂断的来电"),
        is_ours=True,
        excludes=NO_TESTS_OR_IMPORTS,
    )


def _talks(choices: Choices) -> Iterator[Figure]:
    outbound = _outbound_volume(choices)
    for name, title, numerator, denominator in (
        ("avg_talk_s", Words("Average talk", "平均通话时长"), ("talk_in_ms",), ("agent_answered",)),
        ("outbound_avg_talk_s", Words("Average outbound talk", "呼出平均通话时长"), ("talk_out_ms",), (outbound,)),
        (
            "total_avg_talk_s",
            Words("Average talk, all", "合计平均通话时长"),
            ("talk_in_ms", "talk_out_ms"),
            ("agent_answered", outbound),
        ),
    ):
        counts = Words("time bridged with agents or specialists / calls", "与座席或专员通话的时间 / 通话数")
        yield Figure(name, Unit.SECONDS, numerator, denominator, title=title, counts=counts)
    for name, title, numerator in (
        ("max_talk_s", Words("Longest talk", "最大通话时长"), ("longest_in_ms",)),
        ("outbound_max_talk_s", Words("Longest outbound talk", "呼出最大通话时长"), ("longest_out_ms",)),
        ("total_max_talk_s", Words("Longest talk, all", "合计最大通话时长"), ("longest_in_ms", "longest_out_ms")),
    ):
        counts = Words("the longest talk of one call", "单次通话的最长时间")
        yield Figure(name, Unit.SECONDS, numerator, longest=True, title=title, counts=counts)


def bin_name(lower: int | None, upper: int | None) -> str:
    """Return the figure of one bin of the abandonment distribution."""
    return abandon_bin("abandoned", lower or 0, upper)


def _bins(choices: Choices) -> Iterator[Figure]:
    for lower, upper in BINS_S:
        yield Figure(
            bin_name(lower, upper),
            Unit.CALLS,
            tuple(abandon_bin(word, lower or 0, upper) for word in abandoned_of(choices)),
            title=Words(
                f"Abandoned after {lower} s or more" if upper is None else f"Abandoned within [{lower}, {upper}) s",
                f"等待{lower}秒及以上放弃" if upper is None else f"等待[{lower}, {upper})秒放弃",
            ),
            counts=Words("callers who hung up unanswered after such a wait", "等待时长在此区间的放弃"),
            clock=Clock.ARRIVAL,
        )


def _after() -> Iterator[Figure]:
    yield Figure(
        "hold_s",
        Unit.SECONDS,
        ("hold_in_ms",),
        ("answered_watched",),
        title=Words("Average hold", "平均保持时长"),
        counts=Words(
            "time on hold within talks / calls answered whose holds are known",
            "通话中保持的时间 / 保持情况已知的接通来电",
        ),
    )
    yield Figure(
        "completeness",
        Unit.PERCENT,
        ("offered", "-unknown"),
        ("offered",),
        title=Words("Completeness", "数据完整率"),
        counts=Words(
            "calls with a known outcome / calls known to either witness (the ledger, or CEL after a gap)",
            "结果已知的来电 / 任一来源（台账，或时段空缺后由CEL补录）已知的来电",
        ),
    )
    yield Figure(
        "outbound_call_backs",
        Unit.CALLS,
        ("outbound_call_backs",),
        title=Words("Call-backs", "回呼"),
        counts=Words("outbound calls tied to the inbound call they follow", "与所回来电关联的呼出"),
        is_ours=True,
        excludes=NO_TESTS_OR_IMPORTS,
    )
