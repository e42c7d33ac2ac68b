"""What the caller says of his call: asked by the dialplan behind the talk, when the agent has hung up.

Theory of operation: the question is neither talk nor wait. Its caller is at a place of his own, so that nobody takes him for
one who comes back to hold; agent and outcome are settled already. The dialplan tells question and answer, the answer also
when the caller hangs up; a rating is put on record at the instant of its question.
"""

from acd import talks
from acd.calls import Call, Place
from acd.events import RatingAsked, RatingGiven
from acd.floor import Due, Floor
from acd.records import CallRated


def on_asked(floor: Floor, event: RatingAsked) -> None:
    """The caller hears the question."""
    call = floor.calls.get(event.call)
    if call is None or call.place is Place.RATING:
        floor.ignore(event, "no such call" if call is None else "asked already", event.call)
        return
    ask(floor, call)


def ask(floor: Floor, call: Call) -> None:
    """The caller is at the question, whatever we thought of him."""
    for talk in list(call.talks.values()):
        talks.close_talk(floor, talk)
    call.rating_ms = floor.at(call) if call.rating_ms is None else call.rating_ms
    floor.deadlines.cancel((Due.RETURN, call, ""))
    floor.place(call, Place.RATING)


def on_given(floor: Floor, event: RatingGiven) -> None:
    """What came of the question."""
    call = floor.calls.get(event.call)
    if call is None:
        floor.ignore(event, "no such call", event.call)
        return
    at_ms = floor.at(call) if call.rating_ms is None else call.rating_ms
    offer = call.last_talk or event.offer  # in a three-way the wish that was dialled need not be who stayed to the end
    floor.records.append(CallRated(call.id, at_ms, offer, event.score, event.keys))
