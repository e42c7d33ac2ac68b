"""One leader on a PBX, even without Redis: the heartbeat in a global of the PBX, and the epochs that are revoked.

Theory: `CC_BEAT=<instance>*<epoch>*<counter>*<pbx second>`, written every second. Whoever starts reads it first. Its own
instance id, or none, or a beat older than STALE_S on the PBX's clock: take over at once. Another's: watch it; if it moves
within WATCH_S the PBX is held (`HeldByAnother`, exit code 4), else take over. Taking over revokes every older epoch that
is known, for ever (append only: `CC_REVOKED_<epoch>=1` is cleared by nobody), so that a leader that was frozen and thaws
can dial nobody, and finds out at its next beat. It does not even try: whoever has not confirmed his lead for CERTAIN_S
(less than a takeover needs) does nothing on the PBX until he has asked (`is_certain`).

Of a pair (`Partner`) the one that finds another's beat moving does not end but watches it, for as long as it takes, and takes
over when the beat has stood still for PAIR_STALE_S by its own monotonic clock: before the dialplan takes the leader for away
(12 s), so that callers rest where they are. Both of a pair must be certain sooner, too (PAIR_CERTAIN_S). What is measured
are readings that came promptly: a PBX that hangs says nothing of its leader, so the time begins anew. A beat that vanished
(Asterisk was started anew) counts like one that stands still: the leader connects again sooner than that. A leader who was ended
by his operator says so (`has_resigned`), elsewhere: then nobody waits.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from callcenter.asterisk.errors import AmiError
from callcenter.asterisk.message import Action, AmiReply

log = logging.getLogger(__name__)

STALE_S = 13.0
WATCH_S = 13.0
CERTAIN_S = 10.0
PAIR_STALE_S = 8.0
PAIR_CERTAIN_S = 6.0
LOOK_S = 0.5
SLOW_S = 2.0
"""A reading of the beat that took longer begins the watch anew."""
BEAT = "CC_BEAT"


class HeldByAnother(Exception):
    """Another instance of the service holds this PBX: stop it, or point this one at another PBX."""

    def __init__(self, holder: str, epoch: int) -> None:
        super().__init__(f"the PBX is held by instance {holder} (epoch {epoch}), whose heartbeat moves")
        self.holder = holder
        self.epoch = epoch


class Globals(Protocol):
    """What this needs of an AMI link."""

    async def send(self, action: Action, *, timeout_s: float | None = None) -> AmiReply:
        """Send one action."""
        ...


class Partner(Protocol):
    """The other half of a pair, as far as it can be known without the PBX."""

    async def known_epoch(self) -> int:
        """Return the newest epoch that is known elsewhere, 0: none; never fails."""
        ...

    def has_resigned(self, epoch: int) -> bool:
        """Return whether the leader of this epoch has said that he does nothing more."""
        ...


@dataclass(frozen=True, slots=True)
class Beat:
    """One reading of the heartbeat."""

    instance: str
    epoch: int
    counter: int
    second: int
    """On the PBX's clock."""

    def __str__(self) -> str:
        return f"{self.instance}*{self.epoch}*{self.counter}*{self.second}"


def parse_beat(text: str) -> Beat | None:
    """Return the beat written in `text`; None when there is none, or it is not readable."""
    parts = text.split("*")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() for part in parts[1:]):
        return None
    return Beat(parts[0], int(parts[1]), int(parts[2]), int(parts[3]))


