"""Each form of a supervisor's order of an agent: within a second, over a kill of the service, on record with who and why.

And where the service does not answer, nothing is decided by anybody else.
"""

import pytest

from tests.integration.office import Office, Row
from tests.integration.supervised_office import (
    AT_ONCE_S,
    ME,
    acted,
    became_s,
    command,
    killed_and_back,
    ordered,
    waiting,
)

pytestmark = pytest.mark.pbx

FORMS = (
    # the agent before, the order, a reason, the agent after, what the record calls it and says of it
    ("not_ready", "ready", "", "ready", "", "agent_ready", ""),
    ("ready", "not-ready", "", "not_ready", "supervisor", "agent_not_ready", "supervisor"),
    ("ready", "not-ready", "break", "not_ready", "break", "agent_not_ready", "break"),
    ("ready", "logout", "", "logged_out", "", "agent_logout", ""),
    ("not_ready", "logout", "", "logged_out", "", "agent_logout", ""),
)


async def put(office: Office, presence: str) -> None:
    """Let the agent 8001 be so, by his own phone."""
    await office.ready("1001")
    if presence == "not_ready":
        await office.not_ready("1001")


@pytest.mark.parametrize(("before", "order", "reason", "after", "shown", "act", "goes_to"), FORMS)
async def test_agent_is_ordered_it_holds_at_once_and_over_a_kill_and_is_on_record(
    office: Office, before: str, order: str, reason: str, after: str, shown: str, act: str, goes_to: str
) -> None:
    await put(office, before)
    why = f"a drill: {before} {order} {reason or 'at all'}"
    began = await ordered(office, "agent", agent="8001", order=order, reason=reason, why=why)
    await office.until_presence("8001", after)
    assert await became_s(office, "8001", after, began) < AT_ONCE_S
    await killed_and_back(office)
    agent = await office.agent("8001")
    try:
        assert (agent["presence"], agent["reason"] or "") == (after, shown)
        assert (agent["device"] is None) == (after == "logged_out")
        (row,) = await acted(office, 1, why=why)
        assert (row["act"], row["subject"], row["goes_to"], row["who"]) == (act, "8001", goes_to, "local:li")
    finally:
        if after == "logged_out":
            await office.log_in("1001")


async def test_agent_in_wrap_up_is_ordered_ready_and_his_wrap_up_is_over(office: Office) -> None:
    old = office.site.plan_text
    office.site.write_plan(old.replace("wrapup_s = 0\n[lines.special]", "wrapup_s = 60\n[lines.special]"))
    assert (await command(office, "plan", "reload")).code == 0
    try:
        seat = await office.ready("1001")
        leg = (await office.caller()).call("12345")
        talk = await seat.next_call()
        await office.until_presence("8001", "talking")
        seat.hang_up(talk)
        await office.row(leg)
        await office.until_presence("8001", "acw")
        began = await ordered(office, "agent", agent="8001", order="ready")
        await office.until_presence("8001", "ready")
        assert await became_s(office, "8001", "ready", began) < AT_ONCE_S
    finally:
        office.site.write_plan(old)
        assert (await command(office, "plan", "reload")).code == 0


async def test_line_is_opened_again_it_holds_over_a_kill(office: Office) -> None:
    await ordered(office, "line", line="general", order="emergency", to="tax", why="fire")
    assert (await command(office, "line", "general", "open", "--why", "fire is out")).code == 0
    await killed_and_back(office)
    assert (await office.status())["line_orders"] == {}
    await office.caller()
    leg = office._callers[-1].call("12345")
    await waiting(office, "general", 1)
    office._callers[-1].hang_up(leg)
    (row,) = await acted(office, 1, act="line_open")
    assert (row["subject"], row["who"], row["why"]) == ("general", ME, "fire is out")


async def interventions(office: Office) -> list[Row]:
    async with office.site.ledger() as ledger:
        return await ledger.interventions()


@pytest.mark.parametrize(
    "words",
    [
        ("agent", "8001", "ready"),
        ("agent", "8001", "logout"),
        ("line", "general", "drain"),
        ("line", "general", "emergency", "--to", "tax"),
        ("call", "pbx1-1.1", "move", "--to", "tax"),
    ],
    ids=" ".join,
)
async def test_service_is_dead_the_command_says_so_and_nothing_changes(office: Office, words: tuple[str, ...]) -> None:
    before = await interventions(office)
    office.site.kill_service()
    done = await command(office, *words, "--why", "nobody is there")
    await office.site.start_service()
    assert (done.code, done.out) == (1, "")
    assert "callcenter serve" in done.err
    assert (await office.agent("8001"))["presence"] == "not_ready"
    assert (await office.status())["line_orders"] == {}
    assert await interventions(office) == before
