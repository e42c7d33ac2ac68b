"""What a phone hears that wants to dial out, and what is remembered of last callers."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from acd.names import CallId, EndedBy, Via
from acd.plan import AgentSpec
from acd.records import CallClosed, CallOpened, Noted, PresenceChanged, Record, TalkClosed, TalkOpened
from agents.presence import Presence
from agents.roster import Agent
from callcenter.asterisk.told import DialAsked
from callcenter.dialouts import DialOuts
from callcenter.storage.live_state import MemoryLiveState
from tests.scenarios.world import PLAN

CALL = CallId("pbx1", "p-1.1")
AT = 1_700_000_000_000


class Desk:
    """Phones that ask, over fakes; `state` outlives a desk as the store outlives a process."""

    def __init__(self, state: MemoryLiveState | None = None) -> None:
        agents = {**PLAN.agents, "1001": AgentSpec("1001", "A", {}, "", outbound="general")}
        self.plan = replace(PLAN, agents=agents)
        self.state = state if state is not None else MemoryLiveState()
        self.at: dict[str, Agent] = {"d1": Agent("1001", "A", {}, 3)}
        self.replies: list[tuple[str, str, Mapping[str, str]]] = []
        self.records: list[Record] = []
        self.dialouts = DialOuts(
            plan=lambda: self.plan,
            agent_at=self.at.get,
            reply=lambda channel, word, values: self.replies.append((channel, word, values)),
            record=self.records.extend,
            kept=self.state,
        )

    def ask(self, number: str = "", device: str = "d1", is_call_back: bool = False) -> tuple[str, Mapping[str, str]]:
        self.dialouts.asked(DialAsked("pbx1", "p-9.9", AT, device, number, is_call_back))
        channel, word, values = self.replies[-1]
        assert channel == "p-9.9"
        return word, values

    def talk(self, number: str, call: CallId = CALL, at_ms: int = AT - 5000, kind: str = "seat") -> None:
        opened = CallOpened(call, at_ms - 100, "general", "12345", number, "", "", False, "default")
        talk = TalkOpened(call, "3-1", at_ms, "1001", kind, "d1", Via.ENGINE)
        closed = TalkClosed(call, "3-1", at_ms + 1000, 0)
        self.dialouts.observe([opened, talk, closed, CallClosed(call, at_ms + 1000, EndedBy.CALLER, None, "")])


def test_agent_may_and_the_variables_are_written_before_the_word() -> None:
    assert Desk().ask("02584001234") == ("ok", {"CC_OUT": "02584001234", "CC_LINE": "general"})


def test_number_denied_is_a_word_for_the_phone_and_a_note_with_who_what_and_why() -> None:
    desk = Desk()
    assert desk.ask("0012125550100") == ("outbound", {})
    assert desk.records == [Noted(AT, "outbound_refused", "1001 at d1: 0012125550100: denied")]


def test_nobody_at_the_phone_hears_another_word() -> None:
    desk = Desk()
    assert desk.ask("02584001234", device="d2") == ("login", {})
    assert desk.records == [Noted(AT, "outbound_refused", "nobody at d2: 02584001234: nobody")]


def test_last_caller_is_called_back_also_by_the_process_after_this_one() -> None:
    desk = Desk()
    desk.talk("+86 139-0000-0001")
    expected = ("ok", {"CC_OUT": "+8613900000001", "CC_LINE": "general", "CC_FOLLOWS": "p-1.1"})
    assert desk.ask(is_call_back=True) == expected
    assert Desk(desk.state).ask(is_call_back=True) == expected


def test_last_caller_is_he_who_talked_last_whatever_is_told_late() -> None:
    desk = Desk()
    desk.talk("13900000001")
    desk.talk("13900000002", CallId("pbx1", "p-0.5"), AT - 60_000)  # read in CEL afterwards
    assert desk.ask(is_call_back=True)[1]["CC_OUT"] == "13900000001"


def test_specialists_talks_and_calls_dialled_out_make_no_last_caller() -> None:
    desk = Desk()
    desk.talk("13900000001", kind="specialist")
    opened = CallOpened(CALL, AT, "general", "", "139", "", "", False, "default", direction="outbound", agent="1001")
    desk.dialouts.observe([opened, TalkOpened(CALL, "3-2", AT, "1001", "seat", "d1", Via.ENGINE)])
    assert desk.ask(is_call_back=True)[0] == "outbound"


def test_last_caller_is_forgotten_when_the_shift_ends() -> None:
    desk = Desk()
    desk.talk("13900000001")
    desk.dialouts.observe([PresenceChanged("1001", AT, Presence.LOGGED_OUT, "", None, 0, None, 0, False)])
    assert desk.ask(is_call_back=True)[0] == "outbound"
    assert desk.state.values("last_caller:") == {}


@pytest.mark.parametrize("rubbish", ["", "x", "a b c d e", "pbx1 p-1.1 1 2", "pbx1 p-1.1 ² 0 139"])
def test_rubbish_in_the_store_is_nobody(rubbish: str) -> None:
    state = MemoryLiveState()
    state.put("last_caller:1001", rubbish)
    assert Desk(state).ask(is_call_back=True)[0] == "outbound"
