"""Access: workspaces, users, API keys, cookie sessions."""

from __future__ import annotations

from fotofila.core.capability import Capability, Loop

capability = Capability(
    name="access",
    routers=(
        "fotofila.access.routes.session:router",
        "fotofila.access.routes.keys:router",
        "fotofila.access.routes.aws_keys:router",
        "fotofila.access.routes.users:router",
        "fotofila.access.routes.workspace:router",
        "fotofila.access.routes.audit:router",
    ),
    loops=(Loop(name="audit", role="feedback", run="fotofila.access.audit_append:run"),),
    tables=("fotofila.access.models", "fotofila.access.audit_models", "fotofila.api.models"),
    sweeps=(
        "fotofila.access.sign_in:sweep",
        "fotofila.access.audit_prune:sweep",
        "fotofila.api.idempotency:sweep",
        "fotofila.api.rate_stores:sweep",
    ),
)

__all__ = ["capability"]
