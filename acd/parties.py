"""Several people with one caller, found after a restart or a lost link: who talks is taken in, who does not is let go.

Theory of operation: `CallFound` names the first person in the talk (`recovery` sees to him) and, in `parties`, everybody.
Who talks and is not known gets his talk; whom we thought in the talk and who was not told has left. A third person who is
being rung and is not known is taken in with the hand-over that stands on the channel, so that his end leads to the next one. A
wish for hold that lies on the caller though nobody is rung is taken away again.
"""

from acd import consults, handover, offers, talks, three_way
from acd.calls import Call, Offer, OfferState
from acd.commands import EndInvite
from acd.events import CallFound, FoundParty
from acd.floor import Due, Floor
from acd.names import HandOverMode, HandOverResult, OfferResult, Via


def found(floor: Floor, call: Call, event: CallFound) -> None:
    """Bring a talk with several people up to date."""
    if event.place != "talk":
        return
    floor.at_ms = event.at_ms
    for party in event.parties:
        if party.is_talking:
            _talks(floor, call, party)
    told = {(party.offer, party.device) for party in event.parties if party.is_talking}
    for talk in list(call.talks.values()):
        is_there = any(talk.id == offer or talk.device == device for offer, device in told)
        if event.parties and not is_there:
            talks.close_talk(floor, talk)
    for party in event.parties:
        if not party.is_talking and party.offer is not None and party.offer not in call.offers:
            _rings(floor, call, party)
    call.is_insured = event.is_insured
    offer = call.offer
    is_told = offer is not None and any(party.offer == offer.id for party in event.parties)
    call.is_invite_lost = (
        offer is not None and offer.is_invited and offer.has_connected and not is_told and bool(event.parties)
    )
    if call.id.pbx in floor.up:
        settle(floor, call)


def settle(floor: Floor, call: Call) -> None:
    """Go on with what was found, once commands reach the PBX: nobody may wait for ever for one who is not rung."""
    is_lost, is_insured, call.is_invite_lost, call.is_insured = call.is_invite_lost, call.is_insured, False, False
    if is_lost and call.offer is not None:
        offers.close(floor, call.offer, OfferResult.TIMED_OUT, "not found any more")
        handover.still_talking(floor, call)
    elif call.handover is not None and call.handover.is_returning:
        return  # the wish for hold on him is his way back, and no invitation's
    elif call.offer is None and call.talks and call.handover is not None and call.handover.seat is None:
        if call.handover.mode is HandOverMode.BLIND:
            handover.still_talking(floor, call)  # asked for, and not carried out yet
        else:
            _end_invite(floor, call)
    elif is_insured and call.offer is None and call.talks:
        if call.handover is None or call.handover.seat is None:
            _end_invite(floor, call)
        else:
            three_way.try_next(floor, call, call.handover, call.handover.seat)


def _talks(floor: Floor, call: Call, party: FoundParty) -> None:
    known = call.offers.get(party.offer) if party.offer is not None else None
    if known is None and any(talk.device == party.device for talk in call.talks.values()):
        return
    if party.offer is None:
        talks.open_found(floor, call, party.device, Via.JOINED, leg=party.leg)
    elif known is None:
        talks.open_talk(floor, _make(floor, call, party))
    elif known.id not in call.talks and not known.talk_from_ms:
        if known.state is OfferState.OVER:
            offers.revive(floor, known)
        talks.open_talk(floor, known)


def _rings(floor: Floor, call: Call, party: FoundParty) -> None:
    """A third person is rung whom another leadership asked for."""
    seat = next(iter(call.talks.values()), None)
    is_asked_of_us = call.handover is not None and call.handover.seat is not None
    if call.offer is not None or is_asked_of_us or seat is None:
        return
    offer = _make(floor, call, party)
    offer.state, offer.has_connected, offer.is_invited = OfferState.RINGING, True, True
    handover.dials(call, offer, HandOverMode.THREE_WAY, seat.who).seat = seat
    call.offer = call.offers[offer.id] = offer
    call.made += 1
    floor.deadlines.set((Due.RING, offer, ""), floor.now + offer.ring_s + offers.LOST_END_S)


def _make(floor: Floor, call: Call, party: FoundParty) -> Offer:
    agent = floor.roster.at_device.get(party.device)
    specialist = None if agent is not None else consults.by_number(floor, party.device)
    kind = "seat" if agent is not None else "specialist" if specialist is not None else "unknown"
    line = call.stage.line
    if specialist is not None:
        floor.dialled[party.device] = floor.dialled.get(party.device, 0) + 1
    return Offer(
        party.offer or floor.next_offer(),
        call,
        kind,
        party.device if agent is None else agent.number,
        party.device,
        None if agent is None else floor.seats[agent.number],
        specialist=specialist,
        ring_s=floor.plan.specialist_ring_s,
        wrapup_s=line.wrapup_s,
        wrapup_max_s=line.wrapup_max_s,
    )


def _end_invite(floor: Floor, call: Call) -> None:
    """Whom another leadership invited came in meanwhile, or is not rung any more."""
    seat = next(iter(call.talks))
    third = next((talk for talk in call.talks.values() if talk.specialist is not None), None)
    if call.handover is not None and third is not None:
        handover.close(floor, call, HandOverResult.REACHED, third.who)
    elif call.handover is not None:
        handover.close(floor, call, HandOverResult.NO_SPECIALIST)
    floor.send(EndInvite(call.id, seat, third is None))
