"""Checks of Asterisk over AMI: port, both log-ins, privileges, events, dialplan, fallback queues, phones, clock, leader."""

import asyncio
import re
import secrets
import socket
import ssl
import time
from collections.abc import Callable

from pydantic import SecretStr

from callcenter.asterisk.errors import AmiError, AmiRefused
from callcenter.asterisk.leader import BEAT, STALE_S, parse_beat
from callcenter.asterisk.link import AmiLink
from callcenter.asterisk.message import AmiMessage, AmiReply
from callcenter.asterisk.settings import AmiSettings
from callcenter.asterisk.translate import KEPT_EVENTS
from callcenter.check.finding import Finding, Refused, Scene, State, beside
from config.dialplan import queue_name, shipped_version
from config.errors import SettingsError
from config.settings import AmiLogin, Settings

LINK_S = 3.5
EVENT_S = 1.5
NEEDED = (
    "CoreSettings CoreStatus DeviceStateList Getvar Hangup PlayDTMF QueueAdd QueuePause QueueRemove QueueSummary Setvar ShowDialPlan "
    "Status UserEvent"
).split()
"""Actions that the service uses, and those by which it is checked."""
CONTEXTS = ("callcenter-inbound", "callcenter-hold", "callcenter-take", "callcenter-phones", "callcenter-queue-exit")
MINIMUM = (22, 6)
OWN_STATE = "DEVICE_STATE(Custom:callcenter-check)"
CLOCK_S = 60.0
_NO_SECRET = "no secret"
_NO_SESSION = "not checked: no log-in"


async def check_ami(scene: Scene) -> Finding:
    """Whether an Asterisk answers at the manager port (over TLS where that is set)."""
    settings = scene.settings
    where = f"{settings.ami_host}:{settings.ami_port}"
    do = "start Asterisk, enabled=yes and bindaddr in manager.conf; or correct CALLCENTER_AMI_HOST, CALLCENTER_AMI_PORT"
    try:
        context = _settings_of(settings, AmiLogin("", SecretStr(""))).tls_context()
    except (OSError, ssl.SSLError) as error:
        do = "name the PEM file of the CA that signed Asterisk's certificate"
        return Finding("ami", State.FAIL, f"CALLCENTER_AMI_TLS_CA {settings.ami_tls_ca}: {error}", do)
    try:
        async with asyncio.timeout(LINK_S):
            await beside(lambda: socket.getaddrinfo(settings.ami_host, settings.ami_port))
            reader, writer = await asyncio.open_connection(settings.ami_host, settings.ami_port, ssl=context)
            try:
                banner = (await reader.readline()).decode("ascii", "replace").strip()
            finally:
                writer.close()
    except ssl.SSLError as error:
        do = "check CALLCENTER_AMI_TLS, CALLCENTER_AMI_TLS_CA and the certificate's name"
        return Finding("ami", State.FAIL, f"{where}: TLS failed: {error.reason or error}", do)
    except TimeoutError:
        return Finding("ami", State.FAIL, f"{where} does not answer within {LINK_S:g} s", do)
    except (OSError, ValueError) as error:
        return Finding("ami", State.FAIL, f"{where}: {error}", do)
    if not banner.startswith("Asterisk Call Manager/"):
        return Finding("ami", State.FAIL, f"{where} does not speak AMI", do)
    return Finding("ami", State.OK, f"{where}, {banner}{' over TLS' if context else ''}")


def _settings_of(settings: Settings, login: AmiLogin, keep: frozenset[str] = frozenset()) -> AmiSettings:
    return AmiSettings(
        host=settings.ami_host,
        port=settings.ami_port,
        username=login.username,
        secret=login.secret.get_secret_value(),
        keep=keep,
        tls=settings.ami_tls,
        tls_ca_file=settings.ami_tls_ca,
        connect_timeout_s=LINK_S,
        login_timeout_s=LINK_S,
    )


def login_of(settings: Settings, session: str) -> AmiLogin:
    """Return who logs in for `actions` or `events`. Raises SettingsError when there is no secret."""
    return settings.ami_login if session == "actions" else settings.ami_events_login


