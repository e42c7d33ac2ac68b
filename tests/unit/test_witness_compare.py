"""Ledger against CEL: which differences are named, and what is left out."""

from dataclasses import replace

import pytest

from acd.names import CallId, EndedBy, Outcome
from callcenter.witness.calls import CelCall, CelTalk
from callcenter.witness.compare import LedgerCall, LedgerTalk, MismatchName, compare, dialled_differences
from callcenter.witness.dialled import CelDialled

KEY = CallId("pbx", "pbx-1")
LEDGER = LedgerCall(KEY, Outcome.AGENT_ANSWERED, "1001", 1000, 5000, 9000, 9100)
CEL = CelCall(
    call=KEY,
    arrived_ms=1000,
    answered_ms=5000,
    talk_ended_ms=9000,
    ended_ms=9100,
    ended_by=EndedBy.CALLER,
    outcomes=frozenset({Outcome.AGENT_ANSWERED}),
    talks=(CelTalk("8101", "1001", "seat", 5000, 9000),),
    talk_ms=4000,
)


def test_witnesses_agree_nothing_is_named() -> None:
    told = compare([LEDGER], [CEL])

    assert (told.mismatches, told.ledger_mismatches, told.compared, told.open) == ((), 0, 1, 0)


@pytest.mark.parametrize("name", ["arrived_ms", "answered_ms", "talk_ended_ms", "ended_ms"])
@pytest.mark.parametrize(("shift_ms", "named"), [(50, False), (51, True), (-50, False), (-51, True)])
def test_instant_shifted_is_named_beyond_the_limit(name: str, shift_ms: int, named: bool) -> None:
    told = compare([replace(LEDGER, **{name: getattr(LEDGER, name) + shift_ms})], [CEL])

    assert [mismatch.name for mismatch in told.mismatches] == ([MismatchName(name)] if named else [])


def test_limit_given_is_the_limit() -> None:
    ledger = [replace(LEDGER, ended_ms=9111)]

    assert compare(ledger, [CEL], limit_ms=11).ledger_mismatches == 0
    assert compare(ledger, [CEL], limit_ms=10).ledger_mismatches == 1


def test_instant_known_to_one_only_is_named() -> None:
    (mismatch,) = compare([replace(LEDGER, talk_ended_ms=None)], [CEL]).mismatches

    assert str(mismatch) == "pbx/pbx-1 talk_ended_ms: ledger -, CEL 9000"


def test_agent_differs_is_named_with_both() -> None:
    (mismatch,) = compare([replace(LEDGER, agent="1002")], [CEL]).mismatches

    assert str(mismatch) == "pbx/pbx-1 agent: ledger 1002, CEL 1001"


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.AGENT_ANSWERED])
def test_outcome_changed_in_the_ledger_is_named(outcome: Outcome) -> None:
    (mismatch,) = compare([replace(LEDGER, outcome=outcome)], [CEL]).mismatches

    assert (mismatch.name, mismatch.ledger, mismatch.cel) == (MismatchName.OUTCOME, outcome, "agent_answered")


def test_outcome_unknown_to_the_ledger_is_named() -> None:
    (mismatch,) = compare([replace(LEDGER, outcome=None)], [CEL]).mismatches

    assert (mismatch.name, mismatch.ledger) == (MismatchName.OUTCOME, "-")


def test_outcome_among_those_that_cel_allows_is_right() -> None:
    both = frozenset({Outcome.ABANDONED_IVR, Outcome.REJECTED})
    ledger = LedgerCall(KEY, Outcome.REJECTED, None, 1000, None, None, 9100)
    cel = replace(CEL, outcomes=both, talks=(), answered_ms=None, talk_ended_ms=None)

    assert compare([ledger], [cel]).mismatches == ()
    (mismatch,) = compare([replace(ledger, outcome=Outcome.ABANDONED_QUEUE)], [cel]).mismatches
    assert mismatch.cel == "abandoned_ivr or rejected"


def test_call_known_to_one_only_is_named_once() -> None:
    other = CallId("pbx", "pbx-2")
    told = compare([LEDGER], [replace(CEL, call=other)])

    assert [(mismatch.call, mismatch.name) for mismatch in told.mismatches] == [
        (KEY, MismatchName.ONLY_IN_LEDGER),
        (other, MismatchName.ONLY_IN_CEL),
    ]
    assert told.ledger_mismatches == 2


def test_same_uniqueid_on_another_pbx_is_another_call() -> None:
    assert compare([replace(LEDGER, call=CallId("other", "pbx-1"))], [CEL]).ledger_mismatches == 2


def test_several_differences_in_one_call_count_as_one_call() -> None:
    told = compare([replace(LEDGER, agent="1002", outcome=Outcome.FAILED, ended_ms=1)], [CEL])

    assert (len(told.mismatches), told.ledger_mismatches) == (3, 1)


def test_call_that_ended_for_neither_is_left_out_and_counted() -> None:
    ledger = replace(LEDGER, outcome=None, talk_ended_ms=None, ended_ms=None)
    cel = replace(CEL, outcomes=frozenset(), talk_ended_ms=None, ended_ms=None, ended_by=None)

    for told in (compare([ledger], [cel]), compare([ledger], []), compare([], [cel])):
        assert (told.ledger_mismatches, told.compared, told.open) == (0, 0, 1)


