"""A job that does nothing, or what its file name asks for: the pipeline without the vision work."""

from __future__ import annotations

from fotofila.core.capability import Capability, JobKind

capability = Capability(
    name="noop",
    job_kinds=(
        JobKind(
            name="noop",
            version=1,
            lane="process",
            work="fotofila.testing.noop.jobs:work",
            apply="fotofila.testing.noop.apply:apply",
            resolve="fotofila.testing.noop.apply:resolve",
        ),
    ),
)

__all__ = ["capability"]
