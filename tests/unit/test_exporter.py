"""The exporter: what each record moves, what a scrape shows, and the rule that no series stays unmoved."""

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from acd.names import HandOverResult, LineState, OfferResult, Outcome, RecordingStatus
from acd.records import CallOpened, Ignored, Noted, RecordingJudged
from agents.presence import Presence
from metrics.exporter import MAX_WORDS, Exporter
from metrics.exposition import families, render
from metrics.floor import Floor
from metrics.series import SERIES
from tests.contract.calls_told import NOON_MS, Told, all_records, worked_example
from tests.series_watch import SeriesWatch

FLOOR = Floor(
    waiting={"general": 4, "enterprise": 0},
    oldest_wait_s={"general": 12.5, "enterprise": 0.0},
    line_states={"general": LineState.DRAINED},
    agents={Presence.READY: 2, Presence.TALKING: 7},
    trunk_calls={"inbound": 6, "outbound": 1},
    links={("pbx-1", "actions"): True, ("pbx-1", "events"): False},
    link_s={("pbx-1", "actions"): 90.5},
    event_lag_s={"pbx-1": 0.004},
    specialists={("03", "reachable"): 2, ("03", "busy"): 1},
    gap_s=12.5,
    outbox_records=3,
    outbox_dropped=4,
    is_database_up=True,
    is_leader=True,
    is_standing_by=False,
    is_state_shared=True,
    unknown_calls=2,
    epoch=9,
    plan="abc",
)


