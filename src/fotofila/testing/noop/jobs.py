"""The work: a comment in the file (`fotofila:sleep=0.2`, `fotofila:crash`, …) says how it goes wrong."""

from __future__ import annotations

import os
import re
import signal
import time

from fotofila.core.errors import FotofilaError
from fotofila.core.jobs.outcomes import Discard, Done, Outcome, RenditionFile, Report, Retry, Snooze, Work

_ORDER = re.compile(rb"fotofila:([a-z]+)=?([0-9.]*)")


class OrderedError(FotofilaError):
    """An error that the file asked for."""

    code = "ordered"


class OrderedPermanentError(OrderedError):
    """The same, for good."""

    code = "ordered_permanent"
    permanent = True


def work(work: Work, report: Report) -> Outcome:
    """Do what the file asks for, then write one small rendition."""
    padding = ""
    content = work.original.read_bytes()
    for order, value in _ORDER.findall(content):
        if order == b"large":
            padding = "x" * int(value)
        outcome = obey(order.decode(), float(value or 0), report)
        if outcome is not None:
            return outcome
    file = RenditionFile(name="noop.txt", content=b"done", media_type="text/plain")
    return Done(result={"bytes": len(content), "padding": padding}, renditions=(file,))


def obey(order: str, value: float, report: Report) -> Outcome | None:
    """Go wrong in one way."""
    match order:
        case "sleep":
            report(0.1)
            time.sleep(value)
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "eat":
            return Done(result={"length": len(bytearray(int(value) * 1024 * 1024))})
        case "retry":
            return Retry(error=OrderedError("The file asked for another attempt."))
        case "discard":
            return Discard(error=OrderedPermanentError("The file asked to be discarded."))
        case "snooze":
            return Snooze(for_seconds=value, reason="The file asked for a rest.")
    return None
