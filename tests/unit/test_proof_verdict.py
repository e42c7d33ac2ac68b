"""The proof of kills can fail: each of its counts is moved by what it counts."""

import struct
from dataclasses import dataclass, field

from callcenter.lab.phone_log import PhoneCall
from callcenter.proof import verdict
from callcenter.proof.rtp import Ear, Jump
from callcenter.proof.verdict import Kill
from callcenter.proof.watch import Leg, Seen

KILL = Kill("random", 1000.0, {}, ready_at=1004.0)


@dataclass
class Phone:
    """What the verdict looks at of a softphone."""

    number: str
    calls: list[PhoneCall]


@dataclass
class Caller:
    """What the verdict looks at of a caller."""

    call: PhoneCall
    ear: Ear = field(default_factory=Ear)


def cut_off(number: str, at: float) -> Caller:
    return Caller(PhoneCall("caller", number, "out", "id", "12345", ended_at=at, ended_by="peer"))


def answered(shows: str, until: float, **more: float) -> PhoneCall:
    began = more.get("started_at", until - 3)
    return PhoneCall(
        *("agent", "1001", "in", "x", "12345", shows),
        started_at=began,
        answered_at=began + 1,
        ended_at=until,
        ended_by="self",
    )


def talked(phone: str, until: float, *, ended_at: float) -> Seen:
    return Seen("a", 10.0, ended_at=ended_at, legs=[Leg(phone, until - 4, until - 3, until)])


def test_caller_whose_agent_hung_up_is_not_lost_any_other_is() -> None:
    callers = [cut_off(f"1380000000{number}", 50.0) for number in range(1, 6)]
    mine = [answered(f"General 1380000000{number}", 51.5) for number in (1, 3, 4)]  # told of late
    phones = [Phone("1001", mine), Phone("1002", [answered("General 13800000005", 50.0)])]
    seen = [
        talked("1001", 49.99, ended_at=50.0),
        talked("1001", 49.99, ended_at=50.0),
        talked("1001", 45.0, ended_at=50.0),
        Seen("a", 10.0, ended_at=50.0, legs=[Leg("1001", 46.0)]),
        talked("1001", 49.99, ended_at=50.0),
    ]
    lost = verdict.lost(callers, list(zip(callers, seen, strict=True)), phones)  # type: ignore[arg-type]  # stand-ins
    assert lost == [f"1380000000{number}" for number in (2, 3, 4, 5)]
    assert len(verdict.lost(callers, [], phones)) == 5  # type: ignore[arg-type]  # the PBX never saw them


def test_later_caller_dialled_for_first_is_out_of_order() -> None:
    early, late = Seen("a", 10.0, turn_at=30.5), Seen("b", 11.0, turn_at=30.0)
    assert len(verdict.out_of_order([(cut_off("1", 0), early), (cut_off("2", 0), late)])) == 1  # type: ignore[list-item]  # a stand-in


def test_pbxs_own_queue_rang_for_the_earlier_one_he_did_not_wait_any_more() -> None:
    late = Seen("b", 11.0, turn_at=30.0)
    rung = Seen("a", 10.0, fallbacks=[20.0], rings=[29.5], talked_at=32.0)
    waited = Seen("a", 10.0, fallbacks=[20.0], rings=[30.5], talked_at=31.0)
    assert verdict.out_of_order([(cut_off("1", 0), rung), (cut_off("2", 0), late)]) == []  # type: ignore[list-item]  # a stand-in
    assert len(verdict.out_of_order([(cut_off("1", 0), waited), (cut_off("2", 0), late)])) == 1  # type: ignore[list-item]  # a stand-in
    missed = Seen("a", 10.0, fallbacks=[20.0], rings=[29.5], held_at=30.5, turn_at=33.0)
    back = Seen("a", 10.0, fallbacks=[20.0], rings=[25.5], held_at=29.5, turn_at=33.0)
    assert verdict.out_of_order([(cut_off("1", 0), missed), (cut_off("2", 0), late)]) == []  # type: ignore[list-item]  # a stand-in
    assert len(verdict.out_of_order([(cut_off("1", 0), back), (cut_off("2", 0), late)])) == 1  # type: ignore[list-item]  # a stand-in


