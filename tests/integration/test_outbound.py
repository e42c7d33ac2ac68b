"""Agents dial out on the real PBX, through the running service: what they may, what the called party sees, what is on record.

Each call that is dialled is compared with Asterisk's CEL; what is refused must be no call in either.
"""

import asyncio
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from callcenter.lab.sip_phone import RINGS_ONLY, Leg, Phone, Script, answers, says
from callcenter.storage.database import open_engine
from callcenter.witness.cel import read_cel
from callcenter.witness.dialled import CelDialled, dialled
from metrics.document import printed_rows
from metrics.report import call_service
from tests.counted import totals_between
from tests.integration.called_party import shown
from tests.integration.office import NEAR_MS, Building, Office, Row, opened, until

pytestmark = pytest.mark.pbx

OWN = "02586001234"
"""The line's own number in the plan of this office."""
WRAPUP_S = 20
TOLD_S = 20.0


class DialOffice(Office):
    """One test's view, with a world outside."""

    async def outside(self, script: Script) -> Phone:
        """The world that numbers dialled out reach."""
        world = await Phone.open("outside", ("127.0.0.3", self.site.pbx.outside_port), self.sip, script)
        self._callers.append(world)
        return world

    async def calls_to(self, number: str) -> list[Row]:
        """The ledger's calls dialled to a number."""
        return [row for row in await self.rows() if (row["direction"], row["caller_number"]) == ("outbound", number)]

    async def dialled(self, number: str) -> Row:
        """The ledger's row of the one call dialled to a number, once it is over; CEL agrees."""

        async def over() -> Row | None:
            rows = await self.calls_to(number)
            return rows[0] if rows and rows[0]["ended_ms"] is not None else None

        row = await until(over, f"the ledger has the call to {number}", TOLD_S)

        async def told() -> list[CelDialled] | None:
            rows = read_cel(self.site.pbx.cel_file).rows
            found = [one for one in dialled(rows, ("trunk",)) if one.uniqueid == row["uniqueid"]]
            return found if found and all(one.ended_ms is not None for one in found) else None

        found = await until(told, f"CEL has the end of the call to {number}", TOLD_S)
        assert len(found) == 1
        assert near(found[0].ended_ms, row["ended_ms"])
        assert near(found[0].answered_ms, row["answered_ms"])
        return row

    async def refusals(self) -> list[str]:
        """What is on record of numbers that were not dialled."""
        async with self.site.ledger() as ledger:
            return [note["detail"] for note in await ledger.notes() if note["what"] == "outbound_refused"]

    async def outbound_row(self) -> tuple[str, ...]:
        """The report's row of calls dialled out."""
        engine = open_engine(f"sqlite+aiosqlite:///{self.site.state_dir / 'ledger.sqlite3'}")
        try:
            return printed_rows(call_service(await totals_between(engine, 0, 2**53)), "en")[1]
        finally:
            await engine.dispose()


OFFICE = DialOffice


def now_ms() -> int:
    """The PBX's clock is this machine's."""
    return time.time_ns() // 1_000_000


def near(one: int | None, other: int | None) -> bool:
    """Both unknown, or the same instant."""
    return one is other if one is None or other is None else abs(one - other) <= NEAR_MS


@pytest.fixture(scope="module")
def building() -> Iterator[Building]:
    """An office whose agents 8001 and 8003 may dial out, each for his own line; 8002 may not."""
    building = Building()
    site = building.site
    text = site.plan_text.replace(
        "wrapup_s = 0\n[lines.special]", f'wrapup_s = {WRAPUP_S}\noutbound_number = "{OWN}"\n[lines.special]'
    )
    seat = site.seats["8003"].toml()
    site.plan_text = text.replace(seat, f'{seat}outbound = "special"\n')
    with opened(building):
        site.pbx.rx("dialplan set global CC_OUTBOUND_RING_S 2")
        yield building


