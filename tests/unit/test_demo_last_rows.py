"""The witnesses are heard when CEL has told everything: it writes behind the calls."""

import asyncio
from pathlib import Path

from callcenter.demo.last_rows import until_told
from callcenter.witness.cel import COLUMNS

CALLER = "13800000001"


def row(kind: str, uniqueid: str, linkedid: str, **more: str) -> str:
    given = {"eventtype": kind, "eventtime": "1796037945.024391", "uniqueid": uniqueid, "linkedid": linkedid} | more
    return ",".join(f'"{given.get(name, "")}"' for name in COLUMNS) + "\n"


BEGUN = row("CHAN_START", "a", "a", cidnum=CALLER) + row("CHAN_START", "b", "a")
ENDED = row("CHAN_END", "b", "a") + row("CHAN_END", "a", "a") + row("LINKEDID_END", "a", "a")


async def test_last_rows_come_late_and_are_waited_for(tmp_path: Path) -> None:
    cel = tmp_path / "cel.csv"
    cel.write_text(BEGUN)
    waiting = asyncio.create_task(until_told(cel, {CALLER}))
    for line in ENDED.splitlines(keepends=True):
        await asyncio.sleep(0.15)
        assert not waiting.done()
        with cel.open("a") as file:
            file.write(line)
    assert await waiting


async def test_caller_whose_channel_is_not_told_of_yet_is_waited_for(tmp_path: Path) -> None:
    cel = tmp_path / "cel.csv"
    assert not await until_told(cel, {CALLER}, within_s=0.1)
    cel.write_text(BEGUN + ENDED)
    assert await until_told(cel, {CALLER})
    assert not await until_told(cel, {CALLER, "13800000002"}, within_s=0.1)


async def test_row_that_is_being_written_and_one_of_the_dialplan_tell_no_end(tmp_path: Path) -> None:
    cel = tmp_path / "cel.csv"
    false_end = row("LINKEDID_END", "a", "a", userdeftype="LINKEDID_END")
    lines = ENDED.splitlines(keepends=True)
    cel.write_text(BEGUN + "".join(lines[:2]) + false_end + lines[2][:-8])
    assert not await until_told(cel, {CALLER}, within_s=0.1)
