"""The shared state in a Redis: the only module that knows asyncio-redis, and all that is to be known of it.

Theory of operation. A PBX's state is one hash, `callcenter:state:<pbx>` in database 0, so Redis reads, changes and replaces it in
one piece. Everything that writes is one Lua script, which first compares the claim that stands there with the writer's. A whole
state is written into a hash beside it, in pieces (no piece holds up the loop that routes calls, nor Redis), and renamed in the end.

asyncio-redis knows no time-out, and a command that was cancelled can wedge its connection for ever. So: every call has a
deadline, connecting and log-in included; after any failure, a cancelled call included, the connection is dropped, and the next call
makes a new one; it never reconnects by itself (it would send commands before its log-in). The password is sent by us, so that a
refusal is seen. Commands go one at a time. It can do neither TLS nor users of an ACL: `config.settings` says so.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

import asyncio_redis
from asyncio_redis.encoders import BytesEncoder

from callcenter.storage.errors import NewerLeader, SharedStateAway, StateMissing, StateUnreadable
from callcenter.storage.shared_state import FORMAT, Claim, Kept, in_pieces
from config.settings import RedisLogin

DEADLINE_S = 1.0
PIECE = 50
"""Fields that go to Redis at once."""
MOST_FIELDS = 200_000
"""A hash with more is not ours: a province has 3,115 agents."""
KEY = "callcenter:state:"
_EPOCH, _INSTANCE, _FORMAT, _RESIGNED = b"epoch", b"instance", b"format", b"resigned"
_META = frozenset({_EPOCH, _INSTANCE, _FORMAT, _RESIGNED})
_T = TypeVar("_T")

logging.getLogger("asyncio_redis").setLevel(logging.WARNING)  # it tells every connection it makes

SCRIPT = """
local state, beside = KEYS[1], KEYS[2]
local act, epoch, instance, format, puts = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local failure = nil
local function call(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then failure = failure or reply.err end
  return reply
end

local is_hash = redis.call('TYPE', state).ok == 'hash'
local held, holder, held_format, last = '', '', '', -1
if is_hash then
  local found = redis.call('HMGET', state, 'epoch', 'instance', 'format')
  held, holder, held_format = found[1] or '', found[2] or '', found[3] or ''
  if #held <= 15 and string.match(held, '^%d+$') then last = tonumber(held) end
end
local ours = tonumber(epoch)
if last > ours or (last == ours and holder > instance) then return 'newer ' .. held .. ' ' .. holder end

if act == 'take' then
  if not is_hash then return 'none' end
  call('HSET', state, 'epoch', epoch, 'instance', instance)
  return failure and 'error ' .. failure or 'was ' .. string.format('%d', last) .. ' ' .. holder
end

local place = beside
if act == 'change' then
  if last ~= ours or holder ~= instance or held_format ~= format then return 'missing' end
  place = state
elseif act == 'begin' then
  call('DEL', beside)
  call('HSET', beside, 'format', format, 'epoch', epoch, 'instance', instance)
elseif redis.call('EXISTS', beside) == 0 then
  return 'missing'
end
if puts > 0 then call('HSET', place, unpack(ARGV, 6, 5 + 2 * puts)) end
if #ARGV > 5 + 2 * puts then call('HDEL', place, unpack(ARGV, 6 + 2 * puts)) end
if act == 'begin' or act == 'more' then call('EXPIRE', beside, 60) end
if failure then return 'error ' .. failure end
if act == 'end' then
  call('RENAME', beside, state)
  call('PERSIST', state)
end
return failure and 'error ' .. failure or 'ok'
"""
"""take: the claim is ours now. change: of our own state. begin, more, end: a whole state beside it, which then takes its place."""


class RedisSharedState:
    """`SharedState` in a Redis."""

    def __init__(self, login: RedisLogin, *, deadline_s: float = DEADLINE_S) -> None:
        """deadline_s: how long each call to Redis may take, with what it takes to connect. Connects at the first one."""
        self._login = login
        self._deadline_s = deadline_s
        self._turn = asyncio.Lock()
        self._connection: Any = None
        """None while there is none."""
        self._script: Any = None

    def __repr__(self) -> str:
        state = "connected" if self._connection is not None else "not connected"
        return f"<RedisSharedState {self._login.host}:{self._login.port} {state}>"

    async def last_epoch(self, pbx: str) -> int:
        async def ask(connection: Any) -> Any:
            return await connection.hget(_key(pbx), _EPOCH)

        return max(_number(await self._call(ask)), 0)

    async def read(self, pbx: str) -> Kept | None:
        found = await self._call(lambda connection: _whole(connection, _key(pbx)))
        return _kept(found) if found else None

    async def take(self, claim: Claim) -> Kept | None:
        words = await self._run("take", claim)
        if words[0] == "none":
            return None
        found = await self._call(lambda connection: _whole(connection, _key(claim.pbx)))
        kept = _kept(found)
        return Kept(_number(words[1].encode()), words[2], kept.fields)

    async def change(self, claim: Claim, puts: Mapping[str, bytes], drops: Collection[str]) -> None:
        await self._run("change", claim, list(puts.items()), drops)

    async def replace(self, claim: Claim, fields: Iterable[tuple[str, bytes]]) -> None:
        await self._run("begin", claim)
        for piece in in_pieces(fields, PIECE):
            await self._run("more", claim, piece)
        await self._run("end", claim)

    async def resign(self, claim: Claim) -> None:
        await self._run("change", claim, [(_RESIGNED.decode(), str(claim.epoch).encode())])

    async def resigned(self, pbx: str) -> int:
        async def ask(connection: Any) -> Any:
            return await connection.hmget_aslist(_key(pbx), [_EPOCH, _RESIGNED])

        epoch, resigned = await self._call(ask)
        return max(_number(epoch), 0) if epoch == resigned else 0

    async def close(self) -> None:
        self._drop()

    # --- inside

    async def _run(
        self, act: str, claim: Claim, puts: Collection[tuple[str, bytes]] = (), drops: Collection[str] = ()
    ) -> list[str]:
        """Run the script and return its words: `ok`, `none`, or `was`, epoch, instance. Raises NewerLeader, StateMissing."""
        key = _key(claim.pbx)
        keys = [key, key + f":{claim.epoch}:{claim.instance}".encode()]
        args = [act, str(claim.epoch), claim.instance, FORMAT, str(len(puts))]
        data = [word.encode() for word in args]
        for name, value in puts:
            data += (name.encode(), value)
        data += [name.encode() for name in drops]

        async def ask(connection: Any) -> Any:
            reply = await self._script.run(keys=keys, args=data)
            return await reply.return_value()

        said = (await self._call(ask)).decode("utf-8", "replace")
        word, _, rest = said.partition(" ")
        if word == "error":
            raise SharedStateAway(f"Redis refuses to write: {rest}")
        if word == "missing":
            raise StateMissing
        if word == "newer":
            epoch, _, instance = rest.partition(" ")
            raise NewerLeader(int(epoch), instance)
        epoch, _, instance = rest.partition(" ")
        return [word, epoch, instance]

    async def _call(self, ask: Callable[[Any], Awaitable[_T]]) -> _T:
        """Ask within the deadline; whatever goes wrong, the connection is not used again. Raises SharedStateAway."""
        try:
            async with asyncio.timeout(self._deadline_s), self._turn:
                return await ask(await self._connected())
        except StateUnreadable:
            raise
        except asyncio_redis.ErrorReply as error:
            self._drop()
            text = str(error)
            if text.startswith("WRONGTYPE"):
                raise StateUnreadable("what lies under its key is no hash") from error
            raise SharedStateAway(_said(text)) from error
        except TimeoutError as error:
            self._drop()
            raise SharedStateAway(f"no answer within {self._deadline_s:g} s") from error
        except (OSError, asyncio_redis.Error) as error:
            self._drop()
            raise SharedStateAway(_why(error)) from error
        except Exception as error:  # what answers there is no Redis, or asyncio-redis stumbled
            self._drop()
            raise SharedStateAway(f"{type(error).__name__}: {error}") from error
        except BaseException:
            self._drop()
            raise

    async def _connected(self) -> Any:
        if self._connection is None or self._connection.transport is None:
            login = self._login
            self._connection = connection = await asyncio_redis.Connection.create(
                login.host, login.port, encoder=BytesEncoder(), auto_reconnect=False
            )
            if login.password is not None:
                await connection.auth(login.password.get_secret_value().encode())
            self._script = await connection.register_script(SCRIPT)
        return self._connection

    def _drop(self) -> None:
        connection, self._connection, self._script = self._connection, None, None
        if connection is not None and (transport := connection.transport) is not None:
            transport.abort()  # close() would wait for a Redis that takes nothing


def _key(pbx: str) -> bytes:
    return (KEY + pbx).encode()


async def _whole(connection: Any, key: bytes) -> dict[bytes, bytes]:
    if await connection.hlen(key) > MOST_FIELDS:
        raise StateUnreadable(f"it has more than {MOST_FIELDS} fields")
    found: dict[bytes, bytes] = await connection.hgetall_asdict(key)
    return found


def _kept(found: Mapping[bytes, bytes]) -> Kept:
    form = found.get(_FORMAT, b"").decode("ascii", "replace")
    if form != FORMAT:
        raise StateUnreadable(f"its format is {form!r}, not {FORMAT!r}")
    fields = {name.decode("utf-8", "replace"): data for name, data in found.items() if name not in _META}
    return Kept(_number(found.get(_EPOCH)), found.get(_INSTANCE, b"").decode("utf-8", "replace"), fields)


def _number(text: bytes | None) -> int:
    """Return an epoch as the script understands it: -1 for what is none."""
    return int(text) if text is not None and text.isdigit() and len(text) <= 15 else -1


def _said(text: str) -> str:
    """Return what Redis said, with what to do where that is known."""
    if text.startswith(("NOAUTH", "WRONGPASS", "ERR invalid password", "ERR AUTH", "ERR Client sent AUTH")):
        return f"Redis refuses the log-in ({text}): correct the password in CALLCENTER_REDIS_URL or CALLCENTER_REDIS_PASSWORD"
    return f"Redis says {text}"


def _why(error: Exception) -> str:
    if isinstance(error, asyncio_redis.ScriptKilledError):
        return "Redis refused the script (its log may say why)"
    if isinstance(error, asyncio_redis.NotConnectedError):
        return "the connection was lost"
    return str(error) or type(error).__name__
