"""What the end-to-end tests take for a stall of the machine, and what they do not."""

from tests.integration.stalls import STALLS, stalled


def late(by_ms: int) -> str:
    return f"lab-1/1795936969.35 arrived_ms: ledger {1795936969876 + by_ms}, CEL 1795936969876"


def test_one_instant_is_late_and_that_is_a_stall() -> None:
    assert stalled([late(53)]) == [late(53)]


def test_instant_is_a_second_late_and_that_is_a_fault() -> None:
    assert stalled([late(1000)]) == []


def test_instant_that_one_witness_lacks_is_a_fault() -> None:
    assert stalled(["lab-1/1795936969.35 answered_ms: ledger -, CEL 1795936969876"]) == []


def test_outcome_that_differs_is_a_fault() -> None:
    assert stalled(["lab-1/1795936969.35 outcome: ledger failed, CEL abandoned_queue"]) == []


def test_every_call_is_late_and_that_is_no_stall() -> None:
    assert stalled([late(53)] * (STALLS + 1)) == []
