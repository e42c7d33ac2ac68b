"""Every input of the engine as one line of JSON, and back: an incident replayed gives the same output, and is a test.

Theory of operation: an input is (event, now). Events are frozen dataclasses of plain values, enums, named tuples,
mappings and other such dataclasses, so the annotations of their fields say how to read them back: `_build` walks type
and value together. `now` is written with `repr`, which a float survives unchanged. A line names its event class, so a
journal outlives new fields with defaults; a line that does not fit raises `BadJournalLine`.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from acd import events
from acd.errors import AcdError
from acd.events import Event

_EVENTS: Mapping[str, type] = {one.__name__: one for one in get_args(events.Event)}


class BadJournalLine(AcdError, ValueError):
    """A line of a journal cannot be read back."""


def write_line(event: Event, now: float) -> str:
    """Return one input as a line of JSON, without a line end."""
    return json.dumps([now, type(event).__name__, _plain(event)], ensure_ascii=False, separators=(",", ":"))


def read_line(line: str) -> tuple[Event, float]:
    """Return the input that a line holds. Raises `BadJournalLine`."""
    try:
        now, name, values = json.loads(line)
        return cast(Event, _build(_EVENTS[name], values)), float(now)
    except (ValueError, KeyError, TypeError) as error:
        raise BadJournalLine(f"not an input of the engine: {line[:200]!r}: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _build(kind: Any, value: Any) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        if value is None:
            return None
        return _build(next(one for one in arguments if one is not NoneType), value)
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_build(arguments[0], one) for one in value)
        return tuple(_build(one, part) for one, part in zip(arguments, value, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        return {key: _build(arguments[1], one) for key, one in value.items()}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        missing = [one.name for one in fields(kind) if one.name not in value and one.default is MISSING]
        if missing and any(one.default_factory is MISSING for one in fields(kind) if one.name in missing):
            raise TypeError(f"{kind.__name__} lacks {', '.join(missing)}")
        return kind(**{name: _build(hints[name], one) for name, one in value.items()})
    if isinstance(kind, type) and issubclass(kind, tuple):
        hints = _hints(kind)
        return kind(*(_build(hint, part) for hint, part in zip(hints.values(), value, strict=True)))
    if kind is float:
        return float(value)
    return value
