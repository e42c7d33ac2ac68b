"""Ten thousand boards at the door of a real service on a real PBX: calls go on, open boards stay live, scrapes are answered.

The crowd is a process of its own (`callcenter.lab.crowd`). What it does to the service's files and memory is the kernel's figure.
"""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from callcenter.bench.screens import Screen, Story, open_screen
from callcenter.board.fanout import MOST_SCREENS, TooManyScreens
from callcenter.http.gate import MOST_PLACES, NO_PLACE
from callcenter.http.tokens import Audience, TokenStore
from callcenter.lab.crowd import crowd
from callcenter.lab.sip_phone import answers
from tests.integration.office import Building, Office, until

pytestmark = pytest.mark.pbx

ATTEMPTS = 10_000
WATCHING = 12
SLACK_FILES = 60
"""What the service opens for itself while it serves: threads that read tokens, the database, the log."""
MOST_MORE_MB = 80.0
NO_PLACE_WORDS = json.loads(NO_PLACE.partition(b"\r\n\r\n")[2])["error"]


class Meanwhile:
    """What is looked at while a crowd is there: scrapes, the service's open files and memory."""

    def __init__(self, office: Office) -> None:
        process = office.site.process
        assert process is not None
        self._pid, self._office = process.pid, office
        self.scrapes = 0
        self.most_files = self.files()
        self.most_mb = self.first_mb = self.megabytes()
        self._task = asyncio.create_task(self._look())

    def files(self) -> int:
        return len(os.listdir(f"/proc/{self._pid}/fd"))

    def megabytes(self) -> float:
        with open(f"/proc/{self._pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    async def _look(self) -> None:
        while True:
            self.most_files = max(self.most_files, self.files())
            self.most_mb = max(self.most_mb, self.megabytes())
            assert "callcenter_calls_waiting" in await self._office.get("/metrics")
            self.scrapes += 1
            await asyncio.sleep(0.05)

    async def end(self) -> None:
        """Stop looking; raises what a scrape ran into."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


async def a_call(office: Office) -> None:
    """A caller is answered, talks, and is in the ledger."""
    await office.ready("1001", answers(0.05))
    caller = await office.caller()
    leg = caller.call("12345")
    await leg.wait_for(200, 40)
    await asyncio.sleep(0.3)
    caller.hang_up(leg)
    row = await office.row(leg)
    assert (row["outcome"], row["agent"]) == ("agent_answered", "8001")
    await office.not_ready("1001")


def board_token(building: Building) -> str:
    _, token = TokenStore(building.site.state_dir).create(Audience.BOARD, datetime.now(UTC).isoformat())
    return token


@contextlib.asynccontextmanager
async def watching(building: Building, token: str) -> AsyncIterator[Story]:
    """Some boards, open before the crowd comes: each reads every message, in order, until the end."""
    story = Story("lines", "from_ms")
    port = building.site.http_port
    screens = [await open_screen(port, token, story) for _ in range(WATCHING)]
    await until(lambda: all_live(screens), "the boards are live")
    yield story
    told = story.messages

    async def go_on() -> bool:
        return story.messages >= told + 2 * WATCHING and await all_live(screens, max(story.states))

    await until(go_on, "the boards go on")
    for screen in screens:
        assert screen.error is None
        assert (screen.is_lost, screen.wholes) == (False, 1)
        assert screen.transport is not None
        screen.transport.abort()


async def all_live(screens: list[Screen], number: int = 0) -> bool:
    return all(screen.number is not None and screen.number >= number for screen in screens)


async def all_is_well(building: Building, office: Office, token: str, files: int) -> None:
    """After they have left: a board opens, a call is answered, their descriptors are free again."""
    story = Story("lines", "from_ms")

    async def opens() -> bool:
        screen = await open_screen(building.site.http_port, token, story)
        await asyncio.sleep(0.2)
        assert screen.transport is not None
        screen.transport.abort()
        return screen.number is not None

    await until(opens, "a board opens", 20)
    await a_call(office)
    meanwhile = Meanwhile(office)
    await meanwhile.end()

    async def are_free() -> bool:
        return meanwhile.files() <= files + SLACK_FILES

    await until(are_free, "descriptors are free again")


async def test_ten_thousand_boards_come_four_hundred_see_the_others_hear_why_not_and_calls_boards_scrapes_go_on(
    building: Building, office: Office
) -> None:
    token = board_token(building)
    meanwhile = Meanwhile(office)
    files = meanwhile.files()
    async with watching(building, token) as story, crowd(building.site.http_port, ATTEMPTS, token) as come:
        call = asyncio.create_task(a_call(office))
        told = await come.told()
        await call
        messages = story.messages
        left = await come.leave()
    await meanwhile.end()
    room = MOST_SCREENS - WATCHING
    assert told["streams"] == room, told
    # the second: while the first hundreds are being let in, all places may be with boards to be
    assert str(TooManyScreens()) in told["why"] and set(told["why"]) <= {str(TooManyScreens()), NO_PLACE_WORDS}, told
    assert (told["refused"], told["silent"], told["closed"], told["failed"]) == (ATTEMPTS - room, 0, 0, 0), told
    assert left["streams"] == room, "those who came in saw on"
    assert messages > WATCHING
    assert meanwhile.scrapes >= 5
    assert meanwhile.most_files <= MOST_PLACES + files + SLACK_FILES
    assert meanwhile.most_mb <= meanwhile.first_mb + MOST_MORE_MB
    await all_is_well(building, office, token, files)


async def test_ten_thousand_connect_and_say_nothing_they_push_each_other_out_and_nobody_else(
    building: Building, office: Office
) -> None:
    token = board_token(building)
    meanwhile = Meanwhile(office)
    files = meanwhile.files()
    async with watching(building, token), crowd(building.site.http_port, ATTEMPTS) as come:
        call = asyncio.create_task(a_call(office))
        told = await come.told()
        scrapes = meanwhile.scrapes
        await call
        assert (await office.code_of("/healthz"))[0] == 200, "while all places are held by those who say nothing"
        await come.leave()
    await meanwhile.end()
    assert told["silent"] <= MOST_PLACES
    assert told["refused"] + told["silent"] == ATTEMPTS, told
    assert set(told["why"]) == {NO_PLACE_WORDS}, told
    assert scrapes >= 3
    assert meanwhile.most_files <= MOST_PLACES + files + SLACK_FILES
    assert meanwhile.most_mb <= meanwhile.first_mb + MOST_MORE_MB
    await all_is_well(building, office, token, files)
