"""Carries the engine's commands out on one PBX, over the session for actions.

Theory: a command becomes one to four AMI actions in a single write and returns at once; what became of it is learned from
the events of its effect. Only a refusal comes back from here, as `OfferEnded(failed)`, and never before `execute` has
returned: by the PBX ("No such channel"), by the link (no session), or by ourselves (a number that no wish can hold). A wish
is `Setvar CC_GO` followed by the digit that wakes; out of a talk, instead of the digit, the hang-up of the seat's leg (Dial
has option g: the caller goes on behind it and looks at the wish himself). A wish to be obeyed after a talk is marked so: one
that was meant for a caller at rest, and came when he had been dialled for already, must not send him on when he has talked.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Protocol

from acd import commands as c
from acd import events as e
from acd.names import CallId, OfferId, OfferResult
from callcenter.asterisk.errors import AmiBadValue, AmiDisconnected, AmiError
from callcenter.asterisk.hand_over_tag import hand_over_text
from callcenter.asterisk.message import Action, AmiMessage, AmiReply
from callcenter.asterisk.target import HOLD, INSURANCE, OUT, REJECT, SAY, VOICEMAIL, Target
from callcenter.asterisk.tracks import Tracks

TIMEOUT_S = 5.0
WAKE_DIGIT = "D"
MIRROR_PREFIX = "callcenter-"
AFTER_TALK = "CC_AFTER"
"""Mark of a wish that is obeyed behind a talk too."""
DEFAULT_QUEUE = "callcenter-default"
"""Where the dialplan sends a caller whose line has no queue (an Asterisk that was restarted knows no line): everybody serves it."""


class ActionLink(Protocol):
    """What the switch needs of an AMI link."""

    def send_many(self, actions: Sequence[Action], *, timeout_s: float = ...) -> "list[asyncio.Future[AmiReply]]":
        """Write actions at once; their answers in order. Raises AmiDisconnected (no session) or AmiBadValue, nothing written."""
        ...


class AsteriskSwitch:
    """The hands of the engine on one PBX."""

    def __init__(
        self,
        link: ActionLink,
        tracks: Tracks,
        epoch: Callable[[], int],
        label: Callable[[str, CallId], str],
        tell: Callable[[e.Event], None],
        now_ms: Callable[[], int],
        probe: Callable[[CallId], None],
        may_act: Callable[[], bool] = lambda: True,
    ) -> None:
        self._link = link
        self._tracks = tracks
        self._epoch = epoch
        self._label = label
        """(line code, call) -> what the agent's phone shows."""
        self._tell = tell
        self._now_ms = now_ms
        self._probe = probe
        self._members: dict[str, set[str]] = {}
        """Fallback queue members as pushed, or as found: device -> queues."""
        self._strangers: set[str] = set()
        """Devices found in the queues for whom no agent was mirrored since."""
        self._names: dict[str, str] = {}
        """Member name of each device, as pushed or found: the agent's number."""
        self._labelled: dict[CallId, str] = {}
        """CC_LABEL as written on each caller's channel."""
        self._may_act = may_act
        """False while it is not sure that we lead: actions are then refused here."""
        self.refused = 0
        """Actions that the PBX refused or did not answer."""

    def execute(self, command: c.Command) -> None:
        """Carry out one command; never raises for what the PBX does, never blocks."""
        match command:
            case c.OfferCall():
                target = Target(command.kind, command.number, command.offer, self._epoch(), command.ring_s)
                said = {"CC_JOB": command.announce} if command.announce else {}
                self._wish(command.call, target, command.line, command.release, said)
            case c.ExitCall():
                marks = {"CC_PROMPT": command.to.prompt or "", "CC_EXIT": command.reason.value}
                self._wish(command.call, self._way_out(command), "", None, marks)
            case c.ReturnCall():
                marks = {"CC_PROMPT": command.prompt} if command.prompt else {}
                target = Target(SAY if marks else HOLD, "0", command.offer, self._epoch(), 0)
                self._wish(command.call, target, "", command.release, marks)
            case c.WithdrawWish():
                self._send(_no_wish(command.call))
            case c.InviteParty():
                self._invite(command)
            case c.EndInvite():
                leg = self._tracks.leg_of(command.seat) if command.is_nobody else None
                told = [] if leg is None else [_setvar(leg.uniqueid, "CC_REPLY", "nobody")]
                self._send([*_no_wish(command.call), *told])
            case c.AnswerConsult(word=""):
                self._answer_consult(command)
            case c.AnswerConsult():
                self.reply(command.call.uniqueid, command.word)
            case c.HangUpLeg():
                self._hang_up_leg(command.offer)
            case c.ProbeCall():
                self._probe(command.call)
            case c.WakeCall():
                self._send([_wake(command.call.uniqueid)])
            case c.TagCall():
                tags = [_setvar(command.call.uniqueid, "CC_SCORE", str(command.score_ms))]
                if command.line is not None:
                    tags.append(_setvar(command.call.uniqueid, "CC_LINE", command.line))
                self._send(tags)
            case c.TagHandOver():
                self._send([_setvar(command.call.uniqueid, "CC_HANDOVER", hand_over_text(command))])
            case c.MirrorAgent():
                self._mirror(command)

    def mark_answered(self, call: CallId, at_ms: int) -> None:
        """Write on the channel that a person has answered: it must survive us, and is set once."""
        self._send([_setvar(call.uniqueid, "CC_ANSWERED", str(at_ms))])

    def reply(self, uniqueid: str, word: str, variables: Mapping[str, str] | None = None) -> None:
        """Answer a phone that waits on its own channel: with a word, and variables that are there before it."""
        values = {**(variables or {}), "CC_REPLY": word}
        self._send([*(_setvar(uniqueid, name, value) for name, value in values.items()), _wake(uniqueid)])

    def learn_members(self, events: Iterable[AmiMessage]) -> None:
        """Take the members of our fallback queues from the events of `QueueStatus`: they outlive us, and a restart of Asterisk."""
        self._labelled.clear()
        self._members.clear()
        self._names.clear()
        for message in events:
            queue, (technology, _, device) = message.get("Queue", ""), message.get("Location", "").partition("/")
            is_ours = message.event == "QueueMember" and queue.startswith(MIRROR_PREFIX)
            if is_ours and technology == "PJSIP" and message.get("Membership") == "dynamic":
                self._members.setdefault(device, set()).add(queue)
                self._names[device] = message.get("Name", "")
        self._strangers = set(self._members)

    def remove_strangers(self) -> None:
        """Take out of the fallback queues whoever is a member but was not mirrored since `learn_members`."""
        for device in sorted(self._strangers):
            self._mirror(c.MirrorAgent("", device, (), False, ""))
        self._strangers.clear()

    # --- wishes

    def prepare(self, call: CallId, line: str) -> None:
        """Write the label of a caller who waits ahead of his wish: one action less between a freed agent and his next call."""
        label = self._label(line, call)
        if self._labelled.get(call) != label:
            self._labelled[call] = label
            self._send([_setvar(call.uniqueid, "CC_LABEL", label)])

    def forget(self, call: CallId) -> None:
        """The caller's channel is gone."""
        self._labelled.pop(call, None)

    def _way_out(self, command: c.ExitCall) -> Target:
        to = command.to
        kind, digits = REJECT, command.reason.value
        if to.number is not None:
            kind, digits = OUT, to.number
        elif to.voicemail is not None:
            kind, digits = VOICEMAIL, to.voicemail
        elif to.line is not None:
            kind, digits = SAY, "0"
        return Target(kind, digits, command.offer, self._epoch(), 0)

    def _wish(
        self,
        call: CallId,
        target: Target,
        line: str,
        release: OfferId | None,
        marks: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Write a target, what else must stand on the channel by then (`marks`, and the label), and wake him."""
        if release is not None:
            marks = {**marks, AFTER_TALK: "1"}
        label = self._label(line, call) if line else ""
        is_labelled = not line or self._labelled.get(call) == label
        wish_at = len(marks) + (0 if is_labelled else 1)

        def failed(index: int, why: str) -> None:
            if index == wish_at:
                ended = e.OfferEnded(call, target.offer, self._now_ms(), OfferResult.FAILED, why)
                self._tell(ended)

        try:
            actions = [_setvar(call.uniqueid, name, value) for name, value in marks.items()]
            actions.append(_setvar(call.uniqueid, "CC_GO", str(target)))
        except AmiBadValue as error:
            self.refused += 1
            asyncio.get_running_loop().call_soon(failed, wish_at, str(error))
            return
        if not is_labelled:
            self._labelled[call] = label
            actions.insert(0, _setvar(call.uniqueid, "CC_LABEL", label))
        leg = self._tracks.leg_of(release) if release else None
        # a leg that is gone already: the caller is behind Dial, where he looks at the wish himself, or at rest again
        actions.append(_wake(call.uniqueid) if leg is None else _hangup(leg.uniqueid))
        self._send(actions, failed)

    def _invite(self, command: c.InviteParty) -> None:
        """Lay the wish for hold on the caller, then tell the seat's leg whom to ring."""

        reply_at = 2

        def failed(index: int, why: str) -> None:
            if index == reply_at:
                self._tell(e.OfferEnded(command.call, command.offer, self._now_ms(), OfferResult.FAILED, why))

        epoch, leg = self._epoch(), self._tracks.leg_of(command.seat)
        try:
            insurance = Target(HOLD, INSURANCE, command.insurance, epoch, 0)
            target = Target(command.kind, command.number, command.offer, epoch, command.ring_s)
            if leg is None:
                raise AmiDisconnected("the seat's leg is gone")
            actions = [
                _setvar(command.call.uniqueid, AFTER_TALK, "1"),
                _setvar(command.call.uniqueid, "CC_GO", str(insurance)),
                _setvar(leg.uniqueid, "CC_REPLY", str(target)),
            ]
        except AmiError as error:
            self.refused += 1
            asyncio.get_running_loop().call_soon(failed, reply_at, str(error))
            return
        self._send(actions, failed)

    def _answer_consult(self, command: c.AnswerConsult) -> None:
        try:
            target = str(Target(command.kind, command.number, command.offer, self._epoch(), command.ring_s))
        except AmiBadValue:
            self.refused += 1
            target = "nobody"  # a number that no target can hold: the plan's check should have said so
        self.reply(command.call.uniqueid, target)

    def _hang_up_leg(self, offer: OfferId) -> None:
        leg = self._tracks.leg_of(offer)
        if leg is not None:
            self._send([_hangup(leg.uniqueid)])

    def _send(self, actions: Sequence[Action], failed: Callable[[int, str], None] | None = None) -> None:
        loop = asyncio.get_running_loop()
        try:
            if not self._may_act():
                raise AmiDisconnected("not sure that we lead")
            futures = self._link.send_many(actions, timeout_s=TIMEOUT_S)
        except AmiError as error:
            self.refused += 1
            if failed is not None:
                for index in range(len(actions)):
                    loop.call_soon(failed, index, str(error))
            return
        for index, future in enumerate(futures):
            future.add_done_callback(partial(self._answered, index, failed))

    def _answered(
        self, index: int, failed: Callable[[int, str], None] | None, done: "asyncio.Future[AmiReply]"
    ) -> None:
        if done.cancelled():
            return
        error = done.exception()
        if error is None:
            reply = done.result()
            if reply.ok:
                return
            why = reply.text
        elif isinstance(error, AmiError):
            why = str(error)
        else:
            raise error
        self.refused += 1
        if failed is not None:
            failed(index, why)

    # --- the mirror in the PBX's own queues

    def _mirror(self, command: c.MirrorAgent) -> None:
        interface = f"PJSIP/{command.device}"
        wanted = {MIRROR_PREFIX + line for line in command.lines}
        if wanted:
            wanted.add(DEFAULT_QUEUE)
            self._strangers.discard(command.device)
        had = self._members.get(command.device, set())
        stale = had if self._names.get(command.device, command.agent) != command.agent else had - wanted
        kept = had - stale
        paused = "true" if command.paused else "false"
        actions: list[Action] = [
            {"Action": "QueueRemove", "Queue": queue, "Interface": interface} for queue in sorted(stale)
        ]
        actions += [
            {
                "Action": "QueueAdd",
                "Queue": queue,
                "Interface": interface,
                "MemberName": command.agent,
                "StateInterface": interface,
                "Paused": paused,
            }
            for queue in sorted(wanted - kept)
        ]
        if kept or (wanted and command.paused):  # who is added is added as he is; only a reason needs a word of its own
            actions.append(
                {"Action": "QueuePause", "Interface": interface, "Paused": paused, "Reason": command.reason or "none"}
            )
        if wanted:
            self._members[command.device] = wanted
            self._names[command.device] = command.agent
        else:
            self._members.pop(command.device, None)
            self._names.pop(command.device, None)
        if actions:
            self._send(actions)


def _no_wish(call: CallId) -> list[Action]:
    """Take back what lies on a caller, and its mark."""
    return [_setvar(call.uniqueid, name, "") for name in ("CC_GO", AFTER_TALK)]


def _setvar(uniqueid: str, name: str, value: str) -> Action:
    return {"Action": "Setvar", "Channel": uniqueid, "Variable": name, "Value": value}


def _wake(uniqueid: str) -> Action:
    return {"Action": "PlayDTMF", "Channel": uniqueid, "Digit": WAKE_DIGIT, "Receive": "true"}


def _hangup(uniqueid: str) -> Action:
    return {"Action": "Hangup", "Channel": uniqueid}
