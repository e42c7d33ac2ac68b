"""What the watch keeps step by step is what a look at the whole engine gives, whatever happened."""

import random
from dataclasses import replace

import pytest

from acd import events as ev
from acd.calls import OfferState
from acd.engine import Engine
from acd.names import OfferResult
from acd.records import Record
from agents.presence import DeviceState, Presence
from callcenter.board.watch import CALLERS, PER_STATE, FloorWatch
from tests.scenarios.world import PLAN, T0, Timeline, call_id, line, ms, plan_of, seat

MANY = plan_of(
    [line("general", "general", "12345"), line("enterprise", "enterprise", "12346")],
    [seat(str(1000 + n), general=1, **({"enterprise": 1} if n % 3 == 0 else {})) for n in range(12)],
)


def seen(watch: FloorWatch, now_ms: int) -> object:
    states = {state: watch.count(state) for state in Presence}
    rows = (dict(watch.agents()), dict(watch.callers()), watch.ages(now_ms))
    return states, watch.unreachable, watch.waiting, watch.oldest_ms, rows


def look(engine: Engine) -> FloorWatch:
    """A watch that has just looked at everything."""
    watch = FloorWatch()
    watch.update(engine)
    return watch


def _anything(dice: random.Random, t: Timeline, at: float) -> list[object]:
    """Let something happen that can happen now."""
    calls = list(t.engine.calls.values())
    agent = dice.choice(list(t.plan.agents))
    kind = dice.randrange(8)
    if kind == 0 or not calls:
        return [*t.arrive(at, f"c{at}", dice.choice(["12345", "12346"]))]
    call = dice.choice(calls)
    name = call.id.uniqueid
    if kind == 1:
        t.gone(at, name)
        return [*t.said]
    if kind == 2 and call.offer is not None:
        return [*t.ringing(at, name)] if call.offer.state is OfferState.WISHED else [*t.answered(at, name)]
    if kind == 3 and call.talks:
        return [*t.talk_ended(at, name)]
    if kind == 4 and call.offer is not None and call.offer.state is OfferState.RINGING:
        return [*t.ended(at, name, OfferResult.NOT_ANSWERED), *t.hold(at, name)]
    if kind == 5:
        return [*t.device(at, f"phone{agent}", dice.choice([DeviceState.IDLE, DeviceState.UNREACHABLE]))]
    order = dice.choice(
        [ev.AgentReady(agent, ms(at)), ev.AgentNotReady(agent, ms(at), "break"), ev.AgentLoggedOut(agent, ms(at))]
    )
    return (
        [*t.tell(at, order)] if dice.random() < 0.7 else [*t.tell(at, ev.AgentLoggedIn(agent, f"phone{agent}", ms(at)))]
    )


@pytest.mark.parametrize("seed", range(8))
def test_anything_happens_step_by_step_equals_a_look_at_all(seed: int) -> None:
    dice = random.Random(seed)
    t = Timeline(MANY)
    t.login(0, *list(MANY.agents)[:8])
    watch = look(t.engine)
    for step in range(1, 150):
        t.said.clear()
        _anything(dice, t, float(step))
        watch.observe([one for _, one in t.said if isinstance(one, Record)])
        watch.update(t.engine)
        assert seen(watch, ms(step)) == seen(look(t.engine), ms(step)), step
    assert watch.waiting == sum(t.engine.waiting_by_line().values())


def test_callers_of_three_ages_wait_each_stands_in_his_age_and_the_longest_first() -> None:
    t = Timeline()
    t.arrive(0, "old", caller_number="13812345678")
    t.arrive(50, "middle")
    t.arrive(70, "new", "12346", caller_number="<b>1001")
    watch = look(t.engine)
    assert dict(watch.ages(ms(75))) == {0: 1, 15: 1, 30: 0, 60: 1, 120: 0, 300: 0}
    rows = [row for _, row in watch.callers()]
    assert [(row["line"], row["number"], row["from_ms"]) for row in rows] == [
        ("general", "138****5678", ms(0)),
        ("general", "", ms(50)),
        ("enterprise", "****", ms(70)),
    ]
    assert watch.oldest_ms == ms(0)


def test_caller_arrived_a_moment_ahead_of_our_clock_is_counted_all_the_same() -> None:
    t = Timeline()
    t.arrive(10, "new")
    assert sum(number for _, number in look(t.engine).ages(ms(9))) == 1


def test_hundreds_wait_and_work_the_rows_have_a_bound_and_the_counts_do_not() -> None:
    crowd = plan_of([line("general", "general", "12345")], [seat(str(2000 + n), other=1) for n in range(300)])
    t = Timeline(crowd)
    t.login(0, *crowd.agents)
    for n in range(200):
        t.arrive(1 + n / 100, f"c{n}")
    watch = look(t.engine)
    assert (watch.waiting, watch.count(Presence.READY)) == (200, 300)
    assert len(dict(watch.callers())) == CALLERS
    assert len(dict(watch.agents())) == PER_STATE


def test_line_is_renamed_and_agents_leave_the_plan_while_watched_everything_is_as_in_the_new_plan() -> None:
    t = Timeline()
    t.login(0, "1001", "1002")
    watch = look(t.engine)
    lines = {code: replace(one, name="改名") for code, one in PLAN.lines.items()}
    t.tell(1, ev.PlanChanged(replace(PLAN, lines=lines, agents={"1001": PLAN.agents["1001"]}), ms(1)))
    watch.update(t.engine)
    assert seen(watch, ms(1)) == seen(look(t.engine), ms(1))
    assert "1002" not in dict(watch.agents())


def test_service_loses_the_leadership_nobody_is_shown() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a")
    watch = look(t.engine)
    watch.update(None)
    assert seen(watch, ms(2)) == seen(FloorWatch(), ms(2))


def test_phone_rings_for_a_caller_his_row_says_so() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a")
    t.ringing(2, "a")
    assert [row["rings"] for _, row in look(t.engine).callers()] == [True]
    assert call_id("a") in t.engine.calls
    assert T0
