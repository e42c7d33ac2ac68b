"""A phone rang its time out, or was refused, while nobody heard of it: its offer has its true result, and another agent is next."""

from dataclasses import replace

import pytest

from acd import events as ev
from acd.names import OfferResult
from acd.records import OfferClosed, OfferMade
from agents.presence import Presence
from tests.scenarios.world import Timeline, call_id, ms


def last_dial(offer: str, result: OfferResult = OfferResult.NOT_ANSWERED, *, began: float, ended: float) -> ev.LastDial:
    return ev.LastDial(offer, "phone1001", result, "NOANSWER/0", ms(began), ms(ended))


def found_at_rest(t: Timeline, at: float, last: ev.LastDial, place: str = "rest") -> None:
    event = ev.CallFound(call_id("a"), ms(at), place, ms(-60), ms(-60), ms(-60), "general", "12345")
    t.tell(at, replace(event, last=last))
    t.tell(at, ev.SnapshotDone("pbx1", ms(at)))


def restarted(ringing_since: float) -> Timeline:
    """1001 was restored as ringing, 1002 has been ready for longer than anybody."""
    t = Timeline(pbx_up=False)
    for agent, presence, since in (("1001", Presence.RINGING, ringing_since), ("1002", Presence.READY, -30)):
        t.tell(0, ev.AgentRestored(agent, f"phone{agent}", presence, "", ms(since), ms(-500), None, 0, ms(0)))
    return t


def test_restart_phone_rang_out_before_it_and_the_miss_counts_and_the_other_agent_is_next() -> None:
    t = restarted(-12)
    found_at_rest(t, 0, last_dial("2-7", began=-11.9, ended=-1.9))
    (closed,) = t.all(OfferClosed)
    assert (closed.offer, closed.result, closed.at_ms) == ("2-7", OfferResult.NOT_ANSWERED, ms(-1.9))
    assert [one.agent for one in t.all(OfferMade)] == ["1002"]
    assert t.presences("1001")[-1][1] == "ready"


def test_restart_agent_rings_for_somebody_else_and_an_old_miss_is_not_told_again() -> None:
    t = restarted(-3)
    found_at_rest(t, 0, last_dial("2-5", began=-50, ended=-40))
    assert not t.all(OfferClosed)
    assert [one.agent for one in t.all(OfferMade)] == ["1001"], "longest idle: the ring of before was not his doing"


@pytest.mark.parametrize("place", ["rest", "fallback"])
def test_link_is_lost_while_a_phone_rings_out_and_its_result_is_what_the_channel_tells(place: str) -> None:
    t = Timeline()
    t.login(0, "1001")
    t.login(1, "1002")
    t.arrive(2, "a")
    t.connecting(2.1, "a")
    t.ringing(2.2, "a")
    offer = t.offer_of("a")
    t.tell(3, ev.LinkLost("pbx1", ms(3)))
    t.run_to(30)
    found_at_rest(t, 30, last_dial(offer, began=2.1, ended=12.1), place)
    t.hold(30.1, "a")
    t.run_to(30.5)
    (closed,) = t.all(OfferClosed)[:1]
    assert (closed.offer, closed.result, closed.at_ms) == (offer, OfferResult.NOT_ANSWERED, ms(12.1))
    assert [one.agent for one in t.all(OfferMade)] == ["1001", "1002"]


def test_link_is_lost_and_back_while_the_phone_of_an_ended_offer_is_on_the_channel_and_nothing_is_told_twice() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(2, "a")
    t.connecting(2.1, "a")
    t.ringing(2.2, "a")
    offer = t.offer_of("a")
    t.ended(12.1, "a", OfferResult.NOT_ANSWERED)
    t.hold(12.1, "a")
    t.tell(13, ev.LinkLost("pbx1", ms(13)))
    found_at_rest(t, 20, last_dial(offer, began=2.1, ended=12.1))
    assert [(one.offer, one.result) for one in t.all(OfferClosed)] == [(offer, OfferResult.NOT_ANSWERED)]
