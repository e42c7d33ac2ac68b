"""The office with policy specialists: two on phones that are scripted, one on an outside number, one real softphone.

Every test here asserts what the ledger has and that Asterisk's CEL, rebuilt by the witness, agrees.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

from acd.names import CallId
from callcenter.http.tokens import read_local_token
from callcenter.lab.pbx import Asterisk
from callcenter.lab.ports import free_port
from callcenter.lab.sip_phone import RINGS_ONLY, Leg, Phone, Script, answers, endpoints
from callcenter.lab.site import Seat, Site
from callcenter.witness.calls import DeviceUse
from callcenter.witness.cel import read_cel
from callcenter.witness.rebuild import rebuild
from tests.integration.office import SEATS, Building, Office, Row, until

SPECIALISTS = ("701", "702")
OUTSIDE = "02584001234"
AWAY = "704"
"""A specialist whose phone never registers."""
REAL = ("2001", "703")
"""Phones that register: the seat 8011's, and a specialist's."""
RING_S = 5
_PLAN = f"""
default_line = "general"
specialist_ring_s = {RING_S}
[lines.general]
name = "群众诉求"
name_en = "General"
dids = ["12345"]
need = "general >= 1"
ring_s = 5
wrapup_s = 1
[lines.real]
name = "软电话"
name_en = "Softphones"
dids = ["12347"]
need = "real >= 1"
ring_s = 5
wrapup_s = 1
[not_ready_reasons]
1 = "break"
[topics]
55 = "tax"
56 = "housing"
57 = "outside"
58 = "real"
59 = "away first"
60 = "housing or outside"
61 = "a seat's phone"
"""
_CONTACTS = (
    ("701", "Tax A", ("55",), "endpoint"),
    (AWAY, "Away", ("59",), "endpoint"),
    ("702", "Tax B", ("55", "56", "59", "60"), "endpoint"),
    (OUTSIDE, "Outside", ("57", "60"), "trunk"),
    ("703", "Real", ("58",), "endpoint"),
    ("1003", "Seat too", ("61",), "endpoint"),
)
_SKILLS = {"8001": {"general": 2}, "8002": {"general": 1}, "8003": {"special": 1}, "8011": {"real": 1}}
TOLD = 20.0
SEAT, SECOND = ("8001", "seat", "engine"), ("8002", "seat", "engine")
FIRST_701, NEXT_702 = ("701", "specialist", "engine"), ("702", "specialist", "engine")
"""People in the talks of a call, as `people` tells them."""
"""Seconds within which the ledger has a call that ended, on a busy machine."""


class HandOverBuilding(Building):
    """Site and scripted phones with specialists."""

    def __init__(self) -> None:
        self.ports = {number: free_port(socket.SOCK_DGRAM) for number in (*SEATS, *SPECIALISTS)}
        phones = endpoints({**self.ports, AWAY: None})
        pbx = Asterisk(REAL, lines=("general", "real"), extra={"pjsip.conf": phones})
        seats = [Seat(number, f"话务员{number}", skills) for number, skills in _SKILLS.items()]
        contacts = "".join(
            f'[[specialists]]\nnumber = "{number}"\nname = "{name}"\ntopics = {list(topics)}\ntarget = "{target}"\n'
            for number, name, topics, target in _CONTACTS
        )
        self.site = Site(_PLAN.replace("[topics]", contacts + "[topics]"), seats, REAL, pbx=pbx)
        first = "[agents.8001]\n"
        self.site.plan_text = self.site.plan_text.replace(first, f'{first}outbound = "general"\n')


class Talk:
    """A caller in talk with a seat."""

    def __init__(self, caller: Phone, leg: Leg, seat: Phone, seat_leg: Leg, since_ms: int) -> None:
        self.caller, self.leg, self.seat, self.seat_leg = caller, leg, seat, seat_leg
        self.since_ms = since_ms

    @property
    def is_over(self) -> bool:
        """The caller's phone was hung up."""
        return self.leg.is_ended.is_set()


