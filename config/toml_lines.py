"""On which line of a TOML text a key stands, so that an error can name it.

`tomllib` forgets positions. This reads the text once more, line by line: table headers give the prefix, `key =` at the
beginning of a line gives the rest. It is a finder for people, not a parser: what it does not find (keys inside inline
tables) is reported at the nearest key around it.
"""

import re
from collections import Counter
from collections.abc import Mapping

KeyPath = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=""")
_PART = re.compile(r""""([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+)""")


def find_lines(text: str) -> dict[KeyPath, int]:
    """Return key path -> line number, from 1. Members of an array of tables have their index in the path."""
    found: dict[KeyPath, int] = {}
    seen: Counter[KeyPath] = Counter()
    prefix: KeyPath = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            prefix = _table_path(header[2], header[1] == "[[", seen)
            found.setdefault(prefix, number)
        elif key := _KEY.match(line):
            found.setdefault(prefix + _parts(key[1]), number)
    return found


def line_of(found: Mapping[KeyPath, int], path: KeyPath) -> int | None:
    """Return the line of `path`, else of the nearest path around it; None when nothing of it was found."""
    while path:
        if path in found:
            return found[path]
        path = path[:-1]
    return None


def path_in_words(path: KeyPath) -> str:
    """Return `lines.general.steps[0].need` for a key path."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _table_path(name: str, is_array: bool, seen: Counter[KeyPath]) -> KeyPath:
    path: KeyPath = ()
    parts = _parts(name)
    for position, part in enumerate(parts):
        path += (part,)
        if is_array and position == len(parts) - 1:
            seen[path] += 1
        if seen[path]:
            path += (seen[path] - 1,)
    return path


def _parts(name: str) -> tuple[str, ...]:
    return tuple(next(part for part in match if part) for match in _PART.findall(name) if any(match))
