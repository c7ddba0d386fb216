"""Faces: found, described, and embedded where the workspace has switched recognition on."""

from __future__ import annotations

from fotofila.core.capability import Capability, JobKind, Loop

capability = Capability(
    name="faces",
    routers=(
        "fotofila.faces.collections.routes.collections:router",
        "fotofila.faces.collections.routes.faces:router",
        "fotofila.faces.collections.routes.search:router",
        "fotofila.faces.collections.routes.users:router",
        "fotofila.faces.collections.routes.care:router",
        "fotofila.faces.collections.routes.remodel:router",
    ),
    job_kinds=(
        JobKind(
            name="faces.analyze",
            version=1,
            lane="process",
            work="fotofila.faces.jobs:work",
            apply="fotofila.faces.apply:apply",
            resolve="fotofila.faces.service:resolve",
            settle_search="fotofila.faces.service:settle_search",
            ask="fotofila.faces.engine.ask:ask",
            ask_parts={"faces": "fotofila.faces.engine.ask:make_part"},
        ),
    ),
    loops=(
        Loop(name="faces.expiry", role="sweeper", run="fotofila.faces.collections.care_expire:run"),
        Loop(name="faces.remodel", role="reconciler", run="fotofila.faces.collections.remodel_loop:run"),
    ),
    tables=(
        "fotofila.faces.models",
        "fotofila.faces.collections.models",
        "fotofila.faces.collections.remodel_models",
        "fotofila.faces.collections.care_models",
    ),
    specs="fotofila.faces.specs:SPECS",
    photo_detail="fotofila.faces.service:photo_detail",
    report="fotofila.faces.service:report",
    parts={
        "faces": "fotofila.faces.engine.choose:make_engine",
        "faces.search": "fotofila.faces.collections.choose:make_search",
    },
)

__all__ = ["capability"]
