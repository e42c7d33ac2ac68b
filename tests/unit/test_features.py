"""What agents say by feature code, and what their phones hear."""

from dataclasses import replace

import pytest

from acd import events as e
from acd.plan import AgentSpec
from agents.login import LOCK_S, MAX_WRONG, LoginGuard, pin_sha1_of, proof_of
from callcenter.asterisk.told import FeatureUsed
from callcenter.features import Features
from callcenter.storage.live_state import MemoryLiveState
from tests.scenarios.world import PLAN

PIN_SHA1 = pin_sha1_of("1001", "246813")
PHONE = "d1"


class Desk:
    """Feature codes over fakes; `state` outlives a desk as the store outlives a process."""

    def __init__(self, state: MemoryLiveState | None = None) -> None:
        self.plan = replace(
            PLAN,
            agents={
                **PLAN.agents,
                "1001": AgentSpec("1001", "A", {}, PIN_SHA1),
                "1002": AgentSpec("1002", "B", {}, ""),
            },
            not_ready_reasons={"1": "break", "2": "meeting"},
        )
        self.now = 1_700_000_000.0
        self.state = state if state is not None else MemoryLiveState()
        self.at: dict[str, str] = {}
        self.told: list[e.Event] = []
        self.replies: list[tuple[str, str]] = []
        self.features = Features(
            plan=lambda: self.plan,
            guard=LoginGuard(),
            agent_at=self.at.get,
            tell=self.told.append,
            reply=lambda channel, word: self.replies.append((channel, word)),
            now=lambda: self.now,
            kept=self.state,
        )
        self._calls = 0

    def dial(self, code: str, **more: str) -> str:
        self._calls += 1
        self.features.used(FeatureUsed("pbx1", f"p.{self._calls}", 5, code, PHONE, **more))
        channel, word = self.replies[-1]
        assert channel == f"p.{self._calls}"
        assert len(self.replies) == self._calls, "one reply for each code"
        return word

    def log_in(self, agent: str = "1001", pin: str = "246813") -> str:
        proof = proof_of(f"p.{self._calls + 1}", pin_sha1_of(agent, pin))
        return self.dial("login", agent=agent, proof=proof)


def test_agent_logs_in_with_his_pin_he_is_told_to_the_engine() -> None:
    desk = Desk()
    assert desk.log_in() == "ok"
    assert desk.told == [e.AgentLoggedIn("1001", PHONE, 5)]


@pytest.mark.parametrize(("agent", "pin"), [("1001", "000000"), ("9999", "246813"), ("", ""), ("1002", "246813")])
def test_wrong_pin_unknown_agent_and_agent_without_pin_hear_the_same(agent: str, pin: str) -> None:
    desk = Desk()
    assert desk.log_in(agent, pin) == "wrong"
    assert desk.told == []


def test_proof_of_another_channel_is_wrong() -> None:
    desk = Desk()
    assert desk.dial("login", agent="1001", proof=proof_of("p.77", PIN_SHA1)) == "wrong"


def test_five_wrong_ones_lock_the_number_for_ten_minutes() -> None:
    desk = Desk()
    assert [desk.log_in(pin="000000") for _ in range(MAX_WRONG)] == ["wrong"] * MAX_WRONG
    assert desk.log_in() == "locked"
    desk.now += LOCK_S - 1
    assert desk.log_in() == "locked"
    desk.now += 2
    assert desk.log_in() == "ok"


def test_service_is_killed_the_lock_and_its_end_hold() -> None:
    before = Desk()
    for _ in range(MAX_WRONG):
        before.log_in(pin="000000")
    after = Desk(before.state)
    assert after.log_in() == "locked"
    after.now += LOCK_S + 1
    assert after.log_in() == "ok"
    assert after.state.values("login:") == {}


def test_service_is_killed_between_wrong_ones_they_still_add_up() -> None:
    state = MemoryLiveState()
    for _ in range(MAX_WRONG):
        assert Desk(state).log_in(pin="000000") == "wrong"
    assert Desk(state).log_in() == "locked"


def test_right_pin_forgets_the_wrong_ones_also_in_the_store() -> None:
    desk = Desk()
    desk.log_in(pin="000000")
    assert desk.state.values("login:") != {}
    desk.log_in()
    assert desk.state.values("login:") == {}


@pytest.mark.parametrize("rubbish", ["", "x", "5", "5 x", "² 3", "-1 0"])
def test_rubbish_in_the_store_is_nothing(rubbish: str) -> None:
    state = MemoryLiveState()
    state.put("login:1001", rubbish)
    assert Desk(state).log_in() == "ok"


def test_not_ready_takes_the_reason_of_the_digit() -> None:
    desk = Desk()
    desk.at[PHONE] = "1001"
    assert desk.dial("not_ready", reason="2") == "ok"
    assert desk.told == [e.AgentNotReady("1001", 5, "meeting")]
    assert desk.dial("not_ready", reason="7") == "plan"
    assert desk.dial("not_ready", reason="") == "plan"
    assert len(desk.told) == 1


@pytest.mark.parametrize("code", ["logout", "ready", "not_ready", "wrapup_end", "wrapup_extend"])
def test_nobody_logged_in_at_the_phone_hears_so(code: str) -> None:
    desk = Desk()
    assert desk.dial(code, reason="1") == "state"
    assert desk.told == []


def test_codes_of_a_logged_in_agent_are_told() -> None:
    desk = Desk()
    desk.at[PHONE] = "1001"
    for code in ("ready", "wrapup_end", "wrapup_extend", "logout"):
        assert desk.dial(code) == "ok"
    assert desk.told == [
        e.AgentReady("1001", 5),
        e.WrapUpEnded("1001", 5),
        e.WrapUpExtended("1001", 5, 60.0),
        e.AgentLoggedOut("1001", 5),
    ]


def test_test_call_is_ok_and_an_unknown_code_is_told_so() -> None:
    desk = Desk()
    assert desk.dial("test") == "ok"
    assert desk.dial("dance") == "plan"
    assert desk.told == []
