"""The report of a period as a document: what is asked of the ledger, and which section is made of it.

Theory of operation: each section names the figures that it shows; the totals that these are made of are asked for in a few
questions (the whole, the hours, lines, needs, agents), all inside one transaction. Every report says how complete it is and in
which times nobody watched (`metrics.completeness`).
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta

from agents.errors import NeedSyntaxError
from agents.skills import parse_need
from callcenter.report.period import Interval, Period
from callcenter.report.until_now import totals_until_now
from callcenter.storage.figures import EVERYTHING, Figures, Group, Scope
from metrics import operator_report as operator
from metrics import report as public
from metrics.bins import Bins
from metrics.completeness import completeness_in_words, completeness_section, gaps_section, with_open
from metrics.dictionary import Dictionary
from metrics.document import Document, Section
from metrics.lengths import HOUR_MS
from metrics.report_notes import NOTE_TOTALS, notes, overlong_note, versions_note
from metrics.staff import StaffCount, in_force, seats
from metrics.states import LOGGED_IN, spent
from metrics.tables import Part, terms
from metrics.totals import Totals
from metrics.windows import WindowMinimum, lowest_window
from metrics.words import Words

HOTLINE = Words("Hotline", "热线")
NO_TIMES = Words(
    "Agents' times belong to no line and no platform: what is made of them is in the report of everything.",
    "座席工时不分线路和平台：由工时得出的各数只见于全部范围的报表。",
)
PUBLIC_FIGURES = tuple(name for _, names in public.CALL_ROWS.values() for name in names if name is not None)
SEATS_HAVE = ("seat_answers", "seat_offers", "seat_outbound", *spent(*LOGGED_IN))
"""An agent is shown who has any of these; a specialist has none."""
WHOLE_FIGURES = (
    *PUBLIC_FIGURES,
    *operator.OUTCOME_FIGURES,
    *operator.REASON_FIGURES,
    *operator.OVERVIEW_FIGURES,
    *operator.LEVEL_FIGURES,
    *operator.BIN_FIGURES,
    *operator.OUTBOUND_FIGURES,
)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for."""

    period: Period
    now_ms: int
    scope: Scope = EVERYTHING
    interval: Interval | None = None
    public_only: bool = False
    """Leave the operator's sections out, and do not ask the ledger for them."""
    organisation: Words = HOTLINE
    line_names: Mapping[str, Words] = field(default_factory=dict)
    """Code -> name; a line that is not here is called by its code."""
    agent_names: Mapping[str, str] = field(default_factory=dict)
    staff: Sequence[StaffCount] = ()
    unwatched: Mapping[str, int] = field(default_factory=dict)
    """PBX -> since when nobody watches it, ms; only where that is within the period."""


async def build_document(figures: Figures, request: Request) -> Document:
    """Return the report."""
    period, dictionary = request.period, figures.dictionary
    whole = await _whole(figures, request)
    gaps = with_open(await figures.gaps(period.from_ms, period.to_ms), request.unwatched, *_shown(request))
    has_times = request.scope == EVERYTHING and not request.public_only
    overlong = await figures.overlong_wrapups(period.from_ms, period.to_ms) if has_times else ()
    is_over = request.now_ms >= period.to_ms
    is_final = is_over and not whole["not_ended"] and not any(gap.is_open for gap in gaps)
    hours = await figures.bins(period.hours(), hour_terms(dictionary), request.scope)
    sections = [
        public.call_service(whole, dictionary),
        *public.hour_sections(_by_hour_of_day(figures, period, hours), dictionary),
    ]
    if staff := _staff(request):
        sections.append(seats(staff, dictionary.choices.rounding))
    by_interval, operators = await _intervals(figures, request)
    sections += by_interval
    if not request.public_only:
        lowest = lowest_window(_sixty_minutes(figures, over(hours, request)), dictionary=dictionary)
        sections += [*_of_whole(figures, request, whole, lowest)]
        sections += [*operators, *await _lines_and_skills(figures, request)]
        sections += [await _agents(figures, request)]
        sections += [await _callers(figures, request)]
        sections += [completeness_section(whole, dictionary), gaps_section(gaps, period.zone)]
    return Document(
        Words(f"{request.organisation.en}: call statistics", f"{request.organisation.zh}话务统计"),
        _period_words(request, is_final=is_final),
        tuple(section for section in sections if section.is_public or not request.public_only),
        (
            completeness_in_words(whole, gaps, dictionary),
            *(() if request.scope == EVERYTHING else (NO_TIMES,)),
            *overlong_note(overlong),
            *notes(whole, dictionary, is_over=is_over, public_only=request.public_only),
            versions_note(_versions(dictionary)),
        ),
        is_final,
        _facts(request, dictionary, whole["not_ended"] or 0, is_final=is_final),
    )


