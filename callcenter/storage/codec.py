"""One record, one line of JSON, and back to exactly the same record.

Theory of operation: a line is an object with the record's class under `r` and its fields by name, so that a segment
written by an older version can still be read: a field that the old version did not know takes its default, a field
that we no longer know is skipped. Named tuples travel as lists and enums as their values; how to restore each field is
worked out once per class from its type hints. Text is escaped to ASCII, so a NUL, a newline or half a surrogate pair
in a caller's name can neither break a line nor be lost.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from acd.records import PassedOver, Record
from callcenter.storage.errors import BadRecord

RECORD_TYPES: Mapping[str, type[Any]] = {kind.__name__: kind for kind in get_args(Record)}
"""Every record type by its name in a line."""

_NAMES: Mapping[type[Any], tuple[str, ...]] = {
    kind: tuple(field.name for field in fields(kind)) for kind in RECORD_TYPES.values()
}
_GETTERS: Mapping[type[Any], Callable[[Any], tuple[Any, ...]]] = {
    kind: cast(Callable[[Any], tuple[Any, ...]], attrgetter(*names)) for kind, names in _NAMES.items()
}


def _plain(value: object) -> object:
    """Turn what JSON does not know (a nested dataclass) into a list of its fields."""
    if isinstance(value, PassedOver):
        return [value.agent, value.why]
    raise TypeError(f"no JSON form for {type(value).__name__}")


_dump = json.JSONEncoder(separators=(",", ":"), check_circular=False, default=_plain).encode


def encode(record: Record) -> bytes:
    """Return the record as one line of JSON, newline included."""
    kind = type(record)
    body: dict[str, object] = {"r": kind.__name__}
    body.update(zip(_NAMES[kind], _GETTERS[kind](record), strict=True))
    return _dump(body).encode("ascii") + b"\n"


Restore = Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


def _restorer(hint: Any) -> Restore:
    """Return what turns a field's JSON value back into a value of type `hint`."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        (inner,) = [arg for arg in get_args(hint) if arg is not NoneType]
        restore = _restorer(inner)
        return _same if restore is _same else lambda value: None if value is None else restore(value)
    if origin is tuple:
        restore = _restorer(get_args(hint)[0])
        return lambda value: tuple(restore(item) for item in value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        members: dict[Any, Any] = {member.value: member for member in hint}
        return members.__getitem__
    if isinstance(hint, type) and (issubclass(hint, tuple) or is_dataclass(hint)):
        return lambda value: hint(*value)
    if hint is float:
        return float
    return _same


_RESTORERS: Mapping[str, Mapping[str, Restore]] = {
    name: {field: restore for field, hint in get_type_hints(kind).items() if (restore := _restorer(hint)) is not _same}
    for name, kind in RECORD_TYPES.items()
}
_REQUIRED: Mapping[str, frozenset[str]] = {
    name: frozenset(f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING)
    for name, kind in RECORD_TYPES.items()
}
_KNOWN: Mapping[str, frozenset[str]] = {name: frozenset(_NAMES[kind]) for name, kind in RECORD_TYPES.items()}


def decode(line: bytes) -> Record:
    """Return the record of a line. Raises BadRecord for anything that is not a whole record of a known type."""
    try:
        body = json.loads(line)
        name = body.pop("r")
        kind, known = RECORD_TYPES[name], _KNOWN[name]
        if missing := _REQUIRED[name] - body.keys():
            raise BadRecord(line, f"{name} lacks {', '.join(sorted(missing))}")
        restorers = _RESTORERS[name]
        values = {
            key: restore(value) if (restore := restorers.get(key)) else value
            for key, value in body.items()
            if key in known
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRecord(line, f"{type(error).__name__}: {error}") from error
    return cast(Record, kind(**values))