async def test_agent_dials_out_and_talks_all_is_on_record_and_only_the_lines_number_is_seen(office: DialOffice) -> None:
    world = await office.outside(RINGS_ONLY)
    phone = await office.ready("1001")
    between = [now_ms()]
    leg = phone.call("913900000001")
    called = await world.next_call()
    await office.until_presence("8001", "dialling")
    await asyncio.sleep(0.4)
    between.append(now_ms())
    world.reply(called, 200)
    await office.until_presence("8001", "talking")
    await asyncio.sleep(0.5)
    between.append(now_ms())
    world.hang_up(called)
    row = await office.dialled("13900000001")
    between.append(now_ms())
    agent = await office.until_presence("8001", "acw")
    assert called.request.startswith("INVITE sip:13900000001@")
    assert shown(called.request) == [OWN]
    assert near(agent["until_ms"], row["ended_ms"] + 1000 * WRAPUP_S)
    assert (row["agent"], row["line_code"], row["outcome"], row["follows"]) == ("8001", "general", None, None)
    assert (row["end_detail"], row["ended_by"]) == ("ANSWER", "caller")
    told = [row["arrived_ms"], row["answered_ms"], row["ended_ms"]]
    assert all(begin <= at <= end for (begin, end), at in zip(pairwise(between), told, strict=True)), (between, told)
    assert row["talk_ms"] == row["ended_ms"] - row["answered_ms"]
    assert leg.is_ended.is_set()


@pytest.mark.parametrize(
    "script, number, reason",
    [
        (says(486), "02511110486", "BUSY"),
        (says(600), "02511110600", "BUSY"),
        (says(603), "02511110603", "REFUSED"),
        (says(404), "02511110404", "CHANUNAVAIL"),
        (says(503), "02511110503", "CONGESTION"),
        (says(480), "02511110480", "NOANSWER"),
        (RINGS_ONLY, "02511110180", "NOANSWER"),
    ],
)
async def test_nobody_is_reached_the_reason_is_on_record_and_the_agent_is_where_he_was(
    office: DialOffice, script: Script, number: str, reason: str
) -> None:
    world = await office.outside(script)
    phone = await office.phone("1001")
    await office.not_ready("1001")  # a wrap-up of the test before would end meanwhile
    before = await office.agent("8001")
    leg = phone.call(number)
    await world.next_call()
    await asyncio.wait_for(leg.is_ended.wait(), 10)
    row = await office.dialled(number)
    assert (row["end_detail"], row["answered_ms"], row["talk_ms"], row["agent"]) == (reason, None, 0, "8001")
    assert row["ended_by"] in {"system", "caller"}
    after = await office.until_presence("8001", before["presence"])
    assert after["reason"] == before["reason"]


async def test_agent_gives_up_while_it_rings_and_that_is_on_record(office: DialOffice) -> None:
    world = await office.outside(RINGS_ONLY)
    phone = await office.ready("1001")
    leg = phone.call("02511119999")
    called = await world.next_call()
    await office.until_presence("8001", "dialling")
    phone.hang_up(leg)
    row = await office.dialled("02511119999")
    await asyncio.wait_for(called.is_ended.wait(), 10)
    assert (row["end_detail"], row["ended_by"], row["answered_ms"]) == ("CANCEL", "agent", None)
    await office.until_presence("8001", "ready")


@pytest.mark.parametrize(
    "phone, number, why",
    [
        ("1002", "913900000002", "8002 at 1002: 13900000002: not_allowed"),
        ("1001", "9008613900000002", "8001 at 1001: 008613900000002: denied"),
        ("1001", "0012125550100", "8001 at 1001: 0012125550100: denied"),
        ("1001", "912", "8001 at 1001: 12: no_number"),
        ("1001", "91" + "2" * 40, "8001 at 1001: 1" + "2" * 30 + "*: no_number"),
        ("1001", "913900abc000", "8001 at 1001: 13900000*: no_number"),
        ("1001", "9*7210086", None),
    ],
)
async def test_number_that_may_not_be_dialled_is_refused_with_a_prompt_a_note_and_no_call(
    office: DialOffice, phone: str, number: str, why: str | None
) -> None:
    world = await office.outside(answers())
    dials = await office.phone(phone)
    rows, before = len(await office.rows()), await office.agent("8001")
    leg = dials.call(number)
    await asyncio.wait_for(leg.is_ended.wait(), 10)
    assert leg.statuses()[-1] == (403 if why else 404)
    if why is not None:
        assert 183 in leg.statuses()  # he hears why

        async def noted() -> bool:
            return why in await office.refusals()

        await until(noted, "it is on record", TOLD_S)
    assert world.incoming.empty()
    assert len(await office.rows()) == rows
    assert (await office.agent("8001"))["presence"] == before["presence"]


