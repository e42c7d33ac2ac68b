"""Skills and needs: who can take a call.

A need is an expression over skill levels (`policy.tax >= 3 and lang.en >= 1`), kept in disjunctive normal form:
any one of the alternatives, each of them all of its terms. An agent without a skill does not have it at level 0.

Grammar (words are case-sensitive, blanks are free):

    need        = conjunction { "or" conjunction }
    conjunction = atom { "and" atom }
    atom        = "(" need ")" | skill [ ">=" level ]
    skill       = letter or "_", then letters, digits, "_", ".", "-"
    level       = 1, 2, 3, ...          (a bare skill means level 1)
"""

import re
from collections.abc import Iterable, Mapping
from itertools import product
from typing import NamedTuple

from agents.errors import NeedSyntaxError

MAX_ALTERNATIVES = 64
"""Bound of the normal form: `(a or b) and (c or d) and ...` doubles with each pair."""

_TOKEN = re.compile(r"\s*(?:(?P<word>[^\W\d][\w.\-]*)|(?P<number>\d+)|(?P<sign>>=|[()]))")


class Term(NamedTuple):
    """At least `level` in `skill`."""

    skill: str
    level: int


class Need(NamedTuple):
    """What a call asks of an agent: one alternative of `any_of` must hold whole. Hashable: the index key of waiting calls."""

    any_of: tuple[tuple[Term, ...], ...]
    text: str
    """As written in the plan: for records."""


Alternatives = tuple[tuple[Term, ...], ...]


def parse_need(text: str) -> Need:
    """Read a need expression into normal form. Raises `NeedSyntaxError` with the position of the fault."""
    reader = _Reader(text)
    alternatives = reader.need()
    reader.end()
    return Need(alternatives, text.strip())


def satisfies(skills: Mapping[str, int], need: Need) -> bool:
    """Tell whether an agent with `skills` (skill -> level) can take a call with this need."""
    return any(_holds(skills, alternative) for alternative in need.any_of)


def levels_held(skills: Mapping[str, int], need: Need) -> int:
    """Return the agent's levels added up over the best alternative that he satisfies; 0 if he satisfies none."""
    held = (sum(skills[term.skill] for term in terms) for terms in need.any_of if _holds(skills, terms))
    return max(held, default=0)


def either(first: Need, second: Need) -> Need:
    """Return the need that an agent satisfies who satisfies one of the two."""
    if first.any_of == second.any_of:
        return first
    return Need(_normal((*first.any_of, *second.any_of)), f"({first.text}) or ({second.text})")


def _holds(skills: Mapping[str, int], terms: Iterable[Term]) -> bool:
    return all(skills.get(term.skill, 0) >= term.level for term in terms)


def _normal(alternatives: Iterable[Iterable[Term]]) -> Alternatives:
    """Merge terms on one skill, drop alternatives that ask more than another one; keep the order as written."""
    merged: list[dict[str, int]] = []
    for terms in alternatives:
        levels: dict[str, int] = {}
        for term in terms:
            levels[term.skill] = max(levels.get(term.skill, 0), term.level)
        if not any(_asks_no_more(kept, levels) for kept in merged):
            merged = [kept for kept in merged if not _asks_no_more(levels, kept)]
            merged.append(levels)
    return tuple(tuple(Term(skill, level) for skill, level in sorted(levels.items())) for levels in merged)


def _asks_no_more(one: Mapping[str, int], other: Mapping[str, int]) -> bool:
    return all(other.get(skill, 0) >= level for skill, level in one.items())


class _Reader:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(self._scan())
        self.index = 0

    def _scan(self) -> Iterable[tuple[str, int]]:
        position = 0
        while position < len(self.text.rstrip()):
            match = _TOKEN.match(self.text, position)
            if match is None:
                start = len(self.text) - len(self.text[position:].lstrip())
                raise NeedSyntaxError(self.text, start, f"unexpected {self.text[start]!r}")
            yield match.group().strip(), match.end() - len(match.group().strip())
            position = match.end()

    def need(self) -> Alternatives:
        found = list(self._conjunction())
        while self._take("or"):
            found.extend(self._conjunction())
        return self._bounded(found)

    def _conjunction(self) -> Alternatives:
        found = self._atom()
        while self._take("and"):
            found = self._bounded([(*left, *right) for left, right in product(found, self._atom())])
        return found

    def _atom(self) -> Alternatives:
        if self._take("("):
            inside = self.need()
            if not self._take(")"):
                raise self._error("a closing parenthesis is missing")
            return inside
        word = self._peek()
        if word in {"", "and", "or", ")", ">="} or word.isdigit():
            raise self._error("a skill is missing" if word in {"", "and", "or", ")"} else f"{word!r} is not a skill")
        self.index += 1
        return ((Term(word, self._level()),),)

    def _level(self) -> int:
        if not self._take(">="):
            return 1
        word = self._peek()
        if not word.isdigit():
            raise self._error("a level (1, 2, ...) is missing after >=")
        if int(word) < 1:
            raise self._error("a level is at least 1: without the skill there is no level 0")
        self.index += 1
        return int(word)

    def end(self) -> None:
        if self.index < len(self.tokens):
            raise self._error(f"unexpected {self._peek()!r}")

    def _bounded(self, alternatives: Iterable[tuple[Term, ...]]) -> Alternatives:
        normal = _normal(alternatives)
        if len(normal) > MAX_ALTERNATIVES:
            raise self._error(f"more than {MAX_ALTERNATIVES} alternatives")
        return normal

    def _peek(self) -> str:
        return self.tokens[self.index][0] if self.index < len(self.tokens) else ""

    def _take(self, word: str) -> bool:
        if self._peek() != word:
            return False
        self.index += 1
        return True

    def _error(self, reason: str) -> NeedSyntaxError:
        at = self.tokens[self.index][1] if self.index < len(self.tokens) else len(self.text.rstrip())
        return NeedSyntaxError(self.text, at, reason)
