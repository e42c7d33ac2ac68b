"""A row becomes a call by the ledger's own rules, or says which of them it breaks."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.names import Outcome, RejectReason
from callcenter.imports.csv_file import OPTIONAL, REQUIRED
from callcenter.imports.errors import BadRow
from callcenter.imports.former_call import WITHIN_HOUR_MS, Instants, RowReader
from callcenter.storage.imported_calls import ImportedCall
from metrics.lengths import DAY_MS

HEADER = (*REQUIRED, *OPTIONAL)
PLACES = {name: place for place, name in enumerate(HEADER)}
AT = "2020-03-01T10:{}+08:00"
AT_MS = 1_583_028_000_000
"""2020-03-01 10:00 in Shanghai."""
NOW_MS = AT_MS + 366 * DAY_MS
ANSWERED = {
    "call_id": "c1",
    "direction": "inbound",
    "arrived_at": AT.format("00:00"),
    "queued_at": AT.format("00:08"),
    "answered_at": AT.format("00:20"),
    "ended_at": AT.format("05:31"),
    "talk_s": "311",
    "outcome": "",
    "line": "政务热线",
    "agent": "1001",
    "caller": "13800138000",
}
ABANDONED = ANSWERED | {"answered_at": "", "talk_s": "", "agent": ""}
OUTBOUND = ANSWERED | {"direction": "outbound", "queued_at": ""}


def read(row: dict[str, str], **changes: str) -> ImportedCall:
    return RowReader(HEADER, PLACES, now_ms=NOW_MS).read(7, list((row | changes).values()))


def test_answered_call_has_all_that_the_row_tells() -> None:
    assert read(ANSWERED) == (
        7, "c1", "inbound", "政务热线", "13800138000", "1001",
        AT_MS, AT_MS + 8000, AT_MS + 20_000, AT_MS + 331_000, 311_000, "agent_answered", "",
    )  # fmt: skip


def test_file_without_callers_and_in_another_order_is_read() -> None:
    names = list(reversed(REQUIRED))
    reader = RowReader(names, {name: place for place, name in enumerate(names)}, now_ms=NOW_MS)
    call = reader.read(2, [ANSWERED[name] for name in names])
    assert (call.uniqueid, call.caller_number, call.talk_ms) == ("c1", "", 311_000)


@pytest.mark.parametrize(
    ("row", "changes", "outcome", "reason"),
    [
        (ANSWERED, {"outcome": "agent_answered"}, "agent_answered", ""),
        (ABANDONED, {}, "abandoned_queue", ""),
        (ABANDONED, {"queued_at": ""}, "abandoned_ivr", ""),
        (ABANDONED, {"outcome": "rejected"}, "rejected", ""),
        (ABANDONED, {"outcome": "failed"}, "failed", "system"),
        (ABANDONED, {"outcome": "failed(system)"}, "failed", "system"),
        (ABANDONED, {"outcome": "unknown"}, None, ""),
        (ABANDONED, {"talk_s": "0"}, "abandoned_queue", ""),
        (OUTBOUND, {}, None, ""),
        (OUTBOUND, {"answered_at": "", "talk_s": ""}, None, ""),
        *((ABANDONED, {"outcome": f"rejected({why})"}, "rejected", why.value) for why in RejectReason),
        *(
            (ABANDONED, {"outcome": word.value}, word.value, "")
            for word in Outcome
            if word not in (Outcome.AGENT_ANSWERED, Outcome.FAILED)
        ),
    ],
)
def test_outcome_is_as_told_or_follows_from_the_instants(
    row: dict[str, str], changes: dict[str, str], outcome: str | None, reason: str
) -> None:
    call = read(row, **changes)
    assert (call.outcome, call.outcome_reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("row", "changes", "why"),
    [
        (ANSWERED, {"call_id": ""}, "call_id is empty"),
        (ANSWERED, {"call_id": "x" * 4096}, "call_id has 4096 characters"),
        (ANSWERED, {"line": "热" * 4096}, "line has 4096 characters"),
        (ANSWERED, {"agent": "10\x0001"}, "agent holds a NUL byte"),
        (ANSWERED, {"caller": "\udcff"}, "caller holds bytes"),
        (ANSWERED, {"direction": "sideways"}, "direction 'sideways' is neither"),
        (ANSWERED, {"direction": ""}, "direction '' is neither"),
        (ANSWERED, {"arrived_at": ""}, "arrived_at is empty"),
        (ANSWERED, {"ended_at": ""}, "ended_at is empty"),
        (ANSWERED, {"arrived_at": "2020-03-01T10:00:00"}, "arrived_at '2020-03-01T10:00:00' has no zone"),
        (ANSWERED, {"queued_at": "2020-03-01"}, "queued_at '2020-03-01' is no instant"),
        (ANSWERED, {"answered_at": "10:00"}, "answered_at '10:00' is no instant"),
        (ANSWERED, {"ended_at": "2020-02-30T10:00:00Z"}, "ended_at '2020-02-30T10:00:00Z' is no instant"),
        (ANSWERED, {"ended_at": "0001-01-01T00:00:00+14:00"}, "ended_at '0001.* lies before"),
        (ANSWERED, {"ended_at": AT.format("00:19")}, "ended_at .* lies before answered_at"),
        (ABANDONED, {"queued_at": "", "ended_at": "2020-03-01T09:59:59+08:00"}, "ended_at .* lies before arrived_at"),
        (ANSWERED, {"queued_at": "2020-03-01T09:59:59+08:00"}, "queued_at .* lies before arrived_at"),
        (ANSWERED, {"queued_at": AT.format("00:21")}, "answered_at .* lies before queued_at"),
        (ABANDONED, {"queued_at": AT.format("59:00")}, "ended_at .* lies before queued_at"),
        (ANSWERED, {"talk_s": "312"}, "talk_s 312 is longer than from answered_at to ended_at"),
        (ANSWERED, {"talk_s": ""}, "answered_at is given, but talk_s is empty"),
        (ABANDONED, {"talk_s": "5"}, "talk_s is 5, but answered_at is empty"),
        (ANSWERED, {"talk_s": "-5"}, "talk_s '-5' is no number of seconds"),
        (ANSWERED, {"talk_s": "5:11"}, "talk_s '5:11' is no number of seconds"),
        (ANSWERED, {"talk_s": "1e2"}, "is no number of seconds"),
        (ANSWERED, {"talk_s": "9" * 5000}, "is no number of seconds"),
        (ANSWERED, {"outcome": "abandoned_queue"}, "answered_at is given: the first answer makes it agent_answered"),
        (ABANDONED, {"outcome": "agent_answered"}, "agent_answered, but answered_at is empty"),
        (ABANDONED, {"outcome": "lost"}, "outcome 'lost' is unknown"),
        (ABANDONED, {"outcome": "rejected(mood)"}, "is unknown"),
        (OUTBOUND, {"outcome": "agent_answered"}, "an outbound call has no outcome"),
    ],
)
def test_row_that_breaks_a_rule_says_which(row: dict[str, str], changes: dict[str, str], why: str) -> None:
    with pytest.raises(BadRow, match=why):
        read(row, **changes)


def at(day: str) -> dict[str, str]:
    """The same call on another day."""
    return {name: value.replace("2020-03-01", day) for name, value in ANSWERED.items()}


@pytest.mark.parametrize(
    ("day", "why"),
    [
        ("0001-01-01", "arrived_at '0001.* lies before 1970"),
        ("1969-12-31", "arrived_at '1969.* lies before 1970"),
        ("2021-03-04", "arrived_at '2021.* lies in the future"),
        ("2099-01-01", "arrived_at '2099.* lies in the future"),
    ],
)
def test_call_of_a_day_that_cannot_be_is_bad(day: str, why: str) -> None:
    with pytest.raises(BadRow, match=why):
        read(at(day))


def test_call_of_the_first_day_and_of_a_clock_that_goes_before_ours_is_read() -> None:
    assert read(at("1970-01-02")).arrived_ms == DAY_MS + 2 * 3_600_000
    assert read(at("2021-03-02")).arrived_ms == NOW_MS
    with pytest.raises(BadRow, match=r"ended_at '2021-03-04.* lies in the future"):
        read(at("2021-03-02"), ended_at="2021-03-04T10:05:31+08:00")


def test_blanks_around_texts_are_no_part_of_them() -> None:
    plain = read(ANSWERED)
    for blank in (" ", "\t", "\u3000", "\u00a0"):
        texts = {name: f"{blank}{ANSWERED[name]}{blank * 2}" for name in ("call_id", "line", "agent", "caller")}
        assert read(ANSWERED, **texts) == plain
    assert read(ANSWERED, caller="138 0013 8000").caller_number == "138 0013 8000", "inner ones are"
    assert read(ABANDONED, agent="  ", caller=" ") == read(ABANDONED, agent="", caller="")
    with pytest.raises(BadRow, match="call_id is empty"):
        read(ANSWERED, call_id="  ")


def test_row_with_other_fields_than_the_header_is_bad() -> None:
    with pytest.raises(BadRow, match="3 fields instead of 11"):
        RowReader(HEADER, PLACES, now_ms=NOW_MS).read(7, ["a", "b", "c"])


@pytest.mark.parametrize(("text", "ms"), [("0", 0), ("0.0015", 1), ("12.5", 12_500), ("311.000", 311_000)])
def test_talk_may_have_decimals_and_is_cut_to_milliseconds(text: str, ms: int) -> None:
    assert read(ANSWERED, talk_s=text).talk_ms == ms


def test_instants_without_zone_are_meant_in_the_zone_that_was_given() -> None:
    reader = RowReader(HEADER, PLACES, ZoneInfo("Asia/Shanghai"), now_ms=NOW_MS)
    naive = {name: value.removesuffix("+08:00") for name, value in ANSWERED.items()}
    assert reader.read(7, list(naive.values())) == read(ANSWERED)
    assert reader.read(7, list(ANSWERED.values())) == read(ANSWERED)


@pytest.mark.parametrize("day", ["2020-03-01", "20200301", "2020-W09-7"])
def test_day_without_a_time_is_no_midnight_even_where_the_zone_is_given(day: str) -> None:
    reader = RowReader(HEADER, PLACES, ZoneInfo("Asia/Shanghai"), now_ms=NOW_MS)
    with pytest.raises(BadRow, match=f"arrived_at '{day}' is no instant"):
        reader.read(7, list((ABANDONED | {"arrived_at": day, "queued_at": "", "ended_at": day}).values()))


def looked_up(instants: Instants, text: str) -> int | None:
    """The instant as a row's quick path finds it; None where it does not."""
    hour_ms, within_ms = instants.hours.get(text[:14] + text[19:]), WITHIN_HOUR_MS.get(text[14:19])
    return None if hour_ms is None or within_ms is None else hour_ms + within_ms