class HandOverOffice(Office):
    """One test's view."""

    async def talk(self, number: str = "1001", did: str = "12345") -> Talk:
        """Let a caller reach the seat of a scripted phone."""
        seat = await self.ready(number)
        caller = await self.caller()
        leg = caller.call(did)
        seat_leg = await seat.next_call()
        row = await self.until_presence(SEATS[number], "talking")
        return Talk(caller, leg, seat, seat_leg, row["since_ms"])

    async def until_wrap_up(self, talk: Talk, agent: str = "8001") -> None:
        """Wait until an agent's part of a talk was over and his wrap-up began: it lasts a second, so the ledger is asked."""

        async def so() -> bool:
            async with self.site.ledger() as ledger:
                told = await ledger.presence(agent)
            return any(one["presence"] == "acw" and one["at_ms"] >= talk.since_ms for one in told)

        await until(so, f"agent {agent} has wrapped up", TOLD)

    async def specialist(self, number: str, script: Script = RINGS_ONLY) -> Phone:
        """The scripted phone of a specialist."""
        return await self.phone(number, script)

    async def outside(self, script: Script | None = None) -> Phone:
        """The world that the trunk leads to."""
        phone = await Phone.open(
            "outside", ("127.0.0.3", self.site.pbx.outside_port), self.sip, script or answers(0.05)
        )
        self._callers.append(phone)
        return phone

    async def joins(self, talk: Talk, consult: Leg) -> None:
        """Let the seat's transfer key join his caller with whom he consults: not in the very instant of the answer, as no
        hand can. (Asterisk then puts the caller into the consult's own dial, where no bridge event names him.)"""
        await asyncio.sleep(0.4)
        talk.seat.join(talk.seat_leg, consult)

    async def presses_1(self, outside: Phone, there: Leg, is_through: Callable[[], Awaitable[bool]]) -> None:
        """Let whoever picked up outside press 1 until he is through: what is pressed during the question's tone is not heard."""
        pressed_at = 0.0

        async def so() -> bool:
            nonlocal pressed_at
            if await is_through():
                return True
            if (now := asyncio.get_running_loop().time()) - pressed_at > 0.6:
                outside.press(there, "1")
                pressed_at = now
            return False

        await until(so, "whoever pressed 1 is through", TOLD)

    async def until_offers(self, leg: Leg, *results: tuple[str, str | None]) -> None:
        """Wait until the offers of a call that goes on are these: (whom, result), in order."""

        async def so() -> bool:
            made = sorted(await self.offers(await self.open_row(leg)), key=lambda one: int(one["seq"]))
            return [(one["agent"], one["result"]) for one in made] == list(results)

        await until(so, f"offers: {results}", TOLD)

    async def until_handed_over(self, leg: Leg, *results: str | None) -> None:
        """Wait until the hand-overs of a call that goes on have these results."""

        async def so() -> bool:
            found = await self.children("hand_overs", await self.open_row(leg))
            return [one["result"] for one in sorted(found, key=lambda one: int(one["seq"]))] == list(results)

        await until(so, f"hand-overs: {results}", TOLD)

    async def put_in_force(self, plan: str) -> None:
        """Let the running service take another plan."""
        self.site.write_plan(plan)
        code, text = await self.code_of("/plan/reload", "POST", read_local_token(self.site.state_dir) or "")
        assert code == 200, text

    @contextlib.asynccontextmanager
    async def patient(self) -> AsyncIterator[None]:
        """Let specialists' phones ring on while the service is killed and comes back, however slow the machine."""
        old = self.site.plan_text
        await self.put_in_force(old.replace(f"specialist_ring_s = {RING_S}", "specialist_ring_s = 40"))
        try:
            yield
        finally:
            await self.put_in_force(old)

    async def hang_up_in_pbx(self, prefix: str) -> None:
        """End the channels of a phone from the PBX's side, as a lost peer does."""
        await asyncio.to_thread(self.site.pbx.rx, f"channel request hangup {await self._channel(prefix)}")

    async def _channel(self, prefix: str) -> str:
        shown = await asyncio.to_thread(self.site.pbx.rx, "core show channels concise")
        return next(line.partition("!")[0] for line in shown.splitlines() if line.startswith(prefix + "-"))

    async def noted(self, words: str) -> bool:
        """Whether the service's records hold a note of this kind."""
        folder = self.site.state_dir
        return any(words in path.read_text(encoding="utf-8", errors="replace") for path in folder.rglob("*.jsonl"))

    async def children(self, table: str, row: Row) -> list[Row]:
        """Rows of evidence of a call."""
        async with self.site.ledger() as ledger:
            return await ledger.children(table, CallId(row["pbx"], row["uniqueid"]))

    async def open_row(self, leg: Leg) -> Row:
        """The ledger's row of a call that goes on."""

        async def found() -> Row | None:
            return next((row for row in await self.rows() if row["sip_call_id"] == leg.call_id), None)

        return await until(found, "the ledger knows the caller")

    async def until_talks(self, leg: Leg, *agents: str) -> None:
        """Wait until the ledger has exactly these people in talk with a caller."""

        await until(partial(self.talk_is, leg, *agents), f"in talk: {agents}", TOLD)

    async def talk_is(self, leg: Leg, *agents: str) -> bool:
        """Whether the ledger has exactly these people in talk with a caller."""
        row = await self.open_row(leg)
        talks = [talk for talk in await self.children("talks", row) if talk["closed_ms"] is None]
        return sorted(talk["agent"] for talk in talks) == sorted(agents)

    async def story(self, leg: Leg) -> tuple[Row, list[Row], list[Row]]:
        """Return row, talks and hand-overs of a call that has ended, all told; the second witness has agreed."""
        row, talks, hand_overs = await self.story_alone(leg)
        self.agree([row])
        return row, talks, hand_overs

    async def story_alone(self, leg: Leg) -> tuple[Row, list[Row], list[Row]]:
        """The same where nobody watched something that CEL saw."""
        row = await self.row(leg, TOLD)
        talks = sorted(await self.children("talks", row), key=lambda talk: int(talk["opened_ms"]))
        return row, talks, await self.children("hand_overs", row)

    def agree(self, rows: list[Row]) -> None:
        """Assert that CEL tells these calls as the ledger does."""
        devices = [DeviceUse(phone, agent) for phone, agent in {**SEATS, "2001": "8011"}.items()]
        devices += [DeviceUse(phone, phone, "specialist") for phone in (*SPECIALISTS, "703")]
        self.agree_with_cel(rows, devices)

    def known_to_cel(self) -> set[CallId]:
        """The inbound calls of the whole run, as CEL has them."""
        rows = read_cel(self.site.pbx.cel_file).rows
        told = rebuild(rows, pbx=self.site.pbx.systemname, callers=("trunk",), devices=())
        return {call.call for call in told.calls}

    async def agrees_with_cel(self) -> None:
        """Assert that both witnesses know the same inbound calls of the whole run, and tell them alike."""
        seen: dict[str, set[CallId]] = {}

        async def inbound() -> list[Row] | None:
            rows = [row for row in await self.rows() if row["direction"] == "inbound"]
            seen["ledger"], seen["CEL"] = {CallId(row["pbx"], row["uniqueid"]) for row in rows}, self.known_to_cel()
            return rows if seen["ledger"] == seen["CEL"] and all(row["ended_ms"] for row in rows) else None

        try:
            rows = await until(inbound, "both know the same calls, and that they are over", TOLD)
        except AssertionError as error:
            raise AssertionError(f"{error}: {seen['ledger'] ^ seen['CEL']}") from error
        self.agree(rows)


def brief(hand_overs: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Mode, result and specialist of hand-overs."""
    return [(one["mode"], one["result"], one["specialist"]) for one in hand_overs]


def people(talks: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Who talked, as what, and how he came."""
    return [(one["agent"], one["kind"], one["via"]) for one in talks]
