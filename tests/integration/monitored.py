"""What a real Prometheus beside a real service is asked, and the same from the ledger: counters, the report, recorded rates.

The shipped files are loaded as they are, but for the target's address and one second in place of fifteen, in the recorded rates' ranges too.
"""

import asyncio
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from acd.plan import ALL_LINES
from callcenter.board.day import hours_of_day
from callcenter.lab.ports import free_port
from callcenter.lab.prometheus import Prometheus
from callcenter.lab.sip_phone import Leg, answers
from callcenter.storage.figures import Group
from callcenter.storage.rolled_figures import reading
from metrics.dictionary import DICTIONARY
from metrics.report_windows import OF_ALL_LINES, OPEN_SERIES, OPEN_TOTAL, REPORT, ReportWindows, edges_at, names_of
from metrics.series import BOUNDS, SERIES, Kind
from tests.integration.office import Office, Row, until

SHIPPED = Path(__file__).resolve().parents[2] / "config" / "prometheus"
GENERAL, SPECIAL, TAX = "12345", "12346", "12348"
RUNNING = "callcenter_agent_seconds_total"
"""Grows between two scrapes, while the ledger has only the states that have ended."""
LINES = ("general", "special", "real", "tax")
"""Of the office."""
Labels = tuple[tuple[str, str], ...]


def shipped(port: int, token: str = "") -> dict[str, str]:
    """The files of the configuration: this target, looked at each second. token: is sent, from the file that is named there."""
    files = {
        str(path.relative_to(SHIPPED)): path.read_text(encoding="utf-8")
        for path in (SHIPPED / "prometheus.yml", *(SHIPPED / "rules").glob("*.yml"))
    }
    changes = [
        ("127.0.0.1:8345", f"127.0.0.1:{port}"),
        ("scrape_interval: 15s", "scrape_interval: 1s"),
        ("evaluation_interval: 15s", "evaluation_interval: 1s"),
        ("scrape_timeout: 5s", "scrape_timeout: 1s"),
    ]
    ranges = files["rules/recording.yml"]
    assert ranges.count("14s999ms]") == ranges.count("rate(callcenter_") > 0
    files["rules/recording.yml"] = ranges.replace("14s999ms]", "999ms]")
    if token:
        files["callcenter.token"] = token
        changes += [("# authorization:", "authorization:"), ("#   credentials_file:", "  credentials_file:")]
    for old, new in changes:
        assert files["prometheus.yml"].count(old) == 1, old
        files["prometheus.yml"] = files["prometheus.yml"].replace(old, new)
    return files


async def is_scraped(prometheus: Prometheus) -> bool:
    """Whether the service answered the last scrape."""
    return list((await prometheus.query('up{job="callcenter"}')).values()) == [1.0]


async def answered_calls(office: Office, count: int) -> None:
    """Callers who are answered, one after the other, by two seats."""
    await office.ready("1001", answers(0.05))
    await office.ready("1002", answers(0.3))
    for number in range(count):
        caller = await office.caller(f"1390000000{number}")
        leg = caller.call(GENERAL)
        await leg.wait_for(200, 15)
        await asyncio.sleep(0.2 + 0.1 * number)
        caller.hang_up(leg)
        await office.row(leg)
    for number in ("1001", "1002"):
        await office.not_ready(number)


async def waiting_caller(office: Office, line: str, waits: int = 1) -> tuple[Any, Leg]:
    """A caller for whom nobody is ready; returns once so many wait in all."""
    caller = await office.caller("13700000000")
    leg = caller.call(line)

    async def waits_now() -> bool:
        return sum(one["waiting"] for one in (await office.status())["lines"]) == waits

    await until(waits_now, f"{waits} wait")
    return caller, leg


