"""The outbox survives kills, torn lines, full disks and its own limits, and its reader misses nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from acd.names import CallId, EndedBy, Outcome
from acd.records import CallClosed, CallInMenu, Ignored, Noted, Record
from callcenter.storage.codec import encode
from callcenter.storage.errors import BadRecord
from callcenter.storage.outbox import START, Outbox, Position, segment_path, segments
from callcenter.storage.outbox_reader import OutboxReader

CALL = CallId("pbx-1", "1.1")


def menu(n: int) -> Record:
    return CallInMenu(CALL, n)


def all_of(folder: Path, after: Position = START) -> list[object]:
    return [entry.record for entry in OutboxReader(folder).read(after, 10**6)]


def test_reader_gets_what_was_appended_in_order_and_resumes_at_any_entry(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, segment_bytes=200)
    told = [menu(n) for n in range(20)]
    for record in told:
        outbox.append([record])
    assert len(segments(tmp_path)) > 3
    entries = OutboxReader(tmp_path).read(START, 100)
    assert [entry.record for entry in entries] == told
    for n, entry in enumerate(entries):
        assert all_of(tmp_path, entry.start) == told[n:]
        assert all_of(tmp_path, entry.end) == told[n + 1 :]
    assert [entry.record for entry in OutboxReader(tmp_path).read(entries[6].end, 3)] == told[7:10]
    outbox.close()


def test_step_is_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox, writes, write = Outbox(tmp_path), [], os.write
    monkeypatch.setattr(os, "write", lambda fd, data: (writes.append(len(data)), write(fd, data))[1])
    outbox.append([menu(1), menu(2), menu(3)])
    assert len(writes) == 1
    monkeypatch.undo()
    outbox.close()


def test_process_killed_right_after_append_loses_nothing(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, signal, sys\n"
        "from acd.names import CallId\nfrom acd.records import CallInMenu\n"
        "from callcenter.storage.outbox import Outbox\n"
        "box = Outbox(pathlib.Path(sys.argv[1]))\n"
        "for n in range(500): box.append([CallInMenu(CallId('pbx-1', '1.1'), n)])\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, tmp_path], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert all_of(tmp_path) == [menu(n) for n in range(500)]


@pytest.mark.parametrize("torn", [b"{", encode(menu(9))[:-1], b"\0" * 100_000])
def test_torn_last_line_is_cut_off_and_the_next_record_is_whole(tmp_path: Path, torn: bytes) -> None:
    Outbox(tmp_path).append([menu(1)])
    with segment_path(tmp_path, segments(tmp_path)[-1]).open("ab") as file:
        file.write(torn)
    assert all_of(tmp_path) == [menu(1)]
    outbox = Outbox(tmp_path)
    outbox.append([menu(2)])
    assert all_of(tmp_path) == [menu(1), menu(2)]
    outbox.close()


def test_records_after_a_power_cut_lie_after_any_position_stored_before(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.append([menu(1), menu(2)])
    stored = outbox.end
    outbox.close()
    first = OutboxReader(tmp_path).read(START, 1)[0]
    os.truncate(segment_path(tmp_path, stored.segment), first.end.offset)  # the disk never got the second line
    again = Outbox(tmp_path)
    again.append([menu(3)])
    assert all_of(tmp_path, stored) == [menu(3)]
    again.close()


def test_damaged_line_is_an_entry_of_its_own_and_hides_nothing(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.append([menu(1)])
    with segment_path(tmp_path, outbox.end.segment).open("ab") as file:
        file.write(b"\xff\0garbage\n")
    outbox.append([menu(2)])
    first, damaged, second = all_of(tmp_path)
    assert (first, second) == (menu(1), menu(2)) and isinstance(damaged, BadRecord)
    outbox.close()


def test_stored_segments_are_deleted_and_the_last_one_stays(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, segment_bytes=200)
    for n in range(10):
        outbox.append([menu(n)])
    reader, before = OutboxReader(tmp_path), segments(tmp_path)
    assert reader.discard_before(outbox.end) == len(before) - 1
    assert segments(tmp_path) == before[-1:]
    assert reader.bytes_after(outbox.end) == 0
    stored = outbox.end
    outbox.append([menu(10)])
    assert all_of(tmp_path, stored) == [menu(10)]
    outbox.close()


def test_near_its_limit_it_keeps_ends_of_calls_and_tells_later_what_it_left_out(tmp_path: Path) -> None:
    closed = CallClosed(CALL, 7, EndedBy.CALLER, Outcome.FAILED, "system")
    room = len(encode(closed))
    outbox = Outbox(tmp_path, max_bytes=room * 200, segment_bytes=room * 50)
    for _ in range(600):
        outbox.append([Ignored(7, "DeviceChanged", "foreign"), closed])
    on_disk = sum(path.stat().st_size for path in tmp_path.glob("*.jsonl"))
    assert room * 198 < on_disk <= room * 200
    kept = all_of(tmp_path)
    assert kept[-1] == closed and not isinstance(kept[-2], Ignored)
    assert outbox.dropped["Ignored"] > outbox.dropped["CallClosed"] > 0
    OutboxReader(tmp_path).discard_before(outbox.end)
    outbox.append([closed])
    outbox.append([closed])
    told = [record for record in all_of(tmp_path) if isinstance(record, Noted)]
    assert [note.what for note in told] == ["outbox_dropped"]
    assert f"Ignored {outbox.dropped['Ignored']}" in told[0].detail
    outbox.close()


def test_disk_that_refuses_is_counted_never_raised_and_leaves_no_half_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox, write = Outbox(tmp_path), os.write
    outbox.append([menu(1)])
    calls = iter([lambda fd, data: write(fd, data[:10])])

    def full(fd: int, data: bytes) -> int:
        for first in calls:
            return first(fd, data)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    outbox.append([menu(2)])
    monkeypatch.undo()
    outbox.append([menu(3)])
    assert [r for r in all_of(tmp_path) if not isinstance(r, Noted)] == [menu(1), menu(3)]
    assert outbox.dropped == {"CallInMenu": 1}
    outbox.close()


def test_identity_is_kept_over_restarts_and_differs_between_outboxes(tmp_path: Path) -> None:
    first = Outbox(tmp_path / "a")
    again, other = Outbox(tmp_path / "a"), Outbox(tmp_path / "b")
    assert first.identity == again.identity == OutboxReader(tmp_path / "a").identity != other.identity
    for outbox in (first, again, other):
        outbox.close()
