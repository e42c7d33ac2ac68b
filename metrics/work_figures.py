"""Figures of the work itself: hand-overs to specialists, handling time, and what agents did with their time."""

from collections.abc import Iterator

from agents.presence import Presence
from metrics.figures import Figure, Unit
from metrics.states import LOGGED_IN, ON_PHONE, spent
from metrics.words import Words

CUT = Words("states are cut at the edges of the interval", "状态时间在时段边界处截断")
CALLS_AND_CUT = Words(
    "a talk belongs to the interval in which its call arrived; wrap-up is a state, cut at the edges of the interval",
    "通话计入其来电呼入时所在的时段；事后处理是状态，在时段边界处截断",
)
UNSEEN = Words(
    "tests, internal calls, blocked numbers; calls not ended; calls of a former system or rebuilt, whose holds and wrap-up are unknown",
    "测试与内部呼叫、黑名单号码来电；尚未结束的通话；保持与事后处理未知的导入或补录通话",
)
NO_STATES = Words("specialists; time logged out", "政策专员；未登录时间")


def work_figures() -> Iterator[Figure]:
    """Return the figures of work."""
    yield from (*_reach(), *_of_seats(), *_counted(), *_shares())


def _reach() -> Iterator[Figure]:
    yield Figure(
        "specialist_reach",
        Unit.PERCENT,
        ("hand_overs_reached",),
        ("hand_overs",),
        title=Words("Specialists reached", "政策专员接通率"),
        counts=Words("hand-overs that a specialist answered / hand-overs", "政策专员接听的转接 / 转接总数"),
    )


def _of_seats() -> Iterator[Figure]:
    """Each makes sense for all seats together and for one agent."""
    yield Figure(
        "aht_s",
        Unit.SECONDS,
        ("seat_watched_ms", "wrapup_in_ms"),
        ("seat_watched",),
        needs=spent(*LOGGED_IN),
        interval=CALLS_AND_CUT,
        excludes=UNSEEN,
        title=Words("Average handling time", "平均处理时长"),
        counts=Words(
            "(talk with hold, and wrap-up, of seats on inbound calls) / answers by seats",
            "（座席呼入通话含保持，加事后处理）/ 座席接听次数",
        ),
    )
    yield Figure(
        "seat_avg_wrapup_s",
        Unit.SECONDS,
        ("wrapup_in_ms",),
        ("seat_watched",),
        needs=spent(*LOGGED_IN),
        interval=CALLS_AND_CUT,
        excludes=UNSEEN,
        title=Words("Average wrap-up", "平均事后处理时长"),
        counts=Words("wrap-up after inbound talks / answers", "呼入通话后的事后处理时间 / 接听次数"),
    )
    yield Figure(
        "logged_in_s",
        Unit.SECONDS,
        spent(*LOGGED_IN),
        needs=spent(*LOGGED_IN),
        title=Words("Logged in", "登录时长"),
        counts=Words("time logged in", "登录的时间"),
        interval=CUT,
        excludes=NO_STATES,
    )


def _counted() -> Iterator[Figure]:
    for name, unit, numerator, denominator, title, counts, needs in (
        (
            "seat_answers",
            Unit.CALLS,
            ("seat_answers",),
            (),
            Words("Answers", "接听次数"),
            Words("talks of seats on inbound calls", "座席参与的呼入通话"),
            (),
        ),
        (
            "seat_misses",
            Unit.CALLS,
            ("seat_offers_not_answered",),
            (),
            Words("Misses", "未接次数"),
            Words("offers whose phone rang its time out", "振铃超时未接的派发"),
            ("seat_offers", "seat_watched", *spent(*LOGGED_IN)),
        ),
        (
            "seat_outbound",
            Unit.CALLS,
            ("seat_outbound",),
            (),
            Words("Outbound talks", "呼出通话"),
            Words("talks of seats on outbound calls", "座席呼出且接通的通话"),
            (),
        ),
        (
            "seat_avg_talk_s",
            Unit.SECONDS,
            ("seat_talk_ms",),
            ("seat_answers",),
            Words("Average talk", "平均通话时长"),
            Words("talk of seats on inbound calls, hold included / answers", "座席呼入通话时间含保持 / 接听次数"),
            (),
        ),
        (
            "seat_avg_hold_s",
            Unit.SECONDS,
            ("seat_hold_ms",),
            ("seat_watched",),
            Words("Average hold", "平均保持时长"),
            Words("hold within these talks / answers", "上述通话中的保持时间 / 接听次数"),
            (),
        ),
    ):
        yield Figure(name, unit, numerator, denominator, title=title, counts=counts, needs=needs)


def _shares() -> Iterator[Figure]:
    for name, numerator, denominator, title, counts in (
        (
            "phone_occupancy",
            ON_PHONE,
            (*ON_PHONE, Presence.READY),
            Words("Phone occupancy", "话务占用率"),
            Words(
                "(ringing + dialling + talking + hold + wrap-up) / (the same + ready)",
                "（振铃+外呼+通话+保持+事后处理）/（同上+就绪）",
            ),
        ),
        (
            "workload_occupancy",
            (*ON_PHONE, Presence.CASE_WORK),
            (*ON_PHONE, Presence.CASE_WORK, Presence.READY),
            Words("Workload occupancy", "工作占用率"),
            Words("(phone time + case work) / (the same + ready)", "（话务时间+办件）/（同上+就绪）"),
        ),
        (
            "utilisation",
            (*ON_PHONE, Presence.CASE_WORK),
            LOGGED_IN,
            Words("Utilisation", "工时利用率"),
            Words("(phone time + case work) / logged in", "（话务时间+办件）/ 登录时长"),
        ),
    ):
        yield Figure(
            name,
            Unit.PERCENT,
            spent(*numerator),
            spent(*denominator),
            title=title,
            counts=counts,
            interval=CUT,
            excludes=NO_STATES,
        )
