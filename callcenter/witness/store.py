"""Where CEL is kept, as lines of the file that cel_custom writes: rotated files, an SQLite file, PostgreSQL.

Theory of operation: whatever the store, whoever reads it gets pieces of whole lines, roughly in the order of time, from a
given instant on; years of them take no more memory than one piece. Rotated files (`callcenter.csv.1`, `.2.gz`,
`-20260101`, as logrotate names them) are read in the order of their first rows, those that end before the wanted time
not at all, and of the others only what comes from there on: found by halving (`seek`), in a compressed one by reading
over what lies before. A file that is being compressed is there twice for a while: it is read once. The tables are those
that config/asterisk makes cel_sqlite3_custom and cel_pgsql write (`store_tables`).
"""

import gzip
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import Protocol

from callcenter.witness.errors import CelUnreadable, NoCelFile
from callcenter.witness.seek import MOMENTS_MS, instant_ms_of, place_of
from callcenter.witness.store_tables import PostgresCel, SqliteCel

_LINES = 2_000
_GZIP = b"\x1f\x8b"
_SQLITE = b"SQLite format 3"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some lines, one after the other."""

    where: str
    """File, or table."""
    lines: list[str]
    offsets: list[int] = field(default_factory=list)
    """Byte at which each line begins (of the uncompressed file); empty for a table."""
    torn: bool = False
    """The file ends behind it in the middle of a line."""


class CelStore(Protocol):
    """Anything that has CEL."""

    def pieces(self, from_ms: int) -> AsyncIterator[Piece]:
        """Return everything from `from_ms` on, a little before it too. Raises WitnessError."""
        ...

    async def oldest_ms(self) -> int | None:
        """Return the instant of the oldest row; None: there is none. Raises WitnessError."""
        ...


def open_cel(source: str) -> CelStore:
    """Return the store that CALLCENTER_CEL names: a path or a database URL. Raises WitnessError."""
    scheme, separator, rest = source.partition("://")
    if separator and not scheme.startswith("sqlite"):
        return Tables(PostgresCel(f"postgresql://{rest}"))
    path = Path(rest.removeprefix("/")) if separator else Path(source)
    try:
        with path.open("rb") as file:
            is_sqlite = file.read(len(_SQLITE)) == _SQLITE
    except FileNotFoundError as error:
        if not separator and _rotated(path):
            return Files(path)  # rotated a moment ago
        raise NoCelFile(str(path)) from error
    except OSError as error:
        raise CelUnreadable(str(path), error.strerror or str(error)) from error
    return Tables(SqliteCel(path)) if is_sqlite or separator else Files(path)


@dataclass(frozen=True, slots=True)
class Tables:
    """A database's table, as lines."""

    table: SqliteCel | PostgresCel

    async def oldest_ms(self) -> int | None:
        """Return the instant of the oldest row."""
        return await self.table.oldest_ms()

    async def pieces(self, from_ms: int) -> AsyncIterator[Piece]:
        """Return the rows from `from_ms` on."""
        async for lines in self.table.lines(from_ms - MOMENTS_MS):
            yield Piece(self.table.name, lines)


@dataclass(frozen=True, slots=True)
class Files:
    """The file and what was rotated away from it."""

    path: Path

    async def oldest_ms(self) -> int | None:
        """Return the instant of the oldest row."""
        return min((first for _, first in self._in_order()), default=None)

    async def pieces(self, from_ms: int) -> AsyncIterator[Piece]:
        """Return the lines from `from_ms` on, file by file."""
        files = self._in_order()
        wanted = [
            path
            for number, (path, _) in enumerate(files)
            if number + 1 == len(files) or files[number + 1][1] > from_ms - MOMENTS_MS
        ]
        for path in wanted:
            for piece in _read(path, from_ms):
                yield piece

    def _in_order(self) -> list[tuple[Path, int]]:
        found = {
            path: first_ms for path in (*_rotated(self.path), self.path) if (first_ms := _first_ms(path)) is not None
        }
        once = [
            (path, first_ms)
            for path, first_ms in found.items()
            if path.suffix != ".gz" or found.get(path.with_suffix("")) != first_ms
        ]
        return sorted(once, key=lambda one: one[1])


def _rotated(path: Path) -> list[Path]:
    pattern = re.compile(re.escape(path.name) + r"[.-]\d+(\.gz)?\Z")
    try:
        return sorted(one for one in path.parent.iterdir() if pattern.match(one.name))
    except OSError:
        return []


def _open(path: Path) -> BufferedReader | gzip.GzipFile:
    """Open a file, a compressed one as what is in it. Raises WitnessError."""
    try:
        file = path.open("rb")
        if file.read(2) == _GZIP:
            file.close()
            return gzip.open(path, "rb")
        file.seek(0)
        return file
    except FileNotFoundError as error:
        raise NoCelFile(str(path)) from error
    except OSError as error:
        raise CelUnreadable(str(path), error.strerror or str(error)) from error


def _first_ms(path: Path) -> int | None:
    """Instant of a file's first readable row; None for an empty file, or one without any."""
    try:
        with closing(_open(path)) as file:
            for line in file:
                if (instant_ms := instant_ms_of(line)) is not None:
                    return instant_ms
    except NoCelFile:
        return None
    except (OSError, EOFError) as error:
        raise CelUnreadable(str(path), str(error)) from error
    return None


def _read(path: Path, from_ms: int) -> Iterator[Piece]:
    """Return the pieces of one file. A compressed file that is cut off gives what can be read of it, as torn."""
    with closing(_open(path)) as file:
        offset = 0
        is_before = not isinstance(file, BufferedReader)
        if isinstance(file, BufferedReader):
            offset = place_of(file, os.path.getsize(path), from_ms)
            file.seek(offset)
        lines: list[str] = []
        offsets: list[int] = []
        torn = False
        try:
            for line in file:
                if torn := not line.endswith(b"\n"):
                    break
                if is_before := is_before and _is_before(line, from_ms):
                    offset += len(line)
                    continue
                lines.append(line[:-1].decode("utf-8", "backslashreplace"))
                offsets.append(offset)
                offset += len(line)
                if len(lines) >= _LINES:
                    yield Piece(path.name, lines, offsets)
                    lines, offsets = [], []
        except (OSError, EOFError):
            torn = True
        yield Piece(path.name, lines, offsets, torn)


def _is_before(line: bytes, from_ms: int) -> bool:
    instant_ms = instant_ms_of(line)
    return instant_ms is None or instant_ms < from_ms - MOMENTS_MS
