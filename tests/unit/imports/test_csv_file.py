"""A file of calls gives its rows with their lines, however it was written or broken."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.imports.csv_file import REQUIRED, CsvFile, encoding_of
from callcenter.imports.errors import FileRefused

HEADER = ",".join(REQUIRED)
FULL = ["c1", "inbound", "2020-01-01T00:00:00Z", "", "", "2020-01-01T00:01:00Z", "", "", "general", ""]


def file_of(tmp_path: Path, content: str | bytes, encoding: str | None = None) -> CsvFile:
    path = tmp_path / "calls.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return CsvFile(path, encoding)


def row(call_id: str, **changes: str) -> str:
    return ",".join(changes.get(name, value) for name, value in zip(REQUIRED, [call_id, *FULL[1:]], strict=True))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_in_any_way_and_empty_ones_are_no_rows(tmp_path: Path, end: str) -> None:
    file = file_of(tmp_path, end.join((HEADER, row("a"), "", row("b"), "")))
    assert [(line, fields[0], fault) for line, fields, fault in file.rows()] == [(2, "a", ""), (4, "b", "")]
    assert file.is_ended


def test_last_line_without_an_end_is_a_row_and_the_file_says_so(tmp_path: Path) -> None:
    file = file_of(tmp_path, f"{HEADER}\n{row('a')}")
    assert [fields[0] for _, fields, _ in file.rows()] == ["a"]
    assert not file.is_ended


def test_quoted_field_holds_commas_line_ends_and_quotes(tmp_path: Path) -> None:
    quoted = '"one,two\nsay ""hi"""'
    file = file_of(tmp_path, f"{HEADER}\n{row('a', line=quoted)}\n{row('b')}\n")
    (first, fields, fault), (second, *_) = file.rows()
    assert (first, fields[8], fault, second) == (2, 'one,two\nsay "hi"', "", 4)


@pytest.mark.parametrize("broken", ['x,"open', '"open', 'a,b"c,"d', '"a"b,c'])
def test_open_quote_spoils_its_own_line_and_no_other(tmp_path: Path, broken: str) -> None:
    rows = "\n".join(row(f"r{n}") for n in range(300))
    file = file_of(tmp_path, f"{HEADER}\n{row('a')}\n{broken}\n{rows}\n{broken}\n")
    found = list(file.rows())
    assert [fields[0] for _, fields, fault in found if not fault and len(fields) == 10] == [
        "a",
        *(f"r{n}" for n in range(300)),
    ]
    assert [(line, fields) for line, fields, fault in found if fault] == [(3, [broken]), (304, [broken])]


def test_two_lines_with_a_stray_quote_each_are_two_bad_rows(tmp_path: Path) -> None:
    stray = row("x", line='"gen')
    file = file_of(tmp_path, f"{HEADER}\n{stray}\n{row('a')}\n{stray}\n{row('b')}\n")
    assert [(line, bool(fault)) for line, _, fault in file.rows()] == [(2, True), (3, False), (4, True), (5, False)]


def test_megabyte_field_is_one_bad_row(tmp_path: Path) -> None:
    file = file_of(tmp_path, f'{HEADER}\n"{"x" * 1_000_000}"\n{row("a")}\n')
    (_, _, fault), (_, fields, _) = file.rows()
    assert "field" in fault and fields[0] == "a"


@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=5),
            min_size=10,
            max_size=10,
        ),
        max_size=8,
    )
)
def test_whatever_a_writer_wrote_is_read_back(tmp_path_factory: pytest.TempPathFactory, told: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([list(REQUIRED), *told])
    file = file_of(tmp_path_factory.mktemp("any"), text.getvalue())
    assert [fields for _, fields, _ in file.rows()] == told


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_encoding_is_found(tmp_path: Path, encoding: str) -> None:
    file = file_of(tmp_path, f"{HEADER}\n{row('a', line='政务服务热线')}\n".encode(encoding))
    assert [fields[8] for _, fields, _ in file.rows()] == ["政务服务热线"]
    assert file.is_guessed == encoding.startswith("gb")
    assert file.is_ended


def test_encoding_that_is_told_wins(tmp_path: Path) -> None:
    file = file_of(tmp_path, f"{HEADER}\n{row('a', line='café')}\n".encode("latin-1"), "latin-1")
    assert [fields[8] for _, fields, _ in file.rows()] == ["café"]
    marked = file_of(tmp_path, b"\xef\xbb\xbf" + f"{HEADER}\n{row('a')}\n".encode(), "utf-8")
    assert marked.header[0] == "call_id"


def test_sample_that_ends_inside_a_character_is_still_utf_8() -> None:
    assert encoding_of("政务".encode()[:-1], is_whole=False) == "utf-8"


def test_one_broken_byte_spoils_one_field(tmp_path: Path) -> None:
    lines = [HEADER, row("a", line="政务服务"), row("b", line="BAD"), row("c", line="热线服务")]
    file = file_of(tmp_path, "\n".join(lines).encode().replace(b"BAD", b"\xff\xfe"))
    assert [fields[8] for _, fields, _ in file.rows()] == ["政务服务", "\udcff\udcfe", "热线服务"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "lacks call_id"),
        (b"\n \n", "is empty"),
        (HEADER.replace("talk_s,", "").encode() + b"\n", "lacks talk_s"),
        (HEADER.encode() + b",mood\n", "has unknown 'mood'"),
        (HEADER.encode() + b",agent\n", "has agent twice"),
        (HEADER.replace(",", ";").encode() + b"\n", "commas must separate"),
        (b"\0\1\2\3", "lacks call_id"),
    ],
)
def test_file_that_is_none_of_calls_is_refused_with_what_to_do(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(FileRefused, match=why) as refused:
        file_of(tmp_path, content)
    assert "call_id,direction,arrived_at" in str(refused.value)


def test_missing_file_folder_and_unknown_encoding_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="cannot be read"):
        CsvFile(tmp_path / "nothing.csv")
    with pytest.raises(FileRefused, match="cannot be read"):
        CsvFile(tmp_path)
    with pytest.raises(FileRefused, match="gb18030"):
        file_of(tmp_path, HEADER, "klingon")


def test_header_may_be_in_any_order_and_case(tmp_path: Path) -> None:
    names = ["caller", *reversed(REQUIRED)]
    file = file_of(tmp_path, ", ".join(name.title() for name in names) + "\n")
    assert [name for name, _ in sorted(file.columns.items(), key=lambda item: item[1])] == names
    assert list(file.rows()) == []
