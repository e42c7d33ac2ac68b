"""Reading CEL's CSV file: order, torn and bad lines, and what must not be heard."""

from pathlib import Path

import pytest

from callcenter.witness.cel import COLUMNS, CelKind, CelRow, parse_lines, read_cel
from callcenter.witness.errors import NoCelFile
from tests.unit.cel_timeline import BEGAN_S, Timeline


def _one_call() -> Timeline:
    timeline = Timeline()
    timeline.begins(0.0, "trunk")
    timeline.ends(2.1239999, "trunk", by="trunk")
    return timeline


def test_file_read_gives_typed_rows_cut_to_milliseconds(tmp_path: Path) -> None:
    path = tmp_path / "cel.csv"
    path.write_text("\n".join(_one_call().lines) + "\n")

    read = read_cel(path)

    start, end = read.rows
    assert (start.kind, start.uniqueid, start.linkedid, start.channel) == (
        CelKind.CHAN_START,
        "pbx-1",
        "pbx-1",
        "PJSIP/trunk-00000001",
    )
    assert (end.kind, end.hangup_cause, end.hangup_source) == (CelKind.HANGUP, 16, "PJSIP/trunk-00000001")
    assert end.at_ms == BEGAN_S * 1000 + 2124
    assert (read.bad, read.torn, read.newest_ms) == ((), False, end.at_ms)


def test_instant_between_two_milliseconds_is_cut_not_rounded() -> None:
    timeline = _one_call()
    lines = [line.replace(".124000", ".123999") for line in timeline.lines]

    assert parse_lines(lines).rows[-1].at_ms == BEGAN_S * 1000 + 2123


def test_last_line_torn_is_left_out_and_reported(tmp_path: Path) -> None:
    path = tmp_path / "cel.csv"
    whole = "\n".join(_one_call().lines)
    path.write_text(whole[:-30])

    read = read_cel(path)

    assert [row.kind for row in read.rows] == [CelKind.CHAN_START]
    assert (read.torn, read.bad) == (True, ())


def test_line_torn_inside_the_file_is_reported_and_the_others_are_read() -> None:
    lines = _one_call().lines
    lines.insert(1, lines[0][:40] + lines[1])

    read = parse_lines(lines)

    assert [bad.number for bad in read.bad] == [2]
    assert [row.kind for row in read.rows] == [CelKind.CHAN_START, CelKind.HANGUP]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (f"{BEGAN_S}.000000", "2026-11-24 01:03:14", "dateformat"),
        (f"{BEGAN_S}.000000", "99999999999999999999999.000000", "later than any clock shows"),
        (f"{BEGAN_S}.000000", "9999999999999.000000", "later than any clock shows"),
        (f"{BEGAN_S}.000000", "253370764800.000000", "later than any clock shows"),
        ('"pbx-1"', '""', "no uniqueid"),
        ('"data",', "", "12 columns"),
    ],
)
def test_line_with_wrong_value_is_reported_with_reason(old: str, new: str, why: str) -> None:
    line = _one_call().lines[0].replace(old, new)

    read = parse_lines([line])

    assert read.rows == ()
    assert why in read.bad[0].why


def test_rows_out_of_time_order_are_sorted_and_equal_instants_keep_their_order() -> None:
    timeline = Timeline()
    timeline.begins(0.0, "trunk")
    timeline.ends(2.0, "trunk", by="trunk")
    timeline.line(1.0, "BRIDGE_ENTER", "trunk", bridge_id="b")
    timeline.line(2.0, "LINKEDID_END", "trunk")

    kinds = [row.kind for row in timeline.rows()]

    assert kinds == [CelKind.CHAN_START, CelKind.BRIDGE_ENTER, CelKind.HANGUP, CelKind.LINKEDID_END]


def test_row_made_by_the_dialplan_is_not_heard_whatever_it_calls_itself() -> None:
    timeline = _one_call()
    timeline.line(3.0, "CcArrived", "trunk", userdef="CcArrived", extra="general*1")
    timeline.line(3.5, "HANGUP", "trunk", userdef="HANGUP", extra="forged")
    timeline.line(4.0, "APP_START", "trunk")

    read = parse_lines(timeline.lines)

    assert [row.kind for row in read.rows] == [CelKind.CHAN_START, CelKind.HANGUP]
    assert read.newest_ms == (BEGAN_S + 4) * 1000


def test_columns_that_the_service_writes_are_not_in_a_row() -> None:
    timeline = _one_call()

    changed = [
        line.replace('"cid"', '"other"').replace('"exten"', '"endpoint*8101*7-1*7*5"') for line in timeline.lines
    ]
    changed = [line.replace('"app","data"', '"Dial","PJSIP/8101"') for line in changed]

    assert changed != timeline.lines
    assert parse_lines(changed) == parse_lines(timeline.lines)
    assert not {"exten", "cidnum", "appdata", "userdeftype"} & set(CelRow.__dataclass_fields__)


def test_header_of_a_copy_and_empty_lines_are_passed_over() -> None:
    lines = _one_call().lines

    assert parse_lines([",".join(COLUMNS), *lines, ""]).rows == parse_lines(lines).rows


def test_file_missing_says_what_to_look_at(tmp_path: Path) -> None:
    with pytest.raises(NoCelFile, match="cel_custom loaded"):
        read_cel(tmp_path / "none.csv")
