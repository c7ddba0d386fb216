"""Where the pace towards AWS is shared by processes without a database: in Redis, else in a file by one machine's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fotofila.core.aws.pace import Slots
from fotofila.core.aws.slot_file import FileSlots
from fotofila.core.config import Settings
from fotofila.core.errors import UnavailableError

if TYPE_CHECKING:
    from limits.aio.storage import RedisStorage

FILE = "aws-pace.json"
MICROSECONDS = 1_000_000

REDIS_TAKE = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
redis.call('SET', KEYS[1], string.format('%d', at + ARGV[1]), 'EX', 3600)
return string.format('%d', at - now)
"""
REDIS_PUSH = """
local t = redis.call('TIME')
local at = math.max(t[1] * 1000000 + t[2] + ARGV[1], tonumber(redis.call('GET', KEYS[1]) or 0))
redis.call('SET', KEYS[1], string.format('%d', at), 'EX', 3600)
"""


class RedisSlots:
    """Keeps the moments as keys of Redis, by its clock."""

    def __init__(self, storage: RedisStorage) -> None:
        bridge: Any = storage.bridge
        self._redis: Any = bridge.storage
        found: Any = storage.base_exceptions
        self._faults: tuple[type[Exception], ...] = (*(found if isinstance(found, tuple) else (found,)), OSError)

    async def take(self, bucket: str, *, gap_seconds: float) -> float:
        """Take the next slot."""
        return int(await self._eval(REDIS_TAKE, bucket, gap_seconds)) / MICROSECONDS

    async def push(self, bucket: str, *, seconds: float) -> None:
        """Leave some seconds free."""
        await self._eval(REDIS_PUSH, bucket, seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _eval(self, script: str, bucket: str, seconds: float) -> Any:
        try:
            return await self._redis.eval(script, 1, f"fotofila:pace:{bucket}", round(seconds * MICROSECONDS))
        except self._faults as error:
            raise UnavailableError("Redis, which shares the pace towards AWS, does not answer.") from error


def choose_worker_slots(settings: Settings) -> Slots:
    """Choose Redis where requests of a rate limit are counted there, too; else a file in the data folder.

    Raises:
        SettingsError: the client of Redis is not installed, or FOTOFILA_RATE_LIMIT_URL is wrong.
    """
    url = settings.rate_limit_url.get_secret_value()
    if not url.startswith(("redis://", "rediss://")):
        return FileSlots(settings.data_dir / FILE)
    from fotofila.api.rate_stores import redis_storage  # noqa: PLC0415 - few have Redis

    storage: Any = redis_storage(url)
    return RedisSlots(storage)
