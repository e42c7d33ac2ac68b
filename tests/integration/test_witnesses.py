"""Both witnesses of every kind of call, asked as an operator asks: `callcenter reconcile`. The long form: `make proof PROOF=witnesses`."""

import pytest

from callcenter.calls.run import Fault
from callcenter.calls.scenario import chosen, load
from callcenter.proof.witnesses import prove
from tests.integration.conftest import EveryKind
from tests.integration.stalls import stalled

pytestmark = pytest.mark.pbx


def test_witnesses_agree_on_every_kind_of_call_and_none_is_unknown(every_kind: EveryKind) -> None:
    proof = every_kind.proof
    told = proof.document()

    late = stalled(proof.words())
    assert [words for words in proof.words() if words not in late] == []
    mismatched = proof.count("mismatched_calls")
    assert told["mismatches"] == len(late) >= mismatched
    assert (told["unknown"], told["open"]) == (0, 0)
    assert told["calls"] == told["played"] == told["agreed"] + told["rebuilt"] + mismatched
    assert told["agreed"] > 30 > told["rebuilt"] > 0
    assert len(proof.told) == 3, "houses whose service lives, is dead, is gone in the middle"
    assert [house["warnings"] for house in proof.told] == [
        ["CEL does not reach back to the beginning of the period"]
    ] * 3
    assert late or proof.is_right


async def test_outcome_changed_in_the_ledger_is_one_mismatch_of_one_call(every_kind: EveryKind) -> None:
    proof = await prove(chosen(load(), ["abandoned_in_queue"]), 1, print, fault=Fault.LEDGER)

    (told,) = proof.told
    assert (told["calls"], told["mismatched_calls"], told["mismatches"]) == (1, 1, 1)
    assert [(one["what"], one["ledger"], one["cel"]) for one in told["differences"]] == [
        ("outcome", "failed", "abandoned_queue")
    ]
    assert not proof.is_right
