"""Labels of a scrape: whatever a plan or a ledger calls its lines, the text can be read, and what is gone is not shown."""

from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as classic

from acd.records import Ignored
from config.plan import parse_plan
from metrics.dictionary import DICTIONARY
from metrics.exporter import Exporter
from metrics.exposition import render_as
from metrics.report_windows import ReportWindows, edges_at
from tests.contract.calls_told import NOON_MS, worked_example
from tests.unit.metrics.test_report_windows import call
from tests.unit.test_exporter import FLOOR, exporter_after, samples
from tests.unit.test_plan import GOOD

HOSTILE = ('"', "a\nb", "\\", '{x="y"} 1 # EOF', "政策" * 2000, "\u2028\x00\x7f", " ", "# HELP x")


def test_line_is_renamed_while_it_is_watched_its_gauges_vanish_and_its_counters_stay() -> None:
    exporter = exporter_after(*worked_example())
    exporter.staff(parse_plan(GOOD).plan)
    before = samples(exporter)
    assert "callcenter_connect_ratio|line=general" in before

    exporter.staff(parse_plan(GOOD.replace("general", "citizens")).plan)

    after = samples(exporter)
    gauges = ("callcenter_connect_ratio", "callcenter_line_agents", "callcenter_estimated_wait_seconds")
    assert not [name for name in after if name.startswith(gauges) and "general" in name]
    counted = "callcenter_calls_offered_total|line=general"
    assert after[counted] == before[counted] > 0


@pytest.mark.parametrize(
    ("accept", "parse"), [("", classic), ("application/openmetrics-text; version=1.0.0", openmetrics)]
)
def test_labels_hold_quotes_line_ends_braces_and_chinese_the_text_says_them_back(accept: str, parse: Any) -> None:
    windows = ReportWindows(DICTIONARY, edges_at(NOON_MS, NOON_MS - 1))
    windows.changed([(None, call(NOON_MS - 1, line=code)) for code in HOSTILE])
    floor = replace(FLOOR, waiting=dict.fromkeys(HOSTILE, 1), plan="\n".join(HOSTILE))
    exporter = Exporter(lambda: floor, report=windows.frozen)
    exporter.observe([Ignored(NOON_MS, "event", word) for word in HOSTILE])

    shown = {
        (sample.name, value)
        for family in parse(render_as(accept, exporter.freeze())[0].decode())
        for sample in family.samples
        for value in sample.labels.values()
    }

    for name in ("callcenter_calls_waiting", "callcenter_ignored_events_total", "callcenter_report_offered"):
        assert {(name, code) for code in HOSTILE} <= shown
