"""The shipped rules: promtool accepts them, every alert is tested three ways and has its paragraph, and nobody asks for a series
that does not exist."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from acd.plan import ALL_LINES
from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.prometheus import Monitoring, find_monitoring
from metrics.report_windows import Window
from metrics.series import SERIES, Kind
from tests.conftest import missing

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "config" / "prometheus"
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
TESTS = sorted((SHIPPED / "tests").glob("*.yml"))
CONFIGS = ("prometheus.yml", "prometheus-compose.yml")
SCRAPE = "14s999ms"
"""By how much the range of a recorded rate is longer than its window: a scrape's interval, less a millisecond."""
CJK = re.compile(r"[\u4e00-\u9fff]")


def rules_of(name: str) -> list[dict[str, Any]]:
    loaded = yaml.safe_load((SHIPPED / "rules" / name).read_text(encoding="utf-8"))
    return [rule for group in loaded["groups"] for rule in group["rules"]]


ALERTS = {rule["alert"]: rule for rule in rules_of("alerts.yml")}
RECORDED = {rule["record"]: rule for rule in rules_of("recording.yml")}
CASES = {case["name"]: case for path in TESTS for case in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]}


@pytest.fixture(scope="session")
def monitoring() -> Monitoring:
    """The programs that judge the files."""
    try:
        return find_monitoring()
    except PeerUnavailableError as error:
        missing(error)


def samples() -> Iterator[str]:
    """Every name under which Prometheus has something of ours."""
    for name, series in SERIES.items():
        match series.kind:
            case Kind.HISTOGRAM:
                yield from (f"{name}_bucket", f"{name}_sum", f"{name}_count")
            case Kind.INFO:
                yield f"{name}_info"
            case _:
                yield name


def asked_for(expression: str) -> set[str]:
    """Names of series in an expression: what is neither text, label, function, nor word of the language."""
    text = re.sub(r'"[^"]*"', "", expression)
    text = re.sub(r"\{[^}]*\}|\[[^]]*\]|\b(by|on|without|ignoring)\s*\([^)]*\)|\boffset\s+\w+", " ", text)
    words = re.findall(r"(?<![\w:])([a-zA-Z_:][\w:]*)\b(?!\s*\()", text)
    return set(words) - {"and", "or", "unless", "bool", "by", "on", "without", "ignoring"}


def labels_asked(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Each selector's series, and the labels that it names."""
    for name, inside in re.findall(r"([a-zA-Z_:][\w:]*)\{([^}]*)\}", expression):
        yield name, set(re.findall(r"(\w+)\s*[=!]", inside))


@pytest.mark.prometheus
@pytest.mark.parametrize("name", CONFIGS)
def test_promtool_reads_the_configuration_it_is_content(monitoring: Monitoring, name: str) -> None:
    is_content, said = monitoring.check(monitoring.promtool, "check", "config", "--syntax-only", name, folder=SHIPPED)
    assert is_content, said


def test_configuration_for_compose_scrapes_composes_services_with_composes_tokens() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    config = yaml.safe_load((SHIPPED / "prometheus-compose.yml").read_text(encoding="utf-8"))
    services, server = compose["services"], compose["services"]["prometheus"]
    assert "--config.file=/etc/prometheus/prometheus-compose.yml" in server["command"]
    for job in config["scrape_configs"]:
        (target,) = job["static_configs"][0]["targets"]
        assert target.partition(":")[0] in services
        assert job["static_configs"][0]["labels"] == {"job": "callcenter"}
        assert job["authorization"]["credentials_file"].removeprefix("/run/secrets/") in server["secrets"]
    assert config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] == ["alertmanager:9093"]


@pytest.mark.prometheus
def test_promtool_reads_the_rules_it_is_content(monitoring: Monitoring) -> None:
    files = ("rules/recording.yml", "rules/alerts.yml")
    is_content, said = monitoring.check(monitoring.promtool, "check", "rules", "--lint-fatal", *files, folder=SHIPPED)
    assert is_content, said
    assert f"{len(ALERTS)} rules found" in said


@pytest.mark.prometheus
def test_amtool_reads_the_alertmanagers_configuration_it_is_content(monitoring: Monitoring) -> None:
    is_content, said = monitoring.check(monitoring.amtool, "check-config", "alertmanager.yml", folder=SHIPPED)
    assert is_content, said


@pytest.mark.prometheus
@pytest.mark.parametrize("alert", ALERTS)
def test_alertmanager_gets_an_alert_it_goes_to_whom_its_severity_says(monitoring: Monitoring, alert: str) -> None:
    severity = ALERTS[alert]["labels"]["severity"]
    words = ("config", "routes", "test", "--config.file=alertmanager.yml", f"alertname={alert}", f"severity={severity}")
    is_content, said = monitoring.check(monitoring.amtool, *words, folder=SHIPPED)
    assert is_content and said.splitlines()[0] == {"critical": "on-call", "warning": "operators"}[severity]


@pytest.mark.prometheus
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_promtool_plays_the_cases_each_ends_as_written(monitoring: Monitoring, path: Path) -> None:
    is_content, said = monitoring.check(monitoring.promtool, "test", "rules", path.name, folder=path.parent)
    assert is_content, said


@pytest.mark.prometheus
def test_promtool_plays_a_case_that_is_wrong_it_says_so(monitoring: Monitoring, tmp_path: Path) -> None:
    text = (SHIPPED / "tests" / "service.yml").read_text(encoding="utf-8").replace("../rules", str(SHIPPED / "rules"))
    assert "values: 0x8 1x8" in text
    (tmp_path / "wrong.yml").write_text(text.replace("values: 0x8 1x8", "values: 0x16"), encoding="utf-8")
    is_content, said = monitoring.check(monitoring.promtool, "test", "rules", "wrong.yml", folder=tmp_path)
    assert not is_content and "FAILED" in said


