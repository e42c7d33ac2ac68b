"""Check of the Redis that two services share."""

from callcenter.check.finding import Finding, Scene, State
from callcenter.storage.errors import SharedStateAway, StateUnreadable
from callcenter.storage.redis_state import RedisSharedState

ITEM = "redis"
PATIENCE_S = 3.0


async def check_redis(scene: Scene) -> Finding:
    """Whether Redis answers, takes our password and runs our script. Nothing is written there."""
    login = scene.settings.redis
    if login is None:
        return Finding(ITEM, State.OK, "none: this service is alone, agents' states are in its own file")
    where = f"{login.host}:{login.port}"
    shared = RedisSharedState(login, deadline_s=PATIENCE_S)
    try:
        await shared.last_epoch("check")
    except (SharedStateAway, StateUnreadable) as error:
        do = "start it, or correct CALLCENTER_REDIS_URL (calls go on without it; a stand-by would not know who is logged in)"
        return Finding(ITEM, State.FAIL, f"{where}: {error}", do)
    finally:
        await shared.close()
    return Finding(ITEM, State.OK, f"{where} answers: leader and stand-by share agents' states")
