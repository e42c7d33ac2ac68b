"""The supervisor's hand on the real PBX with the real service: by command, at once, also over a kill of the service, on record."""

import asyncio

import pytest

from acd.names import CallId
from callcenter.http.tokens import Audience, TokenStore
from callcenter.lab.sip_phone import RINGS_ONLY, Leg, Phone, answers, says
from callcenter.service_client import ServiceClient
from config.settings import Settings
from tests.integration.office import Building, Office, Row, until
from tests.integration.supervised_office import (
    AT_ONCE_S,
    ME,
    acted,
    became_s,
    caller_in,
    command,
    id_of,
    killed_and_back,
    ordered,
    queued_s,
    rung_s,
    waiting,
)

pytestmark = pytest.mark.pbx


def BUILDING() -> Building:
    """An office whose phones ring on while the service comes back, however slowly."""
    building = Building()
    building.site.plan_text = building.site.plan_text.replace("ring_s = 5", "ring_s = 40")
    return building


# agents ----------------------------------------------------------------------------------------------------------------


async def test_agent_ordered_not_ready_service_killed_he_still_is_and_ready_brings_him_the_waiting_caller(
    office: Office,
) -> None:
    phone = await office.ready("1001")
    began = await ordered(office, "agent", agent="8001", order="not-ready")
    await office.until_presence("8001", "not_ready")
    assert await became_s(office, "8001", "not_ready", began) < AT_ONCE_S
    _, call = await caller_in(office, "12345", "general")
    await killed_and_back(office)
    agent = await office.agent("8001")
    assert (agent["presence"], agent["reason"], agent["device"]) == ("not_ready", "supervisor", "1001")

    done = await command(office, "agent", "话务员8001", "ready", "--why", "午休结束")
    leg = await phone.next_call()
    assert (done.code, done.out) == (0, "agent 8001 (话务员8001): ringing\n")
    await talking(office, "8001")
    phone.hang_up(leg)
    row = await ended(office, call)
    assert (row["outcome"], row["agent"]) == ("agent_answered", "8001")
    first, second = await acted(office, 2, act="agent_ready")
    assert (first["act"], first["subject"], first["goes_to"], first["who"]) == (
        "agent_not_ready", "8001", "supervisor", "local:li",
    )  # fmt: skip
    assert (second["act"], second["subject"], second["who"], second["why"]) == ("agent_ready", "8001", ME, "午休结束")


async def ended(office: Office, uniqueid: str) -> Row:
    """The ledger's row of a call that is over."""

    async def is_over() -> Row | None:
        return next((row for row in await office.rows() if row["uniqueid"] == uniqueid and row["ended_ms"]), None)

    return await until(is_over, f"call {uniqueid} is over")


async def test_agent_ordered_to_log_out_in_a_talk_it_is_not_cut_and_a_kill_forgets_nothing(office: Office) -> None:
    phone = await office.ready("1001")
    caller = await office.caller()
    leg = caller.call("12345")
    talk = await phone.next_call()
    await office.until_presence("8001", "talking")

    done = await command(office, "agent", "8001", "logout", "--why", "end of shift")
    assert done.code == 0 and "logout after his call and wrap-up" in done.out
    await killed_and_back(office)
    assert (await office.agent("8001"))["presence"] == "talking" and not leg.is_ended.is_set()
    phone.hang_up(talk)

    await office.until_presence("8001", "logged_out")
    assert (await office.row(leg))["outcome"] == "agent_answered"
    await office.log_in("1001")


# lines -----------------------------------------------------------------------------------------------------------------


async def test_line_drained_who_waits_is_served_who_calls_finds_it_closed_also_after_a_kill(office: Office) -> None:
    _, waits = await caller_in(office, "12345", "general")
    done = await command(office, "line", "general", "drain", "--why", "power cut")
    assert (done.code, done.out) == (0, "line general: drained\n")
    refused = (await office.caller("13800000201")).call("12345")
    row = await office.row(refused)
    assert (row["outcome"], row["outcome_reason"]) == ("rejected", "closed")

    await killed_and_back(office)
    status = await office.status()
    assert status["line_orders"] == {"general": "drained"}
    assert (await office.samples())["callcenter_line_state"][("general", "drained")] == 1
    again = (await office.caller("13800000202")).call("12345")
    assert (await office.row(again))["outcome_reason"] == "closed"
    phone = await office.ready("1001")
    leg = await phone.next_call()
    await talking(office, "8001")
    phone.hang_up(leg)
    assert (await ended(office, waits))["outcome"] == "agent_answered"

    assert (await command(office, "line", "群众诉求", "open")).code == 0
    leg = (await office.caller("13800000203")).call("12345")
    await talking(office, "8001")
    assert [(one["act"], one["who"], one["why"]) for one in await acted(office, 2, act="line_open")] == [
        ("line_drain", ME, "power cut"),
        ("line_open", ME, ""),
    ]


async def talking(office: Office, agent: str) -> None:
    """Wait until an agent talks."""
    await office.until_presence(agent, "talking")


