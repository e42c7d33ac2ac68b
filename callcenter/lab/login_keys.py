"""When the PBX hears the keys of a log-in: asked of its console, for a phone cannot tell.

What is pressed while a prompt or its tone is played is lost, and how long that takes is the machine's matter.
"""

import asyncio
from collections.abc import Callable

ASKED_WITHIN_S = 20.0
LOOK_EVERY_S = 0.05
AGENT = ("callcenter-login", "Read")
PIN = ("callcenter-pin", "WaitDigit")


async def until_asked(rx: Callable[[str], str], phone: str, step: tuple[str, str], *, has_prompt: bool = False) -> None:
    """Wait until a phone's channel takes keys at that step, AGENT or PIN; at most ASKED_WITHIN_S. rx: runs a command of the
    console. has_prompt: there is a sound that asks for the agent's number, during which his keys are heard."""
    deadline = asyncio.get_running_loop().time() + ASKED_WITHIN_S
    while asyncio.get_running_loop().time() < deadline:
        shown = await asyncio.to_thread(rx, "core show channels concise")
        for fields in (line.split("!") for line in shown.splitlines() if line.startswith(f"PJSIP/{phone}-")):
            # Read() with the name of a sound that is not there ends at once, and a tone follows, before it is called without.
            is_about_to_play = step is AGENT and not has_prompt and not fields[6].startswith("CC_AGENT,,")
            if (fields[1], fields[5]) == step and not is_about_to_play:
                return
        await asyncio.sleep(LOOK_EVERY_S)
