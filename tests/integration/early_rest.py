"""The rest of 0.3 s in which a caller is still unanswered, made long: a test that wants him there must not race with its end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from callcenter.lab.pbx import Asterisk

_REST = "dialplan add extension s,2,WaitExten,{seconds:g} into callcenter-early replace"


@contextlib.asynccontextmanager
async def unanswered_rest(pbx: Asterisk) -> AsyncIterator[None]:
    """Who arrives meanwhile stays unanswered until a wish comes; nothing else of the dialplan is changed."""
    shown = await asyncio.to_thread(pbx.rx, "dialplan show s@callcenter-early")
    assert "2. WaitExten(0.3)" in shown, shown
    await asyncio.to_thread(pbx.rx, _REST.format(seconds=60))
    try:
        yield
    finally:
        await asyncio.to_thread(pbx.rx, _REST.format(seconds=0.3))