async def test_nobody_is_logged_in_at_the_phone_and_it_dials_emergency_numbers_only(office: DialOffice) -> None:
    world = await office.outside(answers())
    phone = await office.phone("1003")
    await office.code("1003", "*12", "logged_out")
    try:
        leg = phone.call("913900000003")
        await asyncio.wait_for(leg.is_ended.wait(), 10)
        assert leg.statuses()[-1] == 403
        assert world.incoming.empty()
        assert await office.calls_to("13900000003") == []
        urgent = phone.call("110")
        called = await world.next_call()
        await urgent.wait_for(200)
        phone.hang_up(urgent)
        row = await office.dialled("110")
        assert called.request.startswith("INVITE sip:110@")
        assert (row["agent"], row["line_code"], row["end_detail"]) == ("1003", "general", "ANSWER")
    finally:
        await office.log_in("1003")
        await office.not_ready("1003")
    async with office.site.ledger() as ledger:
        details = [note["detail"] for note in await ledger.notes() if note["what"] == "outbound_refused"]
    assert "nobody at 1003: 13900000003: nobody" in details


async def talked_with(office: DialOffice, number: str, phone: str = "1001", did: str = "12345") -> Row:
    """Let a caller reach an agent; return the call's row once it is over."""
    seat = await office.ready(phone)
    caller = await office.caller(number)
    leg = caller.call(did)
    called = await seat.next_call()
    await office.until_presence({"1001": "8001", "1003": "8003"}[phone], "talking")
    seat.hang_up(called)
    return await office.row(leg, TOLD_S)


async def answered_call(office: DialOffice, world: Phone, phone: Phone, number: str) -> Leg:
    """Dial a number that answers; return the called leg once both talk."""
    leg = phone.call(number)
    called = await world.next_call()
    await leg.wait_for(200)
    await office.until_presence("8001", "talking")
    phone.hang_up(leg)
    return called


async def test_agent_calls_his_last_caller_back_by_key_and_by_hand_and_both_are_tied(office: DialOffice) -> None:
    inbound = await talked_with(office, "13811110001")
    world = await office.outside(answers())
    phone = await office.phone("1001")
    called = await answered_call(office, world, phone, "*17")
    row = await office.dialled("13811110001")
    assert called.request.startswith("INVITE sip:13811110001@")
    assert shown(called.request) == [OWN]
    assert (row["follows"], row["agent"]) == (inbound["uniqueid"], "8001")
    await office.until_presence("8001", "acw")
    await answered_call(office, world, phone, "913811110001")

    async def both() -> bool:
        rows = await office.calls_to("13811110001")
        return len(rows) == 2 and all(row["follows"] == inbound["uniqueid"] and row["ended_ms"] for row in rows)

    await until(both, "both calls are tied to the inbound one", TOLD_S)
    await answered_call(office, world, phone, "913811110002")
    assert (await office.dialled("13811110002"))["follows"] is None


async def test_caller_withheld_his_number_and_cannot_be_called_back(office: DialOffice) -> None:
    await talked_with(office, "anonymous")
    world = await office.outside(answers())
    leg = (await office.phone("1001")).call("*17")
    await asyncio.wait_for(leg.is_ended.wait(), 10)
    assert leg.statuses()[-1] == 403
    assert world.incoming.empty()

    async def noted() -> bool:
        return "8001 at 1001: no number: withheld" in await office.refusals()

    await until(noted, "it is on record", TOLD_S)


async def test_service_killed_between_call_and_call_back_and_the_tie_is_there(office: DialOffice) -> None:
    inbound = await talked_with(office, "13811110003")
    office.site.kill_service()
    await office.site.start_service()
    world = await office.outside(answers())
    await answered_call(office, world, await office.phone("1001"), "*17")
    assert (await office.dialled("13811110003"))["follows"] == inbound["uniqueid"]


