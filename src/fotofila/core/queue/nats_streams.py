"""The streams and consumers that lanes live on: looked for, made, brought up to date.

A family of lanes (`process`, `process.bulk`, …) is one work-queue stream, each lane a subject in it with one durable
pull consumer. What the consumers of a stream give up on is told by an advisory that JetStream sends once and does not
keep, so another stream keeps it.

Names on the server: stream `process`, subjects `process` and `process.bulk`, consumers `process` and `process-bulk`;
stream and consumer `failures-dead` for what was given up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fotofila.core.errors import StorageFullError, UnavailableError
from fotofila.core.queue.base import LaneNames
from fotofila.core.queue.nats_link import Link, NobodyAnswersError

DEDUP_SECONDS = 120
GIVEN_UP = "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES."
NOT_FOUND = 404
FULL = {10023, 10047, 10077}
"""JetStream's codes: insufficient resources, insufficient storage, maximum messages or bytes of a stream reached."""
SECOND = 1_000_000_000

Config = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A consumer that can be pulled from, and the lane whose deliveries it gives."""

    stream: str
    consumer: str
    lane: str
    gives_up: bool = False
    """It gives advisories of what was given up, not messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What is called how, and what is made of it."""

    names: LaneNames
    max_deliveries: int
    replicas: int

    def source(self, lane: str) -> Source:
        """Return where the deliveries of a lane (by our name) come from."""
        name = self.names.of(lane)
        return Source(stream=name.partition(".")[0], consumer=name.replace(".", "-"), lane=name)

    def dead(self) -> Source:
        """Return where the advisories come from."""
        name = f"{self.names.failures}-dead"
        return Source(stream=name, consumer=name, lane=self.names.failures, gives_up=True)

    def stream(self, source: Source) -> Config:
        """Return what a stream must be like; the rest of its configuration is the operator's."""
        if source.gives_up:
            subjects = [f"{GIVEN_UP}{name}.>" for name in (self.names.process, self.names.results)]
        else:
            subjects = [source.stream, f"{source.stream}.>"]
        config: Config = {
            "name": source.stream,
            "subjects": subjects,
            "retention": "workqueue",
            "duplicate_window": DEDUP_SECONDS * SECOND,
        }
        return config | ({"num_replicas": self.replicas} if self.replicas else {})

    def consumer(self, source: Source, *, lease_seconds: float) -> Config:
        """Return what a consumer must be like."""
        endless = source.stream not in {self.names.process, self.names.results}
        return {
            "durable_name": source.consumer,
            "ack_policy": "explicit",
            "ack_wait": int(lease_seconds * SECOND),
            "max_deliver": -1 if endless else self.max_deliveries,
            "max_ack_pending": -1,
            "filter_subject": f"{GIVEN_UP}>" if source.gives_up else source.lane,
        }


async def ensure_stream(link: Link, wanted: Config) -> str:
    """Have a stream be there and like this; returns when it was made, which tells it from one of the same name."""
    name = wanted["name"]
    found = await link.ask(f"STREAM.INFO.{name}")
    if is_missing(found):
        made = await link.ask(f"STREAM.CREATE.{name}", {"storage": "file", "discard": "new", **wanted})
        found = await link.ask(f"STREAM.INFO.{name}") if "error" in made else made  # another process was faster
    refuse(found, f"the stream {name}")
    config = found["config"]
    if not set(wanted["subjects"]) <= set(config["subjects"]):
        wanted = {**wanted, "subjects": [*config["subjects"], *set(wanted["subjects"]) - set(config["subjects"])]}
    else:
        wanted = {**wanted, "subjects": config["subjects"]}
    if differs(config, wanted):
        refuse(await link.ask(f"STREAM.UPDATE.{name}", {**config, **wanted}), f"the stream {name}")
    return str(found["created"])


async def ensure_consumer(link: Link, source: Source, wanted: Config) -> None:
    """Have a consumer be there and like this."""
    path = f"{source.stream}.{source.consumer}"
    found = await link.ask(f"CONSUMER.INFO.{path}")
    if not is_missing(found):
        refuse(found, f"the consumer {source.consumer}")
        if not differs(found["config"], wanted):
            return
        wanted = {**found["config"], **wanted}
    else:
        wanted = {"deliver_policy": "all", "max_waiting": 16384, **wanted}
    body = {"stream_name": source.stream, "config": wanted}
    refuse(await link.ask(f"CONSUMER.DURABLE.CREATE.{path}", body), f"the consumer {source.consumer}")


def differs(config: Config, wanted: Config) -> bool:
    """Say whether a configuration is not what is wanted; what is not wanted in particular is not looked at."""
    return any(config.get(key) != value for key, value in wanted.items())


def is_missing(answer: dict[str, Any]) -> bool:
    """Say whether JetStream answered that there is no such thing."""
    return bool(answer.get("error", {}).get("code") == NOT_FOUND)


def refuse(answer: dict[str, Any], what: str) -> None:
    """Raise what JetStream answered, if that is an error.

    Raises:
        NobodyAnswersError: what was asked for is not there.
        StorageFullError: it has no room.
        UnavailableError: anything else; the sentence says what.
    """
    error = answer.get("error")
    if error is None:
        return
    if error.get("code") == NOT_FOUND:
        raise NobodyAnswersError
    if error.get("err_code") in FULL:
        raise StorageFullError(f"NATS has no room for {what}: give JetStream more storage.")
    raise UnavailableError(f"NATS refuses {what}: {error.get('description', error)}. See `nats stream info`.")
