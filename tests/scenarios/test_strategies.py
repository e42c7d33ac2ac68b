"""One timeline, five strategies, five different agents: what tells each strategy from the others.

At 100 s four agents are ready for a call that needs `tax`:

| agent | skills        | ready since | talked since log-in | last chosen |
|-------|---------------|-------------|---------------------|-------------|
| 1     | tax 1, en, x  | 40          | 30 s                | 4th         |
| 2     | tax 3, en     | 65          | 20 s                | 2nd         |
| 3     | tax 2, en     | 70          | 10 s                | 3rd         |
| 4     | tax 1         | 75          | 60 s                | 1st... after 5 |
| 5     | tax 1, en, x  | 80          | 50 s                | first of all |
"""

import pytest

from acd.records import OfferMade
from tests.scenarios.world import Timeline, line, plan_of, seat, with_line

SEATS = [
    seat("1", tax=1, en=1, x=1, a=1),
    seat("2", tax=3, en=1, x=1, b=1),
    seat("3", tax=2, en=1, x=1, c=1),
    seat("4", tax=1, d=1),
    seat("5", tax=1, en=1, x=1, e=1),
]
PLAN = plan_of(
    [line("tax", "tax", "1")] + [line(f"only{n}", n, f"9{n}", wrapup_s=0.0) for n in "abcde"],
    SEATS,
)
TALKS = [("5", "e", 10, 80), ("4", "d", 12, 75), ("2", "b", 45, 65), ("3", "c", 60, 70), ("1", "a", 62, 66)]
"""(agent, his own line, talk from, talk until): in order of their turns."""


def _told(strategy: str) -> Timeline:
    t = Timeline(with_line(PLAN, "tax", strategy=strategy))
    t.login(0, "1", "2", "3", "4", "5")
    moments = [(start, "begin", agent, skill) for agent, skill, start, _ in TALKS]
    moments += [(end, "end", agent, skill) for agent, skill, _, end in TALKS]
    for at, what, agent, skill in sorted(moments):
        if what == "begin":
            t.arrive(at, f"own{agent}", f"9{skill}")
            t.talk(at, f"own{agent}")
        else:
            t.talk_ended(at, f"own{agent}")
            t.gone(at, f"own{agent}")
    return t


@pytest.mark.parametrize(
    ("strategy", "agent", "word"),
    [
        ("longest_idle", "2", "less_idle"),  # ready since 65
        ("least_occupied", "1", "more_occupied"),  # 4 s of talk
        ("most_skilled", "2", "less_skilled"),  # tax 3
        ("least_skilled", "4", "more_skilled"),  # two skills
        ("round_robin", "5", "later_turn"),  # chosen longest ago
    ],
)
def test_call_meets_five_ready_agents_strategy_decides(strategy: str, agent: str, word: str) -> None:
    t = _told(strategy)
    t.arrive(100, "asks", "1")
    made = t.last(OfferMade)
    assert (made.agent, made.strategy, made.could) == (agent, strategy, 5)
    assert len(made.passed_over) == 4
    assert {one.why for one in made.passed_over} == {word}


def test_two_calls_most_skilled_gives_second_call_the_second_best() -> None:
    t = _told("most_skilled")
    t.arrive(100, "first", "1")
    t.arrive(100, "second", "1")
    assert [one.agent for one in t.all(OfferMade)[-2:]] == ["2", "3"]
