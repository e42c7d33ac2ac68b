"""A difference makes the second state of the first, and is empty only when there is none."""

import json

from hypothesis import given
from hypothesis import strategies as st

from callcenter.board.delta import applied, difference

ROWS = st.one_of(
    st.integers(),
    st.sampled_from(["", "a", "通"]),
    st.booleans(),
    st.dictionaries(
        st.sampled_from(["name", "from_ms", "level"]), st.one_of(st.none(), st.integers(), st.sampled_from(["", "b"]))
    ),
)
SECTIONS = st.fixed_dictionaries(
    {name: st.dictionaries(st.sampled_from("abcdef"), ROWS) for name in ("figures", "lines", "agents")}
)


@given(SECTIONS, SECTIONS)
def test_screen_has_the_first_state_and_takes_the_difference_it_has_the_second(
    before: dict[str, dict[str, object]], after: dict[str, dict[str, object]]
) -> None:
    delta = difference(before, after)
    sent = json.loads(json.dumps(delta))
    assert applied(before, sent) == after
    assert (delta == {}) == (before == after)


def test_one_row_of_many_changes_only_that_row_is_sent() -> None:
    before = {"agents": {str(n): {"state": "ready", "since_ms": n} for n in range(100)}, "lines": {"a": {"waiting": 1}}}
    after = {**before, "agents": {**before["agents"], "7": {"state": "talking", "since_ms": 900}}}
    assert difference(before, after) == {"agents": {"7": {"state": "talking", "since_ms": 900}}}


def test_agent_leaves_the_screen_is_told_that_he_is_gone() -> None:
    assert difference({"agents": {"1": {"x": 1}}}, {"agents": {}}) == {"agents": {"1": None}}