async def log_in(scene: Scene) -> list[AmiLink]:
    """Open both sessions into `scene`, or note why not; returns all links, to be closed."""
    links = []
    for name in ("actions", "events"):
        try:
            pair = login_of(scene.settings, name)
        except SettingsError:
            scene.refusals[name] = _NO_SECRET
            continue
        keep = KEPT_EVENTS if name == "events" else frozenset()
        links.append((name, AmiLink(_settings_of(scene.settings, pair, keep), on_event=scene.heard.append)))
    await asyncio.gather(*(_open(scene, name, link) for name, link in links))
    return [link for _, link in links]


async def _open(scene: Scene, name: str, link: AmiLink) -> None:
    await link.__aenter__()
    try:
        await link.wait_up(LINK_S)
    except AmiRefused as error:
        scene.refusals[name] = str(error)
    except AmiError as error:
        scene.refusals[name] = f"no session: {link.last_error or error}"
    else:
        if name == "actions":
            scene.actions = link
        else:
            scene.events = link


async def check_actions_login(scene: Scene) -> Finding:
    """Whether the manager user for actions is let in."""
    return _login(scene, "actions", scene.settings.ami_username, scene.actions, "CALLCENTER_AMI_SECRET")


async def check_events_login(scene: Scene) -> Finding:
    """Whether the manager user for events is let in."""
    settings = scene.settings
    own = settings.ami_events_username
    variable = "CALLCENTER_AMI_EVENTS_SECRET" if own else "CALLCENTER_AMI_SECRET"
    return _login(scene, "events", own or settings.ami_username, scene.events, variable)


def _login(scene: Scene, name: str, user: str, link: AmiLink | None, variable: str) -> Finding:
    if link is not None:
        return Finding(f"log-in {name}", State.OK, f"as {user}")
    if scene.refusals.get(name) == _NO_SECRET:
        return Finding(f"log-in {name}", State.SKIPPED, "not checked: no secret is set")
    do = f"compare {variable} with 'secret' of [{user}] in manager.conf, and its permit= with our address; 'manager reload'"
    return Finding(f"log-in {name}", State.FAIL, scene.refusals.get(name, "no session"), do)


async def _ask(scene: Scene, action: dict[str, str]) -> AmiReply:
    return _permitted(action, await scene.link.send(action))


async def _ask_list(scene: Scene, action: dict[str, str]) -> AmiReply:
    return _permitted(action, await scene.link.send_list(action))


def _permitted(action: dict[str, str], reply: AmiReply) -> AmiReply:
    if not reply.ok and "permission denied" in reply.text.lower():
        raise Refused(action["Action"])
    return reply


async def check_privileges(scene: Scene) -> Finding:
    """Whether the actions user may do what the service does: ListCommands names exactly what is permitted."""
    reply = await scene.link.send({"Action": "ListCommands"})
    allowed = {name.lower() for name in reply.message}
    # QueueSummary needs no privilege: where it is missing app_queue is, and the line of the queues says so.
    needed = [name for name in NEEDED if "queuesummary" in allowed or not name.startswith("Queue")]
    missing = [name for name in needed if name.lower() not in allowed]
    user = scene.settings.ami_username
    if missing:
        do = f"give [{user}] in manager.conf write=call,agent,user,reporting, 'manager reload'"
        return Finding("privileges", State.FAIL, f"{user} may not: {', '.join(missing)}", do)
    needless = [name for name in ("Command", "UpdateConfig", "Originate") if name.lower() in allowed]
    if needless:
        do = f"take system, config, command and originate out of write= of [{user}]"
        return Finding("privileges", State.WARN, f"{user} may more than it needs: {', '.join(needless)}", do)
    token = secrets.token_hex(4)
    await _ask(scene, {"Action": "Setvar", "Variable": "CC_CHECK", "Value": token})
    back = await _ask(scene, {"Action": "Getvar", "Variable": "CC_CHECK"})
    if back.message.get("Value") != token:
        return Finding("privileges", State.FAIL, "a global written is not read back", "look at Asterisk's log")
    return Finding("privileges", State.OK, f"{user} may do all {len(needed)} actions")


