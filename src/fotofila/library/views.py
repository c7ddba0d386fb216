"""Shaping rows for the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fotofila.core.db.together import Row
from fotofila.core.jobs.models import Batch, Job
from fotofila.core.jobs.states import JobState
from fotofila.library.models import Photo
from fotofila.library.schemas import BatchOut, Camera, Gps, JobError, JobOut, Links, PhotoDetail, PhotoOut, Upload

UNKNOWN: dict[str, Any] = dict.fromkeys(("width", "height", "orientation", "taken_at", "camera", "gps", "face_count"))


def job_out(job: Job) -> JobOut:
    """Shape a job; what the database keeps is valid, and to check it again would cost as much as to write it."""
    return JobOut.model_construct(
        id=job.id,
        kind=job.kind,
        state=JobState(job.state),
        lane=job.lane,
        round=job.round,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        progress=job.progress,
        photo_id=job.photo_id,
        batch_id=job.batch_id,
        created_at=job.created_at,
        scheduled_at=job.scheduled_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        error=JobError.model_validate(job.error) if job.error else None,
    )


def photo_fields(photo: Photo, job: Job | None) -> dict[str, Any]:
    """Shape what a photo and its detail share."""
    camera = (photo.camera_make, photo.camera_model, photo.lens)
    gps = None
    if photo.latitude is not None and photo.longitude is not None:
        gps = Gps(latitude=photo.latitude, longitude=photo.longitude, altitude=photo.altitude)
    return {
        "id": photo.id,
        "filename": photo.filename,
        "media_type": photo.media_type,
        "size_bytes": photo.size_bytes,
        "checksum_sha256": photo.checksum_sha256,
        "width": photo.width,
        "height": photo.height,
        "orientation": photo.orientation,
        "taken_at": photo.taken_at,
        "camera": Camera(make=camera[0], model=camera[1], lens=camera[2]) if any(camera) else None,
        "gps": gps,
        "face_count": photo.face_count,
        "batch_id": photo.batch_id,
        "created_at": photo.created_at,
        "job": job_out(job) if job else None,
        "links": Links.model_validate(link_fields(photo.id, annotated=photo.face_count is not None)),
    }


def link_fields(photo_id: str, *, annotated: bool = False) -> dict[str, str | None]:
    """Say where to go from a photo."""
    base = f"/api/photos/{photo_id}"
    return {
        "self": base,
        "image": f"{base}/image?size=original",
        "thumbnail": f"{base}/image?size=256",
        "annotated": f"{base}/annotated" if annotated else None,
    }


def photo_out(photo: Photo, job: Job | None) -> PhotoOut:
    """Shape a photo."""
    return PhotoOut.model_construct(**photo_fields(photo, job))


def photo_detail(photo: Photo, job: Job | None, found: dict[str, Any]) -> PhotoDetail:
    """Shape a photo with what capabilities know of it; what a photo itself tells cannot be overwritten."""
    return PhotoDetail(**{"faces": [], **found, **photo_fields(photo, job), "exif": photo.exif})


def upload_out(photo: Photo, job: Job, *, duplicate: bool) -> Upload:
    """Shape what became of a file."""
    shown = photo_out(photo, job)
    return Upload.model_construct(photo=shown, job=job_out(job), duplicate=duplicate)


def written_fields(row: Row) -> dict[str, Any]:
    """Shape a photo that was just written, from what was written: nothing of its result is known yet."""
    job = {
        "id": row["job_id"],
        "kind": row["kind"],
        "state": JobState.PENDING.value,
        "lane": row["lane"],
        "round": 1,
        "attempt": 1,
        "max_attempts": row["max_attempts"],
        "progress": None,
        "photo_id": row["id"],
        "batch_id": row["batch_id"],
        "created_at": row["at"],
        "scheduled_at": None,
        "started_at": None,
        "finished_at": None,
        "error": None,
    }
    photo = {
        "id": row["id"],
        "filename": row["filename"],
        "media_type": row["media_type"],
        "size_bytes": row["size_bytes"],
        "checksum_sha256": row["checksum_sha256"],
        **UNKNOWN,
        "batch_id": row["batch_id"],
        "created_at": row["at"],
        "job": job,
        "links": link_fields(row["id"]),
    }
    return {"photo": photo, "job": job, "duplicate": False}


def batch_out(batch: Batch, now: datetime) -> BatchOut:
    """Shape a batch; the ETA assumes that the rest goes as fast as what is over."""
    over = batch.done + batch.failed + batch.cancelled
    pending = max(batch.total, batch.expected or 0) - over
    elapsed = (now - batch.created_at).total_seconds()
    return BatchOut(
        id=batch.id,
        name=batch.name,
        total=max(batch.total, batch.expected or 0),
        done=batch.done,
        failed=batch.failed,
        cancelled=batch.cancelled,
        pending=pending,
        created_at=batch.created_at,
        finished_at=batch.finished_at,
        eta_seconds=round(elapsed / over * pending, 1) if over and pending > 0 else None,
    )
