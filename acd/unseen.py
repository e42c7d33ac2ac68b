"""An offer whose phone rang its time out, refused or could not be reached while nobody heard of it.

Theory of operation: the dialplan leaves on a caller who is back in hold how his last dial ended (`LastDial`). Where the
engine lived on, it knows the offer and waits for its end. After a restart it knows nothing of it, but the agent was
restored as ringing since the instant in which that dial began: so it was for this caller that his phone rang. Either way the
offer gets its true result and costs the agent what it would have (a miss is a miss), so that the same phone is not
the next to ring. A dial that ended before the gap is on record, and its agent was not restored as ringing.
"""

from acd import offers
from acd.calls import Call, Offer, OfferState
from acd.events import LastDial
from acd.floor import Floor
from agents.presence import Presence

NEAR_MS = 2_000
"""An agent counts as ringing from when his offer was made; the wish is obeyed within a second."""


def end(floor: Floor, call: Call, last: LastDial) -> None:
    """Give the offer of a caller's last dial its result, if it has none yet."""
    offer = call.offers.get(last.offer)
    if offer is None:
        offer = _restored(floor, call, last)
    if offer is None or offer.state in (OfferState.OVER, OfferState.TALKING):
        return
    now_ms, floor.at_ms = floor.at_ms, last.ended_ms
    offers.close(floor, offer, last.result, last.detail)
    floor.at_ms = now_ms
    offers.expect_return(floor, call)


def _restored(floor: Floor, call: Call, last: LastDial) -> Offer | None:
    """Return the offer that a restored agent's ringing was, None where he rang for somebody else."""
    agent = floor.roster.at_device.get(last.number)
    if agent is None or agent.presence is not Presence.RINGING or abs(agent.since_ms - last.began_ms) > NEAR_MS:
        return None
    seat = floor.seats[agent.number]
    if seat.offer is not None:
        return None
    offer = Offer(
        *(last.offer, call, "seat", agent.number, last.number, seat), state=OfferState.RINGING, has_connected=True
    )
    call.made += 1
    seat.offer = call.offers[offer.id] = call.offer = offer
    return offer