async def check_events(scene: Scene) -> Finding:
    """Whether events come to the second session, of both classes, stamped with the PBX's clock."""
    if scene.events is None:
        return Finding("events", State.SKIPPED, _NO_SESSION)
    user = scene.settings.ami_events_username or scene.settings.ami_username
    do = f"give [{user}] in manager.conf read=call,agent,user and the shipped eventfilter lines, 'manager reload'"
    token = secrets.token_hex(6)
    sent = await _ask(scene, {"Action": "UserEvent", "UserEvent": "CallcenterCheck", "Token": token})
    if not sent.ok:
        do = "load app_userevent.so"
        return Finding("events", State.FAIL, f"a test event was not taken: {sent.text}", do)
    seen = await _hear(scene, lambda message: message.get("Token") == token)
    if seen is None:
        return Finding("events", State.FAIL, f"a test event did not reach {user} within {EVENT_S:g} s", do)
    if seen.at_us is None:
        do = "set timestampevents=yes in [general] of manager.conf, 'manager reload'"
        return Finding("events", State.FAIL, "events carry no Timestamp", do)
    if not await _hears_calls(scene):
        return Finding("events", State.FAIL, f"{user} hears test events, but none of class call", do)
    return Finding("events", State.OK, f"reach {user}, with Timestamp")


async def _hears_calls(scene: Scene) -> bool:
    """Whether events of class call come: change a device state of the check's own. True where the PBX has no such."""
    now = (await _ask(scene, {"Action": "Getvar", "Variable": OWN_STATE})).message.get("Value", "")
    wanted = "NOT_INUSE" if now == "INUSE" else "INUSE"
    mark = len(scene.heard)
    await _ask(scene, {"Action": "Setvar", "Variable": OWN_STATE, "Value": wanted})
    set_to = (await _ask(scene, {"Action": "Getvar", "Variable": OWN_STATE})).message.get("Value", "")
    if set_to != wanted:
        return True  # func_devstate is not loaded: nothing to go by
    return await _hear(scene, lambda message: message.event == "DeviceStateChange", mark) is not None


async def _hear(scene: Scene, is_it: Callable[[AmiMessage], bool], since: int = 0) -> AmiMessage | None:
    deadline = time.monotonic() + EVENT_S
    while True:
        for message in scene.heard[since:]:
            if is_it(message):
                return message
        if time.monotonic() > deadline:
            return None
        await asyncio.sleep(0.02)


async def check_version(scene: Scene) -> Finding:
    """Whether this Asterisk is new enough."""
    said = (await _ask(scene, {"Action": "CoreSettings"})).message.get("AsteriskVersion", "")
    found = re.match(r"(?:certified[-/])?(\d+)\.(\d+)", said)
    if found is None:
        return Finding("asterisk", State.WARN, f"its version {said!r} cannot be read", "22.6 or newer is needed")
    if (int(found[1]), int(found[2])) < MINIMUM:
        return Finding("asterisk", State.FAIL, f"version {said}", "install Asterisk 22.6 or newer")
    return Finding("asterisk", State.OK, f"version {said}")


async def check_system_name(scene: Scene) -> Finding:
    """Whether the PBX has a name of its own: it is part of every call's key."""
    name = (await _ask(scene, {"Action": "CoreSettings"})).message.get("SystemName", "")
    if not name:
        do = "set systemname in [options] of asterisk.conf: calls of two PBXes could have equal keys without it"
        return Finding("system name", State.WARN, "none", do)
    return Finding("system name", State.OK, name)


async def check_dialplan(scene: Scene) -> Finding:
    """Whether our dialplan is loaded, in the version that this program ships."""
    wanted = shipped_version()
    include = "include extensions_callcenter.conf in extensions.conf, 'dialplan reload'"
    missing = [name for name in CONTEXTS if not await _has_context(scene, name)]
    if missing:
        return Finding("dialplan", State.FAIL, f"without context {', '.join(missing)}", include)
    version = (await _ask(scene, {"Action": "Getvar", "Variable": "CC_VERSION"})).message.get("Value", "")
    if version != wanted:
        do = "copy config/asterisk/extensions_callcenter.conf of this program to the PBX, 'dialplan reload'"
        return Finding("dialplan", State.FAIL, f"version {version or 'unknown'}, this program needs {wanted}", do)
    return Finding("dialplan", State.OK, f"version {version}")