def samples(exporter: Exporter) -> dict[str, float]:
    """Scrape, and return `name{labels}` -> value as Prometheus would read it."""
    text = render(exporter.freeze()).decode()
    return {
        sample.name + "".join(f"|{label}={value}" for label, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_another_instance_leads_orders_on_lines_are_its_to_show() -> None:
    exporter = Exporter(lambda: replace(FLOOR, is_standing_by=True), version="1.2")
    shown = samples(exporter)
    assert not any(name.startswith("callcenter_line_state") for name in shown)


@pytest.mark.parametrize(("is_up", "stands_by"), [(True, 1), (False, 0)])
def test_stand_by_loses_the_pbx_it_does_not_say_that_it_would_take_over(is_up: bool, stands_by: int) -> None:
    links = {("pbx1", "actions"): True, ("pbx1", "events"): is_up}
    shown = samples(Exporter(lambda: replace(FLOOR, is_standing_by=True, links=links), version="1.2"))
    assert shown["callcenter_standing_by"] == stands_by


def exporter_after(*told: Told) -> Exporter:
    exporter = Exporter(lambda: FLOOR, version="1.2")
    exporter.observe(all_records(told))
    return exporter


def test_prometheus_scrapes_floor_shows_every_gauge() -> None:
    shown = samples(exporter_after())

    assert shown["callcenter_calls_waiting|line=general"] == 4
    assert shown["callcenter_oldest_wait_seconds|line=general"] == 12.5
    assert shown["callcenter_line_state|line=general|state=drained"] == 1
    assert shown["callcenter_line_state|line=general|state=open"] == 0
    assert shown["callcenter_line_state|line=enterprise|state=open"] == 1
    assert shown["callcenter_agents|presence=talking"] == 7
    assert shown["callcenter_agents|presence=logged_out"] == 0
    assert shown["callcenter_ami_link_up|pbx=pbx-1|session=actions"] == 1
    assert shown["callcenter_ami_link_up|pbx=pbx-1|session=events"] == 0
    assert shown["callcenter_ami_link_seconds|pbx=pbx-1|session=actions"] == 90.5
    assert shown["callcenter_ami_link_seconds|pbx=pbx-1|session=events"] == 0
    assert shown["callcenter_specialists|state=busy|topic=03"] == 1
    assert shown["callcenter_reconciliation_gap_seconds"] == 12.5
    assert shown["callcenter_ami_event_lag_seconds|pbx=pbx-1"] == 0.004
    assert shown["callcenter_trunk_calls|direction=inbound"] == 6
    assert shown["callcenter_outbox_records"] == 3
    assert shown["callcenter_outbox_dropped_total"] == 4
    assert shown["callcenter_unknown_calls"] == 2
    assert (shown["callcenter_database_up"], shown["callcenter_leader"], shown["callcenter_epoch"]) == (1, 1, 9)
    assert (shown["callcenter_standing_by"], shown["callcenter_shared_state_up"]) == (0, 1)
    assert shown["callcenter_build_info|plan=abc|version=1.2"] == 1


def test_recordings_are_judged_each_status_is_counted_and_a_missing_one_is_a_failure() -> None:
    exporter = exporter_after()
    call = Told("A").call
    for status in (RecordingStatus.KEPT, RecordingStatus.KEPT, RecordingStatus.NOT_RECORDED):
        exporter.observe([RecordingJudged(call, NOON_MS, "a.wav", status, 1, 1, "ab")])

    shown = samples(exporter)

    assert shown["callcenter_recordings_total|status=kept"] == 2
    assert shown["callcenter_recordings_total|status=not_recorded"] == 1
    assert shown["callcenter_recordings_total|status=unchecked"] == 0
    assert shown["callcenter_recording_failures_total"] == 1


def test_nothing_happened_counters_of_every_line_stand_at_zero() -> None:
    shown = samples(exporter_after())

    assert shown["callcenter_calls_offered_total|line=enterprise"] == 0
    assert shown["callcenter_calls_ended_total|line=general|outcome=rejected"] == 0
    assert shown["callcenter_calls_ended_total|line=general|outcome=unknown"] == 0
    assert shown["callcenter_offers_total|result=not_answered"] == 0
    assert shown["callcenter_wait_seconds_bucket|le=20.0|line=general|result=answered"] == 0
    assert shown["callcenter_wait_seconds_count|line=general|result=unanswered"] == 0
    assert shown["callcenter_talk_seconds_sum|line=enterprise"] == 0


def test_calls_of_the_worked_example_count_by_their_definitions() -> None:
    shown = samples(exporter_after(*worked_example()))

    assert shown["callcenter_calls_offered_total|line=general"] == 6
    assert shown["callcenter_calls_answered_total|line=general"] == 3
    assert shown["callcenter_calls_abandoned_total|line=general"] == 2
    assert shown["callcenter_calls_ended_total|line=general|outcome=callback_requested"] == 1
    assert shown["callcenter_wait_seconds_sum|line=general|result=answered"] == 12 + 28 + 10
    assert shown["callcenter_wait_seconds_sum|line=general|result=unanswered"] == 48 + 3 + 60
    assert shown["callcenter_wait_seconds_bucket|le=15.0|line=general|result=answered"] == 2
    assert shown["callcenter_talk_seconds_sum|line=general"] == 300 + 320 + 600


@pytest.mark.parametrize(("wait_s", "inside"), [(14.999, 1), (15.0, 1), (15.001, 0)])
def test_call_answered_at_the_threshold_the_bound_is_inside(wait_s: float, inside: int) -> None:
    shown = samples(exporter_after(Told("1").queued(0).talks(wait_s, 60).ends(60, Outcome.AGENT_ANSWERED)))

    assert shown["callcenter_wait_seconds_bucket|le=15.0|line=general|result=answered"] == inside


def test_call_goes_on_nothing_of_it_is_counted_until_it_ends() -> None:
    told = Told("1").queued(0).talks(5, 60)
    exporter = exporter_after(told)

    assert samples(exporter)["callcenter_calls_offered_total|line=general"] == 0

    exporter.observe(told.ends(61, Outcome.AGENT_ANSWERED).records[-1:])
    shown = samples(exporter)
    assert shown["callcenter_calls_offered_total|line=general"] == 1
    assert shown["callcenter_calls_answered_total|line=general"] == 1


def test_test_call_and_outbound_call_count_nowhere() -> None:
    tested = Told("1", is_test=True).queued(0).talks(1, 2).ends(3, Outcome.AGENT_ANSWERED)
    dialled = Told("2", direction="outbound")
    dialled.ends(9, None)

    shown = samples(exporter_after(tested, dialled))

    assert shown["callcenter_calls_offered_total|line=general"] == 0
    assert shown["callcenter_offers_total|result=accepted"] == 0


def test_caller_turned_away_by_his_number_counts_apart_and_nowhere_else() -> None:
    listed = Told("1").blocked().ends(3, None, "blocked")
    refused = Told("2").blocked().ends(3, Outcome.REJECTED, "busy")
    answered = Told("3").blocked().queued(0).talks(1, 2).ends(3, None, "unknown")

    shown = samples(exporter_after(listed, refused, answered))

    assert shown["callcenter_calls_blocked_total|line=general"] == 2
    assert shown["callcenter_calls_offered_total|line=general"] == 1
    assert shown["callcenter_calls_answered_total|line=general"] == 1
    assert sum(value for name, value in shown.items() if name.startswith("callcenter_wait_seconds_count")) == 1


def test_call_is_told_again_after_reconnect_counts_once() -> None:
    told = Told("1").queued(0).talks(5, 60).ends(61, Outcome.AGENT_ANSWERED)
    opened = told.records[0]
    assert isinstance(opened, CallOpened)
    told.records.insert(3, opened)
    exporter = exporter_after(told)
    exporter.observe(told.records[-1:])

    assert samples(exporter)["callcenter_calls_offered_total|line=general"] == 1


def test_call_answered_before_our_restart_is_answered_without_a_wait() -> None:
    told = Told("1")
    opened = told.records[0]
    assert isinstance(opened, CallOpened)
    told.records[0] = CallOpened(*(getattr(opened, name) for name in CallOpened.__slots__[:-1]), found=True)

    shown = samples(exporter_after(told.ends(100, Outcome.AGENT_ANSWERED)))

    assert shown["callcenter_calls_answered_total|line=general"] == 1
    assert shown["callcenter_wait_seconds_count|line=general|result=answered"] == 0


def test_offers_end_each_result_is_counted() -> None:
    told = Told("1").queued(0)
    for position, result in enumerate(OfferResult):
        told.offer_ended(told.offered(position), position + 1, result)

    shown = samples(exporter_after(told))

    assert {shown[f"callcenter_offers_total|result={result.value}"] for result in OfferResult} == {1}


def test_reasons_without_end_cannot_fill_the_memory_of_prometheus() -> None:
    exporter = exporter_after()
    exporter.observe(Ignored(NOON_MS, "CallerGone", f"reason {n}") for n in range(MAX_WORDS + 50))
    exporter.observe([Noted(NOON_MS, "unknown_did", "999")])

    shown = samples(exporter)

    assert shown["callcenter_ignored_events_total|reason=other"] == 50
    assert shown["callcenter_ignored_events_total|reason=reason 7"] == 1
    assert shown["callcenter_notes_total|what=unknown_did"] == 1


def test_driver_times_decisions_and_wishes_they_are_in_seconds() -> None:
    exporter = exporter_after()
    exporter.decided(0.00025)
    exporter.wish_taken(0.0031)

    shown = samples(exporter)

    assert shown["callcenter_decision_seconds_bucket|le=0.00025"] == 1
    assert shown["callcenter_decision_seconds_bucket|le=0.0001"] == 0
    assert shown["callcenter_wish_seconds_sum"] == pytest.approx(0.0031)


def test_engine_goes_on_while_a_scrape_is_rendered_the_scrape_does_not_change() -> None:
    told = Told("1").queued(0).talks(5, 60)
    exporter = exporter_after(told)
    frozen = exporter.freeze()
    before = render(frozen)

    exporter.observe(told.ends(61, Outcome.AGENT_ANSWERED).records[-1:])
    exporter.decided(1.0)

    assert render(frozen) == before
    assert render(exporter.freeze()) != before


def test_table_of_series_and_what_is_exposed_are_the_same() -> None:
    names = [family.name for family in families(exporter_after().freeze())]

    assert [name.removesuffix("_total") for name in SERIES] == names


def test_watch_sees_no_test_move_a_series_names_it() -> None:
    watch = SeriesWatch()
    exporter = Exporter(lambda: Floor(waiting={"general": 1}))

    watch.saw(exporter.freeze())

    assert watch.moved == {"callcenter_calls_waiting", "callcenter_line_state", "callcenter_build"}
    assert "callcenter_calls_offered_total" in watch.never_moved()


def test_caller_falls_back_while_we_live_is_counted_by_itself_and_among_the_notes() -> None:
    exporter = exporter_after()
    assert samples(exporter)["callcenter_fallback_entries_total"] == 0

    exporter.observe([Noted(NOON_MS, "fallback_entered", ""), Noted(NOON_MS, "unknown_did", "999")])

    shown = samples(exporter)
    assert shown["callcenter_fallback_entries_total"] == 1
    assert shown["callcenter_notes_total|what=fallback_entered"] == 1


def test_connect_ratio_is_the_reports_connect_rate_of_each_line_and_nothing_without_a_call() -> None:
    assert not any(name.startswith("callcenter_connect_ratio") for name in samples(exporter_after()))

    shown = samples(exporter_after(*worked_example()))

    assert shown["callcenter_connect_ratio|line=general"] == 0.5


def test_hand_overs_end_each_result_is_counted_tests_left_out() -> None:
    told = Told("1").queued(0).talks(1, 9)
    for result in HandOverResult:
        told.handed_over(5, 8, result)
    tested = Told("2", is_test=True).queued(0).talks(1, 9).handed_over(5, 8, HandOverResult.REACHED)

    shown = samples(exporter_after(told, tested))

    assert {shown[f"callcenter_handovers_total|result={result.value}"] for result in HandOverResult} == {1}
    assert samples(exporter_after())["callcenter_handovers_total|result=no_specialist"] == 0