def _shown(request: Request) -> tuple[int, int]:
    """Return what of the period has been: its beginning and its end, or now, ms."""
    return request.period.from_ms, min(request.period.to_ms, request.now_ms)


async def _whole(figures: Figures, request: Request) -> Totals:
    """Return the totals of everything that was asked for."""
    period = request.period
    wanted = PUBLIC_FIGURES if request.public_only else WHOLE_FIGURES
    names = (*terms(figures.dictionary, wanted), *NOTE_TOTALS)
    found = await totals_until_now(figures, period, request.now_ms, names, request.scope)
    return found[period.from_ms, ""]


def hour_terms(dictionary: Dictionary) -> tuple[str, ...]:
    """Return the totals that are asked for hour by hour."""
    return terms(dictionary, (*public.HOUR_FIGURES, *public.BUSY_FIGURES))


async def whole_hours(figures: Figures, request: Request, names: Sequence[str]) -> Bins:
    """Return the totals of each 60 minutes from the period's beginning that are over."""
    hours = await figures.bins(request.period.hours(), names, request.scope)
    return _sixty_minutes(figures, over(hours, request))


def over(hours: Bins, request: Request) -> Bins:
    """Return the hours that are over: a window with hours to come has no rate yet."""
    return hours.until(bisect_right(hours.begins, request.now_ms - HOUR_MS))


def _by_hour_of_day(figures: Figures, period: Period, hours: Bins) -> list[Totals]:
    """Return the totals of each of the 24 hours of the day, all days together."""
    places: list[list[int]] = [[] for _ in range(24)]
    for place, hour in enumerate(period.hours_on_the_clock(hours.begins)):
        places[hour].append(place)
    return [hours.combined(some, figures.dictionary) for some in places]


def _staff(request: Request) -> list[StaffCount]:
    """The counts in force on the period's last day."""
    last = request.period.local(request.period.to_ms - 1).date().isoformat()
    return in_force(request.staff, last, request.scope.platform)


def _of_whole(figures: Figures, request: Request, whole: Totals, lowest: WindowMinimum) -> Iterator[Section]:
    """Return the operator's sections that need nothing more."""
    dictionary = figures.dictionary
    yield operator.overview(whole, dictionary)
    yield operator.outcomes(whole, dictionary)
    yield operator.levels(whole, dictionary)
    yield operator.abandonment(whole, dictionary)
    began = "" if lowest.began_ms is None else f"{request.period.local(lowest.began_ms):%Y-%m-%d %H:%M}"
    yield operator.rolling(lowest, began, dictionary)
    yield operator.outbound(whole, dictionary)