async def _has_context(scene: Scene, name: str) -> bool:
    """Some versions answer a wrong context with success: only what is listed counts."""
    reply = await _ask_list(scene, {"Action": "ShowDialPlan", "Context": name})
    return any(one.get("Context") == name for one in reply.events)


async def check_queues(scene: Scene) -> Finding:
    """Whether each line has a fallback queue, for the time without the service."""
    if scene.plan is None:
        return Finding("queues", State.SKIPPED, "not checked: the plan is wrong")
    reply = await _ask_list(scene, {"Action": "QueueSummary"})
    if not reply.ok:
        do = "load app_queue.so: without it callers have no fallback while the service is away"
        return Finding("queues", State.FAIL, f"Asterisk has no queues: {reply.text}", do)
    there = {one.get("Queue", "") for one in reply.events}
    wanted = [queue_name("default"), *(queue_name(line) for line in scene.plan.plan.lines)]
    missing = [name for name in dict.fromkeys(wanted) if name not in there]
    if missing:
        sections = " ".join(f"[{name}](callcenter-queue)" for name in missing)
        do = f"add to queues.conf below the include: {sections}, 'queue reload all'"
        return Finding("queues", State.FAIL, f"no fallback queue {', '.join(missing)}", do)
    return Finding("queues", State.OK, f"{len(dict.fromkeys(wanted))} fallback queues")


async def check_phones(scene: Scene) -> Finding:
    """How many phones Asterisk knows and can reach."""
    reply = await _ask_list(scene, {"Action": "DeviceStateList"})
    states = [one.get("State", "") for one in reply.events if one.get("Device", "").startswith("PJSIP/")]
    if not states:
        do = "add endpoints with context=callcenter-phones to pjsip.conf"
        return Finding("phones", State.WARN, "Asterisk knows no PJSIP endpoint", do)
    away = sum(state in ("UNAVAILABLE", "INVALID", "UNKNOWN") for state in states)
    return Finding("phones", State.OK, f"{len(states)} endpoints, trunks included, {len(states) - away} reachable now")


async def check_clock(scene: Scene) -> Finding:
    """How far the PBX's clock and ours are apart. Records are on the PBX's; a difference only shows a clock that is wrong."""
    asked_at = time.time()
    at_us = (await _ask(scene, {"Action": "Ping"})).message.at_us
    if at_us is None:
        return Finding("clock", State.WARN, "Ping was answered without a Timestamp", "Asterisk 22.6 or newer is needed")
    ahead_s = at_us / 1e6 - (asked_at + time.time()) / 2
    says = f"the PBX's is {abs(ahead_s):.3f} s {'ahead of' if ahead_s > 0 else 'behind'} ours"
    if abs(ahead_s) > CLOCK_S:
        return Finding("clock", State.WARN, says, "let NTP set both hosts' clocks")
    return Finding("clock", State.OK, says)


async def check_leader(scene: Scene) -> Finding:
    """Which instance leads this PBX now, by its heartbeat."""
    ping = await _ask(scene, {"Action": "Ping"})
    reply = await _ask(scene, {"Action": "Getvar", "Variable": BEAT})
    beat = parse_beat(reply.message.get("Value", ""))
    now_s = (ping.message.at_us or time.time_ns() // 1000) / 1e6
    if beat is None or now_s - beat.second > STALE_S:
        return Finding("leader", State.OK, "none: free for us")
    try:
        own = (scene.settings.state_dir / "instance").read_text(encoding="ascii").strip()
    except OSError:
        own = ""
    if own and beat.instance.endswith(f"-{own}"):
        return Finding("leader", State.OK, f"{beat.instance}, the service of this state folder")
    if scene.settings.redis_url is not None:
        return Finding("leader", State.OK, f"{beat.instance}: 'callcenter serve' would stand by for it")
    do = "stop it, or point this one at another PBX: 'callcenter serve' would end with exit code 4"
    return Finding("leader", State.WARN, f"held by another instance, {beat.instance}", do)
