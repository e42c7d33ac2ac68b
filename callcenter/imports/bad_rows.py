"""The file of bad rows: each with its line, the reason, and its fields as they stood, ready to be corrected and imported."""

import csv
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from callcenter.imports.csv_file import NOTED, CsvFile


class BadRows:
    """Writes bad rows; without any there is no file. `count`: how many there are."""

    def __init__(self, path: Path, file: CsvFile) -> None:
        self.path = path
        self.count = 0
        self._file = file
        self._writer: Any = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def add(self, rows: Iterable[tuple[int, list[str], str]]) -> None:
        """Add rows: (line, fields, reason). Raises OSError when the file cannot be written."""
        for line, fields, reason in rows:
            if self._writer is None:
                self._begin()
            self._writer.writerow((line, reason, *_without_notes(fields, self._file)))
            self.count += 1

    def _begin(self) -> None:
        encoding = "utf-8-sig" if self._file.encoding.startswith("utf-") else self._file.encoding
        opened = self.path.open("w", encoding=encoding, errors="surrogateescape", newline="")
        self._writer = csv.writer(self._open.enter_context(opened))
        self._writer.writerow((*NOTED, *_without_notes(self._file.header, self._file)))


def _without_notes(fields: list[str], file: CsvFile) -> list[str]:
    """Return a row without the notes of an earlier import in front of it."""
    if len(fields) != len(file.header):
        return fields
    noted = {file.columns.get(name) for name in NOTED}
    return [field for place, field in enumerate(fields) if place not in noted]