async def test_agent_dials_in_his_wrap_up_reaches_nobody_and_his_wrap_up_goes_on(office: DialOffice) -> None:
    await talked_with(office, "13811110004")
    owed = (await office.until_presence("8001", "acw"))["until_ms"]
    await office.outside(says(486))
    leg = (await office.phone("1001")).call("02511112222")
    await asyncio.wait_for(leg.is_ended.wait(), 10)
    await office.dialled("02511112222")
    agent = await office.until_presence("8001", "acw")
    assert near(agent["until_ms"], owed)


async def test_service_killed_while_an_agent_dials_and_while_he_talks_both_are_on_record_whole(
    office: DialOffice,
) -> None:
    world = await office.outside(RINGS_ONLY)
    phone = await office.ready("1001")
    office.site.pbx.rx("dialplan set global CC_OUTBOUND_RING_S 60")
    try:
        leg = phone.call("02533330001")
        called = await world.next_call()
        await office.until_presence("8001", "dialling")
        office.site.kill_service()
        world.reply(called, 200)  # answered while nobody watches
        await leg.wait_for(200)
        await asyncio.sleep(0.5)
        await office.site.start_service()
        await office.until_presence("8001", "talking")
        office.site.kill_service()
        await office.site.start_service()
        await office.until_presence("8001", "talking")
        phone.hang_up(leg)
        row = await office.dialled("02533330001")
    finally:
        office.site.pbx.rx("dialplan set global CC_OUTBOUND_RING_S 2")
    assert (row["agent"], row["line_code"], row["end_detail"], row["ended_by"]) == (
        "8001",
        "general",
        "ANSWER",
        "agent",
    )
    await office.until_presence("8001", "acw")


async def test_call_ends_while_nobody_watches_and_is_closed_with_what_it_was(office: DialOffice) -> None:
    world = await office.outside(answers())
    phone = await office.ready("1001")
    leg = phone.call("02533330002")
    await world.next_call()
    await leg.wait_for(200)
    await office.until_presence("8001", "talking")
    office.site.kill_service()
    phone.hang_up(leg)
    await asyncio.sleep(0.5)
    await office.site.start_service()
    row = await office.dialled("02533330002")
    assert (row["agent"], row["outcome"], row["direction"]) == ("8001", None, "outbound")
    assert row["answered_ms"] is not None
    assert row["talk_ended_ms"] is not None
    await office.until_presence("8001", "acw")


async def test_agent_dials_beside_a_call_and_is_where_he_belongs_when_one_of_them_ends(office: DialOffice) -> None:
    seat = await office.ready("1001")
    caller = await office.caller("13811110005")
    caller.call("12345")
    talk = await seat.next_call()
    await office.until_presence("8001", "talking")
    world = await office.outside(answers())
    seat.hold(talk)
    await office.until_presence("8001", "hold")
    leg = seat.call("02544440001")
    called = await world.next_call()
    await leg.wait_for(200)
    assert (await office.agent("8001"))["presence"] == "hold"
    seat.hang_up(talk)  # the inbound call ends first
    await office.until_presence("8001", "talking")
    world.hang_up(called)
    row = await office.dialled("02544440001")
    assert row["agent"] == "8001"
    await office.until_presence("8001", "acw")


async def test_agent_puts_the_called_party_on_hold_and_it_is_inside_the_talk(office: DialOffice) -> None:
    world = await office.outside(answers())
    phone = await office.ready("1001")
    leg = phone.call("02555550001")
    called = await world.next_call()
    await leg.wait_for(200)
    await office.until_presence("8001", "talking")
    phone.hold(leg)
    await office.until_presence("8001", "hold")
    await asyncio.sleep(0.3)
    world.hang_up(called)
    row = await office.dialled("02555550001")
    assert 200 <= row["hold_ms"] <= row["talk_ms"]


async def test_report_counts_attempts_and_those_reached(office: DialOffice) -> None:
    rows = [row for row in await office.rows() if row["direction"] == "outbound"]
    reached = [row for row in rows if row["answered_ms"] is not None]
    assert len(rows) > len(reached) > 5
    longest = max(int(row["talk_ms"]) for row in reached)
    mean = sum(int(row["talk_ms"]) for row in reached) / len(reached)
    shown_row: Any = await office.outbound_row()
    assert shown_row[:2] == ("Outbound", str(len(reached)))
    assert abs(float(shown_row[4]) - mean / 1000) <= 0.5
    assert abs(float(shown_row[5]) - longest / 1000) <= 0.5
