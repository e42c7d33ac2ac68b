"""The service is away; calls go on in Asterisk's own queue; when it is back each is told rightly, by CEL or as unknown."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial

import pytest

from acd.names import CallId
from callcenter.lab.sip_phone import RINGS_ONLY, Leg, Phone, answers
from callcenter.witness.calls import CelCall, DeviceUse
from callcenter.witness.cel import read_cel
from callcenter.witness.compare import LedgerCall, compare
from callcenter.witness.rebuild import rebuild
from tests.integration.conftest import own_office
from tests.integration.office import NEAR_MS, SEATS, STALE_S, Office, Row, until

pytestmark = pytest.mark.pbx

TRUNK = "trunk"


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    """A whole office of the test's own: Asterisk, service, three agents logged in, not ready."""
    async with own_office() as office:
        yield office


def cel_calls(office: Office) -> dict[str, CelCall]:
    """What the witness says, and nobody else: calls by Uniqueid."""
    heard = read_cel(office.site.pbx.cel_file)
    people = [DeviceUse(phone, agent) for phone, agent in SEATS.items()]
    found = rebuild(heard.rows, pbx=office.site.pbx.systemname, callers=(TRUNK,), devices=people)
    return {call.call.uniqueid: call for call in found.calls}


async def all_told(office: Office) -> None:
    """Every call of CEL that is over is in the ledger with an outcome; then both are compared."""

    async def is_so() -> bool:
        rows = {row["uniqueid"]: row for row in await office.rows()}
        over = [call.call.uniqueid for call in cel_calls(office).values() if call.ended_ms is not None]
        return all(name in rows and rows[name]["outcome"] is not None for name in over)

    await until(is_so, "the ledger tells the outcome of every call that is over", 25)
    ours = [LedgerCall.of(row) for row in await office.rows() if row["direction"] == "inbound"]
    compared = compare(ours, cel_calls(office).values(), limit_ms=NEAR_MS)
    assert not compared.mismatches, [str(one) for one in compared.mismatches]


async def row_of(office: Office, leg: Leg) -> Row:
    rows = [row for row in await office.rows() if row["sip_call_id"] == leg.call_id]
    assert len(rows) == 1, rows
    return rows[0]


async def talks_of(office: Office, row: Row) -> list[Row]:
    async with office.site.ledger() as ledger:
        return await ledger.children("talks", CallId(row["pbx"], row["uniqueid"]))


async def notes(office: Office, what: str) -> list[Row]:
    async with office.site.ledger() as ledger:
        return [note for note in await ledger.notes() if note["what"] == what]


