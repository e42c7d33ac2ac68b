"""Every kind of call once, through the runner of `make calls`; and each way in which that run can fail.

What happens in a kind and what must come out of it stands in callcenter/calls/scenarios/*.toml.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from acd.names import Outcome
from callcenter.calls.run import Fault, Result, run
from callcenter.calls.scenario import Inbound, Scenario, Stage, chosen, load
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
