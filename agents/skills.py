"""Skills and needs: who can take a call.

A need is an expression over skill levels (`policy.tax >= 3 and lang.en >= 1`), kept in disjunctive normal form:
any one of the alternatives, each of them all of its terms. An agent without a skill does not have it at level 0.
"""

from typing import NamedTuple


class Term(NamedTuple):
    """At least `level` in `skill`."""

    skill: str
    level: int


class Need(NamedTuple):
    """What a call asks of an agent: one alternative of `any_of` must hold whole. Hashable: the index key of waiting calls."""

    any_of: tuple[tuple[Term, ...], ...]
    text: str
    """As written in the plan: for records."""
