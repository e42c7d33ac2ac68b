"""Where in a long CEL file the wanted time begins, and what becomes of files that are torn, rotated, away."""

import gzip
from pathlib import Path

import pytest

from callcenter.rebuild.source import CelAway, read_since
from callcenter.witness.cel import CelKind
from callcenter.witness.seek import PIECE, place_of
from tests.unit.cel_timeline import ms
from tests.unit.rebuild_world import Spoken


def calls(first: int, last: int) -> list[str]:
    """Lines of calls that arrive every ten seconds and stay for two."""
    cel = Spoken()
    for number in range(first, last):
        cel.arrives(number * 10, f"c{number}")
        cel.ends(number * 10 + 2, f"c{number}", by=f"c{number}")
    return cel.lines


def written(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def packed(path: Path, lines: list[str]) -> Path:
    path.write_bytes(gzip.compress("".join(line + "\n" for line in lines).encode()))
    return path


def arrivals(path: Path, from_s: float, **more: int) -> list[int]:
    rows = read_since(str(path), ms(from_s), **more).rows
    return [row.at_us // 1000 for row in rows if row.kind is CelKind.CHAN_START]


def test_long_file_is_read_from_the_wanted_time_on_only(tmp_path: Path) -> None:
    path = written(tmp_path / "callcenter.csv", calls(0, 5000))
    assert arrivals(path, 49_000)[-1] == ms(49_990)
    assert 100 <= len(arrivals(path, 49_000)) < 500  # a piece of 64 KiB more at most
    with path.open("rb") as file:
        length = path.stat().st_size
        assert place_of(file, length, ms(-100)) == 0
        assert length - place_of(file, length, ms(10**6)) <= PIECE
        assert length * 0.45 < place_of(file, length, ms(25_000)) < length * 0.5


def test_rows_out_of_order_by_moments_are_not_lost(tmp_path: Path) -> None:
    lines = calls(0, 3000)
    late = lines.pop(4000)
    lines.insert(4010, late)
    path = written(tmp_path / "callcenter.csv", lines)
    for at_s in range(19_900, 20_100, 7):
        expected = [ms(n * 10) for n in range(3000) if n * 10 >= at_s]
        assert set(expected) <= set(arrivals(path, at_s))


def test_rotated_away_yesterday_older_files_are_read_as_far_as_needed(tmp_path: Path) -> None:
    path = written(tmp_path / "callcenter.csv", calls(200, 300))
    written(tmp_path / "callcenter.csv.1", calls(100, 200))
    written(tmp_path / "callcenter.csv.2", calls(0, 100))
    assert len(arrivals(path, 2500)) <= 100
    assert len(arrivals(path, 1500)) == 200
    assert len(arrivals(path, 0)) == 300
    text = read_since(str(path), ms(500))
    assert text.begins_ms == ms(0)
    assert [row.at_us for row in text.rows] == sorted(row.at_us for row in text.rows)


def test_rotated_with_a_date_and_compressed_older_files_are_read_as_far_as_needed(tmp_path: Path) -> None:
    path = written(tmp_path / "Master.csv", calls(300, 400))
    written(tmp_path / "Master.csv-20261128", calls(200, 300))
    packed(tmp_path / "Master.csv-20261127.gz", calls(100, 200))
    packed(tmp_path / "Master.csv-20261126.gz", calls(0, 100))
    written(tmp_path / "Master.csv.bak", calls(0, 400))
    assert arrivals(path, 0) == [ms(n * 10) for n in range(400)]
    assert arrivals(path, 1500) == [ms(n * 10) for n in range(149, 400)]
    assert read_since(str(path), ms(1500)).begins_ms == ms(0)


def test_rotated_a_moment_ago_the_older_file_is_read(tmp_path: Path) -> None:
    written(tmp_path / "callcenter.csv.1", calls(0, 100))
    assert len(arrivals(tmp_path / "callcenter.csv", 0)) == 100


def test_file_that_is_being_compressed_is_read_once(tmp_path: Path) -> None:
    path = written(tmp_path / "callcenter.csv", calls(200, 300))
    written(tmp_path / "callcenter.csv.1", calls(0, 200))
    packed(tmp_path / "callcenter.csv.1.gz", calls(0, 100))
    packed(tmp_path / "callcenter.csv.gz", calls(0, 1))  # no name that rotating makes
    assert arrivals(path, 0) == [ms(n * 10) for n in range(300)]


def test_most_that_is_read_is_bounded_and_what_lies_before_is_said_to_be_unread(tmp_path: Path) -> None:
    path = written(tmp_path / "callcenter.csv", calls(0, 3000))
    text = read_since(str(path), ms(0), max_rows=300)
    assert 0 < len(text.rows) <= 300
    assert text.begins_ms is not None
    assert text.begins_ms > ms(25_000)


def test_torn_and_damaged_lines_are_left_out(tmp_path: Path) -> None:
    lines = calls(0, 3)
    path = written(tmp_path / "callcenter.csv", [lines[0], '"CHAN_START","x', "\x00\xff", *lines[1:]])
    with path.open("ab") as file:
        file.write(b'"HANGUP","1700000029.00')
    assert len(arrivals(path, 0)) == 3


def test_file_that_is_empty_has_no_rows(tmp_path: Path) -> None:
    text = read_since(str(written(tmp_path / "callcenter.csv", [])), ms(0))
    assert (text.rows, text.spoken, text.begins_ms) == ((), {}, None)


@pytest.mark.parametrize(
    ("where", "why"),
    [
        (None, "is not set"),
        ("postgresql://cel:secret@127.0.0.1:1/cel", "table cel of 127.0.0.1:1/cel cannot be read: no connection"),
        ("{folder}/nothing.csv", "no CEL file at .*/nothing.csv"),
        ("{folder}", "cannot be read"),
        ("{folder}/cel.sqlite3", "file is not a database"),
    ],
)
def test_cel_away_the_reason_is_said_and_no_secret(where: str | None, why: str, tmp_path: Path) -> None:
    (tmp_path / "cel.sqlite3").write_bytes(b"SQLite format 3\0" + bytes(100))
    with pytest.raises(CelAway, match=why) as caught:
        read_since(where.format(folder=tmp_path) if where is not None else None, ms(0))
    assert "secret" not in str(caught.value)


def test_rows_of_long_after_are_not_read_and_the_newest_that_was_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "callcenter.csv", calls(0, 5000))
    text = read_since(str(path), ms(1_000), until_ms=ms(2_000))
    assert text.ends_ms is not None and ms(2_000) < text.ends_ms < ms(10_000)
    assert ms(1_990) in {row.at_us // 1000 for row in text.rows}
    assert read_since(str(path), ms(49_000)).ends_ms == ms(49_992)


def test_last_line_that_is_cut_is_left_out_and_told(tmp_path: Path) -> None:
    path = written(tmp_path / "callcenter.csv", calls(0, 3))
    path.write_bytes(path.read_bytes()[:-9])
    text = read_since(str(path), ms(0))
    assert (text.is_torn, text.ends_ms) == (True, ms(20.001))


def test_rows_later_than_any_can_be_are_left_out_and_counted_wherever_they_stand(tmp_path: Path) -> None:
    lines = calls(0, 600)
    wrong = [line.replace(line.split('"')[3], "2800000000.000000") for line in lines[:3]]
    path = written(tmp_path / "callcenter.csv", [*lines[:1999], *wrong[:2], *lines[1999:], wrong[2]])

    text = read_since(str(path), ms(0), until_ms=ms(5_970), latest_ms=ms(6_100))

    assert (text.later, text.ends_ms) == (3, ms(5_992))
    assert max(row.at_us for row in text.rows) // 1000 == ms(5_992)
