"""A stateful property test: hundreds of random but meaningful events, drawn from the engine's own calls, offers and
agents, each step held against a brute-force twin of the matching and against the invariants of state and diary."""

from collections import Counter
from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from acd import events as ev
from acd.calls import Call, Place
from acd.commands import OfferCall
from acd.engine import Engine, Step
from acd.journal import read_line, write_line
from acd.names import Act, CallId, EndedBy, HandOverMode, LineState, OfferResult, Outcome
from acd.plan import BlockedNumber, Exit, SpecialistSpec
from acd.records import (
    CallBlocked,
    CallClosed,
    CallOpened,
    HandOverClosed,
    HandOverOpened,
    OfferClosed,
    OfferMade,
    TalkClosed,
    TalkOpened,
)
from agents.presence import DeviceState, Presence
from tests.scenarios.world import T0, line, plan_of, seat
from tests.unit import oracle

LINES = [
    line("g", "g", "1", max_waiting=4, on_full=Exit(line="r"), steps=((20, "g or e", None), (40, "", "e"))),
    line("e", "e >= 2", "2", strategy="most_skilled", wrapup_s=0.0, max_wait_s=60.0, on_max_wait=Exit(number="800")),
    line("t", "t and g", "3", strategy="least_skilled", priority_s=15.0, on_no_agent=Exit(line="g", prompt="p")),
    line("r", "g or t", "4", strategy="round_robin", ring_s=10, max_waiting=3, on_full=Exit(voicemail="100")),
    line("o", "e or g >= 2", "5", strategy="least_occupied", max_wait_s=90.0, on_max_wait=Exit(line="r")),
]
SEATS = [
    seat("1", g=1),
    seat("2", g=2, e=1),
    seat("3", e=2),
    seat("4", g=1, t=1),
    seat("5", g=3, e=3, t=1),
    seat("6", t=2, e=1),
]
PLAN = plan_of(
    LINES,
    SEATS,
    topics={"01": "tax"},
    max_misses=2,
    not_ready_reasons={"1": "break", "2": "write_up"},
    case_work_reasons=("write_up",),
    blocked=(BlockedNumber("13900001234", "harassment"), BlockedNumber("0099", "fraud", is_beginning=True)),
    specialists=(SpecialistSpec("71", "Tax A", ("01",)), SpecialistSpec("72", "Tax B", ("01",))),
)
SMALLER = replace(
    PLAN,
    lines={
        **{code: one for code, one in PLAN.lines.items() if code not in ("o",)},
        "g": replace(PLAN.lines["g"], is_open=False, on_closed=Exit(line="r", prompt="p")),
        "e": replace(PLAN.lines["e"], is_open=False),
    },
    agents={n: one for n, one in PLAN.agents.items() if n not in ("5", "6")},
    handover_exit=Exit(number="900"),
    blocked=(BlockedNumber("13700001234", "harassment"),),
    version="smaller",
)
KINDS: dict[tuple[bool, str | None, str | None], tuple[str, str]] = {
    (True, None, None): ("say", "0"),
    (False, "100", None): ("voicemail", "100"),
    (False, None, "700"): ("out", "700"),
    (False, None, "800"): ("out", "800"),
    (False, None, "900"): ("out", "900"),
    (False, None, None): ("reject", "full"),
}
"""What a channel says of an exit: (is it to a line, mailbox, outside number) -> kind and digits of its target."""
MODES = [HandOverMode.BLIND, HandOverMode.THREE_WAY]
RESULTS = [one for one in OfferResult if one is not OfferResult.ACCEPTED]
PLACES = ["rest", "menu", "offer", "talk", "fallback", "fallback_ring", "fallback_talk", "exit"]
agents = st.sampled_from([one.number for one in SEATS])
devices = st.sampled_from([f"p{n}" for n in range(1, 7)])
callers = st.sampled_from(["", "13800001234", "13800001234", "13900001234", "+9912345", "13700001234"])
"""Withheld, not listed, listed whole, listed by its beginning, listed by the other plan."""


