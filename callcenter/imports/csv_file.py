"""A CSV file of calls as its rows, each with the number of its first line, however the file was written or broken.

Theory of operation: lines are read block by block, so memory does not grow with the file. A line without a quote is its
fields between commas; one with a quote goes through Python's `csv` reader, and takes the lines that its fields reach into. A
quote that is never closed would swallow all lines behind it: so a row of several lines with a wrong number of fields, or one
that the reader refuses, is torn up: its first line alone is the bad row, and what follows is read again. Bytes that the encoding does not know travel as half surrogates, so that one broken name spoils
one row. Reading the same file again gives the same rows.
"""

import codecs
import csv
import os
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TextIO

from callcenter.imports.errors import FileRefused

REQUIRED = (
    "call_id",
    "direction",
    "arrived_at",
    "queued_at",
    "answered_at",
    "ended_at",
    "talk_s",
    "outcome",
    "line",
    "agent",
)
OPTIONAL = ("caller",)
NOTED = ("bad_line", "bad_reason")
"""Columns that a file of bad rows has in front: it may be corrected and imported as it is."""
LONGEST_FIELD = 16_384
"""Characters; what is longer is an open quote, not a name."""
SAMPLE_BYTES = 1 << 18
"""So much of the file's beginning decides its encoding."""
READ_BYTES = 1 << 18
CHINESE = "gb18030"
"""Holds everything that GBK and GB2312 can say."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_ESCAPE = "callcenter-escape"


def _nobody(_byte: int) -> None:
    """Nobody wants to know how far the reading is."""


Row = tuple[int, list[str], str]
"""(Number of its first line, its fields, what is wrong with its form or '')."""


class CsvFile:
    """One file of calls. Raises FileRefused when it cannot be read at all, or its header is not that of calls."""

    def __init__(self, path: Path, encoding: str | None = None) -> None:
        self.path = path
        self.encoding = encoding or "utf-8"
        self.is_guessed = False
        """The encoding was found by looking at bytes that are not UTF-8."""
        if path.exists() and not path.is_file():
            raise FileRefused(
                f"{path} cannot be read: it is a folder or a pipe, but rows may be read twice: name a file"
            )
        sample = self._sample()
        if encoding is None:
            self.encoding = encoding_of(sample, is_whole=len(sample) < SAMPLE_BYTES)
            self.is_guessed = self.encoding == CHINESE
        self.size = path.stat().st_size
        """Bytes."""
        self.is_ended = self._is_ended()
        """Its last line has a line end; else it may have been cut."""
        self.header: list[str] = []
        """The first row, as it stands."""
        _, self.header, _ = next(self._all_rows(), (0, [], ""))
        self.columns = self._places()
        """Place of each known column in a row."""

    def rows(self, at_byte: Callable[[int], object] = _nobody) -> Iterator[Row]:
        """Return every row but the header; empty lines are no rows. `at_byte` is told now and then how far the reading is."""
        rows = self._all_rows(at_byte)
        next(rows, None)
        return rows

    def _sample(self) -> bytes:
        try:
            "".encode(self.encoding)
            with self.path.open("rb") as file:
                sample = file.read(SAMPLE_BYTES)
        except LookupError:
            raise FileRefused(f"there is no encoding {self.encoding!r}: try utf-8, gb18030 or utf-16") from None
        except OSError as error:
            raise FileRefused(f"{self.path} cannot be read: {error.strerror}") from error
        if not sample.strip():
            raise FileRefused(f"{self.path} is empty: its first line must name the columns {','.join(REQUIRED)}")
        return sample

    def _is_ended(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(-min(self.size, 2), os.SEEK_END)
            return file.read().rstrip(b"\0").endswith((b"\n", b"\r"))

    def _places(self) -> dict[str, int]:
        names = [name.strip().lower() for name in self.header]
        missing = [name for name in REQUIRED if name not in names]
        known = {*REQUIRED, *OPTIONAL, *NOTED}
        unknown = [name for name in names if name not in known]
        twice = sorted({name for name in names if names.count(name) > 1} & known)
        said = [f"lacks {', '.join(missing)}"] if missing else []
        said += [f"has unknown {', '.join(repr(name[:40]) for name in unknown)}"] if unknown else []
        said += [f"has {', '.join(twice)} twice"] if twice else []
        if said:
            hint = " (commas must separate them)" if missing and len(names) == 1 else ""
            wanted = f"the columns are {','.join(REQUIRED)} and, if known, {','.join(OPTIONAL)}"
            raise FileRefused(f"{self.path}: the first line {'; '.join(said)}{hint}: {wanted}")
        return {name: place for place, name in enumerate(names)}

    def _all_rows(self, at_byte: Callable[[int], object] = _nobody) -> Iterator[Row]:
        csv.field_size_limit(LONGEST_FIELD)
        encoding = "utf-8-sig" if codecs.lookup(self.encoding).name == "utf-8" else self.encoding
        with self.path.open(encoding=encoding, errors=_ESCAPE, newline="") as file:
            lines = _Lines(file, at_byte)
            number = 0
            for line in lines:
                first = number + 1
                if '"' not in line:
                    number = first
                    if text := line.rstrip("\r\n"):
                        yield first, text.split(","), ""
                    continue
                fields, fault, length = self._quoted(line, lines)
                number += length
                yield first, fields, fault

    def _quoted(self, line: str, lines: "_Lines") -> tuple[list[str], str, int]:
        """Return the row that begins with a line with quotes: fields, what is wrong with it, and its number of lines."""
        taken = [line]
        reader = csv.reader(chain((line,), lines.taking(taken)), strict=True)
        try:
            fields = next(reader)
            width = len(self.header)
            if len(taken) == 1 or not width or len(fields) == width:
                return fields, "", len(taken)
            fault = f"a quote stands open: {len(fields)} fields instead of {width}"
        except csv.Error as error:
            fault = f"a quote is wrong: {error}"
        lines.give_back(taken[1:])
        return [line.rstrip("\r\n")], fault, 1


class _Lines:
    """The lines of a file, one after the other; some can be given back, to come again."""

    def __init__(self, file: TextIO, at_byte: Callable[[int], object]) -> None:
        self._file = file
        self._at_byte = at_byte
        self._block: list[str] = []
        """Lines read and not yet returned, the next one last."""

    def __iter__(self) -> Iterator[str]:
        while self._block or self._read():
            yield self._block.pop()

    def taking(self, taken: list[str]) -> Iterator[str]:
        """Return the lines that follow, and put each into `taken`."""
        for line in self:
            taken.append(line)
            yield line

    def give_back(self, lines: list[str]) -> None:
        """Let these lines be the next ones."""
        self._block += reversed(lines)

    def _read(self) -> bool:
        self._block = self._file.readlines(READ_BYTES)
        self._block.reverse()
        self._at_byte(self._file.buffer.tell())
        return bool(self._block)


def _escape(error: UnicodeError) -> tuple[str | bytes, int]:
    """Turn bytes that cannot be decoded into half surrogates, as `surrogateescape` does, but all of them."""
    assert isinstance(error, UnicodeDecodeError), error
    return "".join(chr(0xDC00 + max(byte, 0x80)) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(_ESCAPE, _escape)


def encoding_of(sample: bytes, *, is_whole: bool = True) -> str:
    """Return the encoding of a file's beginning: by its mark, else UTF-8 where that is possible, else GB18030 if that is.

    What is neither is read as UTF-8: then the rows with other bytes are bad, and say so."""
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return name
    for name in ("utf-8", CHINESE):
        try:
            codecs.getincrementaldecoder(name)().decode(sample, final=is_whole)
        except UnicodeDecodeError:
            continue
        return name
    return "utf-8"
