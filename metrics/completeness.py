"""How complete a report is: what share of its calls has a known outcome, and in which times nobody watched (pure).

Theory of operation: the ledger knows every call that it saw, and those that CEL told of after a gap (marked as rebuilt). A
call that ended while nobody watched and of which CEL does not tell has no outcome: it is unknown, and the share of the
others is the completeness (figure `completeness` of the dictionary). Calls that nobody can know of at all can only lie in
a gap whose CEL was not read; so each gap is named, with whether it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from fractions import Fraction

from metrics.dictionary import DICTIONARY, Dictionary
from metrics.document import Cell, Column, Content, Row, Section
from metrics.figures import Unit
from metrics.totals import Totals
from metrics.words import Words

SHOWN = 200
"""So many gaps are listed; the others are in the sum."""
_READ = Words("told from CEL", "已由CEL补录")
_NOT_READ = Words("CEL not read: calls may be missing", "未能读取CEL：可能缺少来电")
_OPEN = Words("nobody watches yet: calls are missing", "至今无人值守：缺少来电")
_RESTARTED = Words("; the PBX was started anew", "；话务平台曾重启")


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which nobody watched a PBX, cut to the period."""

    pbx: str
    from_ms: int
    to_ms: int
    has_restarted: bool = False
    is_read: bool = False
    """What happened in it was told from CEL."""
    is_open: bool = False
    """Nobody watches yet: it ends where the period does, or now."""

    @property
    def length_ms(self) -> int:
        """How long it was."""
        return self.to_ms - self.from_ms


def completeness_section(totals: Totals, dictionary: Dictionary = DICTIONARY) -> Section:
    """Return the table of how complete the figures of these totals are."""
    figure = dictionary.figures["completeness"]
    cells: list[Content] = [Words("Inbound calls", "来电"), _percent(totals, dictionary)]
    cells += [Cell.of("", totals[name] or 0, Unit.CALLS) for name in ("offered", "unknown", "rebuilt", "not_ended")]
    return Section(
        "completeness",
        Words("Completeness", "数据完整性"),
        (
            Column("calls", Words("Calls", "通话")),
            Column("completeness", figure.title),
            Column("offered", Words("Calls that arrived", "到达的来电")),
            Column("unknown", Words("Outcome unknown", "结果未知")),
            Column("rebuilt", Words("Rebuilt from CEL", "由CEL补录")),
            Column("not_ended", Words("Still going on, outbound too", "尚未结束（含呼出）")),
        ),
        (Row("inbound", tuple(cells)),),
        notes=(figure.counts,),
    )


def gaps_section(gaps: Sequence[Gap], zone: tzinfo) -> Section:
    """Return the table of gaps; without any it has no rows and says so."""
    rows = tuple(_row(gap, zone) for gap in gaps[:SHOWN])
    return Section(
        "gaps",
        Words("Times in which nobody watched", "无人值守时段"),
        (
            Column("pbx", Words("PBX", "话务平台")),
            Column("from", Words("From", "起")),
            Column("to", Words("To", "止")),
            Column("length_s", Words("Seconds", "时长（秒）")),
            Column("told", Words("What happened in it", "期间来电")),
        ),
        rows,
        notes=(gaps_in_words(gaps),),
    )


def completeness_in_words(totals: Totals, gaps: Sequence[Gap], dictionary: Dictionary = DICTIONARY) -> Words:
    """Return one line for below a report: the completeness, and the gaps."""
    percent, said = _percent(totals, dictionary).text, gaps_in_words(gaps)
    return Words(f"Completeness: {percent}. {said.en}", f"数据完整率：{percent}。{said.zh}")


def with_open(gaps: Sequence[Gap], since: Mapping[str, int], from_ms: int, to_ms: int) -> list[Gap]:
    """Return the gaps of [from, to) with those that are still open, which nobody has written down. since: PBX -> when it was watched
    last; what was told from CEL of the time after it is a gap on record, and the open one begins at its end."""
    found = list(gaps)
    for pbx, at_ms in sorted(since.items()):
        begins_ms = max(at_ms, from_ms)
        begins_ms = max([begins_ms, *(gap.to_ms for gap in gaps if gap.pbx == pbx and gap.from_ms <= begins_ms)])
        if begins_ms < to_ms:
            found.append(Gap(pbx, begins_ms, to_ms, is_open=True))
    return found


def gaps_in_words(gaps: Sequence[Gap]) -> Words:
    """Return how many gaps there are, how long together, how many of them CEL did not fill, and that one is still open."""
    if not gaps:
        return Words("No gap is on record.", "无值守空缺记录。")
    seconds = Cell.of("", _seconds(sum(gap.length_ms for gap in gaps)), Unit.SECONDS).text
    unread = sum(not gap.is_read for gap in gaps)
    more = f", {unread} of them not told from CEL: calls may be missing" if unread else ", all told from CEL"
    zh = f"，其中{unread}段未能由CEL补录，可能缺少来电" if unread else "，均已由CEL补录"
    if any(not gap.is_read and not gap.is_open for gap in gaps):
        more += ". A wait or talk that ended in such a gap counts until the gap's end: averages and longest times may be too high"
        zh += "；在此期间结束的等待或通话计至该段结束，平均与最长时长可能偏高"
    is_open = any(gap.is_open for gap in gaps)
    end = (
        " Not final: nobody watches yet; the service tells it when it is back, callcenter reconcile before."
        if is_open
        else ""
    )
    ende = "未定稿：至今无人值守，待服务恢复或运行 callcenter reconcile 后补录。" if is_open else ""
    return Words(
        f"Nobody watched in {len(gaps)} {'gap' if len(gaps) == 1 else 'gaps'}, {seconds} s together{more}.{end}",
        f"无人值守{len(gaps)}段，共{seconds}秒{zh}。{ende}",
    )


def _percent(totals: Totals, dictionary: Dictionary) -> Cell:
    value = dictionary.figures["completeness"].value(totals)
    return Cell.of("completeness", value, Unit.PERCENT, dictionary.choices.rounding)


def _row(gap: Gap, zone: tzinfo) -> Row:
    told = _OPEN if gap.is_open else _READ if gap.is_read else _NOT_READ
    if gap.has_restarted:
        told = Words(told.en + _RESTARTED.en, told.zh + _RESTARTED.zh)
    seconds = Cell.of("", _seconds(gap.length_ms), Unit.SECONDS)
    return Row(
        f"{gap.pbx}:{gap.to_ms}", (gap.pbx, _instant(gap.from_ms, zone), _instant(gap.to_ms, zone), seconds, told)
    )


def _seconds(length_ms: int) -> Fraction:
    return Fraction(length_ms, 1000)


def _instant(at_ms: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at_ms // 1000, zone).isoformat(sep=" ")
