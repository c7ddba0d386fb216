"""The task in Celery: acknowledged late, so that a killed worker loses nothing; no result backend, the row has it."""

from __future__ import annotations

import os

from celery import Celery

from bench.peers_work import work

app = Celery("peers", broker=os.environ["PEER_BROKER"])
app.conf.update(task_acks_late=True, task_ignore_result=True, worker_prefetch_multiplier=1)


@app.task
def process_photo(photo_id: str, key: str) -> None:
    """Work on a photo."""
    work(photo_id, key)