class Floors(RuleBasedStateMachine):
    """Draws events; `diary` holds what must be unique or in order over the whole run."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = Engine(PLAN, 1)
        self.twin = Engine(PLAN, 1)
        self.now = float(T0)
        self.names = 0
        self.epoch = 1
        self.given_up: set[str] = set()
        """Offers made before a kill: what became of them, others may have to say."""
        self.opened: set[CallId] = set()
        self.closed: set[CallId] = set()
        self.blocked: set[CallId] = set()
        self.offers: dict[str, bool] = {}
        self.open: dict[CallId, str] = {}
        self.talks: dict[str, bool] = {}
        self.offers_of_before = False
        """An offer was found that another epoch made: its hand-over was opened by that one too."""
        self.handovers: Counter[CallId] = Counter()
        self.instants: dict[CallId, int] = {}

    @initialize()
    def begin(self) -> None:
        self.tell(ev.SnapshotDone("x", self.ms))
        for n in ("1", "2", "3", "4"):
            self.tell(ev.AgentLoggedIn(n, f"p{n}", self.ms))

    @property
    def ms(self) -> int:
        return round(self.now * 1000)

    def tell(self, event: ev.Event) -> None:
        due = self.engine.advance(self.now)
        self.check_diary(due)
        before = {agent.number: agent.turn for agent in self.engine.agents}
        step = self.engine.handle(event, self.now)
        again = read_line(write_line(event, self.now))
        assert self.twin.advance(self.now) == due
        assert self.twin.handle(*again) == step, "the same input, written and read, leads to the same output"
        self.check_choice(step, before)
        self.check_diary(step)

    def check_choice(self, step: Step, turns: dict[str, int]) -> None:
        """What was given to whom is what the naive rule gives, of all that was free when it was decided."""
        made = [one for one in step.records if isinstance(one, OfferMade) and one.kind == "seat"]
        made = [one for one in made if one.strategy != "supervisor"]
        floor = self.engine._floor
        given = {one.agent for one in made}
        calls = [call for call in self.engine.calls.values() if oracle.waits(self.engine, call)]
        calls += [self.engine.calls[one.call] for one in made]
        free = [agent for agent in self.engine.agents if oracle.can_take(self.engine, agent)]
        free += [floor.roster.agents[number] for number in given]
        expected = oracle.greedy(self.engine, calls, free, turns)
        assert [(one.call.uniqueid, one.agent) for one in made] == expected, (made, floor.now)
        for one in made:
            taken = [other.agent for other in made[: made.index(one)]]
            call = self.engine.calls[one.call]
            could = [agent for agent in free if agent.number not in taken and oracle.fits(self.engine, call, agent)]
            assert one.could == len(could)

    def check_diary(self, step: Step) -> None:
        for one in step.records:
            call = getattr(one, "call", None)
            if call is not None and type(one).__name__ not in ("Ignored", "Noted"):
                assert call not in self.closed, f"{one} after the end"
                assert one.at_ms >= self.instants.get(call, 0) or getattr(one, "found", False), one
                self.instants[call] = one.at_ms
            if isinstance(one, CallOpened):
                self.opened.add(one.call)
            elif isinstance(one, CallBlocked):
                self.blocked.add(one.call)
            elif isinstance(one, CallClosed):
                self.closed.add(one.call)
                was_answered = one.outcome is Outcome.AGENT_ANSWERED
                assert one.call not in self.blocked or one.outcome is None or was_answered, "blocked, with an outcome"
                if one.by is EndedBy.UNKNOWN:
                    self.left_open(one.call)
            elif isinstance(one, OfferMade):
                assert one.offer not in self.offers
                assert not self.engine.calls[one.call].is_turned_away, "blocked, and offered"
                assert one.call not in self.open or self.offers[self.open[one.call]], "a second wish before the end"
                self.open[one.call] = one.offer
                self.offers[one.offer] = False
            elif isinstance(one, OfferClosed):
                assert self.offers.get(one.offer) is not True, f"{one.offer} has two results"
                self.offers[one.offer] = True
            elif isinstance(one, TalkOpened):
                assert one.offer not in self.talks
                self.talks[one.offer] = True
            elif isinstance(one, TalkClosed):
                assert self.talks.pop(one.offer)
                self.talks[one.offer] = False
            elif isinstance(one, HandOverOpened):
                self.handovers[one.call] += 1
            elif isinstance(one, HandOverClosed):
                if self.handovers[one.call] or not self.offers_of_before:
                    self.handovers[one.call] -= 1
                assert self.handovers[one.call] == 0
        for command in step.commands:
            pbx = getattr(command, "call", None)
            assert pbx is None or pbx.pbx in self.engine._floor.up
            if isinstance(command, OfferCall):
                assert self.engine.calls[command.call].offer is not None

    def pick(self, data: st.DataObject, *places: Place) -> Call | None:
        found = [call for call in self.engine.calls.values() if not places or call.place in places]
        return found[data.draw(st.integers(0, 99)) % len(found)] if found else None

    # -- callers -----------------------------------------------------------------------------------------------

    @rule(did=st.sampled_from(["1", "2", "3", "4", "5", "9"]), has_menu=st.integers(0, 5), number=callers)
    def arrive(self, did: str, has_menu: int, number: str) -> None:
        self.names += 1
        call = CallId("x", f"c{self.names}")
        self.tell(ev.CallArrived(call, self.ms, did, caller_number=number, has_menu=has_menu == 0))
        is_listed = any(number.replace("+", "00").startswith(one.number) for one in self.engine.plan.blocked)
        assert (self.engine.calls[call].blocked is not None) == is_listed

    @rule(data=st.data())
    def queued(self, data: st.DataObject) -> None:
        call = self.pick(data, Place.MENU)
        if call:
            self.tell(ev.CallQueued(call.id, self.ms))

    @rule(data=st.data(), lag=st.integers(0, 5))
    def holding(self, data: st.DataObject, lag: int) -> None:
        call = self.pick(data, Place.RETURNING, Place.FALLBACK, Place.EXIT) or self.pick(data)
        if call:
            self.tell(ev.CallHolding(call.id, self.ms - lag))

    @rule(data=st.data(), by=st.sampled_from(EndedBy))
    def gone(self, data: st.DataObject, by: EndedBy) -> None:
        call = self.pick(data)
        if call:
            self.tell(ev.CallerGone(call.id, self.ms, by))
            self.tell(ev.CallerGone(call.id, self.ms, by))

    # -- offers ------------------------------------------------------------------------------------------------

    @rule(data=st.data(), follow=st.sampled_from(["connecting", "ringing", "answered"]))
    def offer_goes_on(self, data: st.DataObject, follow: str) -> None:
        call = self.pick(data, Place.OFFER)
        if call and call.offer:
            offer = call.offer.id
            self.tell(ev.OfferConnecting(call.id, offer, self.ms))
            if follow != "connecting":
                self.tell(ev.OfferRinging(call.id, offer, self.ms))
            if follow == "answered":
                self.tell(ev.OfferAnswered(call.id, offer, self.ms))

    @rule(data=st.data(), result=st.sampled_from(RESULTS), holds=st.booleans())
    def offer_ends(self, data: st.DataObject, result: OfferResult, holds: bool) -> None:
        call = self.pick(data, Place.OFFER)
        if call and call.offer:
            self.tell(ev.OfferEnded(call.id, call.offer.id, self.ms, result))
            if holds:
                self.tell(ev.CallHolding(call.id, self.ms))

    @rule(data=st.data(), kind=st.integers(0, 4), lag=st.integers(0, 5))
    def any_word_of_any_offer(self, data: st.DataObject, kind: int, lag: int) -> None:
        call = self.pick(data)
        if call and call.offers:
            offer = data.draw(st.sampled_from(list(call.offers)))
            at = self.ms - lag
            self.tell(
                [
                    ev.OfferConnecting(call.id, offer, at),
                    ev.OfferRinging(call.id, offer, at),
                    ev.OfferAnswered(call.id, offer, at),
                    ev.OfferEnded(call.id, offer, at, OfferResult.BUSY),
                    ev.TalkEnded(call.id, offer, at),
                ][kind]
            )

    @rule(data=st.data())
    def exit_is_taken(self, data: st.DataObject) -> None:
        call = self.pick(data, Place.EXIT)
        if call and call.leaving:
            self.tell(ev.OfferConnecting(call.id, call.leaving.offer, self.ms))

    @rule(data=st.data())
    def message_is_left(self, data: st.DataObject) -> None:
        call = self.pick(data, Place.EXIT)
        if call and call.leaving and call.leaving.to.voicemail:
            self.tell(ev.VoicemailLeft(call.id, self.ms, "voicemail/callcenter/100/INBOX/msg0000.wav", 16044, 1000))

    # -- talks -------------------------------------------------------------------------------------------------

    @rule(data=st.data(), kind=st.integers(0, 4))
    def in_talk(self, data: st.DataObject, kind: int) -> None:
        call = self.pick(data, Place.TALK)
        if call:
            talk = data.draw(st.sampled_from(list(call.talks)))
            self.tell(
                [
                    ev.HoldStarted(call.id, talk, self.ms),
                    ev.HoldEnded(call.id, talk, self.ms),
                    ev.TalkEnded(call.id, talk, self.ms),
                    ev.PartyLeft(call.id, call.talks[talk].device, self.ms),
                    ev.TalkEnded(call.id, talk, self.ms),
                ][kind]
            )

    @rule(data=st.data(), topic=st.sampled_from(["01", "01", "09"]), known=st.booleans(), mode=st.sampled_from(MODES))
    def hand_over(self, data: st.DataObject, topic: str, known: bool, mode: HandOverMode) -> None:
        call = self.pick(data, Place.TALK) or self.pick(data)
        if call:
            offer = next(iter(call.talks), None) if known else None
            self.tell(ev.HandOverAsked(call.id, offer, topic, mode, self.ms))

    @precondition(lambda self: any(c.offer and c.offer.is_invited for c in self.engine.calls.values()))
    @rule(data=st.data(), kind=st.integers(0, 5), result=st.sampled_from(RESULTS))
    def third_person(self, data: st.DataObject, kind: int, result: OfferResult) -> None:
        """What becomes of him whom a seat's leg rings."""
        call = next(c for c in self.engine.calls.values() if c.offer and c.offer.is_invited)
        assert call.offer is not None
        offer, seat = call.offer.id, next(iter(call.talks))
        self.tell(ev.OfferConnecting(call.id, offer, self.ms))
        self.tell(
            [
                ev.OfferRinging(call.id, offer, self.ms),
                ev.OfferAnswered(call.id, offer, self.ms),
                ev.OfferAnswered(call.id, offer, self.ms),
                ev.OfferEnded(call.id, offer, self.ms, result),
                ev.OfferEnded(call.id, offer, self.ms, result),
                ev.TalkEnded(call.id, seat, self.ms),
            ][kind]
        )

    @rule(data=st.data(), device=st.one_of(devices, st.sampled_from(["71", "72"])), has_leg=st.booleans())
    def joins(self, data: st.DataObject, device: str, has_leg: bool) -> None:
        call = self.pick(data)
        consults = list(self.engine._floor.consults)
        if call:
            consult = data.draw(st.sampled_from([None, *consults]))
            leg = f"{call.id.uniqueid}.1" if has_leg else ""
            self.tell(ev.PartyJoined(call.id, device, self.ms, consult, leg))

    @rule(data=st.data(), topic=st.sampled_from(["01", "01", "09"]))
    def consults(self, data: st.DataObject, topic: str) -> None:
        """A phone asks for a specialist, mostly that of a seat who talks."""
        call = self.pick(data, Place.TALK)
        device = next(iter(call.talks.values())).device if call else data.draw(devices)
        self.names += 1
        self.tell(ev.ConsultAsked(CallId("x", f"k{self.names}"), device, topic, self.ms))

    @precondition(lambda self: self.engine._floor.consults)
    @rule(data=st.data(), ends=st.booleans())
    def consult_goes_on(self, data: st.DataObject, ends: bool) -> None:
        consult = data.draw(st.sampled_from(list(self.engine._floor.consults)))
        known = self.engine._floor.consults[consult]
        if ends:
            self.tell(ev.ConsultEnded(consult, self.ms))
        else:
            self.tell(ev.ConsultAsked(consult, known.talk.device, known.asked.topic, self.ms))

    # -- agents ------------------------------------------------------------------------------------------------

    @rule(agent=agents, device=devices)
    def logs_in(self, agent: str, device: str) -> None:
        self.tell(ev.AgentLoggedIn(agent, device, self.ms))

    @rule(agent=agents, kind=st.integers(0, 6))
    def says(self, agent: str, kind: int) -> None:
        self.tell(
            [
                ev.AgentReady(agent, self.ms),
                ev.AgentNotReady(agent, self.ms, "break"),
                ev.WrapUpEnded(agent, self.ms),
                ev.WrapUpExtended(agent, self.ms),
                ev.AgentLoggedOut(agent, self.ms),
                ev.AgentReady(agent, self.ms),
                ev.AgentNotReady(agent, self.ms, "write_up"),
            ][kind]
        )

    # -- the supervisor's hand -------------------------------------------------------------------------------------

    @rule(agent=agents, act=st.sampled_from([Act.AGENT_READY, Act.AGENT_NOT_READY, Act.AGENT_LOGOUT]))
    def agent_is_ordered(self, agent: str, act: Act) -> None:
        self.tell(ev.AgentOrdered(agent, act, self.ms))

    @rule(
        code=st.sampled_from([one.code for one in LINES]),
        state=st.sampled_from([LineState.OPEN, *LineState]),
        to=st.sampled_from([Exit(line="r"), Exit(line="o"), Exit(number="700"), None]),
    )
    def line_is_ordered(self, code: str, state: LineState, to: Exit | None) -> None:
        self.tell(ev.LineOrdered(code, state, self.ms, to))

    @rule(data=st.data(), agent=st.one_of(st.none(), agents), code=st.sampled_from([one.code for one in LINES]))
    def call_is_moved(self, data: st.DataObject, agent: str | None, code: str) -> None:
        call = self.pick(data, Place.WAITING, Place.TALK, Place.MENU) or self.pick(data)
        if call:
            self.tell(ev.CallMoved(call.id, self.ms, None if agent else code, agent))

    @rule(device=st.one_of(devices, st.sampled_from(["71", "72"])), state=st.sampled_from(DeviceState))
    def phone_says(self, device: str, state: DeviceState) -> None:
        self.tell(ev.DeviceChanged(device, state, self.ms))

    @rule(device=devices)
    def dials_out(self, device: str) -> None:
        self.names += 1
        self.tell(ev.OutboundStarted(CallId("x", f"o{self.names}"), device, "555", None, self.ms))

    @precondition(lambda self: self.engine._floor.outbound)
    @rule(data=st.data(), ends=st.booleans())
    def outbound_goes_on(self, data: st.DataObject, ends: bool) -> None:
        call = data.draw(st.sampled_from(list(self.engine._floor.outbound)))
        if ends:
            self.tell(ev.OutboundEnded(call, self.ms, EndedBy.AGENT, "BUSY"))
        else:
            self.tell(ev.OutboundAnswered(call, self.ms))

    # -- time, links, plans ------------------------------------------------------------------------------------

    @rule(dt=st.sampled_from([0.001, 0.2, 0.5, 1.0, 3.0, 5.0, 20.0, 40.0]))
    def time_passes(self, dt: float) -> None:
        until = self.now + dt
        while (due := self.engine.next_deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            step = self.engine.advance(self.now)
            assert self.twin.advance(self.now) == step
            self.check_diary(step)
            oracle.check_state(self.engine)
        self.now = until

    @rule(data=st.data(), reconnects=st.booleans())
    def link_is_lost_and_back(self, data: st.DataObject, reconnects: bool) -> None:
        self.tell(ev.LinkLost("x", self.ms))
        if reconnects:
            self.snapshot(data)

    @precondition(lambda self: not self.engine._floor.up)
    @rule(data=st.data())
    def link_comes_back(self, data: st.DataObject) -> None:
        self.snapshot(data)

    def snapshot(self, data: st.DataObject) -> None:
        for call in list(self.engine.calls.values()):
            if data.draw(st.integers(0, 4)):
                self.found(data, call)
        if data.draw(st.booleans()):
            self.names += 1
            self.tell(self.found_event(data, CallId("x", f"f{self.names}"), None))
        self.tell(ev.SnapshotDone("x", self.ms))

    @rule(data=st.data())
    def probe_is_answered(self, data: st.DataObject) -> None:
        call = self.pick(data)
        if call:
            self.found(data, call)

    def found(self, data: st.DataObject, call: Call) -> None:
        self.tell(self.found_event(data, call.id, call))

    def found_event(self, data: st.DataObject, call_id: CallId, call: Call | None) -> ev.CallFound:
        place = data.draw(st.sampled_from(PLACES))
        offer, number, kind = None, data.draw(devices), "endpoint"
        if place in ("offer", "talk"):
            if call is not None and call.offers and data.draw(st.integers(0, 3)):
                offer = data.draw(st.sampled_from(list(call.offers)))
                number = call.offers[offer].device
            else:
                self.names += 1
                self.offers_of_before = True
                offer, number = f"0-{self.names}", data.draw(st.sampled_from([number, "71"]))
        elif place == "exit":
            offer, kind, number = "0-0", "reject", "full"
        return ev.CallFound(
            call_id,
            self.ms,
            place,
            self.ms - 9000 if call is None else call.arrived_ms,
            self.ms - 8000 if place != "menu" else None,
            self.ms - 9000 if call is None else call.score_ms,
            "g",
            "1",
            data.draw(callers) if call is None else call.caller_number,
            offer=offer,
            kind=kind,
            number=number,
            first_answered_ms=self.ms if place == "talk" else None,
            parties=self.found_parties(data, offer, number, call) if place == "talk" else (),
            is_insured=place == "talk" and self.insures(data),
        )

    def insures(self, data: st.DataObject) -> bool:
        """Sometimes a wish for hold lies on a caller, of a hand-over that another epoch may have opened."""
        insured = data.draw(st.integers(0, 4)) == 0
        self.offers_of_before |= insured
        return insured

    def found_parties(
        self, data: st.DataObject, offer: str | None, number: str, call: Call | None
    ) -> tuple[ev.FoundParty, ...]:
        """The first, and sometimes another one, who talks or is rung."""
        found = [ev.FoundParty(offer, number, True, "x.2")]
        known = [] if call is None else [one for one in call.offers if one != offer]
        kind = data.draw(st.integers(0, 5))
        if kind < 3:
            self.names += 1
            other = data.draw(st.sampled_from([None, f"0-{self.names}", *known]))
            device = call.offers[other].device if call is not None and other in known else data.draw(devices)
            self.offers_of_before = True
            found.append(ev.FoundParty(other, device, kind < 2, f"x.{self.names}"))
        return tuple(found)

    @rule()
    def service_is_killed_and_starts_again(self) -> None:
        """A new engine is told what the store and the channels hold: same order, same clocks, nobody logs in again."""
        old = self.engine
        waiting = {call.id: (call.score_ms, call.queued_ms) for call in old.calls.values() if call.counted}
        ready = {agent.number: agent.ready_ms for agent in old.agents if agent.presence is Presence.READY}
        self.epoch += 1
        self.engine, self.twin = Engine(old.plan, self.epoch), Engine(old.plan, self.epoch)
        self.forget_what_a_kill_forgets()
        for code, order in old._floor.orders.items():
            self.tell(ev.LineOrdered(code, order.state, order.since_ms, order.to, is_restored=True))
        for device, state in old._floor.roster.device_states.items():
            self.tell(ev.DeviceChanged(device, state, self.ms))
        for agent in old.agents:
            self.tell(
                ev.AgentRestored(
                    agent.number,
                    agent.device,
                    agent.presence,
                    agent.reason,
                    agent.since_ms,
                    agent.ready_ms,
                    agent.until_ms,
                    agent.misses,
                    self.ms,
                    agent.wants,
                )
            )
        for call in old.calls.values():
            self.tell(self.told_by_channel(call))
        for known in self.engine.calls.values():
            if known.id in waiting and known.counted:
                assert (known.score_ms, known.queued_ms) == waiting[known.id]
        assert ready == {a.number: a.ready_ms for a in self.engine.agents if a.number in ready}
        self.tell(ev.SnapshotDone("x", self.ms))
        oracle.check_state(self.engine)

    def left_open(self, call: CallId) -> None:
        """A call ended and nobody saw how: nor does anybody say how its offer and its hand-over ended."""
        self.given_up.add(self.open.get(call, ""))
        self.handovers[call] = 0

    def forget_what_a_kill_forgets(self) -> None:
        """Offers and talks of before go on or are closed by others; those of calls dialled out too."""
        self.offers_of_before = True
        self.offers = dict.fromkeys(self.offers, False)
        self.given_up |= set(self.offers)
        self.talks.clear()
        self.handovers.clear()
        self.instants.clear()
        self.open.clear()
        self.blocked.clear()  # who is found is judged anew, by the plan in force
        self.opened -= {call for call in self.opened - self.closed if call.uniqueid.startswith("o")}

    def told_by_channel(self, call: Call) -> ev.CallFound:
        place, offer, kind, number = "rest", None, "", ""
        if call.talks:
            talk = next(iter(call.talks.values()))
            place, offer, number = "talk", talk.id, talk.device
        elif call.offer is not None and call.offer.has_connected:
            place, offer, number = "offer", call.offer.id, call.offer.device
        elif call.place is Place.MENU:
            place = "menu"
        elif call.place is Place.FALLBACK:
            place = "fallback"
        elif call.leaving is not None and call.leaving.is_confirmed:
            place, offer = "exit", call.leaving.offer
            kind, number = KINDS[call.leaving.to.line is not None, call.leaving.to.voicemail, call.leaving.to.number]
        return ev.CallFound(
            call.id,
            self.ms,
            place,
            call.arrived_ms,
            call.queued_ms,
            call.score_ms,
            call.line.code,
            call.did,
            call.caller_number,
            offer=offer,
            kind=kind,
            number=number,
            first_answered_ms=self.ms if call.is_answered else None,
            parties=self.parties_of(call),
            is_insured=call.handover is not None and call.handover.seat is not None,
        )

    @staticmethod
    def parties_of(call: Call) -> tuple[ev.FoundParty, ...]:
        """Everybody who is with a caller, and the third who is rung."""
        if not call.talks:
            return ()
        found = [ev.FoundParty(talk.id, talk.device, True) for talk in call.talks.values()]
        if call.offer is not None and call.offer.is_invited and call.offer.has_connected:
            found.append(ev.FoundParty(call.offer.id, call.offer.device, False))
        return tuple(found)

    @rule(smaller=st.booleans())
    def plan_changes(self, smaller: bool) -> None:
        self.tell(ev.PlanChanged(SMALLER if smaller else PLAN, self.ms))

    @invariant()
    def state_holds(self) -> None:
        oracle.check_state(self.engine)
        assert repr(self.engine).startswith("<Engine")

    def teardown(self) -> None:
        """Everybody hangs up: nothing may be left over."""
        for call in list(self.engine.calls):
            self.tell(ev.CallerGone(call, self.ms, EndedBy.CALLER))
        for call in list(self.engine._floor.outbound):
            self.tell(ev.OutboundEnded(call, self.ms, EndedBy.AGENT))
        assert self.opened == self.closed
        open_ = {offer for offer, is_closed in self.offers.items() if not is_closed}
        assert open_ <= self.given_up, "an offer without a result"
        assert not any(self.talks.values()), "a talk that never ended"
        assert not any(self.handovers.values())
        self.tell(ev.LinkLost("x", self.ms))
        self.tell(ev.SnapshotDone("x", self.ms))
        for agent in self.engine.agents:
            assert agent.presence not in (Presence.RINGING, Presence.TALKING, Presence.HOLD, Presence.DIALLING)


TestFloors = Floors.TestCase
TestFloors.settings = settings(
    max_examples=300, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
