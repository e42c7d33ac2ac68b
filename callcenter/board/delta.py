"""The difference between two states of a board, and the state that it makes of the first.

A state is section -> key -> row; rows are values of JSON and are replaced whole. In a delta None stands for a key that is
gone, so no row is None.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

Section: TypeAlias = Mapping[str, Any]
State: TypeAlias = Mapping[str, Section]
Delta: TypeAlias = dict[str, dict[str, Any]]


def difference(before: State, after: State) -> Delta:
    """Return what must be told to somebody who has `before`; empty when nothing changed. Both have the same sections."""
    found: Delta = {}
    for name, rows in after.items():
        old = before.get(name, {})
        changed = {key: row for key, row in rows.items() if key not in old or old[key] != row}
        changed.update((key, None) for key in old if key not in rows)
        if changed:
            found[name] = changed
    return found


def applied(before: State, delta: Delta) -> dict[str, dict[str, Any]]:
    """Return the state that a delta makes of `before`."""
    after = {name: dict(rows) for name, rows in before.items()}
    for name, rows in delta.items():
        section = after.setdefault(name, {})
        for key, row in rows.items():
            if row is None:
                section.pop(key, None)
            else:
                section[key] = row
    return after
