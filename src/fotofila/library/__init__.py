"""Photos and what all capabilities share of them: jobs, batches, failures, reports, events."""

from __future__ import annotations

from fotofila.core.capability import Capability

capability = Capability(
    name="library",
    routers=(
        "fotofila.library.upload_routes:router",
        "fotofila.library.uploads.tus.routes:router",
        "fotofila.library.uploads.routes:router",
        "fotofila.library.photo_routes:router",
        "fotofila.library.batch_routes:router",
        "fotofila.library.job_routes:router",
        "fotofila.library.failure_routes:router",
        "fotofila.library.policy_routes:router",
        "fotofila.library.report_routes:router",
        "fotofila.library.event_routes:router",
    ),
    tables=(
        "fotofila.core.jobs.models",
        "fotofila.core.events.models",
        "fotofila.library.models",
        "fotofila.library.uploads.models",
    ),
    sweeps=(
        "fotofila.library.sweep:sweep_orphans",
        "fotofila.library.sweep:sweep_expired",
        "fotofila.library.uploads.sweep:sweep_uploads",
    ),
)

__all__ = ["capability"]