@pytest.mark.parametrize("alert", ALERTS)
def test_alert_has_a_case_in_which_it_fires_one_in_which_it_keeps_quiet_one_in_which_it_resolves(alert: str) -> None:
    def expected(case: str) -> list[bool]:
        checks = CASES[f"{alert} {case}"]["alert_rule_test"]
        assert {check["alertname"] for check in checks} == {alert}
        return [bool(check["exp_alerts"]) for check in checks]

    assert expected("fires")[-1] and not expected("fires")[0], "not yet, then it fires"
    assert not any(expected("keeps quiet"))
    assert CASES[f"{alert} keeps quiet"]["input_series"], "it keeps quiet about something"
    assert expected("resolves") == [True, False]


def test_cases_are_of_alerts_that_there_are() -> None:
    named = {name.split()[0] for name in CASES if name.startswith("Callcenter")}
    assert named == set(ALERTS)


@pytest.mark.parametrize("alert", ALERTS)
def test_alert_says_how_bad_it_is_what_it_is_in_both_languages_and_where_to_read_on(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in ("critical", "warning")
    told = rule["annotations"]
    assert set(told) == {"summary", "summary_zh", "description", "description_zh", "runbook"}
    for name in ("summary", "description"):
        assert told[name] and not CJK.search(told[name])
        assert CJK.search(told[f"{name}_zh"])
    assert told["runbook"] == f"docs/runbook.md#{alert.lower()}"


@pytest.mark.parametrize("alert", ALERTS)
def test_alert_has_its_paragraph_in_the_runbook_in_both_languages(alert: str) -> None:
    _, _, after = RUNBOOK.partition(f"\n### {alert}\n")
    paragraph = re.split(r"\n#+ ", after)[0].strip()
    assert len(paragraph) > 200, alert
    assert CJK.search(paragraph) and re.search(r"[a-z]{4}", paragraph)


def test_runbook_has_no_paragraph_of_an_alert_that_is_not() -> None:
    assert set(re.findall(r"^### (\w+)$", RUNBOOK, re.MULTILINE)) == set(ALERTS)
    assert {link.lower() for link in re.findall(r"\(#(\w+)\)", RUNBOOK)} <= {name.lower() for name in ALERTS}


@pytest.mark.parametrize("name", [*ALERTS, *RECORDED])
def test_rule_asks_for_series_of_the_table_alone(name: str) -> None:
    """`up` is Prometheus' own word on each scrape; a rule may stand on a recorded one."""
    expression = (ALERTS | RECORDED)[name]["expr"]
    known = {*samples(), *RECORDED, "up"}
    assert asked_for(expression) and asked_for(expression) <= known
    for series, labels in labels_asked(expression):
        of = SERIES.get(series) or SERIES.get(re.sub(r"_(bucket|sum|count|info)$", "", series))
        assert labels <= {*(of.labels if of else ()), "le" if series.endswith("_bucket") else "job"}, series
    for window in re.findall(r'window="([^"]*)"', expression):
        assert window in set(Window)


def test_names_of_recorded_rates_say_their_window_and_that_they_are_not_exact() -> None:
    assert all(re.fullmatch(r"callcenter:[a-z0-9_]+:(5m|1h|1d):approx", name) for name in RECORDED)
    by_window = [{name.split(":")[1] for name in RECORDED if f":{window}:" in name} for window in ("5m", "1h", "1d")]
    assert by_window[0] == by_window[1] == by_window[2]
    for name, rule in RECORDED.items():
        ranges = re.findall(r"\[(\w+)\]", rule["expr"])
        assert all(one.endswith(SCRAPE) for one in ranges)
        windows = {one.removesuffix(SCRAPE) for one in ranges} | set(re.findall(r":(\w+):approx", rule["expr"]))
        assert windows == {name.split(":")[2]}


@pytest.mark.parametrize("name", CONFIGS)
def test_interval_of_the_scrapes_is_that_which_the_recorded_rates_have_in_their_ranges(name: str) -> None:
    config = yaml.safe_load((SHIPPED / name).read_text(encoding="utf-8"))
    assert config["global"]["scrape_interval"] == "15s" and SCRAPE == "14s999ms"
    assert all("scrape_interval" not in job for job in config["scrape_configs"])


@pytest.mark.parametrize(("window", "seconds"), [("1h", 3600), ("1d", 86_400)])
def test_recorded_rates_of_an_hour_and_a_day_are_those_of_five_minutes_which_promtool_plays(
    window: str, seconds: int
) -> None:
    def renamed(text: str) -> str:
        text = text.replace(f"[5m{SCRAPE}]", f"[{window}{SCRAPE}]").replace(":5m:", f":{window}:")
        return re.sub(r"\* 300\b", f"* {seconds}", text)

    short = {name: rule["expr"] for name, rule in RECORDED.items() if ":5m:" in name}
    assert {renamed(name): renamed(expr) for name, expr in short.items()} == {
        name: rule["expr"] for name, rule in RECORDED.items() if f":{window}:" in name
    }


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ('sum by (line) (rate(a_total{x="b"}[5m])) > 0 and on (line) c', {"a_total", "c"}),
        ('absent(up{job="d"}) or e:f:5m unless g offset 15m', {"up", "e:f:5m", "g"}),
        ("no_such < ignoring (window) 0.8 * h", {"no_such", "h"}),
    ],
)
def test_names_are_found_in_an_expression(expression: str, names: set[str]) -> None:
    assert asked_for(expression) == names


def test_label_of_all_lines_in_the_rules_is_the_services() -> None:
    assert f'line="{ALL_LINES}"' in ALERTS["CallcenterConnectRateUnderDuty"]["expr"]
