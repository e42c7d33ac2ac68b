"""Attended hand-over: the seat speaks with a specialist while his caller is on hold, then his phone joins the two.

Theory of operation: a consult is a call of the seat's phone to a topic; it is no call of the ledger, and the seat stays
talking (or on hold) with his caller. The phone asks for a specialist and asks again when he was not reached; who is asked
for is chosen as for any hand-over, and passed over by others meanwhile. What comes of it:

- His phone joins caller and specialist (REFER with Replaces): told as `PartyJoined`, on record as a hand-over of mode
  attended that was reached, and as the specialist's talk. A specialist who joined is taken for that also when the
  consult itself is not known (it began before our restart): nobody else can have brought him.
- Nobody is left: a hand-over that found no specialist. The talk goes on.
- The caller hangs up meanwhile: a hand-over whose caller was gone. Seat and specialist may go on talking.
- The consult ends without a transfer: a note, no hand-over.
"""

from dataclasses import dataclass

from acd import handover
from acd.calls import Call, HandOver, Offer
from acd.commands import AnswerConsult
from acd.events import ConsultAsked, ConsultEnded, ConsultFound
from acd.floor import Floor
from acd.names import CallId, HandOverMode, HandOverResult
from acd.plan import SpecialistSpec
from acd.records import HandOverClosed, HandOverOpened

NOT_NOW = "state"
NO_TOPIC = "topic"
NOBODY = "nobody"
"""Words that the phone plays a prompt for."""


@dataclass(slots=True, eq=False)
class Consult:
    """One seat's call to a topic."""

    id: CallId
    talk: Offer
    """The seat's talk with his caller."""
    asked: HandOver
    specialist: SpecialistSpec | None = None
    """Who is rung or spoken to."""
    is_done: bool = False
    """Joined, or nobody was left."""


def on_asked(floor: Floor, event: ConsultAsked) -> None:
    """A phone asks whom to ring."""
    consult = floor.consults.get(event.consult)
    if consult is None:
        consult = _begin(floor, event.consult, event.device, event.topic)
        if consult is None:
            floor.send(AnswerConsult(event.consult, NOT_NOW))
            floor.ignore(event, "no talk at this phone to hand over", event.consult)
            return
    _free(floor, consult)
    call = consult.talk.call
    if call.talks.get(consult.talk.id) is not consult.talk or call.handover is not None:
        _refuse(floor, consult, NOT_NOW)
        return
    specialist = handover.choose(floor, consult.asked)
    if specialist is None:
        _nobody(floor, call, consult)
        return
    consult.asked.tried.add(specialist.number)
    _take(floor, consult, specialist)
    target = (specialist.target, specialist.number, floor.plan.specialist_ring_s)
    floor.send(AnswerConsult(consult.id, "", floor.next_offer(), *target))


def on_found(floor: Floor, event: ConsultFound) -> None:
    """A consult goes on that began before our restart."""
    if event.consult in floor.consults:
        return
    consult = _begin(floor, event.consult, event.device, event.topic)
    specialist = by_number(floor, event.number)
    if consult is None:
        floor.ignore(event, "no talk at this phone to hand over", event.consult)
    elif specialist is not None:
        consult.asked.tried.add(specialist.number)
        _take(floor, consult, specialist)


def on_ended(floor: Floor, event: ConsultEnded) -> None:
    """The phone's channel is gone."""
    consult = floor.consults.pop(event.consult, None)
    if consult is None:
        floor.ignore(event, "no such consult", event.consult)
        return
    _free(floor, consult)
    if not consult.is_done:
        floor.note("consult_ended", consult.asked.topic, consult.talk.call.id)


def by_number(floor: Floor, number: str) -> SpecialistSpec | None:
    """Return the plan's specialist with this number."""
    return next((one for one in floor.plan.specialists if one.number == number), None)


def joins(floor: Floor, call: Call, number: str, of: CallId | None) -> SpecialistSpec | None:
    """Return the specialist who joined a caller's talk without an offer, and put his hand-over on record; None: he is none."""
    consult = floor.consults.get(of) if of is not None else None
    specialist = by_number(floor, number)
    if consult is not None and consult.specialist is not None:
        specialist = consult.specialist
        consult.is_done = True
    if specialist is None:
        return None
    floor.dialled[specialist.number] = floor.dialled.get(specialist.number, 0) + 1
    is_told = of is None and call.reached == specialist.number  # found again: on record before our restart
    if call.handover is None and not is_told:
        topic = consult.asked.topic if consult is not None else next(iter(specialist.topics), "")
        by = consult.talk.who if consult is not None else call.last_seat.who if call.last_seat is not None else ""
        call.handover = handover.begin(floor, call, topic, HandOverMode.ATTENDED, by)
    return specialist


def caller_gone(floor: Floor, call: Call) -> None:
    """The caller hung up while his seat had a specialist rung or spoke with him: a hand-over that came too late."""
    for consult in floor.consults.values():
        if consult.talk.call is call and consult.specialist is not None and not consult.is_done:
            consult.is_done = True
            call.handovers += 1
            topic, seq, at_ms = consult.asked.topic, call.handovers, floor.at(call)
            opened = HandOverOpened(call.id, seq, at_ms, consult.talk.who, topic, HandOverMode.ATTENDED)
            floor.records += [opened, HandOverClosed(call.id, seq, at_ms, HandOverResult.CALLER_GONE, None)]


def _begin(floor: Floor, consult: CallId, device: str, topic: str) -> Consult | None:
    agent = floor.roster.at_device.get(device)
    talk = None if agent is None else floor.seats[agent.number].offer
    if talk is None or talk.id not in talk.call.talks or talk.call.handover is not None:
        return None
    floor.consults[consult] = Consult(consult, talk, HandOver(0, topic, HandOverMode.ATTENDED, talk.who))
    return floor.consults[consult]


def _nobody(floor: Floor, call: Call, consult: Consult) -> None:
    topic = consult.asked.topic
    is_known = topic in floor.plan.topics
    if not is_known:
        floor.note("unknown_topic", topic, call.id)
    asked = handover.begin(floor, call, topic, HandOverMode.ATTENDED, consult.talk.who)
    handover.end(floor, call, asked, HandOverResult.NO_SPECIALIST)
    _refuse(floor, consult, NOBODY if is_known else NO_TOPIC)


def _refuse(floor: Floor, consult: Consult, word: str) -> None:
    consult.is_done = True
    floor.send(AnswerConsult(consult.id, word))


def _take(floor: Floor, consult: Consult, specialist: SpecialistSpec) -> None:
    consult.specialist = specialist
    floor.dialled[specialist.number] = floor.dialled.get(specialist.number, 0) + 1


def _free(floor: Floor, consult: Consult) -> None:
    if consult.specialist is not None:
        floor.dialled[consult.specialist.number] -= 1
        consult.specialist = None
