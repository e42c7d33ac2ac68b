"""Who plays in the demo: two lines, ten seats, four policy specialists, and the phones they sit at.

A seat is not a phone: seat 8001 logs in at phone 1001. The specialists have phones but no log-in. Names are invented.
"""

from callcenter.lab.site import Seat

GENERAL_DID = "12345"
ENTERPRISE_DID = "12346"
DIDS = {"general": GENERAL_DID, "enterprise": ENTERPRISE_DID}
TOPICS = {"01": "税务 Tax", "02": "社保 Social insurance", "03": "劳动 Labour", "04": "市场监管 Market"}

RING_S = 5
WRAPUP_S = {"general": 3, "enterprise": 4}

_SEATS = (
    ("8001", "王芳", {"general": 2}),
    ("8002", "李伟", {"general": 1}),
    ("8003", "张敏", {"general": 3}),
    ("8004", "刘洋", {"general": 1}),
    ("8005", "陈静", {"general": 2}),
    ("8006", "杨磊", {"general": 2, "enterprise": 1}),
    ("8007", "赵丽", {"general": 1, "enterprise": 1}),
    ("8008", "黄强", {"enterprise": 2}),
    ("8009", "周婷", {"enterprise": 3}),
    ("8010", "吴刚", {"general": 1, "enterprise": 2}),
)
_SPECIALISTS = (
    ("801", "孙税务", "税务局", ("01",)),
    ("802", "马社保", "人社局", ("02", "03")),
    ("803", "朱劳动", "人社局", ("03",)),
    ("804", "胡市监", "市场监管局", ("04", "01")),
)
SPECIALIST_PHONES = tuple(number for number, *_ in _SPECIALISTS)
PHONE_OF = {number: f"10{number[2:]}" for number, *_ in _SEATS}
"""Seat -> the phone at which he logs in."""

_LINES = f"""\
default_line = "general"
platform_id = "demo"
specialist_ring_s = 6

[not_ready_reasons]
1 = "break"

[lines.general]
name = "群众诉求"
name_en = "General appeals"
dids = ["{GENERAL_DID}"]
need = "general >= 1"
ring_s = {RING_S}
wrapup_s = {WRAPUP_S["general"]}

[lines.enterprise]
name = "一企来"
name_en = "Enterprise line"
dids = ["{ENTERPRISE_DID}"]
need = "enterprise >= 2"
priority_s = 3
ring_s = {RING_S}
wrapup_s = {WRAPUP_S["enterprise"]}

[[lines.enterprise.steps]]
after_s = 3
need = "enterprise >= 1"

[[lines.enterprise.steps]]
after_s = 6
line = "general"
"""


def seats() -> list[Seat]:
    """Return the ten seats, each with a PIN made now."""
    return [Seat(number, name, skills) for number, name, skills in _SEATS]


def plan_text() -> str:
    """Return the plan without its agents (TOML)."""
    topics = "\n[topics]\n" + "".join(f'{code} = "{name}"\n' for code, name in TOPICS.items())
    people = "".join(
        f'\n[[specialists]]\nnumber = "{number}"\nname = "{name}"\ndepartment = "{department}"\n'
        f"topics = [{', '.join(repr(topic) for topic in topics)}]\n"
        for number, name, department, topics in _SPECIALISTS
    ).replace("'", '"')
    return _LINES + topics + people
