"""Agents counted by line, skill and reason, and their time: what a scrape shows of a staff."""

from acd.plan import AgentSpec, Line, Plan, Step
from acd.records import PresenceChanged
from agents.presence import Presence
from agents.skills import parse_need
from metrics.crew import Crew
from metrics.exporter import Exporter
from metrics.floor import Floor
from tests.unit.test_exporter import samples

T0 = 1_600_000_000_000
LINES = {
    "general": Line("general", "", "", (), parse_need("general"), steps=(Step(60, parse_need("general or tax")),)),
    "tax": Line("tax", "", "", (), parse_need("tax >= 2")),
}
SKILLS = {"1": {"general": 1}, "2": {"general": 2, "tax": 1}, "3": {"tax": 3, "fax": 1}}


def plan_of(skills: dict[str, dict[str, int]]) -> Plan:
    agents = {number: AgentSpec(number, number, has, "") for number, has in skills.items()}
    return Plan(LINES, "general", agents, not_ready_reasons={"1": "break", "2": "training"})


def told(agent: str, at_s: float, presence: Presence, reason: str = "", *, reachable: bool = True) -> PresenceChanged:
    at_ms = T0 + round(at_s * 1000)
    is_in = presence is not Presence.LOGGED_OUT
    return PresenceChanged(agent, at_ms, presence, reason, "p" if is_in else None, at_ms, None, 0, reachable and is_in)


class Clock:
    """What time it is for the exporter."""

    at_s = 0.0

    def floor(self) -> Floor:
        return Floor(at_ms=T0 + round(self.at_s * 1000))


def exporter_of(*records: PresenceChanged, skills: dict[str, dict[str, int]] = SKILLS) -> tuple[Exporter, Clock]:
    clock = Clock()
    exporter = Exporter(clock.floor)
    exporter.staff(plan_of(skills))
    exporter.observe(records)
    return exporter, clock


def test_agents_go_to_work_each_line_counts_those_who_satisfy_its_own_need() -> None:
    exporter, _ = exporter_of(
        told("1", 0, Presence.READY),
        told("2", 0, Presence.READY),
        told("3", 0, Presence.READY),
        told("2", 5, Presence.RINGING),
    )
    shown = samples(exporter)

    assert shown["callcenter_line_agents|line=general|presence=ready"] == 1
    assert shown["callcenter_line_agents|line=general|presence=ringing"] == 1
    assert shown["callcenter_line_agents|line=general|presence=logged_out"] == 0
    assert shown["callcenter_line_agents|line=tax|presence=ready"] == 1
    assert shown["callcenter_line_agents|line=tax|presence=logged_out"] == 0


def test_nobody_is_logged_in_every_line_and_skill_asked_for_stands_at_its_number() -> None:
    shown = samples(exporter_of()[0])

    assert shown["callcenter_line_agents|line=general|presence=logged_out"] == 2
    assert {name: value for name, value in shown.items() if "skill_agents" in name} == {
        "callcenter_skill_agents_logged_in|skill=general": 0,
        "callcenter_skill_agents_logged_in|skill=tax": 0,
    }


def test_last_one_of_a_skill_logs_out_the_skill_shows_nobody() -> None:
    exporter, _ = exporter_of(told("2", 0, Presence.READY), told("3", 0, Presence.TALKING))
    assert samples(exporter)["callcenter_skill_agents_logged_in|skill=tax"] == 2

    exporter.observe([told("2", 9, Presence.LOGGED_OUT), told("3", 9, Presence.LOGGED_OUT)])

    assert samples(exporter)["callcenter_skill_agents_logged_in|skill=tax"] == 0


def test_agents_are_not_ready_reasons_of_the_plan_stand_by_themselves() -> None:
    exporter, _ = exporter_of(
        told("1", 0, Presence.NOT_READY, "break"),
        told("2", 0, Presence.NOT_READY, "missed"),
        told("3", 0, Presence.NOT_READY, "supervisor"),
    )
    shown = samples(exporter)

    assert shown["callcenter_agents_not_ready|reason=break"] == 1
    assert shown["callcenter_agents_not_ready|reason=training"] == 0
    assert shown["callcenter_agents_not_ready|reason=other"] == 2


