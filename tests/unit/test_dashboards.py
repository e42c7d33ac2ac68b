"""Grafana's dashboards as they are defined, and as they lie in the repository."""

import json
import re
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import pytest

from acd.names import HandOverResult, LineState, OfferResult, Outcome, RecordingStatus
from agents.presence import Presence
from callcenter.grafana.__main__ import DASHBOARDS, FOLDER, files
from callcenter.grafana.draw import APPROXIMATE, EXTRAPOLATED, unit_of
from callcenter.grafana.shape import LIBRARY, Dashboard, Lang, Look, Panel, Text, Unit
from callcenter.grafana.words import (
    HANDOVER,
    LINE_STATE,
    OFFER,
    OUTCOME,
    PRESENCE,
    REASON,
    RECORDING,
    SPECIALIST,
    WINDOW,
)
from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.prometheus import find_monitoring
from metrics.floor import SPECIALIST_STATES
from metrics.report_windows import Window
from metrics.series import SERIES, Kind
from tests.conftest import missing

ROOT = Path(__file__).resolve().parents[2]
ALL = [(one, panel) for one in DASHBOARDS for panel in one.panels]
PANELS = pytest.mark.parametrize(
    "panel", [panel for _, panel in ALL], ids=[f"{one.name}: {p.title.en}" for one, p in ALL]
)
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def series_of(expr: str) -> set[str]:
    """Return the names of series in a query."""
    return set(re.findall(r"\b(?:callcenter|process)_\w+", expr))


def exposed() -> set[str]:
    """Return the names under which Prometheus has our series."""
    ends = {Kind.HISTOGRAM: ("_bucket", "_sum", "_count"), Kind.INFO: ("_info",)}
    return {f"{one.name}{end}" for one in SERIES.values() for end in ends.get(one.kind, ("",))} | set(LIBRARY)


def test_dashboards_in_the_repository_are_what_the_code_makes() -> None:
    made = files()
    there = {str(path.relative_to(FOLDER)): path.read_text(encoding="utf-8") for path in FOLDER.glob("*/*.json")}
    assert sorted(there) == sorted(made)
    assert [name for name, text in made.items() if there[name] != text] == [], "run `make dashboards`"


@PANELS
def test_panel_has_unit_legend_and_description_in_both_languages(panel: Panel) -> None:
    texts = [panel.title, panel.says, *(query.legend for query in panel.queries), *panel.words.values()]
    assert panel.queries and all(text.zh and text.en for text in texts)
    assert CHINESE.search(panel.title.zh + panel.says.zh) and not CHINESE.search(panel.title.en + panel.says.en)
    assert panel.says.en.endswith(".") and len(panel.says.zh) >= 8
    assert all(unit_of(panel.unit, lang) for lang in Lang)


@PANELS
def test_panel_asks_for_series_of_the_table_alone(panel: Panel) -> None:
    for query in panel.queries:
        asked = series_of(query.expr)
        assert asked and asked <= exposed(), query.expr


@pytest.mark.parametrize("one", DASHBOARDS, ids=lambda one: one.name)
@pytest.mark.parametrize("lang", Lang)
def test_drawn_panels_carry_what_the_definition_says(one: Dashboard, lang: Lang) -> None:
    board = json.loads(files()[f"{lang}/{one.name}.json"])
    assert board["uid"] == f"callcenter-{one.name}-{lang}" and len(board["uid"]) <= 40
    drawn = [panel for panel in board["panels"] if panel["type"] != "row"]
    assert len(drawn) == len(one.panels)
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel, defined in zip(drawn, one.panels, strict=True):
        is_estimate = any("increase(" in query.expr for query in defined.queries)
        for key, text, more in (("title", defined.title, APPROXIMATE), ("description", defined.says, EXTRAPOLATED)):
            assert panel[key] == text.said(lang) + (more.said(lang) if is_estimate else "")
        assert panel["fieldConfig"]["defaults"]["unit"] and panel["fieldConfig"]["defaults"]["noValue"]
        assert [target["expr"] for target in panel["targets"]] == [query.expr for query in defined.queries]
        assert all(target["legendFormat"] for target in panel["targets"])
        if defined.look in (Look.LINES, Look.AREAS, Look.HOURS):
            assert panel["options"]["legend"]["showLegend"]
        named = {o["matcher"]["options"]: o["properties"][0]["value"] for o in panel["fieldConfig"]["overrides"]}
        assert named == {word: text.said(lang) for word, text in defined.words.items()}


