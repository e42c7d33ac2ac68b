"""Shares of an agent's time: the worked shift to the digit, states cut at the period's edges."""

from agents.presence import Presence
from metrics.dictionary import DICTIONARY, FIGURES
from metrics.rounding import Rounding, printed
from metrics.states import Change, spans
from metrics.totals import Source, Totals

SHIFT = {
    Presence.NOT_READY: 3600,
    Presence.READY: 9000,
    Presence.RINGING: 600,
    Presence.TALKING: 11_000,
    Presence.ACW: 2600,
    Presence.CASE_WORK: 2000,
}


SHARES = ("phone_occupancy", "workload_occupancy", "utilisation")


def spent(changes: list[Change], from_ms: int, to_ms: int) -> Totals:
    return DICTIONARY.totals_of(spans(changes, from_ms, to_ms), Source.STATES)


def shift() -> list[Change]:
    """The states one after the other, then logged out."""
    at_s, changes = 0, []
    for presence, seconds in SHIFT.items():
        changes.append(Change(at_s * 1000, presence))
        at_s += seconds
    return [*changes, Change(at_s * 1000, Presence.LOGGED_OUT)]


def test_worked_shift_gives_the_three_shares_to_the_digit() -> None:
    totals = spent(shift(), 0, 100_000_000)
    shares = {name: printed(FIGURES[name].value(totals), 1, "%") for name in SHARES}
    assert shares == {"phone_occupancy": "61.2%", "workload_occupancy": "64.3%", "utilisation": "56.3%"}
    assert printed(FIGURES["utilisation"].value(totals), 1, "%", Rounding.HALF_EVEN) == "56.2%"


def test_agent_who_never_logged_in_has_no_share() -> None:
    nothing = spent([], 0, 1000)
    assert set(nothing.values()) == {0}
    assert FIGURES["utilisation"].value(nothing) is None


def test_states_are_cut_at_the_edges_of_the_period() -> None:
    changes = [Change(-500, Presence.READY), Change(200, Presence.TALKING), Change(900, Presence.LOGGED_OUT)]
    totals = spent(changes, 0, 800)
    assert (totals["spent_ready_ms"], totals["spent_talking_ms"]) == (200, 600)
    assert sum(row["spent_ms"] for row in spans(changes, 0, 2000)) == 2000


def test_change_with_an_instant_before_the_last_one_takes_no_time_back() -> None:
    totals = spent([Change(500, Presence.READY), Change(300, Presence.ACW)], 0, 1000)
    assert (totals["spent_ready_ms"], totals["spent_acw_ms"]) == (0, 500)


def test_wrap_up_after_a_call_that_the_agent_dialled_is_no_wrap_up_of_inbound_calls() -> None:
    states = (Presence.READY, Presence.DIALLING, Presence.TALKING, Presence.HOLD, Presence.ACW, Presence.RINGING)
    states += (Presence.TALKING, Presence.ACW)
    totals = spent([Change(n * 10, presence) for n, presence in enumerate(states)], 0, 80)
    assert (totals["spent_acw_ms"], totals["wrapup_in_ms"]) == (20, 10)