@given(
    st.lists(
        st.tuples(
            st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - as files write them
            st.sampled_from(["", "Z", "+08:00", "-03:30", "+00:00:30"]),
            st.sampled_from(["T", " "]),
        ),
        max_size=20,
    )
)
def test_looked_up_instants_are_those_of_the_library(told: list[tuple[datetime, str, str]]) -> None:
    zone = ZoneInfo("Europe/Berlin")
    instants = Instants(zone)
    for naive, suffix, between in told * 2:
        text = naive.isoformat(between) + suffix
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else at.replace(tzinfo=zone)
        epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
        expected = (at - epoch) // timedelta(milliseconds=1)
        assert looked_up(instants, text) in (None, expected)
        assert instants.ms(text) == expected


@pytest.mark.parametrize("text", ["2020-01-01T10:00", "2020-01-01T10:61:00Z", "2020-01-01T10:00:00!", "", "x" * 40])
def test_text_near_an_instant_that_was_seen_is_still_none(text: str) -> None:
    instants = Instants()
    assert instants.ms("2020-01-01T10:00:00Z") == looked_up(instants, "2020-01-01T10:00:00Z")
    assert looked_up(instants, text) is None
    with pytest.raises((ValueError, TypeError)):
        instants.ms(text)


def test_hour_in_which_the_clocks_change_is_not_looked_up() -> None:
    lord_howe = Instants(ZoneInfo("Australia/Lord_Howe"))
    first, second = (lord_howe.ms(f"2020-10-04T{clock}") for clock in ("01:59:00", "02:31:00"))
    assert second - first == 120_000
    assert looked_up(lord_howe, "2020-10-04T02:31:00") is None
