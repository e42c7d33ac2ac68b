"""`lost`, by the phones' own logs: who was dropped by the PBX, and who was not."""

from callcenter.demo.witness import caller_shown, lost, phone_row
from callcenter.lab.phone_log import PhoneCall

CALLER, SEAT, OTHER = "13800000001", "1001", "801"


def _row(role: str, number: str, peer: str, answered: float | None, ended: float, by: str) -> dict[str, object]:
    return {
        "role": role,
        "number": number,
        "sip_call_id": f"{number}-{ended}",
        "peer_number": peer,
        "started_at": 1.0,
        "answered_at": answered,
        "ended_at": ended,
        "ended_by": by,
        "status": 200,
    }


def _caller(by: str) -> dict[str, object]:
    return _row("caller", CALLER, "12345", 1.3, 20.0, by)


def test_caller_who_hung_up_himself_is_not_lost() -> None:
    assert lost([_caller("self")]) == []


def test_caller_ended_by_the_pbx_in_hold_is_lost() -> None:
    assert lost([_caller("peer")]) == [_caller("peer")]


def test_caller_whose_seat_hung_up_is_not_lost() -> None:
    assert lost([_caller("peer"), _row("agent", SEAT, CALLER, 5.0, 20.0, "self")]) == []


def test_caller_whose_seat_was_cut_off_too_is_lost() -> None:
    assert lost([_caller("peer"), _row("agent", SEAT, CALLER, 5.0, 20.0, "peer")]) == [_caller("peer")]


def test_caller_handed_over_whose_specialist_hung_up_is_not_lost() -> None:
    rows = [
        _caller("peer"),
        _row("agent", SEAT, CALLER, 5.0, 9.0, "peer"),
        _row("specialist", OTHER, CALLER, 10.0, 20.0, "self"),
    ]
    assert lost(rows) == []


def test_caller_dropped_after_his_seat_handed_him_over_is_lost() -> None:
    rows = [
        _caller("peer"),
        _row("agent", SEAT, CALLER, 5.0, 9.0, "peer"),
        _row("specialist", OTHER, CALLER, None, 20.0, "peer"),
    ]
    assert lost(rows) == [_caller("peer")]


def test_caller_of_somebody_else_s_seat_is_lost() -> None:
    assert lost([_caller("peer"), _row("agent", SEAT, "13800000002", 5.0, 20.0, "self")]) == [_caller("peer")]


def test_caller_refused_by_the_pbx_is_lost() -> None:
    refused = _row("caller", CALLER, "12345", None, 1.1, "peer") | {"status": 503}
    assert lost([refused]) == [refused]


def test_seat_s_row_has_the_caller_s_number_from_its_display() -> None:
    call = PhoneCall("agent", SEAT, "in", "x", "12345", f"群众诉求 {CALLER}")
    assert phone_row(call)["peer_number"] == caller_shown(call) == CALLER


def test_caller_s_row_keeps_the_number_he_dialled() -> None:
    assert phone_row(PhoneCall("caller", CALLER, "out", "x", "12345"))["peer_number"] == "12345"