@dataclass
class Away:
    """What goes on while nobody watches: callers' legs by what becomes of them, and phones with their talks."""

    office: Office
    legs: dict[str, Leg] = field(default_factory=dict)
    phones: dict[str, Phone] = field(default_factory=dict)
    talks: dict[str, Leg] = field(default_factory=dict)
    """Phone -> its dialog with a caller that goes on."""

    async def call(self, name: str, did: str, number: str) -> Phone:
        """One more caller."""
        phone = await self.office.caller(number)
        self.legs[name] = phone.call(did)
        return phone

    async def before(self) -> None:
        """Two talk, one waits."""
        for number in ("1001", "1002"):
            self.phones[number] = await self.office.ready(number)
        self.phones["1003"] = await self.office.ready("1003", RINGS_ONLY)
        for name, number in (("talk ends", "1001"), ("talk goes on", "1002")):
            await self.call(name, "12345", f"1380000{number}")
            self.talks[number] = await self.phones[number].next_call()
        await self.office.until_presence("8002", "talking")
        await self.call("waits", "12345", "13800000003")
        await self.legs["waits"].wait_for(200)

    async def talks_end(self) -> None:
        """A talk ends; who waited reaches the same agent by Asterisk's own queue, and that talk ends too."""
        first = self.phones["1001"]
        first.hang_up(self.talks["1001"])
        leg = await first.next_call(STALE_S + 5)
        await asyncio.sleep(1.0)
        first.hang_up(leg)
        await self.legs["waits"].is_ended.wait()

    async def callers_give_up(self) -> None:
        """One in the queue of a line that nobody serves, one while a phone rings for him there."""
        queue = await self.call("gives up", "12348", "13800000004")
        first = self.phones["1001"]
        first.script = RINGS_ONLY
        ringing = await self.call("gives up ringing", "12345", "13800000005")
        await first.next_call()
        await asyncio.sleep(0.5)
        queue.hang_up(self.legs["gives up"])
        ringing.hang_up(self.legs["gives up ringing"])
        await asyncio.wait_for(self.legs["gives up ringing"].is_ended.wait(), 20)

    async def go_on(self) -> None:
        """One begins to talk, one waits, one has a phone ringing for him: all three still do when the service is back."""
        self.phones["1001"].script = answers(0.05)
        await self.call("talk began", "12345", "13800000006")
        self.talks["1001"] = await self.phones["1001"].next_call()
        await self.call("still waits", "12348", "13800000007")
        await self.legs["still waits"].wait_for(200)
        await self.call("still rings", "12346", "+8613800000008")
        self.talks["1003"] = await self.phones["1003"].next_call()
        await asyncio.sleep(2.0)


EXPECTED: dict[str, tuple[str | None, str | None, str | None, bool]] = {
    "talk ends": ("agent_answered", "8001", "engine", True),
    "talk goes on": ("agent_answered", "8002", "engine", False),
    "waits": ("agent_answered", "8001", "fallback", True),
    "gives up": ("abandoned_queue", None, None, True),
    "gives up ringing": ("abandoned_ringing", None, None, True),
    "talk began": ("agent_answered", "8001", "fallback", True),
    "still rings": ("agent_answered", "8003", "fallback", False),
    "still waits": (None, None, None, False),
}
"""Caller -> outcome, agent, via, whether anything of it was rebuilt from CEL."""


async def ringing_at(phone: Phone) -> Leg | None:
    """The call that rings at a phone now: the queue rings anew when its time is over, and a start may take longer."""
    return next((leg for leg in reversed(phone.legs.values()) if not leg.final and not leg.is_ended.is_set()), None)


async def test_service_away_every_call_of_that_time_is_told_rightly_afterwards(office: Office) -> None:
    away = Away(office)
    await away.before()
    office.site.kill_service()
    await away.talks_end()
    await away.callers_give_up()
    await away.go_on()
    await office.site.start_service()
    away.talks["1003"] = await until(partial(ringing_at, away.phones["1003"]), "it rings in Asterisk's queue")
    away.phones["1003"].reply(away.talks["1003"], 200)  # under our eyes
    await asyncio.sleep(1.5)
    for number, leg in away.talks.items():
        away.phones[number].hang_up(leg)
    await all_told(office)

    for name, expected in EXPECTED.items():
        row = await row_of(office, away.legs[name])
        assert (row["outcome"], row["agent"], row["via"], row["rebuilt_ms"] is not None) == expected, (name, row)
        assert len(await talks_of(office, row)) == (expected[1] is not None), name
    row = await row_of(office, away.legs["gives up ringing"])
    assert (row["line_code"], row["did"], row["caller_number"]) == ("general", "12345", "13800000005")
    assert row["queued_ms"] == row["arrived_ms"]
    assert not await notes(office, "calls_unknown")
    assert (await office.status())["engine"]["waiting"]["tax"] == 1


async def unknown_is(office: Office, number: int) -> bool:
    return (await office.samples())["callcenter_unknown_calls"][()] == number


