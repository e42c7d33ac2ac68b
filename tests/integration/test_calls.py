"""Every kind of call once, through the runner of `make calls`, and both witnesses of it, asked as an operator asks
(`callcenter reconcile`); and each way in which that run can fail.

What happens in a kind and what must come out of it stands in callcenter/calls/scenarios/*.toml. The long forms are `make calls`
and `make proof PROOF=witnesses`. All in one file: the kinds are played once for all of it.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from acd.names import Outcome
from callcenter.calls.run import Fault, Result, run
from callcenter.calls.scenario import Inbound, Scenario, Stage, chosen, load
from callcenter.proof.witnesses import prove
from tests.integration.conftest import EveryKind
from tests.integration.stalls import stalled

pytestmark = pytest.mark.pbx


def wrong(result: Result) -> list[str]:
    """Everything that was not as written."""
    words = [f"{one.kind} {one.caller}: {text}" for one in result.verdicts for text in one.words]
    return words + [f"{one.place.kind}: {one.failure}" for one in result.played if one.failure] + result.mismatches


def figures(result: Result) -> dict[str, int]:
    """What is not 0 beside kinds and calls."""
    told = result.totals.document()
    return {name: count for name, count in told.items() if count and name not in ("kinds", "calls")}


def test_every_kind_of_call_once_comes_out_as_its_scenario_says(every_kind: EveryKind) -> None:
    result = every_kind.proof.result
    late = stalled(result.mismatches)
    assert [words for words in wrong(result) if words not in late] == []
    assert set(figures(result)) <= ({"ledger_mismatches"} if late else set())
    kinds = load()
    assert sum(not one.proof for one in kinds.values()) == 36
    cut = sum(one.stage is Stage.CUT for one in kinds.values())  # by kill, and by the link
    assert (result.totals.kinds, result.totals.calls) == (
        len(kinds),
        len(kinds) + 1 + cut,
    )  # in one kind two people call
    for stage in ("together", "away", "cut"):
        names = {path.name for path in (every_kind.folder / stage).iterdir()}
        assert names == {"phones.jsonl", "ledger.jsonl", "cel.csv"}


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


async def in_queue(change: Callable[[Scenario], Scenario] = lambda one: one, fault: Fault | None = None) -> Result:
    """One caller who hangs up while he waits."""
    return await run([change(one) for one in chosen(load(), ["abandoned_in_queue"])], 1, print, fault=fault)


def expects_another_outcome(scenario: Scenario) -> Scenario:
    """The same people, and an expectation that is wrong."""
    expected = scenario.calls["caller"]
    assert isinstance(expected, Inbound)
    return replace(scenario, calls={"caller": replace(expected, outcome=Outcome.ABANDONED_RINGING)})


async def test_expectation_is_wrong_and_both_witnesses_say_so(peers: None) -> None:
    result = await in_queue(expects_another_outcome)
    assert figures(result) == {"wrong_outcome": 1}
    assert wrong(result) == [
        "abandoned_in_queue caller: ledger outcome: abandoned_queue, expected abandoned_ringing",
        "abandoned_in_queue caller: CEL outcome: abandoned_queue, expected abandoned_ringing",
    ]


async def test_row_of_the_ledger_is_changed_and_the_witnesses_differ(peers: None) -> None:
    result = await in_queue(fault=Fault.LEDGER)
    assert figures(result) == {"ledger_mismatches": 1, "wrong_outcome": 1}
    assert "ledger outcome: failed, expected abandoned_queue" in " ".join(wrong(result))


async def test_channel_is_dropped_inside_the_pbx_and_its_caller_is_lost(peers: None) -> None:
    result = await in_queue(lambda one: replace(one, happens=(*one.happens[:-2], "caller is let go")), Fault.DROP)
    assert result.totals.lost == 1
    assert result.totals.ledger_mismatches == 0
    assert result.totals.not_played == 0


async def test_outcome_changed_in_the_ledger_is_one_mismatch_of_one_call(peers: None) -> None:
    proof = await prove(chosen(load(), ["abandoned_in_queue"]), 1, print, fault=Fault.LEDGER)

    (told,) = proof.told
    assert (told["calls"], told["mismatched_calls"], told["mismatches"]) == (1, 1, 1)
    assert [(one["what"], one["ledger"], one["cel"]) for one in told["differences"]] == [
        ("outcome", "failed", "abandoned_queue")
    ]
    assert not proof.is_right
