"""Wrong input while calls run: a clear sentence, and callers still reach a person."""

import pytest

from tests.integration.office import Office
from tests.integration.supervised_office import command

pytestmark = pytest.mark.pbx


async def is_answered(office: Office, number: str) -> bool:
    """Let somebody call and talk with the agent."""
    seat = await office.ready("1001")
    leg = (await office.caller(number)).call("12345")
    talk = await seat.next_call()
    await office.until_presence("8001", "talking")
    seat.hang_up(talk)
    return bool((await office.row(leg))["outcome"] == "agent_answered")


async def test_plan_whose_overflow_runs_in_a_circle_is_refused_and_the_old_one_serves_callers_on(
    office: Office,
) -> None:
    good = office.site.plan_text
    circle = good.replace("[lines.general]\n", '[lines.general]\non_no_agent = { line = "tax" }\n')
    circle = circle.replace("[lines.tax]\n", '[lines.tax]\nmax_waiting = 5\non_full = { line = "general" }\n')
    office.site.write_plan(circle)
    try:
        reloaded = await command(office, "plan", "reload")
        assert reloaded.code == 2
        assert "exits run in a circle: general -> tax -> general" in reloaded.err
        assert await is_answered(office, "13800000081")
        office.site.kill_service()
        started = await command(office, "serve")
        assert started.code == 2
        assert "exits run in a circle: general -> tax -> general" in started.err + started.out
    finally:
        office.site.write_plan(good)
        process = office.site.process
        if process is None or process.poll() is not None:
            await office.site.start_service()
    assert await is_answered(office, "13800000082")
