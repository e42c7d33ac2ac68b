"""The table of offer results, with the values that a real Asterisk 22.10.1 gave."""

import pytest

from acd.names import OfferResult
from callcenter.asterisk.offer_end import offer_result

MEASURED = [
    ("ANSWER", 16, 4.2, OfferResult.ACCEPTED),
    ("BUSY", 17, 0.01, OfferResult.BUSY),
    ("BUSY", 0, 0.01, OfferResult.BUSY),
    ("NOANSWER", 19, 0.01, OfferResult.BUSY),
    ("CHANUNAVAIL", 21, 0.01, OfferResult.REFUSED),
    ("CHANUNAVAIL", 1, 0.01, OfferResult.UNREACHABLE),
    ("CHANUNAVAIL", 18, 0.01, OfferResult.UNREACHABLE),
    ("CHANUNAVAIL", 58, 0.01, OfferResult.UNREACHABLE),
    ("CHANUNAVAIL", 38, 0.01, OfferResult.UNREACHABLE),
    ("CHANUNAVAIL", 20, 0.0, OfferResult.UNREACHABLE),
    ("CHANUNAVAIL", 3, 0.0, OfferResult.UNREACHABLE),
    ("CONGESTION", 34, 0.01, OfferResult.UNREACHABLE),
    ("NOANSWER", 0, 20.003, OfferResult.NOT_ANSWERED),
    ("NOCONFIRM", 0, 19.9, OfferResult.NOT_ANSWERED),
    ("CANCEL", 0, 3.0, OfferResult.CALLER_GONE),
    ("BADTARGET", 0, 0.0, OfferResult.FAILED),
]


@pytest.mark.parametrize(("status", "cause", "elapsed_s", "expected"), MEASURED)
def test_phone_measured_answer_has_its_result(status: str, cause: int, elapsed_s: float, expected: OfferResult) -> None:
    assert offer_result(status, cause, elapsed_s, ring_s=20) is expected


def test_phone_rings_out_after_a_refusal_is_not_answered_whatever_the_old_cause() -> None:
    assert offer_result("NOANSWER", 21, 20.001, ring_s=20) is OfferResult.NOT_ANSWERED
    assert offer_result("NOANSWER", 19, 20.001, ring_s=20) is OfferResult.NOT_ANSWERED


def test_phone_do_not_disturb_after_some_rings_is_busy_not_a_miss() -> None:
    assert offer_result("NOANSWER", 19, 3.0, ring_s=20) is OfferResult.BUSY
    assert offer_result("NOANSWER", 19, 18.0, ring_s=20) is OfferResult.BUSY


@pytest.mark.parametrize("ring_s", [1, 2, 5, 8, 12, 13, 20, 60])
def test_phone_rings_its_whole_time_is_never_called_busy(ring_s: int) -> None:
    assert offer_result("NOANSWER", 0, float(ring_s), ring_s) is OfferResult.NOT_ANSWERED


def test_phone_outside_that_must_confirm_rings_eight_seconds_less_and_is_a_miss() -> None:
    assert offer_result("NOANSWER", 0, 12.0, ring_s=20) is OfferResult.NOT_ANSWERED


def test_status_unknown_is_failed_and_nobodys_miss() -> None:
    assert offer_result("TORTURE", 0, 0.0, ring_s=20) is OfferResult.FAILED
    assert offer_result("", 0, 0.0, ring_s=20) is OfferResult.FAILED
