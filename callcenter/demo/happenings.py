"""What happened between two looks at the service, in words for the screen (pure)."""

from collections.abc import Iterator

from callcenter.demo.board import Board

_WORDS = {
    ("ready", "ringing"): "振铃 phone rings",
    ("ringing", "talking"): "接听 answers",
    ("ready", "talking"): "接听 answers",
    ("ringing", "ready"): "未接通 not connected",
    ("talking", "acw"): "事后处理 wrap-up",
    ("acw", "ready"): "就绪 ready again",
    ("ringing", "not_ready"): "置忙 not ready",
}
_OFFERS = {"not_answered": "未接 RONA: a phone rang its time out", "unreachable": "话机不可达 phone unreachable"}


def happenings(before: Board, after: Board) -> Iterator[tuple[str, str]]:
    """Yield (style, text) of each thing that changed; nothing for the first look."""
    if not before.status:
        return
    was = {agent["number"]: agent["presence"] for agent in before.status["agents"]}
    for agent in after.status["agents"]:
        text = _WORDS.get((was.get(agent["number"], ""), agent["presence"]))
        if text is not None:
            yield ("green" if "answers" in text else "", f"{agent['name']} {text}")
    held = {one["number"]: one["state"] for one in before.status["specialists"]}
    for one in after.status["specialists"]:
        if one["state"] == "busy" and held.get(one["number"]) != "busy":
            yield ("magenta", f"{one['name']} 转政策专员 hand-over")
    for result, text in _OFFERS.items():
        if after.offers.get(result, 0) > before.offers.get(result, 0):
            yield ("yellow", text)
    for line in after.status["lines"]:
        code = line["code"]
        if code in before.counts and after.counts[code].abandoned > before.counts[code].abandoned:
            yield ("red", f"{line['name']} 放弃 a caller gave up")
