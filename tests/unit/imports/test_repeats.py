"""Rows of a call that stood in the file before are found on disk."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.imports import repeats
from callcenter.imports.repeats import Repeats


@given(st.lists(st.sampled_from("abcdefgh")))
def test_every_row_but_a_calls_first_is_found_in_order(
    tmp_path_factory: pytest.TempPathFactory, ids: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    found = Repeats(folder)
    found.add((line, call_id) for line, call_id in enumerate(ids, start=2))
    assert list(found.lines()) == [line for line, call_id in enumerate(ids, start=2) if call_id in ids[: line - 2]]


def test_rows_beyond_what_is_kept_in_memory_are_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "FLUSH_ROWS", 7)
    monkeypatch.setattr(repeats, "_READ_ITEMS", 2)
    found = Repeats(tmp_path)
    found.add((line, str(line % 50)) for line in range(100))
    assert list(found.lines()) == list(range(50, 100))
