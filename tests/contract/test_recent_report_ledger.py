"""The report's windows that end now equal the ledger's own queries, on both databases, whatever happens between two looks."""

import random
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.engine.interfaces import CacheStats
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.names import EndedBy, Outcome
from callcenter import recent_report
from callcenter.recent_report import RecentReport
from callcenter.storage.followers import follow
from callcenter.storage.ledger import Ledger
from callcenter.storage.outbox import Outbox
from metrics.choices import Choices, OutboundVolume
from metrics.dictionary import DICTIONARY, Dictionary, build
from metrics.lengths import HOUR_MS
from metrics.report_windows import OPEN_SERIES, Window, edges_at, names_of
from tests.contract.calls_told import NOON_MS, Told, all_records, entries
from tests.contract.test_exporter_ledger import a_run
from tests.counted import totals_between

FAR_MS = 2**53


def calls_out(seed: int) -> list[Told]:
    """Calls out of a run's hour, reached and not, some of one millisecond."""
    dice, told = random.Random(seed), list[Told]()
    for number in range(40):
        call = Told(f"{seed}.out-{number}", NOON_MS + dice.randrange(0, 3_600_000, 300_000), direction="outbound")
        if dice.random() < 0.7:
            call.talks(3, 3 + dice.choice([0.001, 40.0, 409.999]))
        told.append(call.ends(500, None, by=EndedBy.AGENT))
    return told


class Watched:
    """A report over a ledger, whose clock stands where a test puts it."""

    def __init__(self, engine: AsyncEngine, now_ms: int = NOON_MS + HOUR_MS) -> None:
        self.engine, self.now_ms = engine, now_ms
        self.dictionary, self.zone, self.stands_by = DICTIONARY, "Asia/Shanghai", False
        self.report = RecentReport(
            ledger=engine,
            now=lambda: self.now_ms / 1000,
            zone=lambda: self.zone,
            lines=lambda: ["general"],
            stands_by=lambda: self.stands_by,
            dictionary=lambda: self.dictionary,
        )

    def shown(self) -> dict[tuple[str, str], Fraction]:
        """(Series, window) -> value of all lines."""
        found = self.report.frozen().figures()
        return {
            (series, key[0]): value
            for series, values in found.items()
            for key, value in values.items()
            if key[1] == "all"
        }

    async def ledger_says(self, dictionary: Dictionary = DICTIONARY) -> dict[tuple[str, str], Fraction]:
        """The same from the ledger's rows at this instant (under choices whose totals are the default's)."""
        found: dict[tuple[str, str], Fraction] = {}
        midnight = self.now_ms - (self.now_ms + 8 * HOUR_MS) % (24 * HOUR_MS)
        for window, edge in edges_at(self.now_ms, midnight).items():
            totals = await totals_between(self.engine, edge, FAR_MS)
            for series, name in names_of(dictionary).items():
                figure = dictionary.figures[name]
                if (value := figure.value(totals)) is not None:
                    found[series, window.value] = value / 100 if figure.unit == "percent" else value
            found[OPEN_SERIES, window.value] = Fraction(totals["not_ended"] or 0)
        return found


async def test_records_are_applied_in_batches_of_any_size_the_windows_equal_the_ledger_at_every_instant(
    ledger: Ledger, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_report, "PART", 7)
    dice, watched = random.Random(5), Watched(engine)
    ledger.on_calls, ledger.on_doubt = watched.report.settled, watched.report.doubt
    told, at = entries([*a_run(5), *all_records(calls_out(5))]), 0
    assert watched.shown() == {}
    while at < len(told):
        size = dice.randrange(1, 120)
        await ledger.apply("box", told[at : at + size])
        at += size
        watched.now_ms += dice.choice([0, 1, 999, 60_000, 400_000])
        if at > len(told) // 3:
            await watched.report.between()
            assert watched.shown() == await watched.ledger_says()
    assert watched.shown()["callcenter_report_offered", "24h"] > 100
    assert watched.shown()["callcenter_report_outbound_max_talk_seconds", "24h"] == Fraction(409_999, 1000)
    for now_ms in sorted(dice.sample(range(watched.now_ms, watched.now_ms + 26 * HOUR_MS), 12)):
        watched.now_ms = now_ms
        assert watched.shown() == await watched.ledger_says()
    assert watched.shown()["callcenter_report_offered", "24h"] == 0
    assert ("callcenter_report_total_max_talk_seconds", "24h") not in watched.shown()


async def test_restart_reads_the_figures_from_the_ledger(ledger: Ledger, engine: AsyncEngine) -> None:
    await ledger.apply("box", entries([*a_run(9), *all_records(calls_out(9))]))
    after_restart = Watched(engine)

    await after_restart.report.between()

    assert after_restart.shown() == await after_restart.ledger_says()
    assert after_restart.shown()["callcenter_report_offered", "24h"] > 100
    assert after_restart.shown()["callcenter_report_outbound_average_talk_seconds", "24h"] > 0


def changes_of(watched: Watched) -> Iterator[str]:
    """What makes the ledger be read anew."""
    watched.report.doubt()
    yield "doubt"
    watched.now_ms += HOUR_MS
    yield "the next hour"
    watched.now_ms -= 2 * HOUR_MS
    yield "the clock was set back"


