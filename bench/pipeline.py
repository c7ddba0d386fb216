"""The whole pipeline with every role in a process of its own, beside the same way in Celery and in Dramatiq.

The kind `noop` does nothing with the photo: what is left is the cost of the pipeline. Both sides take the same bytes
over HTTP, keep them durably, write a row, have a worker fetch the photo and store a small object, and write the row
again. The peers do it as their users would: FastAPI, PostgreSQL, S3 and Redis, without our events, history or outbox.

All sides take their turn in each of several rounds, and the round that took a side the least CPU counts: what else runs
on a machine, or beside it on its host, only ever adds. Every round is printed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from bench.disk import apart, kept_until_the_end
from bench.peers_pipeline import CLIENTS, PEERS, running_peer
from bench.pipeline_fleet import running
from bench.pipeline_load import PACED_SHARE, Looks, Phase, measure
from bench.pipeline_parts import DATABASES, QUEUES, STORAGES, parts, peer_parts
from bench.pipeline_rows import ENDED, OPEN, PEER_ENDED, PEER_OPEN, PostgresRows
from bench.whole_way import make_photos
from fotofila.core.inference.fetch import fetch
from fotofila.core.inference.store import default_models_dir
from fotofila.faces.specs import DEMO_PHOTO

OURS = "fotofila"
WARM = 40
LEAST_PACED = 100
AIM_MS, EXCELLENT_MS = 5.0, 3.0


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench pipeline")
    parser.add_argument("--queue", choices=QUEUES, default="sqlite")
    parser.add_argument("--db", choices=DATABASES, default="sqlite")
    parser.add_argument("--storage", choices=STORAGES, default="file")
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2, help="worker processes with one child each")
    parser.add_argument("--kind", choices=("noop", "faces"), default="noop")
    parser.add_argument("--kilobytes", type=int, default=100, help="size of a photo for the kind that does nothing")
    parser.add_argument("--rounds", type=int, default=3, help="how often each side takes its turn")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=None, help="beside us; none with --peers alone")
    parser.add_argument("--peer-clients", choices=CLIENTS, default=CLIENTS[0], help="how the peers speak to S3")
    parser.add_argument("--peers-only", action="store_true")
    arguments = parser.parse_args(argv)
    photos = make_load(arguments)
    default = PEERS if arguments.kind == "noop" else ()
    peers = default if arguments.peers is None else arguments.peers
    sides = (*(() if arguments.peers_only else (OURS,)), *peers)
    rounds: dict[str, list[dict[str, Any]]] = {side: [] for side in sides}
    with kept_until_the_end() as kept:
        for _ in range(arguments.rounds):
            for side in sides:
                folder = apart(kept, side)
                phases = ours(arguments, photos, folder) if side == OURS else beside(side, arguments, photos, folder)
                rounds[side].append(tell(side, *phases))
    figures = {side: least(each) for side, each in rounds.items()}
    for side, each in figures.items():
        print(f"{side}: CPU {flood_ms(each)} ms a photo, the least of {each['rounds_cpu_ms']}", flush=True)
    if OURS in figures:
        aim(flood_ms(figures[OURS]), kind=arguments.kind)
    print(json.dumps({"bytes_per_photo": sum(map(len, photos)) // len(photos), **figures}))
    return 0


def least(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures of the round whose flood took the least CPU, with what each round took."""
    cheapest: dict[str, Any] = min(rounds, key=flood_ms)
    return cheapest | {"rounds_cpu_ms": [flood_ms(each) for each in rounds]}


def flood_ms(figures: dict[str, Any]) -> float:
    """Return the CPU milliseconds of a photo while all come at once."""
    return float(figures["flood"]["cpu_ms_per_photo"])


def make_load(arguments: argparse.Namespace) -> list[bytes]:
    """Make different photos: real ones where they are looked at, else a tiny one with something behind it."""
    count = WARM + arguments.photos + max(LEAST_PACED, arguments.photos // 10)
    if arguments.kind == "faces":
        return make_photos(fetch(DEMO_PHOTO, default_models_dir()).path, count)
    head = small_jpeg()
    numbers = random.Random(20)
    return [head + numbers.randbytes(arguments.kilobytes * 1024 - len(head)) for _ in range(count)]


def small_jpeg() -> bytes:
    """Make a JPEG of one colour; what follows its end is no part of it, and no decoder minds."""
    out = io.BytesIO()
    Image.new("RGB", (64, 64), (90, 120, 150)).save(out, "JPEG")
    return out.getvalue()


def ours(arguments: argparse.Namespace, photos: Sequence[bytes], folder: Path) -> tuple[Phase, Phase]:
    """Measure Fotofila on the parts that were asked for."""
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(parts(folder, queue=arguments.queue, db=arguments.db, storage=arguments.storage))
        address, fleet = stack.enter_context(running(made, kind=arguments.kind, workers=arguments.workers))
        looks = Looks(rows=made.rows(), open_count=OPEN, ended=ENDED)
        return both_phases(address, fleet, looks, photos, arguments.photos)


def beside(peer: str, arguments: argparse.Namespace, photos: Sequence[bytes], folder: Path) -> tuple[Phase, Phase]:
    """Measure a peer."""
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(peer_parts(folder))
        address, fleet = stack.enter_context(
            running_peer(peer, made, workers=arguments.workers, clients=arguments.peer_clients)
        )
        looks = Looks(rows=PostgresRows(made.env["PEER_DATABASE"]), open_count=PEER_OPEN, ended=PEER_ENDED)
        return both_phases(address, fleet, looks, photos, arguments.photos)


def both_phases(address: Any, fleet: Any, looks: Looks, photos: Sequence[bytes], count: int) -> tuple[Phase, Phase]:
    """Warm up, flood, then send at an even pace."""
    measure(address, fleet, looks, photos[:WARM])
    fleet.wait_until_calm()
    flood = measure(address, fleet, looks, photos[WARM : WARM + count])
    rate = PACED_SHARE * flood.photos / flood.seconds
    return flood, measure(address, fleet, looks, photos[WARM + count :], rate=rate)


def tell(name: str, flood: Phase, paced: Phase) -> dict[str, Any]:
    """Print the figures of one side and shape them for JSON."""
    shaped = {"flood": flood.shape(), "paced": paced.shape()}
    for phase, figures in shaped.items():
        print(
            f"{name}, {phase}: {figures['photos_per_second']} photos/s, CPU {figures['cpu_ms_per_photo']} ms a photo"
            f" {figures['cpu_ms_by_role']}, answer {figures['answer_ms']} ms, result {figures['result_ms']} ms",
            flush=True,
        )
    print(f"    peak memory, MiB: {shaped['paced']['peak_mb_by_role']}", flush=True)
    return shaped


def aim(milliseconds: float, *, kind: str) -> None:
    """Say how the flood stands to its aim."""
    if kind == "noop":
        verdict = (
            "excellent" if milliseconds <= EXCELLENT_MS else "reached" if milliseconds <= AIM_MS else "not reached"
        )
        print(f"    aim: at most {AIM_MS:g} ms over all roles: {verdict}", flush=True)
