"""What must be known to read a report: whether it is final, what was left out or raised, and what the choices are."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from metrics.dictionary import Dictionary
from metrics.totals import Totals
from metrics.words import Words

NAMED = 20
"""So many agents are named in a note."""
NOTE_TOTALS = (
    "offered",
    "outbound_attempts",
    "not_ended",
    "unknown",
    "excluded",
    "blocked",
    "rebuilt",
    "imported",
    "clock_adjusted",
)

_UNNUMBERED = {
    "unknown": Words(
        "Some calls have an unknown outcome (nobody watched when they ended, or their former system does not tell); they count as offered.",
        "部分来电的结果未知（结束时无人值守，或原系统未记录），计入来电总量。",
    ),
    "rebuilt": Words(
        "Some inbound calls were rebuilt from CEL, wholly or in part: their holds and wrap-up are unknown.",
        "部分来电由 CEL 全部或部分重建：其保持与事后处理未知。",
    ),
    "imported": Words(
        "Calls of a former system are among these: their holds, wrap-up, hand-overs and offers are unknown and in no figure.",
        "含导入自原系统的通话：其保持、事后处理、转接与派发未知，不在相应各数中。",
    ),
}
"""What the public reads of calls whose number would be, or would nearly tell, that of the calls offered."""


def notes(totals: Totals, dictionary: Dictionary, *, is_over: bool, public_only: bool = False) -> Iterator[Words]:
    """Return the sentences that hold of these totals, then those of the choices. `is_over`: the period has passed.
    `public_only`: without numbers that may be that of the calls offered, as where all of them come from a former system."""
    if not any(totals[name] for name in ("offered", "outbound_attempts", "not_ended")):
        yield Words("No calls in this period.", "该时段没有电话。")
    yield from _counted(totals, public_only=public_only)
    if not dictionary.choices.hold_in_talk and (totals["rebuilt"] or totals["imported"]):
        yield Words(
            "Where holds are unknown, nothing was taken off the talk.", "保持时间未知的通话，其通话时长未扣除保持。"
        )
    if not is_over:
        yield Words("Not final: the period is not over.", "未定稿：统计时段尚未结束。")
    for en, zh in zip(dictionary.choices.sentences("en"), dictionary.choices.sentences("zh"), strict=True):
        yield Words(en, zh)


def overlong_note(agents: Sequence[str]) -> Iterator[Words]:
    """Return the sentence of wrap-ups that lasted longer than any may. agents: whose each was."""
    if not agents:
        return
    names = [f"{agent} ({times})" for agent, times in sorted(Counter(agents).items())]
    said = ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
    yield Words(
        f"Wrap-ups that lasted longer than any may, as nobody was there to end them: {len(agents)}, counted whole. Agents: {said}.",
        f"超过最长时限的事后处理（当时无服务将其结束）{len(agents)}次，按实际时长计入。座席：{said}。",
    )


def versions_note(versions: Mapping[str, int]) -> Words:
    """Return the sentence that says by which definitions figures were made. versions: figure -> the version of its definition."""
    apart = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()) if version != 1)
    en, zh = (f" but {apart}", f"，下列除外：{apart}") if apart else ("", "")
    return Words(
        f"Definitions: version 1 of each figure{en} (callcenter metrics show NAME).",
        f"口径版本：各指标均为第1版{zh}（callcenter metrics show 指标名）。",
    )


def _counted(totals: Totals, *, public_only: bool) -> Iterator[Words]:
    said = (
        (
            "not_ended",
            "Not final: {} calls have not ended and are in none of these figures.",
            "未定稿：{} 通电话尚未结束，未计入以上各数。",
        ),
        (
            "unknown",
            "{} calls have an unknown outcome (nobody watched when they ended, or their former system does not tell); they count as offered.",
            "{} 通来电的结果未知（结束时无人值守，或原系统未记录），计入来电总量。",
        ),
        (
            "rebuilt",
            "{} inbound calls were rebuilt from CEL, wholly or in part: their holds and wrap-up are unknown.",
            "{} 通来电全部或部分由 CEL 重建：其保持与事后处理未知。",
        ),
        (
            "imported",
            "{} calls come from a former system: their holds, wrap-up, hand-overs and offers are unknown and in no figure.",
            "{} 通电话导入自原系统：其保持、事后处理、转接与派发未知，不在相应各数中。",
        ),
        (
            "clock_adjusted",
            "{} calls had an instant before the one that it follows (clock of the PBX set back): raised to it.",
            "{} 通电话的时刻早于其前一时刻（交换机时钟回拨），已按前一时刻计。",
        ),
        ("excluded", "Besides, {} test or internal calls, not counted.", "另有 {} 通测试或内部呼叫，不计入。"),
        ("blocked", "Besides, {} calls of blocked numbers, not counted.", "另有 {} 通黑名单号码来电，不计入。"),
    )
    for name, en, zh in said:
        if totals[name] and public_only and name in _UNNUMBERED:
            yield _UNNUMBERED[name]
        elif totals[name]:
            yield Words(en.format(totals[name]), zh.format(totals[name]))
