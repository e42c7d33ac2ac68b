"""From a dashboard of `shape` to the JSON that Grafana reads, in one language, by Grafana's own typed builders."""

import json
from collections.abc import Callable, Mapping

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as shown
from grafana_foundation_sdk.models import dashboard as model

from callcenter.grafana.shape import Choice, Dashboard, Lang, Levels, Look, Panel, Text, Unit
from callcenter.grafana.words import WINDOW

SOURCE = model.DataSourceRef("prometheus", "callcenter")
"""Type and uid, as config/grafana/provisioning/datasources names it."""
TAG = "callcenter"
ROW_ID = 1_000
"""Ids of rows begin here, those of panels at 1."""
NUMBER_H, GRAPH_H = 5, 8
"""Heights, in Grafana's rows of 30 pixels."""
ALL = ".+"
"""What `$line` is while all lines are chosen."""

PLAIN = "blue"
"""Colour of a value that is neither good nor bad."""

APPROXIMATE = Text("（约）", ", approx.")
EXTRAPOLATED = Text("增量由计数器外推，是近似值。", " Extrapolated from counters: approximate.")
"""What a panel says of itself that shows by how much counters rose in a time."""

AnyPanel = timeseries.Panel | stat.Panel | bargauge.Panel
_GRAFANA_UNITS: Mapping[Unit, str] = {
    Unit.SECONDS: "s",
    Unit.SHARE: "percentunit",
    Unit.CHANGE: "percentunit",
    Unit.YES_NO: "none",
    Unit.BYTES: "bytes",
    Unit.NUMBER: "none",
}
_COUNTED: Mapping[Unit, Text] = {
    Unit.CORES: Text("核", "cores"),
    Unit.CALLS: Text("通", "calls"),
    Unit.CALLS_PER_MINUTE: Text("通/分", "calls/min"),
    Unit.CALLERS: Text("人", "callers"),
    Unit.AGENTS: Text("人", "agents"),
    Unit.SPECIALISTS: Text("人", "specialists"),
    Unit.OFFERS: Text("次", "offers"),
    Unit.TIMES: Text("次", "times"),
    Unit.FILES: Text("个", "files"),
    Unit.RECORDS: Text("条", "records"),
}
_DECIMALS: Mapping[Unit, int] = {Unit.SHARE: 1, Unit.CHANGE: 1, Unit.CALLS_PER_MINUTE: 1, Unit.CORES: 2}
_YES_NO = {"1": Text("是", "yes"), "0": Text("否", "no")}


def uid_of(one: Dashboard, lang: Lang) -> str:
    """Return the uid, which is part of the address that people keep."""
    return f"callcenter-{one.name}-{lang}"


def draw(one: Dashboard, lang: Lang) -> str:
    """Return the JSON of a dashboard, with a line end at its end; the same text for the same dashboard, always."""
    board = (
        dashboard.Dashboard(one.title.said(lang))
        .uid(uid_of(one, lang))
        .description(one.says.said(lang))
        .tags([TAG, f"{TAG}-{lang}"])
        .timezone("browser")
        .week_start("monday")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .refresh("15s")
        .time(one.span, "now")
        .readonly()
        .link(
            dashboard.DashboardLink("话务" if lang is Lang.ZH else "Call centre")
            .type(model.DashboardLinkType.DASHBOARDS)
            .tags([f"{TAG}-{lang}"])
            .include_vars(True)
            .keep_time(True)
        )
    )
    for choice in one.choices:
        board = board.with_variable(_variable(choice, lang))
    number = 0
    for place, row in enumerate(one.rows):
        board = board.with_row(dashboard.Row(row.title.said(lang)).id(ROW_ID + place))
        for panel in row.panels:
            number += 1
            board = board.with_panel(_panel(panel, lang).id(number))
    made = json.loads(JSONEncoder().encode(board.build()))
    return json.dumps(made, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _panel(panel: Panel, lang: Lang) -> AnyPanel:
    made = _LOOKS[panel.look](panel)
    title, says = panel.title.said(lang), panel.says.said(lang)
    if any("increase(" in query.expr for query in panel.queries):
        title, says = title + APPROXIMATE.said(lang), says + EXTRAPOLATED.said(lang)
    made = (
        made.title(title)
        .description(says)
        .datasource(SOURCE)
        .unit(unit_of(panel.unit, lang))
        .span(panel.width)
        .no_value((panel.calm or Text("无数据", "no data")).said(lang))
    )
    if panel.unit in _DECIMALS or panel.unit in _COUNTED:
        made = made.decimals(_DECIMALS.get(panel.unit, 0))
    if panel.unit is Unit.YES_NO:
        made = made.mappings([_yes_no(lang, is_no_bad=panel.levels is not None)])
    if panel.levels is not None or panel.look in (Look.NUMBER, Look.BARS):
        made = made.thresholds(_thresholds(panel.levels))
    for number, query in enumerate(panel.queries):
        target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend.said(lang)).ref_id(chr(65 + number))
        # what shows one value asks for that of now: the newest of a span would stay for hours after its series has ended
        target = target.instant() if panel.look in (Look.NUMBER, Look.BARS) else target.range()
        made = made.with_target(target.datasource(SOURCE))
    for word, text in panel.words.items():
        made = made.override_by_name(word, [model.DynamicConfigValue("displayName", text.said(lang))])
    return made


