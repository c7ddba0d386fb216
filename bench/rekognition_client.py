"""Runs in the environment of the newest boto3: makes calls from one or several threads and prints their times."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config


def main() -> None:
    """Read what to do from standard input, write seconds by operation to standard output."""
    told = json.load(sys.stdin)
    config = Config(retries={"total_max_attempts": 1}, max_pool_connections=told["clients"])
    client = boto3.client(
        "rekognition",
        region_name="eu-west-1",
        endpoint_url=told["url"],
        aws_access_key_id=told["access_key_id"],
        aws_secret_access_key=told["secret_access_key"],
        config=config,
    )
    arguments = {name: filled(given) for name, given in told["arguments"].items()}
    call = getattr(client, told["method"])
    timed(lambda: call(**arguments), calls=told["warm_up"], clients=told["clients"])
    began = time.perf_counter()
    laps = timed(lambda: call(**arguments), calls=told["calls"], clients=told["clients"])
    seconds = time.perf_counter() - began
    answer = call(**arguments)
    answer.pop("ResponseMetadata")
    print(json.dumps({"laps": laps, "seconds": seconds, "answer": answer}, default=str))


def timed(call: Callable[[], object], *, calls: int, clients: int) -> list[float]:
    """Call from several threads and return the seconds of each call."""
    laps: list[float] = []
    left = iter(range(calls))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                if next(left, None) is None:
                    return
            began = time.perf_counter()
            call()
            laps.append(time.perf_counter() - began)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return laps


def filled(given: Any) -> Any:
    """Put the picture that a path names in its place."""
    return {"Bytes": Path(given["path"]).read_bytes()} if isinstance(given, dict) and "path" in given else given


if __name__ == "__main__":
    main()
