"""Every figure that the report knows, described alike: what `callcenter metrics list|show` prints, in English and Chinese.

Theory of operation: a figure is defined where it is computed (`metrics.dictionary`, `callers`, `windows`, `staff`); here each
catalogue describes its own. Figures of another kind of data (appeals, work orders, evaluation) join as one more catalogue
in `CATALOGUES`. A name stands for one figure, whatever catalogue it comes from.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from metrics.dictionary import DICTIONARY, Dictionary
from metrics.expressions import in_words
from metrics.figures import NO_TESTS, OF_ARRIVAL, PLACES, Figure, Unit
from metrics.windows import DUTY, WINDOW_HOURS
from metrics.words import Words

NOT_DIVIDED = Words("1", "1")
WITHHELD = Words(
    "tests, internal calls, callers turned away by their number; withheld numbers",
    "测试与内部呼叫、黑名单号码来电；未显示号码的来电",
)


@dataclass(frozen=True, slots=True)
class Definition:
    """One figure, described."""

    name: str
    title: Words
    unit: Unit
    counts: Words
    """What is divided by what, in words."""
    numerator: Words
    """In the names of the totals, where it is made of them: the same in both languages."""
    denominator: Words = NOT_DIVIDED
    clock: str = ""
    """From when a wait is counted; empty: it has none."""
    interval: Words = OF_ARRIVAL
    """What decides to which interval something belongs."""
    excludes: Words = NO_TESTS
    version: int = 1
    terms: tuple[str, ...] = ()
    """Each total as an expression over the ledger's columns."""

    @property
    def places(self) -> int:
        """Decimal places when printed."""
        return PLACES[self.unit]


def definitions(dictionary: Dictionary = DICTIONARY) -> dict[str, Definition]:
    """Return every figure by name."""
    found: dict[str, Definition] = {}
    for catalogue in CATALOGUES:
        for definition in catalogue(dictionary):
            assert definition.name not in found, definition.name
            found[definition.name] = definition
    return found


def _of_totals(dictionary: Dictionary) -> Iterator[Definition]:
    for figure in dictionary.figures.values():
        yield Definition(
            figure.name,
            figure.title,
            figure.unit,
            figure.counts,
            _names(_largest(figure.numerator) if figure.longest else _joined(figure.numerator)),
            _names(_joined(figure.denominator)) if figure.denominator else NOT_DIVIDED,
            figure.clock,
            figure.interval,
            excludes=figure.excludes,
            version=figure.version,
            terms=tuple(_terms(figure, dictionary)),
        )


def _terms(figure: Figure, dictionary: Dictionary) -> Iterator[str]:
    for name in figure.terms():
        total = dictionary.totals[name]
        yield f"{name} = {total.aggregate} over {total.source} of {in_words(total.measure)}"


def _joined(names: tuple[str, ...]) -> str:
    return " + ".join(names).replace("+ -", "- ")


def _largest(names: tuple[str, ...]) -> str:
    return f"max({', '.join(names)})"


def _names(text: str) -> Words:
    """Return what is no language: names of totals, and signs."""
    return Words(text, text)


def _of_callers(dictionary: Dictionary) -> Iterator[Definition]:
    before, after = dictionary.choices.fcr_before_days, dictionary.choices.fcr_after_days
    yield Definition(
        "distinct_callers",
        Words("Different callers", "不同来电号码"),
        Unit.CALLS,
        Words("different known numbers among the calls offered", "来电总量中不同的可知号码"),
        Words("different caller numbers of offered", "offered 中不同的主叫号码"),
        excludes=WITHHELD,
    )
    yield Definition(
        "fcr",
        Words("First-call resolution", "一次解决率"),
        Unit.PERCENT,
        Words(
            f"answered calls from a known number without another inbound call from it in the {before} days before and the "
            f"{after} days after / answered calls from known numbers",
            f"接通且同号码前{before}天、后{after}天均无其他来电的来电 / 号码可知的接通来电",
        ),
        Words("calls of the denominator without a neighbour", "分母中前后均无其他来电者"),
        Words("agent_answered with a known number", "agent_answered 中号码可知者"),
        interval=Words(
            f"a call belongs to the interval of its arrival; final {after} days after it",
            f"通话计入其呼入时所在的时段；时段结束{after}天后定稿",
        ),
        excludes=WITHHELD,
    )


def _of_windows(_: Dictionary) -> Iterator[Definition]:
    yield Definition(
        "connect_rate_24h_min",
        Words("Lowest connect rate of any 24 hours", "任意连续24小时最低接通率"),
        Unit.PERCENT,
        Words(
            f"the lowest connect rate of all windows of {WINDOW_HOURS} h, step 1 h, against {DUTY} %",
            f"步长1小时的所有{WINDOW_HOURS}小时窗口中最低的接通率，对照{DUTY}%",
        ),
        Words("agent_answered of the window", "窗口内的 agent_answered"),
        Words("offered of the window", "窗口内的 offered"),
        interval=Words("windows lie whole in the period", "窗口完整落在统计时段内"),
    )


def _of_distributions(_: Dictionary) -> Iterator[Definition]:
    yield Definition(
        "calls_by_hour",
        Words("Calls by hour of the day", "分时段话务量"),
        Unit.CALLS,
        Words(
            "24 bins [h, h+1) of the local hour of arrival: offered, answered, abandoned; in 10,000 where large",
            "按呼入的当地钟点分为24段[h, h+1)：来电、接通、放弃；量大时以万为单位",
        ),
        Words(
            "offered, agent_answered, abandoned_*, total_volume of each hour",
            "各钟点的 offered、agent_answered、abandoned_*、total_volume",
        ),
    )
    yield Definition(
        "abandon_distribution",
        Words("When callers hung up", "放弃时长分布"),
        Unit.CALLS,
        Words("abandoned calls by their wait, and each bin's share of all", "放弃的来电按等待时长分段及其占比"),
        Words("abandoned_from_* of each bin", "各段的 abandoned_from_*"),
        _names("abandoned_*"),
        clock="arrival",
    )


def _of_staff(_: Dictionary) -> Iterator[Definition]:
    as_counted = Words("the newest count of the period's last day or before", "统计时段最后一日及之前最近一次统计")
    none = Words("policy specialists", "政策专员")
    for name, title, counts in (
        ("staff_total", Words("Staff", "话务人员总数"), Words("persons employed", "在册人数")),
        ("call_takers", Words("Who take calls", "接诉人员数量"), Words("persons who take calls", "接听来电的人数")),
    ):
        of_plan = Words(f"{name} of the plan", f"计划文件中的 {name}")
        yield Definition(name, title, Unit.PERSONS, counts, of_plan, interval=as_counted, excludes=none)
    yield Definition(
        "specialists",
        Words("Policy specialists", "政策专员数量"),
        Unit.PERSONS,
        Words("persons", "人数"),
        Words("specialists of the plan", "计划文件中的 specialists"),
        interval=as_counted,
        excludes=Words("nobody", "无"),
    )
    yield Definition(
        "staff_per_100k",
        Words("Staff per 100,000 inhabitants", "每十万人座席数"),
        Unit.PER_100K,
        Words(
            "total staff / population x 100,000, with the population's source",
            "话务人员总数 / 人口 × 10万，注明人口来源",
        ),
        _names("staff_total"),
        _names("population"),
        interval=as_counted,
        excludes=none,
    )


CATALOGUES: tuple[Callable[[Dictionary], Iterator[Definition]], ...] = (
    _of_totals,
    _of_callers,
    _of_windows,
    _of_distributions,
    _of_staff,
)
DEFINITIONS: Mapping[str, Definition] = definitions()
