"""A job that does what no job should, as its arguments ask: `{"how": name, …}`. The sandbox must bear it."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from fotofila.core.capability import JobKind
from fotofila.core.errors import InvalidInputError, UnavailableError
from fotofila.core.jobs.outcomes import Done, Outcome, RenditionFile, Report, Work

KIND = JobKind(
    name="misbehaving",
    version=1,
    lane="process",
    work="fotofila.testing.misbehaving:work",
    apply="fotofila.testing.noop.apply:apply",
    resolve="fotofila.testing.noop.apply:resolve",
)


def work(work: Work, report: Report) -> Outcome:
    """Do it."""
    return WAYS[work.args["how"]](work, report)


def behave(work: Work, _report: Report) -> Outcome:
    """Do nothing wrong, and say which process did it."""
    path = work.folder / "note.txt"
    path.write_text("well done")
    file = RenditionFile(name="note.txt", path=path, media_type="text/plain")
    return Done(result={"pid": os.getpid()}, renditions=(file,))


def linger(work: Work, report: Report) -> Outcome:
    """Do nothing wrong, once a file is there."""
    while not Path(work.args["until"]).exists():
        time.sleep(0.01)
    return behave(work, report)


def eat(_work: Work, _report: Report) -> Outcome:
    """Take memory until there is none."""
    meals = []
    while True:
        meals.append(bytes(64 * 1024 * 1024))


def eat_native(_work: Work, _report: Report) -> Outcome:
    """Ask for more memory than there is in one piece, outside Python."""
    import numpy as np  # noqa: PLC0415

    return Done(result={"size": int(np.ones((1 << 20, 1 << 16)).sum())})


def hang(_work: Work, report: Report) -> Outcome:
    """Ignore every polite signal and never end."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    report(0.5)
    while True:
        time.sleep(3600)


def crash(_work: Work, _report: Report) -> Outcome:
    """End as a decoder does that writes where it must not."""
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError


def leave(_work: Work, _report: Report) -> Outcome:
    """Exit in the middle of work, with a last word."""
    os.write(2, b"the last word\n")
    os._exit(3)


def chatter(_work: Work, _report: Report) -> Outcome:
    """Write to standard output and error as careless libraries do: much, binary, and without a line's end."""
    sys.stdout.write("print" * 1000)
    sys.stdout.flush()
    for descriptor in (1, 2):
        for _ in range(64):
            os.write(descriptor, b"\x00\x00\x00\x02{}" * 4096)
    return Done(result={"said": "enough"})


def listen(_work: Work, _report: Report) -> Outcome:
    """Read standard input, where the next job would come from."""
    return Done(result={"heard": sys.stdin.read()})


def look(_work: Work, _report: Report) -> Outcome:
    """Say what can be seen from inside."""
    folder = Path("/proc/self/fd")
    descriptors = [str(path.readlink()) for path in folder.iterdir() if path.is_symlink()] if folder.is_dir() else []
    limits = {name: resource.getrlimit(getattr(resource, name)) for name in ("RLIMIT_AS", "RLIMIT_CORE")}
    seen = {"environment": dict(os.environ), "folder": str(Path.cwd()), "descriptors": descriptors, "limits": limits}
    return Done(result={**seen, "modules": sorted(sys.modules)})


def lie(_work: Work, _report: Report) -> Outcome:
    """Write a frame that is none to wherever answers go."""
    for descriptor in range(3, 12):
        try:
            os.write(descriptor, b"\x00\x00\x00\x02[]")
        except OSError:
            continue
    return Done(result={})


def pretend(_work: Work, _report: Report) -> Outcome:
    """Write a whole frame that is no answer to wherever answers go."""
    body = b'{"outcome": "done"}'
    for descriptor in range(3, 12):
        try:
            os.write(descriptor, len(body).to_bytes(4, "big") + body)
        except OSError:
            continue
    return Done(result={})


def reach(work: Work, _report: Report) -> Outcome:
    """Hand out a file that is not ours as if we had made it."""
    link = work.folder / "stolen.txt"
    link.symlink_to(work.args["target"])
    file = RenditionFile(name="stolen.txt", path=link, media_type="text/plain")
    return Done(result={}, renditions=(file,))


def escape(work: Work, _report: Report) -> Outcome:
    """Give a file a name that leads elsewhere."""
    path = work.folder / "note.txt"
    path.write_text("misplaced")
    return Done(result={}, renditions=(RenditionFile(name=work.args["name"], path=path, media_type="text/plain"),))


def forget(work: Work, _report: Report) -> Outcome:
    """Name a file that was never written."""
    path = work.folder / "none.txt"
    return Done(result={}, renditions=(RenditionFile(name="none.txt", path=path, media_type="text/plain"),))


def stumble(_work: Work, _report: Report) -> Outcome:
    """Raise what nobody expected."""
    raise ZeroDivisionError("the middle of nowhere")


def refuse(_work: Work, _report: Report) -> Outcome:
    """Raise one of our errors, for good."""
    raise InvalidInputError("The file ends after 3 of 18 MB: upload it again.")


def give_up(_work: Work, _report: Report) -> Outcome:
    """Raise one of our errors, for now."""
    raise UnavailableError("A model is on its way.")


WAYS: dict[str, Callable[[Work, Report], Outcome]] = {
    way.__name__: way
    for way in (
        behave,
        linger,
        eat,
        eat_native,
        hang,
        crash,
        leave,
        chatter,
        listen,
        look,
        lie,
        pretend,
        reach,
        escape,
        forget,
        stumble,
        refuse,
        give_up,
    )
}