def test_agents_are_not_ready_each_line_tells_the_reasons_of_those_who_could_serve_it() -> None:
    exporter, _ = exporter_of(
        told("1", 0, Presence.NOT_READY, "break"),
        told("2", 0, Presence.NOT_READY, "missed"),
        told("3", 0, Presence.NOT_READY, "break"),
    )
    exporter.observe([told("1", 5, Presence.NOT_READY, "training")])
    shown = samples(exporter)

    def of(line: str) -> dict[str, float]:
        reasons = ("break", "training", "other")
        return {one: shown[f"callcenter_line_agents_not_ready|line={line}|reason={one}"] for one in reasons}

    assert of("general") == {"break": 0, "training": 1, "other": 1}
    assert of("tax") == {"break": 1, "training": 0, "other": 0}
    for line in LINES:
        assert sum(of(line).values()) == shown[f"callcenter_line_agents|line={line}|presence=not_ready"]

    exporter.staff(plan_of({"1": {"general": 1, "tax": 2}}))
    shown = samples(exporter)
    assert of("tax") == {"break": 0, "training": 1, "other": 0}, "counted anew by another plan"
    exporter.observe([told("1", 9, Presence.LOGGED_OUT)])
    shown = samples(exporter)
    assert of("general") == of("tax") == {"break": 0, "training": 0, "other": 0}


def test_phone_is_unreachable_its_agent_counts_until_it_comes_back_or_he_logs_out() -> None:
    exporter, _ = exporter_of(told("1", 0, Presence.READY), told("1", 1, Presence.READY, reachable=False))
    assert samples(exporter)["callcenter_agents_unreachable"] == 1

    exporter.observe([told("1", 2, Presence.READY)])
    assert samples(exporter)["callcenter_agents_unreachable"] == 0


def test_another_plan_counts_everybody_anew_whatever_he_does() -> None:
    exporter, _ = exporter_of(told("1", 0, Presence.TALKING), told("2", 0, Presence.NOT_READY, "break"))

    exporter.staff(plan_of({"1": {"tax": 2}, "4": {"general": 1}}))
    shown = samples(exporter)

    assert shown["callcenter_line_agents|line=tax|presence=talking"] == 1
    assert shown["callcenter_line_agents|line=general|presence=talking"] == 0
    assert shown["callcenter_line_agents|line=general|presence=logged_out"] == 1
    assert shown["callcenter_agents_not_ready|reason=break"] == 1, "he has left the plan, not the house"
    exporter.observe([told("2", 9, Presence.LOGGED_OUT)])
    assert samples(exporter)["callcenter_agents_not_ready|reason=break"] == 0


def test_time_is_counted_while_it_goes_by_and_never_taken_back() -> None:
    exporter, clock = exporter_of(told("1", 0, Presence.READY), told("2", 4, Presence.READY))
    clock.at_s = 10
    assert samples(exporter)["callcenter_agent_seconds_total|presence=ready"] == 16

    exporter.observe([told("1", 9.9, Presence.TALKING), told("2", 10, Presence.LOGGED_OUT)])
    clock.at_s = 10
    shown = samples(exporter)
    assert shown["callcenter_agent_seconds_total|presence=ready"] == 16, (
        "a record of a little before takes nothing back"
    )
    assert shown["callcenter_agent_seconds_total|presence=talking"] == 0.1
    clock.at_s = 20
    shown = samples(exporter)
    assert shown["callcenter_agent_seconds_total|presence=talking"] == 10.1
    assert "callcenter_agent_seconds_total|presence=logged_out" not in shown


def test_occupancy_is_the_dictionarys_of_the_worked_shift() -> None:
    at_s, records = 0, []
    for presence, spent_s in (
        (Presence.NOT_READY, 3600),
        (Presence.READY, 9000),
        (Presence.RINGING, 600),
        (Presence.TALKING, 11000),
        (Presence.ACW, 2600),
        (Presence.CASE_WORK, 2000),
    ):
        records.append(told("1", at_s, presence))
        at_s += spent_s
    exporter, clock = exporter_of(*records)
    assert not any(name.startswith("callcenter_phone_occupancy_ratio") for name in samples(exporter_of()[0]))

    clock.at_s = at_s

    assert samples(exporter)["callcenter_phone_occupancy_ratio"] == 14200 / 23200


def test_line_without_a_plan_has_nobody_who_works() -> None:
    assert Crew().working("general") == Crew().free("general") == 0
