"""Each note that the code writes has a series before its first one."""

import ast
from pathlib import Path

import acd
from callcenter import dialouts, recordings
from callcenter.rebuild import look_back
from metrics.exporter import Exporter
from metrics.exposition import render
from metrics.floor import Floor
from metrics.notes import FALLBACK_ENTERED, NOTES

ROOT = Path(acd.__file__).parents[1]


def written() -> set[str]:
    """The words of notes that are written out where they are made: `note("late_wish", ...)`, `Noted(at_ms, "outbox_dropped", ...)`."""
    found = set()
    for path in [*(ROOT / "acd").rglob("*.py"), *(ROOT / "callcenter").rglob("*.py")]:
        if "bench" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and len(node.args) > 1:
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                word = node.args[{"note": 0, "Noted": 1}.get(name, 0)]
                if name in ("note", "Noted") and isinstance(word, ast.Constant):
                    found.add(str(word.value))
    return found


def test_every_note_that_the_code_writes_is_in_the_list_in_order() -> None:
    named = {dialouts.REFUSED, recordings.SHORT, look_back.UNKNOWN, look_back.REBUILT, FALLBACK_ENTERED}
    assert len(written()) >= 15
    assert (written() | named) - set(NOTES) == set()
    assert list(NOTES) == sorted(set(NOTES))


def test_prometheus_scrapes_before_any_note_each_kind_stands_at_zero() -> None:
    text = render(Exporter(Floor, version="1").freeze()).decode()
    shown = [line for line in text.splitlines() if line.startswith("callcenter_notes_total{")]
    assert shown == [f'callcenter_notes_total{{what="{word}"}} 0.0' for word in NOTES]