def test_panel_that_shows_one_value_asks_for_that_of_now_so_what_has_ended_is_not_shown_for_hours() -> None:
    for name, text in files().items():
        for panel in json.loads(text)["panels"]:
            for target in panel.get("targets", ()):
                is_one = panel["type"] in ("stat", "bargauge")
                assert (bool(target.get("instant")), bool(target.get("range"))) == (is_one, not is_one), (
                    name,
                    panel["title"],
                )


def test_panels_of_a_dashboard_lie_beside_each_other_without_overlap() -> None:
    for name, text in files().items():
        taken: set[tuple[int, int]] = set()
        for panel in json.loads(text)["panels"]:
            place = panel["gridPos"]
            cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
            assert not cells & taken and max(x for x, _ in cells) < 24, (name, panel["title"])
            taken |= cells


@pytest.mark.parametrize(
    ("words", "enum"),
    [
        (PRESENCE, Presence),
        (OFFER, OfferResult),
        (HANDOVER, HandOverResult),
        (LINE_STATE, LineState),
        (RECORDING, RecordingStatus),
        (WINDOW, Window),
    ],
)
def test_words_of_the_code_have_a_text(words: Mapping[str, Text], enum: type[StrEnum]) -> None:
    assert set(words) == {member.value for member in enum}


def test_every_outcome_and_state_of_specialists_has_a_text() -> None:
    assert set(SPECIALIST) == set(SPECIALIST_STATES)
    assert set(OUTCOME) == {member.value for member in Outcome} | {"unknown"}


@pytest.mark.parametrize("lang", Lang)
def test_value_has_no_level_its_panel_is_never_red(lang: Lang) -> None:
    """What a panel does not say is Grafana's default: red from 80 on, so every busy day, every epoch, every talk."""
    looked = 0
    for one in DASHBOARDS:
        board = json.loads(files()[f"{lang}/{one.name}.json"])
        drawn = [panel for panel in board["panels"] if panel["type"] != "row"]
        for panel, defined in zip(drawn, one.panels, strict=True):
            if defined.look not in (Look.NUMBER, Look.BARS):
                continue
            says = panel["fieldConfig"]["defaults"]
            colours = {step["color"] for step in says["thresholds"]["steps"]}
            colours |= {shown["color"] for one in says.get("mappings", ()) for shown in one["options"].values()}
            assert ("red" in colours) is (defined.levels is not None), defined.title.en
            looked += defined.levels is None
    assert looked > 15


def test_pair_is_well_nothing_of_its_roles_is_red() -> None:
    (service,) = (one for one in DASHBOARDS if one.name == "service")
    assert {p.title.en: p.levels for p in service.panels if p.title.en in ("Leads", "Stands by")} == {
        "Leads": None,
        "Stands by": None,
    }


@pytest.mark.prometheus
def test_leader_of_a_pair_cannot_write_to_the_ledger_the_stand_by_that_can_does_not_hide_it(tmp_path: Path) -> None:
    (panel,) = (one for board, one in ALL if board.name == "service" and one.title.en == "Ledger takes records")
    shown = [{"labels": f'{{instance="{name}"}}', "value": value} for name, value in (("a", 0), ("b", 1))]
    case = {
        "interval": "15s",
        "input_series": [
            {"series": 'callcenter_database_up{job="callcenter",instance="a"}', "values": "0x8"},
            {"series": 'callcenter_database_up{job="callcenter",instance="b"}', "values": "1x8"},
        ],
        "promql_expr_test": [{"expr": query.expr, "eval_time": "1m", "exp_samples": shown} for query in panel.queries],
    }
    (tmp_path / "pair.yml").write_text(json.dumps({"tests": [case]}), encoding="utf-8")
    try:
        monitoring = find_monitoring()
    except PeerUnavailableError as error:
        missing(error)
    is_content, said = monitoring.check(monitoring.promtool, "test", "rules", "pair.yml", folder=tmp_path)
    assert is_content, said


def test_every_reason_of_the_shipped_plan_has_a_text() -> None:
    shipped = tomllib.loads((ROOT / "config" / "plan.example.toml").read_text(encoding="utf-8"))
    assert set(REASON) == {*shipped["not_ready_reasons"].values(), "other"}


def test_every_unit_can_be_drawn() -> None:
    for lang in Lang:
        drawn = {unit: unit_of(unit, lang) for unit in Unit}
        assert len(drawn) == len(Unit)
        assert all(
            bool(CHINESE.search(name)) == (lang is Lang.ZH) for name in drawn.values() if name.startswith("suffix")
        )
