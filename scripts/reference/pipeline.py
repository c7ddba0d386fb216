"""The pages of job kinds with their capabilities, of events, and of roles."""

from __future__ import annotations

from importlib import import_module

from fotofila.bootstrap import load_capabilities
from fotofila.core.capability import Capability, Loop
from fotofila.core.config.settings import Settings
from fotofila.feedback.loops import LOOPS
from scripts.reference.tables import code, first_line, table

KINDS = """\
A job kind names three functions: `resolve` settles the arguments when the job is made, `work` runs in a sandboxed child
and touches no database, `apply` makes the writes that follow, in the transaction of the role `feedback`. The kind of an
uploaded photo is `FOTOFILA_INGEST_KIND`. A photo that comes with a batch takes the lane with `.bulk` behind its name.
How to write one: [a capability of your own](../how-to/write-a-capability.md).
"""
EVENTS = {
    "photo.created": ("A photo was taken in; it is durable, and its job is on its way.", "`filename`"),
    "photo.deleted": ("A photo was deleted, by a person or by retention.", ""),
    "job.started": ("A worker began.", ""),
    "job.progress": ("How far it is; at most one a second.", "`progress` (0 to 1)"),
    "job.retrying": ("An attempt did not work, or could not be made; the next one has a time.", "`attempt`, `code`"),
    "job.done": ("The result is written down.", "what the kind's `apply` returns, as `face_count`"),
    "job.failed": (
        "It failed for good; there is a failure.",
        "`failure_id`, `error` (`code`, `sentence`, `permanent`)",
    ),
    "job.cancelled": ("Nobody wants it any more.", ""),
    "batch.done": ("Every photo of a batch has its end.", "`total`, `done`, `failed`, `cancelled`"),
}
"""Type → what happened, and what `data` holds."""
EVENT_INTRO = """\
An event is a row that is committed together with what it tells of. Ids rise in the order of commits, so a client that
comes back with the last id it saw misses none. `GET /api/events` streams the events of the key's workspace
(Server-Sent Events):

```
id: 4711
event: job.done
data: {"id":4711,"type":"job.done","at":"…","photo_id":"…","job_id":"…","batch_id":null,"data":{"face_count":3}}
```

To resume, send the header `Last-Event-ID` (browsers do) or the parameter `?last_event_id=`; without either the stream
begins with what happens from now on. A comment line comes every 15 seconds, so that a dead connection is noticed.
Notification rules can be made for `job.done`, `job.failed` and `batch.done`.
"""
ROLE_INTRO = """\
`fotofila serve` runs every role and one worker process beside them. `fotofila serve --roles api,notify` runs only those
named, and no worker; `fotofila work` is a worker and nothing else. Several processes of one role may run at once. See
[run roles apart](../how-to/run-roles-apart.md).
"""
API_ROLE = "Answers HTTP: the API, the web page, `/healthz`, `/readyz`, `/metrics`."
WORKER = "`fotofila work`: takes messages, drives sandboxed children, reports. No role of `serve`, no database."


def capabilities() -> tuple[Capability, ...]:
    """Return what is loaded when nothing is set."""
    return load_capabilities(Settings.model_fields["capabilities"].default)


def loops() -> tuple[Loop, ...]:
    """Return the loops of every role."""
    return (*LOOPS, *(loop for capability in capabilities() for loop in capability.loops))


def kinds_page() -> str:
    """Return the page of job kinds."""
    loaded = capabilities()
    kinds = [
        (code(kind.name), str(kind.version), code(kind.lane), *map(code, (kind.resolve, kind.work, kind.apply)))
        for capability in loaded
        for kind in capability.job_kinds
    ]
    brought = [
        (
            code(capability.name),
            first_line(import_module(f"fotofila.{capability.name}").__doc__),
            " ".join(code(kind.name) for kind in capability.job_kinds),
            " ".join(code(loop.role) for loop in capability.loops),
            " ".join(code(module) for module in capability.tables),
        )
        for capability in loaded
    ]
    return "\n\n".join(
        (
            "# Job kinds and capabilities",
            KINDS.rstrip(),
            table(("Kind", "Version", "Lane", "`resolve`", "`work`", "`apply`"), kinds),
            "## Capabilities",
            table(("Capability", "What it is", "Kinds", "Roles", "Tables"), brought),
        )
    )


def events_page() -> str:
    """Return the page of events."""
    rows = [(code(name), meaning, data) for name, (meaning, data) in EVENTS.items()]
    return "\n\n".join(("# Events", EVENT_INTRO.rstrip(), table(("Type", "What happened", "`data`"), rows)))


def roles_page() -> str:
    """Return the page of roles."""
    rows = [("`api`", API_ROLE)]
    rows += [(code(loop.role), first_line(import_module(loop.run.partition(":")[0]).__doc__)) for loop in loops()]
    return "\n\n".join(("# Roles", ROLE_INTRO.rstrip(), table(("Role", "What it does"), [*rows, ("worker", WORKER)])))