async def a_run(office: Office, prometheus: Prometheus) -> None:
    """Twelve calls: six answered, five who give up waiting, one refused."""
    await answered_calls(office, 6)
    callers = [await waiting_caller(office, GENERAL, number + 1) for number in range(3)]
    await until(lambda: shows(prometheus, f'{OPEN_SERIES}{{window="24h",line="all"}}', 3), "three are open")
    for caller, leg in callers:
        caller.hang_up(leg)
        await office.row(leg)
    caller, leg = await waiting_caller(office, SPECIAL)
    refused = (await office.caller("13600000000")).call(SPECIAL)
    assert (await office.row(refused))["outcome"] == "rejected"
    caller.hang_up(leg)
    caller, leg = await waiting_caller(office, TAX)
    pending = await until(lambda: alert_of(prometheus, "CallcenterLineWithoutAgent"), "nobody is there for the line")
    assert (pending["labels"]["line"], pending["labels"]["severity"]) == ("tax", "critical")
    assert "线路 tax 有来电等待" in pending["annotations"]["summary_zh"]
    caller.hang_up(leg)
    await office.row(leg)


async def shows(prometheus: Prometheus, expression: str, value: float) -> bool:
    return list((await prometheus.query(expression)).values()) == [value]


async def alert_of(prometheus: Prometheus, name: str) -> Row | None:
    """The alert, pending or firing."""
    found = [one for rule in await prometheus.rules() if rule["name"] == name for one in rule["alerts"]]
    return found[0] if found else None


async def ledger_rows(office: Office, query: str) -> list[tuple[Any, ...]]:
    async with office.site.ledger() as ledger, ledger.engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(text(query))]


def named(series: str, labels: tuple[Any, ...], **more: str) -> Labels:
    return tuple(sorted({**dict(zip(SERIES[series].labels, labels, strict=True)), **more}.items()))


async def counters_equal_the_ledger(office: Office, prometheus: Prometheus) -> int:
    """Compare every counter and histogram that has a ledger query; returns how many were moved."""
    moved = 0
    at_s = await until(lambda: newest_scrape(prometheus), "a scrape that did not fail")
    for name, series in SERIES.items():
        if series.ledger is None or name == RUNNING:
            continue
        rows = await ledger_rows(office, series.ledger)
        if series.kind is Kind.COUNTER:
            shown = {labels: value for labels, value in (await prometheus.query(name, at_s)).items() if value}
            assert shown == {named(name, row[:-1]): row[-1] / series.per for row in rows if row[-1]}, name
        else:
            await histogram_equals(prometheus, name, rows, at_s)
        moved += bool(rows)
    return moved


async def histogram_equals(prometheus: Prometheus, name: str, rows: list[tuple[Any, ...]], at_s: float) -> None:
    bounds, unit = BOUNDS[name]
    seen: dict[tuple[Any, ...], list[int]] = {}
    for row in rows:
        seen.setdefault(row[:-1], []).append(row[-1])
    counts, sums = await prometheus.query(f"{name}_count > 0", at_s), await prometheus.query(f"{name}_sum", at_s)
    assert counts == {named(name, key): len(values) for key, values in seen.items()}
    assert {key: sums[key] for key in counts} == {
        named(name, key): pytest.approx(sum(values) / unit) for key, values in seen.items()
    }
    buckets = await prometheus.query(f"{name}_bucket", at_s)
    for key, values in seen.items():
        for bound in bounds:
            inside = sum(value <= bound for value in values)
            assert buckets[named(name, key, le=str(bound / unit))] == inside, (name, key, bound)


async def report_of_the_ledger(office: Office, at_ms: int) -> dict[str, dict[Labels, Fraction]]:
    """The report's own answer for each window at an instant, by its own way of reading: `callcenter report` reads so too."""
    found: dict[str, dict[Labels, Fraction]] = {series: {} for series in (*REPORT, OPEN_SERIES)}
    midnight = hours_of_day(at_ms, ZoneInfo("Asia/Shanghai"))[0]
    names = ReportWindows().names
    async with office.site.ledger() as ledger:
        for window, edge in edges_at(at_ms, midnight).items():
            async with reading(ledger.engine) as figures:
                by_line = await figures.totals([edge, at_ms + 1], names, group=Group.LINE)
                whole = await figures.totals([edge, at_ms + 1], names)
            lines = {line: by_line.get((edge, line), DICTIONARY.empty(names)) for line in LINES}
            for line, totals in (*lines.items(), (ALL_LINES, whole[edge, ""])):
                key = (("line", line), ("window", window.value))
                for series, name in names_of(DICTIONARY).items():
                    if line != ALL_LINES and series in OF_ALL_LINES:
                        continue
                    if (value := DICTIONARY.figures[name].value(totals)) is not None:
                        found[series][key] = value / 100 if series.endswith(("_rate", "_level")) else value
                found[OPEN_SERIES][key] = Fraction(totals[OPEN_TOTAL] or 0)
    return found