def unit_of(unit: Unit, lang: Lang) -> str:
    """Return Grafana's name of a unit; a counted thing is written behind the number."""
    return _GRAFANA_UNITS[unit] if unit in _GRAFANA_UNITS else f"suffix: {_COUNTED[unit].said(lang)}"


def _graph(panel: Panel) -> timeseries.Panel:
    made = (
        timeseries.Panel()
        .height(GRAPH_H)
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(shown.LegendDisplayMode.LIST)
            .placement(shown.LegendPlacement.BOTTOM)
            .calcs(["lastNotNull"])
        )
        .tooltip(common.VizTooltipOptions().mode(shown.TooltipDisplayMode.MULTI).sort(shown.SortOrder.DESCENDING))
        .line_width(2)
        .show_points(shown.VisibilityMode.NEVER)
        # a scrape lost is no gap; longer than five minutes is one
        .span_nulls(300_000)
    )
    if panel.unit is Unit.SHARE:
        made = made.max(1).axis_soft_min(0)
    elif panel.unit is not Unit.CHANGE:
        made = made.min(0)
    if panel.levels is not None:
        made = made.thresholds_style(
            common.GraphThresholdsStyleConfig().mode(shown.GraphThresholdsStyleMode.DASHED)
        ).color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC))
    return made


def _areas(panel: Panel) -> timeseries.Panel:
    return _graph(panel).fill_opacity(40).stacking(common.StackingConfig().mode(shown.StackingMode.NORMAL).group("A"))


def _hours(panel: Panel) -> timeseries.Panel:
    return _graph(panel).interval("1h").draw_style(shown.GraphDrawStyle.BARS).fill_opacity(70)


def _newest() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False)


def _number(panel: Panel) -> stat.Panel:
    return (
        stat.Panel()
        .height(NUMBER_H)
        .reduce_options(_newest())
        .graph_mode(shown.BigValueGraphMode.NONE)
        .color_mode(shown.BigValueColorMode.VALUE)
        .text_mode(shown.BigValueTextMode.VALUE_AND_NAME)
    )


def _bars(panel: Panel) -> bargauge.Panel:
    return (
        bargauge.Panel()
        .height(GRAPH_H)
        .reduce_options(_newest())
        .orientation(shown.VizOrientation.HORIZONTAL)
        .display_mode(shown.BarGaugeDisplayMode.GRADIENT)
        .min(0)
    )


_LOOKS: Mapping[Look, Callable[[Panel], AnyPanel]] = {
    Look.LINES: _graph,
    Look.AREAS: _areas,
    Look.HOURS: _hours,
    Look.NUMBER: _number,
    Look.BARS: _bars,
}


def _thresholds(levels: Levels | None) -> dashboard.ThresholdsConfig:
    """None: no value is good or bad. Grafana's own default must not stand there: it shows whatever is 80 or more in red."""
    if levels is None:
        return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps([model.Threshold(None, PLAIN)])
    colors = ("green", "yellow", "red") if levels.alarm >= levels.warn else ("red", "yellow", "green")
    low, high = sorted((levels.warn, levels.alarm))
    steps = [model.Threshold(value, color) for value, color in zip((None, low, high), colors, strict=True)]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)


def _yes_no(lang: Lang, *, is_no_bad: bool) -> model.ValueMap:
    colors = {"1": "green", "0": "red" if is_no_bad else PLAIN}
    return model.ValueMap(
        {
            value: model.ValueMappingResult(text.said(lang), colors[value], index=number)
            for number, (value, text) in enumerate(_YES_NO.items())
        }
    )


def _variable(choice: Choice, lang: Lang) -> dashboard.QueryVariable | dashboard.CustomVariable:
    if choice is Choice.WINDOW:
        options = [
            model.VariableOption(selected=value == "today", text=text.said(lang), value=value)
            for value, text in WINDOW.items()
        ]
        return (
            dashboard.CustomVariable("window")
            .label("时间窗" if lang is Lang.ZH else "Window")
            .values(", ".join(f"{text.said(lang)} : {value}" for value, text in WINDOW.items()))
            .options(options)
            .current(next(option for option in options if option.selected))
        )
    everything = "全部" if lang is Lang.ZH else "All"
    first = (
        model.VariableOption(selected=True, text=["enterprise"], value=["enterprise"])
        if choice is Choice.ENTERPRISE
        else model.VariableOption(selected=True, text=[everything], value=["$__all"])
    )
    return (
        dashboard.QueryVariable("line")
        .label("线路" if lang is Lang.ZH else "Line")
        .datasource(SOURCE)
        .query("label_values(callcenter_calls_waiting, line)")
        .refresh(model.VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(ALL)
        .current(first)
    )
