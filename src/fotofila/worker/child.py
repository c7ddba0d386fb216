"""The sandboxed child: reads a job from its standard input, works, answers. It never sees the queue or a secret.

Started as `python -I -m fotofila.worker.child MEMORY_MB PARENT_PID` with an empty environment.
"""

from __future__ import annotations

import os
import resource
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from fotofila.core.errors import FotofilaError
from fotofila.core.inference.errors import ModelUnavailableError
from fotofila.core.jobs.outcomes import Cancel, Discard, Done, Outcome, RenditionFile, Retry, Snooze, Work
from fotofila.worker.errors import OutOfMemoryError, UnexpectedError
from fotofila.worker.frames import read_frame, write_frame
from fotofila.worker.limits import confine, keep_memory

MODEL_SECONDS = 60.0
"""Wait before a photo is tried again whose model is missing here."""


def main() -> None:
    """Answer jobs until the parent closes the pipe."""
    memory_mb, parent_pid = int(sys.argv[1]), int(sys.argv[2])
    confine(memory_mb=memory_mb, parent_pid=parent_pid)
    keep_memory()
    # Libraries print to standard output now and then; frames must not be mixed with that.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # Nor may a library that reads standard input take the next job for an answer to its question.
    requests = os.fdopen(os.dup(0), "rb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    while (request := read_frame(requests)) is not None:
        answer(request, answers)


def answer(request: dict[str, Any], answers: BinaryIO) -> None:
    """Run one job and tell what became of it."""

    def report(progress: float) -> None:
        write_frame(answers, {"progress": progress})

    before = cpu_seconds()
    attached: list[bytes] = []
    shaped = shape(run(request, report), attached)
    shaped["cpu_seconds"] = round(cpu_seconds() - before, 4)
    shaped["resident_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    write_frame(answers, shaped, attached)


def run(request: dict[str, Any], report: Any) -> Outcome:
    """Call the job's function; whatever it raises becomes an outcome."""
    try:
        module, _, function = request["work"].partition(":")
        work = Work(
            args=request["args"],
            original=Path(request["original"]),
            folder=Path(request["folder"]),
            models_dir=Path(request["models_dir"]),
            media_type=request["media_type"],
            extra=request.get("extra", {}),
        )
        outcome: Outcome = getattr(import_module(module), function)(work, report)
    except MemoryError as error:
        return Retry(error=told(OutOfMemoryError(), error))
    except ModelUnavailableError as error:  # another machine may have it: no fault of the photo, and no attempt
        return Snooze(for_seconds=MODEL_SECONDS, reason=error.message)
    except FotofilaError as error:
        return Discard(error=error) if error.permanent else Retry(error=error)
    except Exception as error:  # noqa: BLE001 - the one place: a child must answer for whatever a decoder raises
        return Retry(error=told(UnexpectedError(f"{type(error).__name__}: {error}"), error))
    return outcome


def told(ours: FotofilaError, cause: BaseException) -> FotofilaError:
    """Keep the cause with our error, for its stack."""
    ours.__cause__ = cause
    ours.__traceback__ = cause.__traceback__
    return ours


def shape(outcome: Outcome, attached: list[bytes]) -> dict[str, Any]:
    """Turn an outcome into JSON, and what is attached to it."""
    match outcome:
        case Done(result=result, renditions=renditions, timings=timings):
            files = [shape_file(file, attached) for file in renditions]
            return {"outcome": "done", "result": dict(result), "renditions": files, "timings": dict(timings)}
        case Retry(error=error):
            return {"outcome": "retry", "error": shape_error(error)}
        case Discard(error=error):
            return {"outcome": "discard", "error": shape_error(error)}
        case Snooze(for_seconds=seconds, reason=reason):
            return {"outcome": "snooze", "seconds": seconds, "reason": reason}
        case Cancel(reason=reason):
            return {"outcome": "cancel", "reason": reason}


def shape_file(file: RenditionFile, attached: list[bytes]) -> dict[str, Any]:
    """Turn a rendition into JSON; what it gave as bytes is attached, and named by its place there."""
    made: dict[str, Any] = {"path": str(file.path)}
    if file.content is not None:
        made = {"content": len(attached)}
        attached.append(file.content)
    return {
        "name": file.name,
        **made,
        "media_type": file.media_type,
        "width": file.width,
        "height": file.height,
    }


def shape_error(error: FotofilaError) -> dict[str, Any]:
    """Turn an error into what a failure shows: a code, a sentence, a stack."""
    return {
        "code": error.code,
        "sentence": error.message,
        "permanent": error.permanent,
        "error_class": error.retry_class,
        "max_attempts": error.max_attempts,
        "stack": "".join(traceback.format_exception(error.__cause__ or error))[-8000:],
    }


def cpu_seconds() -> float:
    """Return the CPU seconds that this process has used."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
