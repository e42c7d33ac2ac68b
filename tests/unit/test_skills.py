"""Need expressions: what they mean, what is refused and where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import NeedSyntaxError
from agents.skills import Term, either, levels_held, parse_need, satisfies


@pytest.mark.parametrize(
    ("text", "any_of"),
    [
        ("general", ((Term("general", 1),),)),
        ("policy.tax>=3", ((Term("policy.tax", 3),),)),
        ("a and b >= 2", ((Term("a", 1), Term("b", 2)),)),
        ("a or b and c", ((Term("a", 1),), (Term("b", 1), Term("c", 1)))),
        ("(a or b) and c", ((Term("a", 1), Term("c", 1)), (Term("b", 1), Term("c", 1)))),
        ("a >= 2 and a", ((Term("a", 2),),)),
        ("a >= 2 or a", ((Term("a", 1),),)),
        ("汉语 and lang.en", ((Term("lang.en", 1), Term("汉语", 1)),)),
    ],
)
def test_need_is_read_into_normal_form(text: str, any_of: tuple[tuple[Term, ...], ...]) -> None:
    assert parse_need(text).any_of == any_of


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ("a and", 5),
        ("a or or b", 5),
        ("a >= 0", 5),
        ("a >= x", 5),
        ("(a or b", 7),
        ("a b", 2),
        ("a & b", 2),
        (">= 3", 0),
        ("3 >= a", 0),
        ("a)", 1),
    ],
)
def test_wrong_need_names_the_position(text: str, position: int) -> None:
    with pytest.raises(NeedSyntaxError) as caught:
        parse_need(text)
    assert caught.value.position == position
    assert f"column {position + 1}" in str(caught.value)


def test_need_that_explodes_is_refused() -> None:
    with pytest.raises(NeedSyntaxError, match="alternatives"):
        parse_need(" and ".join(f"(a{n} or b{n})" for n in range(10)))


def test_agent_without_a_skill_does_not_have_it_at_level_0() -> None:
    need = parse_need("tax >= 2 or (tax and en)")
    assert satisfies({"tax": 2}, need)
    assert satisfies({"tax": 1, "en": 1}, need)
    assert not satisfies({"tax": 1}, need)
    assert not satisfies({}, need)
    assert levels_held({"tax": 3, "en": 2}, need) == 5
    assert levels_held({"tax": 1}, need) == 0


_names = st.sampled_from("abcd")
_trees = st.recursive(
    st.tuples(st.just("atom"), _names, st.integers(1, 3)),
    lambda inner: st.tuples(st.sampled_from(["and", "or"]), inner, inner),
    max_leaves=6,
)


def _text(tree: tuple) -> str:  # type: ignore[type-arg]  # a tree of any depth
    kind, left, right = tree
    return f"{left} >= {right}" if kind == "atom" else f"({_text(left)} {kind} {_text(right)})"


def _holds(tree: tuple, skills: dict[str, int]) -> bool:  # type: ignore[type-arg]  # a tree of any depth
    kind, left, right = tree
    if kind == "atom":
        return skills.get(left, 0) >= right
    return (
        (_holds(left, skills) and _holds(right, skills))
        if kind == "and"
        else (_holds(left, skills) or _holds(right, skills))
    )


@given(_trees, st.dictionaries(_names, st.integers(1, 3)))
def test_normal_form_means_what_was_written(tree: tuple, skills: dict[str, int]) -> None:  # type: ignore[type-arg]  # a tree of any depth
    assert satisfies(skills, parse_need(_text(tree))) == _holds(tree, skills)


@given(_trees, _trees, st.dictionaries(_names, st.integers(1, 3)))
def test_either_is_satisfied_by_who_satisfies_one(one: tuple, other: tuple, skills: dict[str, int]) -> None:  # type: ignore[type-arg]  # a tree of any depth
    both = either(parse_need(_text(one)), parse_need(_text(other)))
    assert satisfies(skills, both) == (_holds(one, skills) or _holds(other, skills))
    assert satisfies(skills, parse_need(both.text)) == satisfies(skills, both)
