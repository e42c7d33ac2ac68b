"""The demo's stream of callers: the same for a seed, thick enough, and with its scripted callers."""

from itertools import islice, pairwise

import pytest

from callcenter.demo.errors import DemoUseError
from callcenter.demo.options import CALLS_PER_S, Fault, Options
from callcenter.demo.stream import GIVES_UP_S, PATIENT_S, SEAT_PICKS_UP_S, Role, Visit, stream
from config.plan import parse_plan


def _run(seed: int, seconds: float = 40.0) -> list[Visit]:
    return list(stream(seed, seconds, CALLS_PER_S))


@pytest.mark.parametrize("seed", range(40))
def test_stream_of_forty_seconds_has_thirty_calls_and_every_scripted_one(seed: int) -> None:
    visits = _run(seed)
    assert len(visits) >= 30
    assert {visit.line for visit in visits} == {"general", "enterprise"}
    by_role = {role: [visit for visit in visits if visit.role is role] for role in Role}
    assert len(by_role[Role.NOT_PICKED_UP]) == 1
    assert len(by_role[Role.GIVES_UP]) == len(by_role[Role.HANDED_OVER]) == 2
    assert all(visit.topic for visit in by_role[Role.HANDED_OVER])
    assert all(visit.patience_s == PATIENT_S for visit in by_role[Role.HANDED_OVER] + by_role[Role.NOT_PICKED_UP])


@pytest.mark.parametrize("seconds", [1.0, 5.0, 12.0])
def test_stream_of_a_short_run_has_every_scripted_caller_too(seconds: float) -> None:
    roles = [visit.role for visit in _run(1, seconds)]
    assert {role: roles.count(role) for role in Role if role is not Role.ORDINARY} == {
        Role.GIVES_UP: 2,
        Role.HANDED_OVER: 2,
        Role.NOT_PICKED_UP: 1,
    }


def test_stream_rest_of_a_block_has_no_script() -> None:
    assert all(visit.role is Role.ORDINARY for visit in _run(1, 45.0) if visit.at_s > 40)


def test_stream_same_seed_is_the_same_and_another_is_not() -> None:
    assert _run(7) == _run(7)
    assert _run(7) != _run(8)


def test_stream_begins_at_zero_ascends_and_ends_in_time_with_a_number_for_each() -> None:
    visits = _run(3, 100.0)
    assert visits[0].at_s == 0.0
    assert [visit.at_s for visit in visits] == sorted(visit.at_s for visit in visits)
    assert visits[-1].at_s < 100.0
    assert len({visit.number for visit in visits}) == len(visits)


def test_stream_without_seconds_goes_on() -> None:
    visits = list(islice(stream(1, None, CALLS_PER_S), 500))
    assert visits[-1].at_s > 300


def test_stream_arrivals_have_the_mean_and_spread_of_poisson() -> None:
    gaps = []
    for seed in range(30):
        instants = [visit.at_s for visit in _run(seed, 400.0)]
        gaps += [b - a for a, b in pairwise(instants)]
    mean = sum(gaps) / len(gaps)
    spread = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert mean == pytest.approx(1 / CALLS_PER_S, rel=0.05)
    assert spread == pytest.approx(mean, rel=0.08)


def test_caller_who_gives_up_is_gone_before_the_fastest_seat_picks_up() -> None:
    assert GIVES_UP_S < SEAT_PICKS_UP_S[0]


def test_cast_makes_a_plan_that_the_service_takes() -> None:
    from callcenter.demo.cast import plan_text, seats

    plan = parse_plan(plan_text() + "\n" + "\n".join(seat.toml() for seat in seats()), "demo").plan
    assert (len(plan.agents), len(plan.specialists), list(plan.lines)) == (10, 4, ["general", "enterprise"])
    assert [step.line for step in plan.lines["enterprise"].steps] == [None, "general"]


def test_options_read_what_the_user_said() -> None:
    options = Options.read({"DEMO_SECONDS": "40", "DEMO_FAULT": "drop", "DEMO_SEED": "5", "DEMO_KEEP": "/tmp/kept"})
    assert (options.seconds, options.fault, options.seed, str(options.keep)) == (40.0, Fault.DROP, 5, "/tmp/kept")
    assert Options.read({}).seconds is None
    assert Options.read({"DEMO_SECONDS": "", "DEMO_FAULT": ""}).fault is None


@pytest.mark.parametrize(
    "wrong", [{"DEMO_SECONDS": "x"}, {"DEMO_SECONDS": "-1"}, {"DEMO_FAULT": "fire"}, {"DEMO_SEED": "a"}]
)
def test_options_wrong_value_names_the_variable(wrong: dict[str, str]) -> None:
    with pytest.raises(DemoUseError, match=next(iter(wrong))):
        Options.read(wrong)
