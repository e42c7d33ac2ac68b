"""Whoever is called outside presses 1 to take the call, as a person does: again, where nothing came of it.

The dialplan asks again and again, and a key that falls into the tone before the question is lost.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from callcenter.lab.sip_phone import Leg, Phone

AGAIN_S = 0.7
"""Neither this nor twice this is how long the tone and the wait behind it take."""


@contextlib.asynccontextmanager
async def pressing_1(phone: Phone, leg: Leg) -> AsyncIterator[None]:
    """Press 1 again and again for as long as the context lasts."""

    async def press() -> None:
        while True:
            phone.press(leg, "1")
            await asyncio.sleep(AGAIN_S)

    presses = asyncio.create_task(press())
    try:
        yield
    finally:
        presses.cancel()
        await asyncio.gather(presses, return_exceptions=True)