async def test_line_in_emergency_everybody_who_waits_and_who_calls_goes_there_also_after_a_kill(office: Office) -> None:
    first, one = await caller_in(office, "12345", "general", 1)
    second, other = await caller_in(office, "12345", "general", 2)
    began = await ordered(office, "line", line="general", order="emergency", to="tax", why="fire")
    await waiting(office, "tax", 2)
    for call in (one, other):
        assert await queued_s(office, call, "tax", began) < AT_ONCE_S
    circle = await command(office, "line", "tax", "emergency", "--to", "general")
    assert circle.code == 1 and "circle" in circle.err

    await killed_and_back(office)
    await waiting(office, "tax", 2)
    third = (await office.caller("13800000303")).call("12345")
    await waiting(office, "tax", 3)

    shown = await command(office, "status")
    assert "general: emergency to tax" in shown.out
    assert (await command(office, "line", "general", "open")).code == 0
    for leg, phone in zip((first, second, third), office._callers, strict=True):
        phone.hang_up(leg)
        assert (await office.row(leg))["outcome"] == "abandoned_queue"


@pytest.mark.parametrize("to", ["02584001234", "voicemail:100"])
async def test_line_in_emergency_to_outside_the_caller_leaves_at_once(office: Office, to: str) -> None:
    at = ("127.0.0.3", office.site.pbx.outside_port)
    outside = await Phone.open("outside", at, office.sip, answers(0.05))
    office._callers.append(outside)
    leg, call = await caller_in(office, "12345", "general")

    began = await ordered(office, "line", line="general", order="emergency", to=to)
    try:
        await waiting(office, "general", 0)

        async def has_left() -> float | None:
            row = next(row for row in await office.rows() if row["uniqueid"] == call)
            return row["left_ms"] / 1000 if row["left_ms"] else None

        assert await until(has_left, f"the caller is handed out to {to}") - began < AT_ONCE_S
        if not to.startswith("voicemail"):
            outside.hang_up(await outside.next_call())
            row = await office.row(leg)
            assert (row["outcome"], row["end_detail"]) == ("overflowed_out", "closed")
    finally:
        await ordered(office, "line", line="general", order="open")


# calls -----------------------------------------------------------------------------------------------------------------


async def test_waiting_caller_moved_to_a_line_service_killed_he_waits_there_and_is_moved_to_an_agent(
    office: Office,
) -> None:
    leg, call = await caller_in(office, "12345", "general")
    listed = await command(office, "call", "list")
    assert call in listed.out and "waiting" in listed.out

    done = await command(office, "call", call, "move", "--to", "tax", "--why", "a question of tax")
    assert done.code == 0
    await waiting(office, "tax", 1)
    await killed_and_back(office)
    await waiting(office, "tax", 1)
    phone = await office.ready("1001")  # has no skill for tax: he rings because the supervisor says so
    began = await ordered(office, "call", call=call, to="8001")
    ringing = await phone.next_call()
    assert await rung_s(office, call, "8001", began) < AT_ONCE_S
    await talking(office, "8001")
    phone.hang_up(ringing)

    row = await office.row(leg)
    assert (row["outcome"], row["agent"]) == ("agent_answered", "8001")
    (offer,) = [one for one in await office.offers(row) if one["agent"] == "8001"]
    assert (offer["strategy"], offer["result"]) == ("supervisor", "accepted")
    rows = await acted(office, 2, goes_to="8001")
    assert [(one["act"], one["goes_to"], one["who"], one["uniqueid"]) for one in rows] == [
        ("call_move", "tax", ME, call),
        ("call_move", "8001", "local:li", call),
    ]


async def test_waiting_caller_moved_to_an_agent_service_killed_while_he_rings_he_gets_the_caller(
    office: Office,
) -> None:
    leg, call = await caller_in(office, "12348", "tax")
    phone = await office.ready("1001", RINGS_ONLY)
    await ordered(office, "call", call=call, to="8001")
    ringing = await phone.next_call()

    await killed_and_back(office)
    phone.reply(ringing, 200)

    await talking(office, "8001")
    phone.hang_up(ringing)
    row = await office.row(leg)
    assert (row["outcome"], row["agent"]) == ("agent_answered", "8001")


async def test_waiting_caller_moved_to_an_agent_who_refuses_is_back_in_his_place(office: Office) -> None:
    leg, call = await caller_in(office, "12348", "tax")
    phone = await office.ready("1001", says(603))

    await ordered(office, "call", call=call, to="8001")
    await phone.next_call()

    async def refused() -> bool:
        row = next(row for row in await office.rows() if row["uniqueid"] == call)
        return any(one["result"] == "refused" for one in await office.offers(row))

    await until(refused, "the offer was refused")
    await waiting(office, "tax", 1)
    assert not leg.is_ended.is_set()


