"""A very small language for measures of one call: one definition, evaluated in Python or written as SQL.

An expression reads named integer or text fields of one row (a mapping) and yields an integer, or None where a field
that it needs is empty. `of` evaluates it here; the storage layer turns the same tree into SQL. Only what measures need
exists: fields, integers, difference, first-not-empty, and a number under conditions (`Where`), whose conditions are of
five kinds. Nothing here is three-valued: every condition is true or false, empty fields are asked for by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A column of the call."""

    name: str

    def of(self, row: Row) -> int | None:
        value: int | None = row[self.name]
        return value


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: int

    def of(self, row: Row) -> int | None:
        return self.value


@dataclass(frozen=True, slots=True)
class Minus:
    """A difference; None if either side is."""

    left: "Expression"
    right: "Expression"

    def of(self, row: Row) -> int | None:
        left, right = self.left.of(row), self.right.of(row)
        return None if left is None or right is None else left - right


@dataclass(frozen=True, slots=True)
class FirstOf:
    """The first that is not None."""

    choices: tuple["Expression", ...]

    def of(self, row: Row) -> int | None:
        return next((value for choice in self.choices if (value := choice.of(row)) is not None), None)


@dataclass(frozen=True, slots=True)
class Is:
    """The text field holds this word (an empty field does not)."""

    name: str
    word: str

    def holds(self, row: Row) -> bool:
        return bool(row[self.name] == self.word)


@dataclass(frozen=True, slots=True)
class Flag:
    """The yes/no field is as wanted (an empty field is neither)."""

    name: str
    wanted: bool = True

    def holds(self, row: Row) -> bool:
        return row[self.name] is not None and bool(row[self.name]) is self.wanted


@dataclass(frozen=True, slots=True)
class Known:
    """The expression has a value (or, with `wanted` False, has none)."""

    value: "Expression"
    wanted: bool = True

    def holds(self, row: Row) -> bool:
        return (self.value.of(row) is not None) is self.wanted


@dataclass(frozen=True, slots=True)
class AtMost:
    """The expression has a value and it is <= the limit: the boundary itself is inside."""

    value: "Expression"
    limit: int

    def holds(self, row: Row) -> bool:
        value = self.value.of(row)
        return value is not None and value <= self.limit


@dataclass(frozen=True, slots=True)
class MoreThan:
    """The expression has a value and it is > the limit."""

    value: "Expression"
    limit: int

    def holds(self, row: Row) -> bool:
        value = self.value.of(row)
        return value is not None and value > self.limit


@dataclass(frozen=True, slots=True)
class Where:
    """The value where every condition holds, else None."""

    value: "Expression"
    conditions: tuple["Condition", ...]

    def of(self, row: Row) -> int | None:
        return self.value.of(row) if all(condition.holds(row) for condition in self.conditions) else None


Expression: TypeAlias = Field | Number | Minus | FirstOf | Where
Condition: TypeAlias = Is | Flag | Known | AtMost | MoreThan


def in_words(expression: Expression) -> str:
    """Return an expression as one line that a person can read."""
    match expression:
        case Field(name):
            return name
        case Number(value):
            return str(value)
        case Minus(left, right):
            return f"({in_words(left)} - {in_words(right)})"
        case FirstOf(choices):
            return f"first known of ({', '.join(in_words(choice) for choice in choices)})"
        case Where(value, conditions):
            return f"{in_words(value)} where {' and '.join(condition_in_words(condition) for condition in conditions)}"


def condition_in_words(condition: Condition) -> str:
    """Return a condition as a person reads it."""
    match condition:
        case Is(name, word):
            return f"{name} = {word}"
        case Flag(name, wanted):
            return name if wanted else f"not {name}"
        case Known(value, wanted):
            return f"{in_words(value)} is {'known' if wanted else 'not known'}"
        case AtMost(value, limit):
            return f"{in_words(value)} <= {limit}"
        case MoreThan(value, limit):
            return f"{in_words(value)} > {limit}"
