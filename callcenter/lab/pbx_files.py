"""The private tree of a lab's Asterisk: what is written before it starts.

Base files come from `callcenter/lab/etc` (`@name@` is filled in). What an operator includes, the files of
`config/asterisk`, is copied beside them unchanged and included by the rule of its name: `queues_callcenter.conf` at the
end of `queues.conf`. So the tests run exactly what is shipped.
"""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from callcenter.lab.errors import LabError
from callcenter.lab.installation import Installation
from callcenter.lab.tones import HOLD_NOTES_HZ, PROMPT_NOTES_HZ, write_tune

BASE = Path(__file__).resolve().parent / "etc"
SHIPPED = Path(__file__).resolve().parents[2] / "config" / "asterisk"
_SUFFIX = "_callcenter"
_PLACE = re.compile(r"@(\w+)@")
_FOLDERS = ("etc", "lib/keys", "data/moh", "data/sounds/en", "data/agi-bin", "spool/outgoing", "spool/monitor", "run", "cache")
_PHONE = """\
[{number}](phone)
aors = {number}
auth = {number}
callerid = {number} <{number}>
[{number}](phone-aor)
[{number}](phone-auth)
username = {number}
password = {secret}
"""
_FALLBACK_MANAGER = """\
[{name}]
secret = {secret}
deny = 0.0.0.0/0.0.0.0
permit = 127.0.0.0/255.0.0.0
read = call,agent,user
write = call,agent,user,reporting
writetimeout = 5000
"""
_FALLBACK_DIALPLAN = """
[{inbound_context}]
exten => _X.,1,Answer(,i)
 same => n,MusicOnHold()
[{phone_context}]
exten => _X.,1,Dial(PJSIP/${{EXTEN}},30)
"""


@dataclass(frozen=True, slots=True)
class PbxPlan:
    """What one private Asterisk is made of."""

    folder: Path
    installation: Installation
    systemname: str
    sip_port: int
    ami_port: int
    outside_port: int
    rtp_first: int
    rtp_last: int
    inbound_context: str
    phone_context: str
    phones: Mapping[str, str]
    """Number (endpoint name) -> secret."""
    managers: Mapping[str, str]
    """AMI user -> secret; `lab` is the tests' own."""
    dialplan: str = ""
    """More dialplan, appended to extensions.conf."""
    shipped: Path = SHIPPED
    extra: Mapping[str, str] = field(default_factory=dict)
    """File name -> text appended to it."""


def write_tree(plan: PbxPlan) -> None:
    """Write the whole tree below `plan.folder`."""
    for name in _FOLDERS:
        (plan.folder / name).mkdir(parents=True, exist_ok=True)
    # Rows of cel_custom are lost without a word when its folder is missing.
    for name in ("cel-custom", "cdr-custom", "cdr-csv"):
        (plan.folder / "log" / name).mkdir(parents=True, exist_ok=True)
    documentation = plan.folder / "data" / "documentation"
    if not documentation.is_symlink():
        documentation.symlink_to(plan.installation.documentation)
    write_tune(plan.folder / "data" / "moh" / "hold.wav", HOLD_NOTES_HZ)
    shipped = sorted(plan.shipped.glob("*.conf")) if plan.shipped.is_dir() else []
    for path in shipped:
        shutil.copyfile(path, plan.folder / "etc" / path.name)
    included = {path.name for path in shipped}
    values = _values(plan, included)
    for path in sorted(BASE.glob("*.conf")):
        text = _filled(path, values)
        (plan.folder / "etc" / path.name).write_text(text + _ending(plan, path.name, included), encoding="utf-8")
    others = {name for name in plan.extra if not (BASE / name).exists()}
    others |= {name.replace(_SUFFIX, "") for name in included if _SUFFIX in name and not (BASE / name.replace(_SUFFIX, "")).exists()}
    for name in sorted(others):
        (plan.folder / "etc" / name).write_text(_ending(plan, name, included), encoding="utf-8")


def write_prompts(plan: PbxPlan, names: tuple[str, ...]) -> None:
    """Write a short tone for each prompt name (`callcenter/away`, `beep`), so that Playback has something to play."""
    for name in names:
        path = plan.folder / "data" / "sounds" / "en" / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_tune(path, PROMPT_NOTES_HZ, 0.15)


def _ending(plan: PbxPlan, name: str, included: set[str]) -> str:
    text = ""
    shipped = name.replace(".conf", f"{_SUFFIX}.conf")
    if shipped in included:
        text += f'\n#include "{shipped}"\n'
    elif name == "extensions.conf":
        text += _FALLBACK_DIALPLAN.format(inbound_context=plan.inbound_context, phone_context=plan.phone_context)
    if name == "manager.conf" and shipped in included:
        # The shipped users come without a usable secret: ours is added to the section of each.
        for user, secret in plan.managers.items():
            if user != "lab":
                text += f"\n[{user}](+)\nsecret = {secret}\n"
    if name == "extensions.conf":
        text += f"\n{plan.dialplan}\n"
    return text + plan.extra.get(name, "")


def _values(plan: PbxPlan, included: set[str]) -> dict[str, str]:
    users = (user for user in plan.managers if user != "lab")
    managers = (
        "" if f"manager{_SUFFIX}.conf" in included
        else "\n".join(_FALLBACK_MANAGER.format(name=user, secret=plan.managers[user]) for user in users)
    )
    return {
        "folder": str(plan.folder),
        "modules": str(plan.installation.modules),
        "systemname": plan.systemname,
        "sip_port": str(plan.sip_port),
        "ami_port": str(plan.ami_port),
        "outside_port": str(plan.outside_port),
        "rtp_first": str(plan.rtp_first),
        "rtp_last": str(plan.rtp_last),
        "inbound_context": plan.inbound_context,
        "phone_context": plan.phone_context,
        "phones": "\n".join(_PHONE.format(number=number, secret=secret) for number, secret in plan.phones.items()),
        "secret_lab": plan.managers["lab"],
        "managers": managers,
    }


def _filled(path: Path, values: Mapping[str, str]) -> str:
    def value(place: re.Match[str]) -> str:
        if place[1] not in values:
            raise LabError(f"{path}: nothing is known to fill in for {place[0]}")
        return values[place[1]]

    return _PLACE.sub(value, path.read_text(encoding="utf-8"))
