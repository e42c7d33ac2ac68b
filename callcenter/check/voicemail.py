"""Check of the mailboxes that the plan's exits name."""

from callcenter.check.finding import Finding, Scene, State

CONTEXT = "callcenter"
"""Of voicemail.conf; the dialplan names the same."""


async def check_voicemail(scene: Scene) -> Finding:
    """Whether each mailbox is there: callers who are sent to one that is not hear a refusal."""
    if scene.plan is None:
        return Finding("voicemail", State.SKIPPED, "not checked: the plan is wrong")
    boxes = sorted({one.voicemail for one in scene.plan.plan.exits() if one.voicemail is not None})
    if not boxes:
        return Finding("voicemail", State.OK, "the plan names no mailbox")
    missing = []
    for box in boxes:
        reply = await scene.link.send({"Action": "Getvar", "Variable": f"VM_INFO({box}@{CONTEXT},exists)"})
        if reply.message.get("Value", "") != "1":
            missing.append(box)
    if missing:
        do = f"load app_voicemail.so, and add to [{CONTEXT}] of voicemail.conf: {missing[0]} => PIN,Name; 'voicemail reload'"
        return Finding("voicemail", State.WARN, f"no mailbox {', '.join(missing)}: callers are refused instead", do)
    return Finding("voicemail", State.OK, f"{len(boxes)} mailboxes")