async def test_somebody_else_wrote_the_ledger_is_read_anew_when_that_may_be_so(
    ledger: Ledger, engine: AsyncEngine
) -> None:
    watched = Watched(engine)
    await ledger.apply("box", entries(a_run(2, 20)))
    await watched.report.between()
    for number, why in enumerate(changes_of(watched)):
        other = Told(f"other-{number}", watched.now_ms - 1000).queued(0)
        other.talks(1, 2)
        await ledger.apply(f"elsewhere-{number}", entries(other.records))
        before = watched.shown()
        await watched.report.between()
        assert watched.shown() == await watched.ledger_says(), why
        assert watched.shown() != before, why


async def test_another_instance_leads_nothing_is_shown_and_all_is_read_anew_when_this_one_does(
    ledger: Ledger, engine: AsyncEngine, tmp_path: Path
) -> None:
    watched, leads = Watched(engine), False
    projector = follow(ledger, tmp_path, (watched.report,), leads=lambda: leads)
    assert projector._between is not None
    await ledger.apply("box", entries(a_run(2, 20)))
    watched.stands_by = True
    await projector._between()
    assert watched.shown() == {}

    other = Told("other", watched.now_ms - 1000).queued(0).talks(1, 2)
    await Ledger(engine).apply("elsewhere", entries(other.records))  # the leader's own process
    await projector._between()
    watched.stands_by = False
    assert watched.shown() != await watched.ledger_says(), "it was not told"
    leads = True
    await projector._between()
    assert watched.shown() == await watched.ledger_says()


async def test_plan_has_another_zone_today_begins_at_its_midnight(ledger: Ledger, engine: AsyncEngine) -> None:
    watched = Watched(engine, NOON_MS)  # 20:26 in Shanghai, 12:26 in London's winter
    told = [
        Told(str(hours), NOON_MS - hours * HOUR_MS).queued(0).ends(1, Outcome.ABANDONED_QUEUE)
        for hours in (1, 13, 19, 23)
    ]
    await ledger.apply("box", entries(all_records(told)))
    await watched.report.between()
    assert watched.shown()["callcenter_report_offered", "today"] == 3

    watched.zone = "UTC"
    assert watched.shown()["callcenter_report_offered", "today"] == 1
    watched.zone = "Asia/Shanghai"
    assert watched.shown()["callcenter_report_offered", "today"] == 3


async def test_plan_has_other_choices_the_figures_follow_them(ledger: Ledger, engine: AsyncEngine) -> None:
    watched = Watched(engine)
    await ledger.apply("box", entries([*a_run(2), *all_records(calls_out(2))]))
    await watched.report.between()
    level = watched.shown()["callcenter_report_service_level", "24h"]
    total = watched.shown()["callcenter_report_total_calls", "24h"]

    watched.dictionary = build(Choices(level_s=15, outbound_volume=OutboundVolume.ATTEMPTS))
    await watched.report.between()

    assert watched.shown() == await watched.ledger_says(watched.dictionary)
    assert watched.shown()["callcenter_report_service_level", "24h"] < level
    assert watched.shown()["callcenter_report_total_calls", "24h"] > total


async def test_database_fails_in_a_way_nobody_knows_the_projector_goes_on_and_nothing_is_shown(
    ledger: Ledger,
    engine: AsyncEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    watched, other = Watched(engine), Watched(engine)
    projector = follow(ledger, tmp_path, (watched.report, other.report))
    assert projector._between is not None

    async def fails(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(recent_report, "read", fails)
        await projector._between()
    assert watched.shown() == {}
    assert caplog.text.count("RecentReport could not read the ledger: tried again") == 2, "the other had its turn"
    await watched.report.between()
    assert watched.shown()["callcenter_report_offered", Window.DAY.value] == 0

    ledger.on_calls([(None, {"direction": "inbound"})])
    assert watched.shown() == {}
    await watched.report.between()
    assert watched.shown()["callcenter_report_offered", Window.DAY.value] == 0


async def test_projector_with_followers_tells_all_of_them_and_gives_all_the_pause(
    ledger: Ledger, engine: AsyncEngine, tmp_path: Path
) -> None:
    outbox = Outbox(tmp_path / "outbox")
    one, other = Watched(engine), Watched(engine)
    projector = follow(ledger, outbox.folder, (one.report, other.report))
    call = Told("1", NOON_MS + HOUR_MS - 5000).queued(0)
    assert projector._between is not None
    await projector._between()
    outbox.append(call.talks(1, 2).records)
    await projector.step()

    for watched in (one, other):
        assert watched.shown()["callcenter_report_open", "5m"] == 1
        assert watched.shown() == await watched.ledger_says()
    ledger.on_doubt()
    assert one.shown() == other.shown() == {}
    outbox.close()


async def test_report_after_the_start_reads_the_ledger_with_a_statement_that_was_written_out_before(
    ledger: Ledger, engine: AsyncEngine
) -> None:
    watched, found = Watched(engine), list[tuple[str, CacheStats]]()
    await watched.report.write_statements()
    assert watched.shown() == {}
    await ledger.apply("box", entries(a_run(5)))
    event.listen(
        engine.sync_engine, "before_cursor_execute", lambda *given: found.append((given[2], given[4].cache_hit))
    )
    await watched.report.between()
    assert watched.shown() == await watched.ledger_says()
    assert next(hit for text, hit in found if "FROM calls" in text) is CacheStats.CACHE_HIT
