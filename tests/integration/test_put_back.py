"""The ledger, or the state folder, is put back from a backup on the real PBX: every call is in the ledger all the same."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from acd.names import CallId
from callcenter.storage.rolled_figures import reading
from tests.integration.conftest import own_office
from tests.integration.office import NEAR_MS, Office, Row, until

pytestmark = pytest.mark.pbx


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    """A whole office of the test's own: Asterisk, service, three agents logged in, not ready."""
    async with own_office() as office:
        yield office


async def gave_up(office: Office, number: str) -> Row:
    """A caller of a line that nobody serves, who hangs up; his row."""
    phone = await office.caller(number)
    leg = phone.call("12348")
    await leg.wait_for(200)
    phone.hang_up(leg)
    return await office.row(leg)


async def talked(office: Office) -> Row:
    """A call that an agent answers and ends; its row."""
    agent = await office.ready("1001")
    leg = (await office.caller("13800000002")).call("12345")
    offered = await agent.next_call()
    await office.until_presence("8001", "talking")
    agent.hang_up(offered)
    return await office.row(leg)


async def again(office: Office) -> None:
    """The service ends, with all stored, and starts."""
    await office.site.stop_service()
    await office.site.start_service()


def copied(from_: Path, to: Path, names: tuple[str, ...]) -> None:
    """Files of a folder take the place of another's."""
    to.mkdir(exist_ok=True)
    for name in names:
        for old in [*to.glob(name)]:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        for path in from_.glob(name):
            shutil.copytree(path, to / path.name) if path.is_dir() else shutil.copy2(path, to / path.name)


async def names(office: Office) -> list[str]:
    return [row["uniqueid"] for row in await office.rows()]


async def test_ledger_was_put_back_what_only_it_had_is_told_from_cel(office: Office, tmp_path: Path) -> None:
    first = await gave_up(office, "13800000001")
    await office.site.stop_service()
    copied(office.site.state_dir, tmp_path / "backup", ("ledger.*",))
    await office.site.start_service()
    lost = await talked(office)
    await again(office)
    kept = await gave_up(office, "13800000003")
    await office.site.stop_service()
    copied(tmp_path / "backup", office.site.state_dir, ("ledger.*",))
    await office.site.start_service()

    async def is_told() -> Row | None:
        row = next((row for row in await office.rows() if row["uniqueid"] == lost["uniqueid"]), None)
        return row if row is not None and row["ended_ms"] is not None else None

    told = await until(is_told, "the call that only the lost ledger had is told", 60)
    assert (told["outcome"], told["talk_ms"], told["caller_number"]) == (
        lost["outcome"],
        told["talk_ms"],
        "13800000002",
    )
    assert abs(told["talk_ms"] - lost["talk_ms"]) <= NEAR_MS and told["rebuilt_ms"] is not None
    last = await gave_up(office, "13800000004")
    assert await names(office) == [one["uniqueid"] for one in (first, lost, kept, last)]
    async with office.site.ledger() as ledger:
        (talk,) = await ledger.children("talks", CallId(told["pbx"], told["uniqueid"]))
        assert (talk["device"], talk["kind"]) == ("1001", "unknown")  # who sat there was in the lost ledger
        assert [note["what"] for note in await ledger.notes()].count("ledger_behind") == 1
        async with reading(ledger.engine) as figures:
            gaps = await figures.gaps(first["arrived_ms"], kept["arrived_ms"])
    assert gaps[0].from_ms == first["arrived_ms"] and all(gap.is_read for gap in gaps)


async def test_state_folder_was_put_back_later_calls_are_stored(office: Office, tmp_path: Path) -> None:
    calls = [await gave_up(office, "13800000001")]
    await office.site.stop_service()
    copied(office.site.state_dir, tmp_path / "backup", ("outbox", "live.*"))
    await office.site.start_service()
    for number in ("13800000002", "13800000003"):
        calls.append(await gave_up(office, number))
        await again(office)
    await office.site.stop_service()
    copied(tmp_path / "backup", office.site.state_dir, ("outbox", "live.*"))
    await office.site.start_service()
    calls.append(await gave_up(office, "13800000004"))
    await again(office)
    calls.append(await gave_up(office, "13800000005"))
    assert await names(office) == [one["uniqueid"] for one in calls]
    for row, before in zip(await office.rows(), calls, strict=True):
        assert {**row, "rebuilt_ms": None} == {**before, "rebuilt_ms": None}