def _sixty_minutes(figures: Figures, hours: Bins) -> Bins:
    """Return whole hours made of hours or of halves of them; half an hour that is left over makes none."""
    begins = hours.begins
    if len(begins) < 2:
        return hours
    parts = HOUR_MS // (begins[1] - begins[0])
    return hours.until(len(begins) // parts * parts).by(parts, figures.dictionary)


async def _intervals(figures: Figures, request: Request) -> tuple[list[Section], list[Section]]:
    """Return the public's section by interval and the operator's, if one is asked for."""
    if request.interval is None:
        return [], []
    dictionary, period = figures.dictionary, request.period
    shown = (*public.PUBLIC_INTERVAL_FIGURES, *public.with_level(public.INTERVAL_FIGURES, dictionary))
    names = terms(dictionary, shown)
    found = await figures.totals(period.edges(request.interval), names, request.scope)
    parts = [Part(period.local(at).isoformat(), _clock(request, at), one) for (at, _), one in sorted(found.items())]
    return [public.intervals(parts, dictionary)], [operator.intervals(parts, dictionary)]


async def _lines_and_skills(figures: Figures, request: Request) -> tuple[Section, Section]:
    """Return both out of one pass."""
    dictionary, period = figures.dictionary, request.period
    of_line, of_need = (
        terms(dictionary, public.with_level(names, dictionary))
        for names in (operator.LINE_FIGURES, operator.SKILL_FIGURES)
    )
    names = dict.fromkeys((*of_line, *of_need))
    found = await figures.by_line_and_need(period.from_ms, period.to_ms, names, request.scope)
    by_line: dict[str, list[Totals]] = {}
    by_need: dict[str, list[Totals]] = {}
    for (line, need), totals in found.items():
        by_line.setdefault(line, []).append(totals)
        by_need.setdefault(need, []).append(totals)
    lines = [
        Part(code, request.line_names.get(code, code), dictionary.combined(some, of_line))
        for code, some in sorted(by_line.items())
    ]
    needs = {need: dictionary.combined(some, of_need) for need, some in by_need.items()}
    return operator.lines(lines, dictionary), operator.skills(list(_skills(figures, needs)), dictionary)


async def _agents(figures: Figures, request: Request) -> Section:
    dictionary, names = figures.dictionary, request.agent_names
    wanted = (*terms(dictionary, operator.AGENT_FIGURES), "seat_offers")
    found = await totals_until_now(figures, request.period, request.now_ms, wanted, request.scope, Group.AGENT)
    agents = [
        Part(agent, f"{agent} {names[agent]}" if agent in names else agent, one)
        for (_, agent), one in sorted(found.items())
        if any(one[name] for name in SEATS_HAVE)
    ]
    return operator.agents(agents, dictionary)


def _clock(request: Request, at_ms: int) -> str:
    """Return an interval's beginning as people read it."""
    by_day = request.interval not in (Interval.HOUR, Interval.HALF_HOUR)
    return f"{request.period.local(at_ms):{'%Y-%m-%d' if by_day else '%Y-%m-%d %H:%M'}}"


def _skills(figures: Figures, by_need: Mapping[str, Totals]) -> Iterator[Part]:
    """Return the totals of each skill that some need names."""
    found: dict[str, list[Totals]] = {}
    for need, totals in by_need.items():
        for skill in _named(need):
            found.setdefault(skill, []).append(totals)
    for skill, some in sorted(found.items()):
        yield Part(skill, skill, figures.dictionary.combined(some))


def _named(need: str) -> set[str]:
    """Return the skills in the text of a need; a text that is none (any more) names none."""
    try:
        return {term.skill for alternative in parse_need(need).any_of for term in alternative}
    except NeedSyntaxError:
        return set()


async def _callers(figures: Figures, request: Request) -> Section:
    period, scope = request.period, request.scope
    distinct = await figures.distinct_callers(period.from_ms, period.to_ms, scope)
    first = await figures.first_calls(period.from_ms, period.to_ms, request.now_ms, scope)
    return operator.callers(distinct, first, figures.dictionary)


def _facts(request: Request, dictionary: Dictionary, open_calls: int, *, is_final: bool) -> dict[str, object]:
    """What a program that reads the report must know of it."""
    period = request.period
    return {
        "from": period.first.isoformat(),
        "to": period.last.isoformat(),
        "zone": str(period.zone),
        "platform": request.scope.platform,
        "line": request.scope.line,
        "is_final": is_final,
        "open_calls": open_calls,
        "made_at": period.local(request.now_ms).isoformat(timespec="milliseconds"),
        "choices": asdict(dictionary.choices),
        "definitions": _versions(dictionary),
    }


def _versions(dictionary: Dictionary) -> dict[str, int]:
    return {name: figure.version for name, figure in dictionary.figures.items()}


def _period_words(request: Request, *, is_final: bool) -> Words:
    """Say the period, what is in it, and whether it is final."""
    period, scope = request.period, request.scope
    en, zh = [f"{_days(period, 'en')} ({period.zone})"], [f"{_days(period, 'zh')}（{period.zone}）"]
    if scope.platform is not None:
        en.append(f"platform {scope.platform}")
        zh.append(f"平台 {scope.platform}")
    if scope.line is not None:
        name = request.line_names.get(scope.line, Words(scope.line, scope.line))
        en.append(f"line {name.en}")
        zh.append(f"线路 {name.zh}")
    if not is_final:
        en.append("not final")
        zh.append("未定稿")
    return Words(", ".join(en), "，".join(zh))


def _days(period: Period, lang: str) -> str:
    """Return the period's first and last day, both in it, as a reader of the published report expects them."""
    days = dict.fromkeys((period.first, period.last - timedelta(days=1)))
    if lang == "zh":
        return "至".join(f"{day.year}年{day.month}月{day.day}日" for day in days)
    return " to ".join(map(str, days))
