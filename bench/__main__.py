"""`python -m bench NAME [options]`; without a name, every bench that needs no options."""

from __future__ import annotations

import importlib
import signal
import sys
from types import FrameType

BENCHES = {
    "faces-accuracy": ("bench.faces_accuracy", "detection, verification, age and gender on labelled faces"),
    "faces-speed": ("bench.faces_speed", "vision beside OpenCV and dlib, and a photo's whole way"),
    "images": ("bench.images", "CPU of what is done to a photo and is not vision"),
    "redrive": ("bench.redrive", "ten thousand failures redriven, with their history"),
    "face-search": ("bench.face_search", "collections of 10,000 to a million faces, beside pgvector and a linear scan"),
    "similarity": ("bench.similarity", "the curve of similarity: fitted on labelled people, checked on others"),
    "rekognition": ("bench.rekognition", "searches by image over the wire, with boto3, among 50,000 faces"),
    "pipeline": ("bench.pipeline", "the whole pipeline without vision, by role, beside Celery and Dramatiq"),
}
WITHOUT_OPTIONS = ("faces-speed", "images")
TRIED_WRONGLY = 2


def main(argv: list[str]) -> int:
    if argv and argv[0] not in BENCHES:
        for name, (_, what) in BENCHES.items():
            print(f"{name:16} {what}")
        return 0 if argv[0] in {"-h", "--help"} else TRIED_WRONGLY
    signal.signal(signal.SIGTERM, leave)
    if argv:
        return run(argv[0], argv[1:])
    return max(run(name, []) for name in WITHOUT_OPTIONS)


def leave(number: int, _frame: FrameType | None) -> None:
    """End as by an error, so that all that a bench has started is stopped; who tells us twice waits for that, too."""
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


def run(name: str, arguments: list[str]) -> int:
    print(f"== {name}", flush=True)
    try:
        module = importlib.import_module(BENCHES[name][0])
    except ModuleNotFoundError as error:
        print(f"{error.name} is not installed: run `make bench-deps`.", file=sys.stderr)
        return TRIED_WRONGLY
    return int(module.main(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
