"""A ledger or a state folder that was put back from a backup: what comes next is stored, and what is lost is known."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from acd.names import Outcome
from acd.records import PresenceChanged, Record
from agents.presence import Presence
from callcenter.storage import outbox_reader
from callcenter.storage import projector as projector_module
from callcenter.storage.errors import LedgerAway
from callcenter.storage.ledger import Ledger
from callcenter.storage.outbox import START, Outbox, Position, outbox_identity, segment_path, segments
from callcenter.storage.outbox_reader import Entry
from callcenter.storage.projector import Projector
from callcenter.storage.put_back import Lost, lost, told
from tests.contract.calls_told import NOON_MS, Told


def call(name: str, at_s: int) -> list[Record]:
    return [*Told(name, NOON_MS + at_s * 1000).queued(0).ends(3, Outcome.ABANDONED_QUEUE).records, seat(at_s)]


def seat(at_s: int) -> PresenceChanged:
    return PresenceChanged("1001", NOON_MS + at_s * 1000, Presence.READY, "", "1001", 0, None, 0, reachable=True)


async def one_start(folder: Path, ledger: Any, *told: Sequence[Record]) -> None:
    """A service starts, writes, stores all and ends."""
    outbox = Outbox(folder, segment_bytes=100)
    projector = Projector(folder, ledger)
    for records in told:
        outbox.append(records)
    assert await projector.drain()
    outbox.close()


async def names(ledger: Ledger) -> list[str]:
    return [str(row["uniqueid"]) for row in await ledger.calls(NOON_MS, NOON_MS + 10_000_000)]


class Elsewhere:
    """A ledger that is gone afterwards: only how far it had come matters."""

    def __init__(self, position: Position) -> None:
        self.at = position

    async def position(self, outbox: str) -> Position:
        return self.at

    async def apply(self, outbox: str, entries: list[Entry]) -> Position:
        self.at = entries[-1].end
        return self.at


async def test_state_folder_was_put_back_new_calls_are_stored_and_old_ones_not_twice(
    ledger: Ledger, tmp_path: Path
) -> None:
    folder, backup = tmp_path / "box", tmp_path / "backup"
    await one_start(folder, ledger, call("a", 0), call("b", 10))
    shutil.copytree(folder, backup)
    for n in range(4):
        await one_start(folder, ledger, call(f"c{n}", 20 + n))
    shutil.rmtree(folder)
    shutil.copytree(backup, folder)
    before = outbox_identity(folder)
    await one_start(folder, ledger, call("d", 30))
    await one_start(folder, ledger, call("e", 40))
    assert await names(ledger) == ["a", "b", "c0", "c1", "c2", "c3", "d", "e"]
    assert outbox_identity(folder) != before
    assert len(await ledger.presence("1001")) == 8
    assert lost(folder) is None


async def test_state_folder_was_put_back_and_the_database_fails_in_that_moment_nothing_is_lost(
    ledger: Ledger, tmp_path: Path
) -> None:
    class FailsOnce:
        """Away when the outbox is to begin anew."""

        failed = False

        def __getattr__(self, name: str) -> Any:
            return getattr(ledger, name)

        async def begin_at(self, outbox: str, position: Position) -> None:
            if not self.failed:
                self.failed = True
                raise LedgerAway("no answer")
            await ledger.begin_at(outbox, position)

    folder, backup = tmp_path / "box", tmp_path / "backup"
    await one_start(folder, ledger, call("a", 0))
    shutil.copytree(folder, backup)
    await one_start(folder, ledger, call("b", 10), call("c", 20))
    shutil.rmtree(folder)
    shutil.copytree(backup, folder)
    await one_start(folder, FailsOnce(), call("d", 30))
    assert await names(ledger) == ["a", "b", "c", "d"]
    assert (lost(folder), len(await ledger.presence("1001"))) == (None, 4)


async def test_state_folder_was_put_back_and_the_service_is_killed_before_it_reaches_the_ledger_nothing_is_lost(
    ledger: Ledger, tmp_path: Path
) -> None:
    class Away:
        """No database for this one."""

        async def position(self, outbox: str) -> Position:
            raise LedgerAway("no answer")

    folder, backup = tmp_path / "box", tmp_path / "backup"
    await one_start(folder, ledger, call("a", 0))
    shutil.copytree(folder, backup)
    await one_start(folder, ledger, call("b", 10))
    shutil.rmtree(folder)
    shutil.copytree(backup, folder)
    away: Any = Away()
    for n in range(2):  # more than the ledger's position is old, and less
        outbox = Outbox(folder, segment_bytes=100)
        with pytest.raises(LedgerAway):
            await Projector(folder, away).step()
        outbox.append(call(f"c{n}", 20 + n))
        outbox.close()
    await one_start(folder, ledger, call("d", 30))
    await one_start(folder, ledger, call("e", 40))
    assert await names(ledger) == ["a", "b", "c0", "c1", "d", "e"]
    assert (lost(folder), len(await ledger.presence("1001"))) == (None, 6)


async def test_state_folder_was_put_back_and_the_service_is_killed_while_it_begins_anew_nothing_is_lost(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, backup = tmp_path / "box", tmp_path / "backup"
    await one_start(folder, ledger, call("a", 0))
    shutil.copytree(folder, backup)
    await one_start(folder, ledger, call("b", 10))
    shutil.rmtree(folder)
    shutil.copytree(backup, folder)
    for step in ("name_outbox", "reached"):
        outbox = Outbox(folder, segment_bytes=100)
        projector = Projector(folder, ledger)
        outbox.append(call(f"before {step}", 20))
        with monkeypatch.context() as killed:
            module = outbox_reader if step == "name_outbox" else projector_module
            killed.setattr(module, step, killed_here)
            with pytest.raises(RuntimeError, match="killed"):
                await projector.step()
        outbox.close()
    await one_start(folder, ledger, call("d", 30))
    assert sorted(await names(ledger)) == ["a", "b", "before name_outbox", "before reached", "d"]
    assert (lost(folder), len(await ledger.presence("1001"))) == (None, 5)


def killed_here(*_: object) -> None:
    raise RuntimeError("killed")


async def test_ledger_was_put_back_time_up_to_the_oldest_record_left_is_marked_as_lost(
    ledger: Ledger, tmp_path: Path
) -> None:
    folder = tmp_path / "box"
    await one_start(folder, ledger, call("a", 0))
    await one_start(folder, Elsewhere(await ledger.position(outbox_identity(folder))), call("b", 10), call("c", 20))
    await one_start(folder, ledger, call("d", 30))
    assert lost(folder) == Lost(NOON_MS + 20_000)  # of the last segment nothing is thrown away
    assert await names(ledger) == ["a", "c", "d"]
    assert await ledger.last_arrival("pbx-1", NOON_MS + 20_000) == NOON_MS
    await one_start(folder, ledger, call("e", 40))
    assert lost(folder) == Lost(NOON_MS + 20_000)  # until it is on record
    told(folder)
    await one_start(folder, ledger, call("f", 50))
    assert (lost(folder), await names(ledger)) == (None, ["a", "c", "d", "e", "f"])


async def test_ledger_is_a_new_one_what_another_had_is_marked_as_lost(ledger: Ledger, tmp_path: Path) -> None:
    folder, other = tmp_path / "box", Elsewhere(START)
    for n in range(3):
        await one_start(folder, other, call(f"a{n}", n))
    assert segments(folder)[0] > 1
    await one_start(folder, ledger)
    assert lost(folder) == Lost(NOON_MS + 2000)
    assert (await names(ledger), await ledger.last_arrival("pbx-1", NOON_MS + 2000)) == (["a2"], None)


async def test_ledger_was_put_back_and_no_record_is_left_nobody_knows_until_when(
    ledger: Ledger, tmp_path: Path
) -> None:
    folder, other = tmp_path / "box", Elsewhere(START)
    for n in range(3):
        await one_start(folder, other, call(f"a{n}", n))
    for number in segments(folder):
        segment_path(folder, number).write_bytes(b"")
    await one_start(folder, ledger)
    assert lost(folder) == Lost(None)


async def test_power_cut_took_a_stored_segment_away_new_calls_are_stored(ledger: Ledger, tmp_path: Path) -> None:
    folder = tmp_path / "box"
    await one_start(folder, ledger, call("a", 0))
    await one_start(folder, ledger, call("b", 10))
    segment_path(folder, segments(folder)[-1]).unlink()
    await one_start(folder, ledger, call("c", 20))
    await one_start(folder, ledger, call("d", 30))
    assert await names(ledger) == ["a", "b", "c", "d"]