async def test_talking_caller_moved_to_a_line_the_next_agent_gets_him_and_he_stays_answered(office: Office) -> None:
    first, second = await office.ready("1001"), await office.ready("1003")
    leg = (await office.caller()).call("12345")
    talk = await first.next_call()
    await talking(office, "8001")

    call = await id_of(office, leg)
    began = await ordered(office, "call", call=call, to="special", why="an expert's case")
    ringing = await second.next_call()
    assert await rung_s(office, call, "8003", began) < AT_ONCE_S
    await asyncio.wait_for(talk.is_ended.wait(), 20)
    await talking(office, "8003")
    assert not leg.is_ended.is_set()
    second.hang_up(ringing)

    row = await office.row(leg)
    assert (row["outcome"], row["agent"]) == ("agent_answered", "8001")
    assert await talks_of(office, row) == ["8001", "8003"]


async def talks_of(office: Office, row: Row) -> list[str]:
    async with office.site.ledger() as ledger:
        return [one["agent"] for one in await ledger.children("talks", CallId(row["pbx"], row["uniqueid"]))]


async def test_talking_caller_moved_to_an_agent_rings_him_only(office: Office) -> None:
    first, second = await office.ready("1001"), await office.ready("1003")
    leg = (await office.caller()).call("12345")
    await first.next_call()
    await talking(office, "8001")

    done = await command(office, "call", await id_of(office, leg), "move", "--to", "8003")
    assert done.code == 0, done
    ringing = await second.next_call()
    await talking(office, "8003")
    second.hang_up(ringing)

    row = await office.row(leg)
    assert (row["outcome"], row["ended_by"]) == ("agent_answered", "agent")
    assert await talks_of(office, row) == ["8001", "8003"]


async def test_talking_caller_moved_and_the_service_killed_at_once_he_waits_in_the_new_line(office: Office) -> None:
    first = await office.ready("1001")
    leg = (await office.caller()).call("12345")
    await first.next_call()
    await talking(office, "8001")
    call = await id_of(office, leg)

    await ordered(office, "call", call=call, to="tax", why="killed")
    await killed_and_back(office)

    await waiting(office, "tax", 1)
    await office.until_presence("8001", "ready")
    assert not leg.is_ended.is_set()
    assert [(one["act"], one["why"]) for one in await acted(office, 1, why="killed")] == [("call_move", "killed")]


async def test_talking_caller_moved_in_the_instants_of_the_agents_own_bye_he_is_lost_nowhere(office: Office) -> None:
    phone = await office.ready("1001")
    for number in range(8):
        caller = await office.caller()
        leg = caller.call("12345")
        talk = await phone.next_call()
        await talking(office, "8001")
        call = await id_of(office, leg)

        async def bye(after_s: float = number * 0.002, talk: Leg = talk) -> None:
            await asyncio.sleep(after_s)
            phone.hang_up(talk)

        await asyncio.gather(ordered(office, "call", call=call, to="tax"), bye(), return_exceptions=True)
        await office.until_presence("8001", "ready")

        async def waits_or_ended(leg: Leg = leg) -> bool:
            return bool((await office.status())["engine"]["waiting"]["tax"]) or leg.is_ended.is_set()

        await until(waits_or_ended, "he waits in the new line, or his call has ended as it would have")
        caller.hang_up(leg)
        assert (await office.row(leg))["outcome"] == "agent_answered"


# what is refused -------------------------------------------------------------------------------------------------------


async def test_caller_for_whom_a_phone_rings_is_moved_refused_and_the_phone_rings_on(office: Office) -> None:
    phone = await office.ready("1001", RINGS_ONLY)
    caller = await office.caller()
    leg = caller.call("12345")
    ringing = await phone.next_call()

    done = await command(office, "call", await id_of(office, leg), "move", "--to", "tax")

    assert (done.code, done.out) == (1, "")
    assert "a phone is ringing for this caller: try again when the offer has ended" in done.err
    assert not ringing.is_ended.is_set()


async def test_supervisor_orders_what_is_not_there_code_1_and_a_sentence(office: Office) -> None:
    unknown = await command(office, "agent", "9999", "ready")
    assert (unknown.code, unknown.err) == (1, "the plan has no agent '9999'\n")
    absent = await command(office, "agent", "8011", "ready")
    assert (absent.code, absent.err) == (1, "agent 8011: not logged in\n")
    assert (await command(office, "agent", "8001", "dance")).code == 2
    assert (await command(office, "call", "1.2")).code == 2


async def test_other_machine_orders_by_its_token_and_a_board_cannot(office: Office) -> None:
    await office.ready("1002")
    store = TokenStore(office.site.state_dir)
    entry, token = store.create(Audience.API, "2026-01-01T00:00:00+00:00")
    _, board = store.create(Audience.BOARD, "2026-01-01T00:00:00+00:00")

    def ask(with_token: str) -> None:
        settings = Settings(
            state_dir=office.site.state_dir,
            http_port=office.site.http_port,
            token=with_token,  # type: ignore[arg-type]  # pydantic makes a secret of it
        )
        ServiceClient(settings).order("/hand/agent", {"agent": "8002", "order": "not-ready", "reason": "break"}, "root")

    with pytest.raises(Exception, match="refuses the token"):
        await asyncio.to_thread(ask, board)
    await asyncio.to_thread(ask, token)

    await office.until_presence("8002", "not_ready")
    (row,) = await acted(office, 1, who=entry.token_id)
    assert (row["act"], row["goes_to"]) == ("agent_not_ready", "break")