async def newest_scrape(prometheus: Prometheus) -> float | None:
    """The newest scrape's instant, seconds; None when it failed: all that it would have shown is then gone for that long."""
    stamps = set((await prometheus.query("timestamp(callcenter_report_offered)")).values())
    return stamps.pop() if len(stamps) == 1 else None


async def plain_scrape(prometheus: Prometheus, arrivals: list[int]) -> float | None:
    """The newest scrape's instant, seconds; None when it failed, or a call arrived within a second of a window's edge."""
    at_s = await newest_scrape(prometheus)
    if at_s is None:
        return None
    edges = edges_at(round(at_s * 1000), 0).values()
    return None if any(abs(arrived - edge) < 1000 for arrived in arrivals for edge in edges) else at_s


async def report_equals_the_ledger(office: Office, prometheus: Prometheus) -> dict[str, dict[Labels, float]]:
    """Compare all gauges of one scrape with the ledger as of that scrape; returns them. A window whose edge passed a call within
    the scrape's own duration would be in doubt: then the next scrape is taken."""
    arrivals = [row["arrived_ms"] for row in await office.rows()]
    at_s = await until(lambda: plain_scrape(prometheus, arrivals), "a scrape beside whose edges no call arrived", 15)
    at_ms = round(at_s * 1000)
    shown = {series: await prometheus.query(series, at_s) for series in (*REPORT, OPEN_SERIES)}
    expected = await report_of_the_ledger(office, at_ms)
    for series, values in expected.items():
        assert shown[series] == {key: float(value) for key, value in values.items()}, series
    return shown


def close(shown: float, exact: float) -> bool:
    """Within one call, or 2 %."""
    return abs(shown - exact) <= max(1.0, 0.02 * exact)


async def recorded_are_close(prometheus: Prometheus, exact: dict[str, dict[Labels, float]], window: str) -> None:
    """Compare the recording rules of a window that holds the whole run with the report's figures of 24 hours."""

    async def recorded(name: str) -> dict[str, float]:
        return {
            dict(key)["line"]: value
            for key, value in (await prometheus.query(f"callcenter:{name}:{window}:approx")).items()
        }

    def reported(name: str) -> dict[str, float]:
        values = exact[f"callcenter_report_{name}"].items()
        return {
            dict(key)["line"]: value
            for key, value in values
            if dict(key)["window"] == "24h" and dict(key)["line"] != ALL_LINES
        }

    for name in ("offered", "answered", "abandoned"):
        shown, real = await recorded(name), reported(name)
        assert {line: close(shown[line], value) for line, value in real.items()} == dict.fromkeys(real, True), (
            name,
            window,
        )
    for approx, name in (
        ("connect_rate", "connect_rate"),
        ("service_level_20s", "service_level"),
        ("average_wait_seconds", "average_wait_seconds"),
        ("average_talk_seconds", "average_talk_seconds"),
    ):
        assert await recorded(approx) == pytest.approx(reported(name), rel=0.02), (approx, window)
    whole = (("line", ALL_LINES), ("window", "24h"))
    for name in ("total_calls", "total_average_talk_seconds"):
        (shown,) = (await prometheus.query(f"callcenter:{name}:{window}:approx")).values()
        assert close(shown, exact[f"callcenter_report_{name}"][whole]), (name, window)


class Elsewhere:
    """A proxy on loopback that says of each request that it comes from another host."""

    def __init__(self, to: int) -> None:
        self.port, self._to = free_port(), to
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self.port)

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, _, rest = head.partition(b"\r\n")
        lines = [line for line in rest.split(b"\r\n") if not line.lower().startswith(b"connection:")]
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        back.write(b"\r\n".join((first, b"X-Forwarded-For: 192.0.2.7", b"Connection: close", *lines)))
        writer.write(await there.read(-1))
        await writer.drain()
        for one in (back, writer):
            one.close()