def test_callers_dialled_for_together_are_in_order() -> None:
    early, late = Seen("a", 10.0, turn_at=30.05), Seen("b", 11.0, turn_at=30.0)
    assert verdict.out_of_order([(cut_off("1", 0), early), (cut_off("2", 0), late)]) == []  # type: ignore[list-item]  # a stand-in


def test_entry_into_the_queue_while_the_service_lived_is_false() -> None:
    one = Seen("a", 10.0, fallbacks=[999.0, 1002.0])
    assert len(verdict.false_fallbacks([(cut_off("1", 0), one)], [KILL])) == 2  # type: ignore[list-item]  # a stand-in


def test_entry_into_the_queue_13_s_after_a_kill_is_right_and_no_entry_by_15_s_is_late() -> None:
    away = Kill("away", 1000.0, {}, ready_at=1030.0)
    fell, stayed = Seen("a", 10.0, holds=[(11.0, 1013.0)], fallbacks=[1013.0]), Seen("b", 10.0, holds=[(11.0, 1016.0)])
    pairs = [(cut_off("1", 0), fell), (cut_off("2", 0), stayed)]
    assert verdict.false_fallbacks(pairs, [away]) == []  # type: ignore[arg-type]  # a stand-in
    assert verdict.late_fallbacks(pairs, [away]) == ["2"]  # type: ignore[arg-type]  # a stand-in


def test_jump_in_hold_over_a_kill_is_a_gap_elsewhere_it_is_none() -> None:
    caller, held = cut_off("1", 0), Seen("a", 10.0, held_at=20.0)
    caller.ear.jumps = [Jump(900.0, 0.5), Jump(1001.0, 0.3)]
    assert len(verdict.rtp_gaps([(caller, held)], [KILL])) == 1  # type: ignore[list-item]  # a stand-in


def test_sound_that_stood_still_is_a_gap() -> None:
    assert verdict.rtp_gaps([], [Kill("random", 0.0, {}, stalled=2)])


def test_phone_that_rings_within_wrap_up_or_long_after_it_breaks_it() -> None:
    legs = [Leg("1001", 97.0, 98.0, 100.0), Leg("1001", 101.0, 102.0, 104.0), Leg("1001", 109.0, 110.0, 112.0)]
    calls = [Seen("a", 10.0, legs=legs[:1]), Seen("b", 11.0, legs=legs[1:])]
    assert len(verdict.wrapups_broken(calls, [])) == 2


def test_phone_that_rings_when_wrap_up_is_over_or_after_a_ring_without_a_talk_breaks_none() -> None:
    legs = [Leg("1001", 97.0, 98.0, 100.0), Leg("1001", 102.0), Leg("1001", 102.5), Leg("1002", 101.0)]
    assert verdict.wrapups_broken([Seen("a", 10.0, legs=legs)], []) == []


def packet(sequence: int, timestamp: int, source: int = 7) -> bytes:
    return struct.pack("!BBHII", 0x80, 8, sequence, timestamp, source) + b"\0" * 160


def test_ear_hears_a_jump_over_200_ms_in_sequence_or_timestamp_and_none_below() -> None:
    ear = Ear()
    for sequence, timestamp in ((65535, 0), (0, 160), (10, 1760), (11, 1920)):
        ear.datagram_received(packet(sequence, timestamp), ("", 0))
    assert ear.jumps == []
    ear.datagram_received(packet(22, 1920 + 11 * 160 + 320), ("", 0))
    ear.datagram_received(packet(23, 3840 + 160 + 2000), ("", 0))
    ear.datagram_received(packet(1, 0, source=8), ("", 0))  # a new stream
    assert [round(jump.lost_s, 2) for jump in ear.jumps] == [0.24, 0.23]