class Leadership:
    """Our claim on one PBX."""

    def __init__(
        self,
        link: Globals,
        instance: str,
        epochs: list[int],
        now: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
        *,
        partner: Partner | None = None,
    ) -> None:
        """partner: we are one of a pair; None: we are alone, and end where another leads."""
        self._link = link
        self.instance = instance
        self._past = set(epochs)
        """Epochs that we or others had here, as far as known: all to be revoked."""
        self._now = now
        """The PBX's clock as it is, seconds: it may be put back."""
        self.epoch = 0
        """0 until claimed."""
        self._is_claiming = False
        """An epoch is chosen, and the PBX has not taken it yet."""
        self._counter = 0
        self._monotonic = monotonic
        self._confirmed_at = float("-inf")
        """Local monotonic instant before which nobody else can have taken over: when the last good beat was begun."""
        self._partner = partner
        self._certain_s = CERTAIN_S if partner is None else PAIR_CERTAIN_S
        self.watched: Beat | None = None
        """Newest beat of the leader for whom we stand by; None: we do not."""

    @property
    def is_ours(self) -> bool:
        """Whether we hold the PBX."""
        return self.epoch > 0 and not self._is_claiming

    @property
    def is_certain(self) -> bool:
        """Whether nobody else can lead: false after a pause of this process, until the next beat went well."""
        return self.is_ours and self._monotonic() - self._confirmed_at < self._certain_s

    async def holder(self) -> "HeldByAnother":
        """Return who holds the PBX now, as the error that ends us; raises AmiError."""
        beat = await self._read()
        return HeldByAnother(beat.instance if beat else "unknown", beat.epoch if beat else 0)

    async def claim(self) -> int:
        """Take the PBX and return our new epoch, as soon as nobody else leads if we stand by; raises HeldByAnother, AmiError."""
        while True:
            beat = await self._read()
            if beat is not None:
                self._past.add(beat.epoch)
            if self._partner is not None:
                await self._wait_for_turn(beat, self._partner)
                self._past.add(await self._partner.known_epoch())
            elif beat is not None and beat.instance != self.instance:
                await self._watch(beat)
            self._past.discard(0)
            epoch = max([int(self._now()), *(known + 1 for known in self._past)])
            while await self._get(f"CC_REVOKED_{epoch}") == "1":
                epoch += 1  # the PBX's clock was put back since
            if await self._begin(epoch):
                self.watched = None
                return epoch
            if self._partner is None:
                raise await self.holder()

    async def _begin(self, epoch: int) -> bool:
        """Lead with this epoch; return whether we do. Cut in the middle (raises AmiError) we do not, and nobody took us for the
        leader meanwhile: the next claim begins anew, with a greater epoch."""
        self.epoch, self._is_claiming = epoch, True
        try:
            return await self.renew()
        except BaseException:
            self._past.add(epoch)
            self.epoch = 0
            raise
        finally:
            self._is_claiming = False

    async def renew(self) -> bool:
        """Write all globals of leadership again (an Asterisk that was restarted has none); return whether we still lead."""
        if await self._is_lost():
            return False
        await asyncio.gather(*(self._set(f"CC_REVOKED_{old}", "1") for old in sorted(self._past)[-20:]))
        return await self.beat()

    async def beat(self) -> bool:
        """Write the heartbeat; return whether we still lead (False: stop at once)."""
        began_at = self._monotonic()
        if await self._is_lost():
            return False
        self._counter += 1
        await self._set(BEAT, str(Beat(self.instance, self.epoch, self._counter, int(self._now()))))
        self._confirmed_at = began_at
        return True

    async def _is_lost(self) -> bool:
        """Whether our epoch is revoked, or a newer leader beats (of two who claimed in one second, one name is the greater)."""
        revoked = await self._get(f"CC_REVOKED_{self.epoch}")
        beat = await self._read()
        newer = beat is not None and (beat.epoch, beat.instance) > (self.epoch, self.instance)
        if revoked == "1" or (newer and beat is not None and beat.instance != self.instance):
            self.epoch = 0
            return True
        return False

    async def _watch(self, seen: Beat) -> None:
        if self._now() - seen.second > STALE_S:
            return
        deadline = asyncio.get_running_loop().time() + WATCH_S
        while asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.5)
            beat = await self._read()
            if beat is None:
                return
            if beat != seen:
                raise HeldByAnother(beat.instance, beat.epoch)
            if self._now() - beat.second > STALE_S:
                return

    async def _wait_for_turn(self, first: Beat | None, partner: Partner) -> None:
        """Return when nobody else leads: the beat is ours or was never there, was stale when we came, or stands still."""
        if first is not None and first.instance == self.instance:
            return
        if self.watched is None:
            if first is None or self._now() - first.second > STALE_S:
                return
            log.info("instance %s leads: standing by", first.instance)
        seen, since = first, self._monotonic()
        while True:
            self.watched = seen or self.watched
            await asyncio.sleep(LOOK_S)
            asked_at = self._monotonic()
            beat = await self._read()
            now = self._monotonic()
            if beat is not None and partner.has_resigned(beat.epoch):
                log.info("%s has resigned: taking over", beat.instance)
                return
            if beat != seen or now - asked_at > SLOW_S:
                seen, since = beat, now
                if beat is not None:
                    self._past.add(beat.epoch)
            elif now - since >= PAIR_STALE_S:
                log.warning("the heartbeat of the leader stands still: taking over")
                return

    async def _read(self) -> Beat | None:
        return parse_beat(await self._get(BEAT))

    async def _get(self, name: str) -> str:
        reply = await self._link.send({"Action": "Getvar", "Variable": name})
        if not reply.ok:
            raise AmiError(f"Getvar {name}: {reply.text}")
        return reply.message.get("Value", "")

    async def _set(self, name: str, value: str) -> None:
        reply = await self._link.send({"Action": "Setvar", "Variable": name, "Value": value})
        if not reply.ok:
            raise AmiError(f"Setvar {name}: {reply.text}")