def test_call_that_ended_for_one_only_is_named() -> None:
    ledger = replace(LEDGER, outcome=None, talk_ended_ms=None, ended_ms=None)
    cel = replace(CEL, outcomes=frozenset(), ended_ms=None, ended_by=None)

    assert MismatchName.ENDED_MS in {mismatch.name for mismatch in compare([ledger], [CEL]).mismatches}
    assert [mismatch.name for mismatch in compare([LEDGER], [cel]).mismatches] == [MismatchName.ENDED_MS]


def test_call_twice_in_the_ledger_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        compare([LEDGER, LEDGER], [CEL])


def test_row_of_the_ledger_makes_its_call() -> None:
    row = {
        "pbx": "pbx",
        "uniqueid": "pbx-1",
        "outcome": "agent_answered",
        "agent": "1001",
        "arrived_ms": 1000,
        "answered_ms": 5000,
        "talk_ended_ms": 9000,
        "ended_ms": 9100,
        "line": "general",
    }

    assert LedgerCall.of(row) == LEDGER
    assert LedgerCall.of({**row, "agent": ""}).agent is None
    with pytest.raises(ValueError, match="ended_ms"):
        LedgerCall.of({**row, "ended_ms": "9100"})
    with pytest.raises(ValueError, match="arrived_ms"):
        LedgerCall.of({**row, "arrived_ms": None})


OWN = LedgerCall(KEY, None, "1001", 1000, 5000, 9000, 9100, (LedgerTalk("8101", "1001", 5000, 9000),))
OTHER = CelDialled("pbx-1", "8101", 5000, 9100, 1000, 9000, "1001")


@pytest.mark.parametrize(
    ("own", "other", "words"),
    [
        ({}, {}, []),
        ({}, {"dialled_ms": 1051}, ["arrived_ms: ledger 1000, CEL 1051"]),
        ({"agent": None}, {"dialled_ms": None, "agent": None}, []),
        ({"answered_ms": None}, {}, ["answered_ms: ledger -, CEL 5000"]),
        ({"talks": ()}, {}, ["talk_ended_ms: ledger -, CEL 9000"]),
        ({"talks": None, "talk_ended_ms": 8000}, {}, ["talk_ended_ms: ledger 8000, CEL 9000"]),
        ({}, {"device": "8102"}, ["talk: ledger 8101, CEL 8102"]),
        ({"agent": "1002"}, {}, ["agent: ledger 1002, CEL 1001"]),
        ({"agent": "1001"}, {"agent": None}, ["agent: ledger 1001, CEL -"]),
        ({"agent": "8101"}, {"agent": None}, []),
    ],
)
def test_call_dialled_out_each_difference_is_named(
    own: dict[str, object], other: dict[str, object], words: list[str]
) -> None:
    found = dialled_differences(KEY, replace(OWN, **own), replace(OTHER, **other))  # type: ignore[arg-type]  # fields by case

    assert [str(one) for one in found] == [f"pbx/pbx-1 {what}" for what in words]


TURNED_AWAY = replace(LEDGER, outcome=None, agent=None, answered_ms=None, talk_ended_ms=None, is_blocked=True)
REFUSED = replace(
    CEL, answered_ms=None, talk_ended_ms=None, talks=(), talk_ms=0, outcomes=frozenset({Outcome.REJECTED})
)


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.ABANDONED_IVR, Outcome.ABANDONED_QUEUE, Outcome.FAILED])
def test_caller_turned_away_by_his_number_was_refused_or_gone_they_agree(outcome: Outcome) -> None:
    assert compare([TURNED_AWAY], [replace(REFUSED, outcomes=frozenset({outcome}))]).mismatches == ()


@pytest.mark.parametrize("outcome", [Outcome.ABANDONED_RINGING, Outcome.OVERFLOWED_OUT, Outcome.VOICEMAIL])
def test_caller_turned_away_by_his_number_came_to_somebody_it_is_named(outcome: Outcome) -> None:
    (mismatch,) = compare([TURNED_AWAY], [replace(REFUSED, outcomes=frozenset({outcome}))]).mismatches

    assert str(mismatch) == f"pbx/pbx-1 outcome: ledger blocked, CEL {outcome}"


def test_caller_without_an_outcome_who_is_not_on_the_list_is_still_named() -> None:
    (mismatch,) = compare([replace(TURNED_AWAY, is_blocked=False)], [REFUSED]).mismatches

    assert str(mismatch) == "pbx/pbx-1 outcome: ledger -, CEL rejected"


def test_listed_caller_who_was_answered_is_compared_like_any_other() -> None:
    row = {"pbx": "pbx", "uniqueid": "pbx-1", "outcome": "agent_answered", "agent": "1001", "arrived_ms": 1000}
    row |= {"answered_ms": 5000, "talk_ended_ms": 9000, "ended_ms": 9100, "blocked": True}

    assert compare([LedgerCall.of(row)], [CEL]).mismatches == ()
    assert not LedgerCall.of(row).is_blocked