async def test_cel_cannot_be_read_calls_are_unknown_and_told_at_the_next_start_that_can(office: Office) -> None:
    environment = office.site._environment
    await office.ready("1001")
    phone = await office.caller()
    talked = phone.call("12345")
    await office.until_presence("8001", "talking")
    gives_up_phone = await office.caller("13800000002")
    gives_up = gives_up_phone.call("12348")
    await gives_up.wait_for(200)
    office.site.kill_service()
    gives_up_phone.hang_up(gives_up)
    await asyncio.sleep(STALE_S)
    unseen_phone = await office.caller("13800000003")
    unseen = unseen_phone.call("12348")
    await unseen.wait_for(200)
    unseen_phone.hang_up(unseen)
    phone.hang_up(talked)
    await asyncio.sleep(0.3)

    environment["CALLCENTER_CEL"] = str(office.site.folder / "is-not-there.csv")
    await office.site.start_service()
    row = await office.row(gives_up)
    assert (row["outcome"], row["ended_by"], row["rebuilt_ms"]) == (None, "unknown", None)
    assert (await office.row(talked))["outcome"] == "agent_answered"
    (note,) = await notes(office, "calls_unknown")
    assert "is-not-there.csv: is cel_custom loaded" in note["detail"]
    await until(partial(unknown_is, office, 1), "one call is shown as unknown")
    assert not [row for row in await office.rows() if row["sip_call_id"] == unseen.call_id]

    del environment["CALLCENTER_CEL"]
    office.site.kill_service()
    await office.site.start_service()
    await all_told(office)
    await until(partial(unknown_is, office, 0), "no call is unknown any more")
    for leg, outcome in ((gives_up, "abandoned_queue"), (unseen, "abandoned_queue"), (talked, "agent_answered")):
        row = await row_of(office, leg)
        assert (row["outcome"], row["ended_by"]) == (outcome, "caller")
    office.site.kill_service()  # a third time there is nothing to tell
    before = await office.rows()
    await office.site.start_service()
    await asyncio.sleep(1.5)
    assert await office.rows() == before


async def is_synced(office: Office) -> bool:
    return bool((await office.status())["synced"])


async def until_ended(office: Office, leg: Leg, outcome: str) -> Row:
    """Wait until a call is over with this outcome."""

    async def is_so() -> Row | None:
        row = await row_of(office, leg)
        return row if row["outcome"] == outcome else None

    return await until(is_so, f"{leg.call_id} is {outcome}", 20)


@pytest.mark.parametrize(
    ("is_killed", "is_served"),
    [(False, True), (True, True), (True, False)],
    ids=["restarted", "crashed", "crashed, service dead"],
)
async def test_asterisk_starts_anew_calls_it_dropped_failed_and_answered_ones_stay_answered(
    office: Office, is_killed: bool, is_served: bool
) -> None:
    await office.ready("1001")
    talked = (await office.caller()).call("12345")
    await office.until_presence("8001", "talking")
    waited = (await office.caller("13800000002")).call("12348")
    await waited.wait_for(200)
    await asyncio.sleep(1.2)
    if not is_served:
        office.site.kill_service()
    dropped_ms = gone_ms = int(time.time() * 1000)
    if is_killed:
        await office.site.pbx.kill()
        gone_ms = int(time.time() * 1000)
        await asyncio.sleep(2.0)  # the time in which nothing lives is nobody's talk
        await office.site.pbx.resume()
    else:
        await office.site.pbx.restart()  # it ends the calls in its own time
        gone_ms = int(time.time() * 1000)
    if not is_served:
        await office.site.start_service()
    await until(partial(is_synced, office), "the service is in step again", 20)
    failed = await until_ended(office, waited, "failed")
    answered = await until_ended(office, talked, "agent_answered")
    assert (failed["outcome_reason"], failed["ended_by"]) == ("system", "system")
    for row in (failed, answered):
        assert dropped_ms - 1500 < row["ended_ms"] < gone_ms + 1500
        assert row["rebuilt_ms"] is not None or not (is_killed or not is_served)
    assert answered["talk_ended_ms"] <= answered["ended_ms"]
