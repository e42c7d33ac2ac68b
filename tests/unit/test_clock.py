"""The PBX's clock as told by pings."""

from callcenter.clock import PbxClock


class Hand:
    """A clock hand that the test moves."""

    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def make(at: float = 100.0, wall: float = 1_000_000.0) -> tuple[PbxClock, Hand]:
    hand = Hand(at)
    return PbxClock(hand, lambda: wall), hand


def test_clock_before_any_sample_follows_the_wall_clock() -> None:
    clock, hand = make()
    assert clock.now() == 1_000_000.0
    hand.at += 5
    assert clock.now() == 1_000_005.0
    assert not clock.is_synchronised


def test_clock_of_delayed_samples_takes_the_smallest_offset() -> None:
    clock, hand = make()
    assert clock.sample(100.5, 2_000_000.0) == 0.0
    assert clock.sample(101.02, 2_000_001.0) == 0.0
    assert clock.sample(102.9, 2_000_002.0, round_trip_s=1.8) == 0.0
    hand.at = 103.0
    assert abs(clock.now() - (103.0 - (101.02 - 2_000_001.0))) < 1e-6


def test_clock_whose_offset_grows_never_runs_backwards() -> None:
    clock, hand = make()
    clock.sample(100.0, 2_000_000.0)
    hand.at = 101.0
    first = clock.now()
    hand.at = 170.0
    clock.sample(170.0, 2_000_069.5)
    hand.at = 101.0
    assert clock.now() >= first


def test_pbx_clock_stepped_forward_tells_the_step_and_follows_at_once() -> None:
    clock, hand = make()
    clock.sample(100.0, 2_000_000.0)
    step = clock.sample(101.0, 2_000_011.0)
    assert abs(step - 10.0) < 1e-6
    hand.at = 101.0
    assert clock.now() == 2_000_011.0


def test_pbx_clock_stepped_back_tells_the_step_but_never_returns_to_the_past() -> None:
    clock, hand = make()
    clock.sample(100.0, 2_000_000.0)
    hand.at = 101.0
    before = clock.now()
    assert abs(clock.sample(101.0, 1_999_991.0) + 10.0) < 1e-6
    assert clock.now() == before
    hand.at = 120.0
    assert clock.now() == 2_000_010.0


def test_pong_that_was_slow_is_no_step_of_the_clock() -> None:
    clock, _ = make()
    clock.sample(100.0, 2_000_000.0)
    assert clock.sample(104.0, 2_000_001.0, round_trip_s=3.0) == 0.0
