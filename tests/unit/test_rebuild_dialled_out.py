"""Calls that agents dialled out and whose end lay in a gap: told from CEL, and nothing that was seen live is overwritten."""

import pytest

from acd.names import CallId, EndedBy, Via
from acd.records import CallClosed, CallOpened, Record, TalkClosed, TalkOpened
from tests.unit.cel_timeline import ms
from tests.unit.rebuild_world import Ledger, Spoken, gap

CALL = CallId("pbx", "pbx-1")
OPENED = CallOpened(CALL, ms(1), "general", "", "13900000001", "", "", False, "gz", direction="outbound", agent="1001")
TALKING = TalkOpened(CALL, "3-1", ms(2), "1001", "seat", "8101", Via.ENGINE)


def dialled(
    *, ended_s: float = 20.0, talks: bool = True, by: str = "out", status: str = "ANSWER", own_by: str | None = None
) -> Spoken:
    """Phone 8101 dials out at 1 s, talks from 2 s on; the rows end with its hang-up. own_by: source in its own row."""
    cel = Spoken()
    cel.begins(1.0, "8101", caller="8101")
    cel.line(1.01, "APP_START", "8101", "callcenter-trunk", app="Dial")
    cel.begins(1.02, "out", caller="8101", endpoint="trunk")
    if talks:
        cel.talks(2.0, ended_s - 0.001, "out", caller="8101")
    cel.ends(ended_s - 0.0005, "out", by=by, context="callcenter-trunk")
    cel.ends(ended_s, "8101", by=by if own_by is None else own_by, status=status, context="callcenter-trunk")
    # The six kinds that speak: the dial is known by the place of the hang-up.
    return cel


def test_called_party_hangs_up_unwatched_and_talk_and_end_are_cels() -> None:
    ledger = Ledger().take([OPENED, TALKING])
    ledger.take(dialled().told(gap(10, 30), ledger).records)
    row = ledger.row()
    assert (row["ended_ms"], row["ended_by"], row["end_detail"]) == (ms(20), "caller", "ANSWER")
    assert (row["talk_ended_ms"], row["talk_ms"], row["outcome"]) == (ms(19.999), 17_999, None)
    assert [talk["closed_ms"] for talk in ledger.talks()] == [ms(19.999)]


def test_phones_row_does_not_say_who_hung_up_the_called_partys_does() -> None:
    ledger = Ledger().take([OPENED, TALKING])
    ledger.take(dialled(own_by="").told(gap(10, 30), ledger).records)
    assert ledger.row()["ended_by"] == "caller"


def test_reconnect_closed_it_too_late_and_talk_and_end_are_put_back() -> None:
    late: list[Record] = [
        TalkClosed(CALL, "3-1", ms(30), 500),
        CallClosed(CALL, ms(30), EndedBy.UNKNOWN, None, "ANSWER"),
    ]
    ledger = Ledger().take([OPENED, TALKING, *late])
    ledger.take(dialled(by="8101").told(gap(10, 30), ledger).records)
    row = ledger.row()
    assert (row["ended_ms"], row["ended_by"], row["talk_ended_ms"]) == (ms(20), "agent", ms(19.999))
    assert row["hold_ms"] == 500


@pytest.mark.parametrize(("status", "by"), [("BUSY", ""), ("NOANSWER", "dialplan/builtin")])
def test_nobody_was_reached_unwatched_and_the_reason_is_cels(status: str, by: str) -> None:
    ledger = Ledger().take([OPENED])
    ledger.take(dialled(talks=False, by=by, status=status).told(gap(1.5, 30), ledger).records)
    row = ledger.row()
    assert (row["ended_by"], row["end_detail"], row["answered_ms"]) == ("system", status, None)


def test_called_party_answered_and_hung_up_unwatched_and_there_was_a_talk() -> None:
    ledger = Ledger().take([OPENED])
    ledger.take(dialled().told(gap(1.5, 30), ledger).records)
    row = ledger.row()
    assert (row["answered_ms"], row["talk_ms"], row["agent"]) == (ms(2), 17_999, "1001")


def test_end_that_was_seen_is_left_alone_and_telling_twice_tells_nothing() -> None:
    seen = [
        OPENED,
        TALKING,
        TalkClosed(CALL, "3-1", ms(19.99), 0),
        CallClosed(CALL, ms(20.01), EndedBy.AGENT, None, "ANSWER"),
    ]
    ledger = Ledger().take(seen)
    assert dialled().told(gap(10, 30), ledger).records == []
    unseen = Ledger().take([OPENED, TALKING])
    unseen.take(dialled().told(gap(10, 30), unseen).records)
    assert dialled().told(gap(10, 30), unseen).records == []
