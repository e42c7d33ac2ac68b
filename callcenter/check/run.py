"""Runs all checks, within a deadline whatever hangs, and gives their findings in the order of the table.

Theory: checks that need no session run beside the two log-ins; the others after them, all at once, on the two sessions. So
the whole takes as long as its slowest two steps. A check that is late or fails in a way of its own is a finding too.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from callcenter.asterisk.errors import AmiError
from callcenter.check import host, pbx
from callcenter.check.cel import check_cel
from callcenter.check.finding import Finding, Refused, Scene, State
from callcenter.check.recordings import check_recordings
from callcenter.check.redis import check_redis
from callcenter.check.sounds import check_sounds
from callcenter.check.voicemail import check_voicemail
from config.errors import PlanError, SettingsError
from config.plan import PlanFile, read_plan
from config.settings import Settings, unknown_variables

CHECK_S = 5.5
"""Longest that one check may take. Both steps and the log-ins between them end within 15 s."""
CLOSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the table."""

    item: str
    look: Callable[[Scene], Awaitable[Finding]]
    needs_pbx: bool = True
    """Needs the session for actions."""


TABLE = (
    Check("state", host.check_state, needs_pbx=False),
    Check("http", host.check_http, needs_pbx=False),
    Check("database", host.check_database, needs_pbx=False),
    Check("redis", check_redis, needs_pbx=False),
    Check("host name", host.check_name, needs_pbx=False),
    Check("ami", pbx.check_ami, needs_pbx=False),
    Check("log-in actions", pbx.check_actions_login, needs_pbx=False),
    Check("log-in events", pbx.check_events_login, needs_pbx=False),
    Check("privileges", pbx.check_privileges),
    Check("events", pbx.check_events),
    Check("asterisk", pbx.check_version),
    Check("system name", pbx.check_system_name),
    Check("dialplan", pbx.check_dialplan),
    Check("queues", pbx.check_queues),
    Check("phones", pbx.check_phones),
    Check("clock", pbx.check_clock),
    Check("leader", pbx.check_leader),
    Check("cel", check_cel, needs_pbx=False),
    Check("sounds", check_sounds),
    Check("recordings", check_recordings),
    Check("voicemail", check_voicemail),
)
_AFTER_LOGIN = frozenset({"log-in actions", "log-in events", "cel"})


def check_settings(settings: Settings) -> list[Finding]:
    """Return what is doubtful about settings that could be read."""
    do = "correct it in the environment or in .env"
    secrets = {str(error): None for error in (_problem_of(settings, name) for name in ("actions", "events")) if error}
    findings = [Finding("settings", State.FAIL, problem) for problem in secrets]
    findings += [Finding("settings", State.WARN, warning, do) for warning in unknown_variables()]
    findings += [Finding("settings", State.WARN, doubt) for doubt in settings.doubts]
    return findings or [Finding("settings", State.OK, "complete")]


def _problem_of(settings: Settings, session: str) -> SettingsError | None:
    try:
        pbx.login_of(settings, session)
    except SettingsError as error:
        return error
    return None


def check_plan(settings: Settings) -> tuple[PlanFile | None, list[Finding]]:
    """Return the plan (None when it is wrong), and every problem or warning as a line of its own."""
    try:
        found = read_plan(settings.plan)
    except PlanError as error:
        return None, [Finding("plan", State.FAIL, problem, "correct the plan") for problem in error.problems]
    if found.warnings:
        return found, [Finding("plan", State.WARN, warning, "look whether that is meant") for warning in found.warnings]
    says = f"{settings.plan}: {len(found.plan.lines)} lines, {len(found.plan.agents)} agents"
    return found, [Finding("plan", State.OK, says)]


async def check_all(scene: Scene, table: tuple[Check, ...] = TABLE) -> list[Finding]:
    """Look at everything but settings and plan; returns the findings in the table's order."""
    first = {check: asyncio.create_task(_within(check, scene)) for check in table if _is_first(check)}
    ami = next((task for check, task in first.items() if check.item == "ami"), None)
    links = []
    if ami is None or (await ami).state is State.OK:
        links = await pbx.log_in(scene)
    else:
        scene.refusals = dict.fromkeys(("actions", "events"), "")
    try:
        later = {check: asyncio.create_task(_within(check, scene)) for check in table if not _is_first(check)}
        tasks = first | later
        return [await tasks[check] for check in table]
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await asyncio.gather(*(link.close() for link in links))


def _is_first(check: Check) -> bool:
    return not check.needs_pbx and check.item not in _AFTER_LOGIN


async def _within(check: Check, scene: Scene) -> Finding:
    if scene.refusals.get("actions") == "" and (check.needs_pbx or check.item.startswith("log-in")):
        return Finding(check.item, State.SKIPPED, "not checked: Asterisk does not answer")
    if check.needs_pbx and scene.actions is None:
        return Finding(check.item, State.SKIPPED, "not checked: no log-in")
    try:
        async with asyncio.timeout(CHECK_S):
            return await check.look(scene)
    except Refused as error:
        return Finding(check.item, State.SKIPPED, f"not checked: {error} is not permitted")
    except TimeoutError:
        return Finding(
            check.item, State.FAIL, f"no answer within {CHECK_S:g} s", "look whether that host is overloaded"
        )
    except AmiError as error:
        return Finding(check.item, State.FAIL, f"Asterisk: {error}", "look at Asterisk's log")
    except OSError as error:
        return Finding(check.item, State.FAIL, f"cannot be looked at: {error}", "look at this host's log")
