"""The task in Dramatiq, with its standard middleware."""

from __future__ import annotations

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from bench.peers_work import work

dramatiq.set_broker(RedisBroker(url=os.environ["PEER_BROKER"]))


@dramatiq.actor
def process_photo(photo_id: str, key: str) -> None:
    """Work on a photo."""
    work(photo_id, key)
