"""Every metric that Fotofila gives out. The reference in the docs is made from this file."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, start_http_server

REGISTRY = CollectorRegistry(auto_describe=True)
PROCESS = ProcessCollector(namespace="fotofila", registry=REGISTRY)
"""Memory, CPU and open files of this process, children apart; on Linux."""

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

HTTP_REQUESTS = Counter(
    "fotofila_http_requests", "HTTP requests answered.", ["method", "route", "status"], registry=REGISTRY
)
HTTP_SECONDS = Histogram(
    "fotofila_http_request_seconds",
    "Time to answer.",
    ["method", "route"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
PHOTOS_ACCEPTED = Counter("fotofila_photos_accepted", "Photos taken in.", ["media_type"], registry=REGISTRY)
PHOTOS_REFUSED = Counter("fotofila_photos_refused", "Uploads refused at the door.", ["code"], registry=REGISTRY)
BYTES_ACCEPTED = Counter("fotofila_upload_bytes", "Bytes of photos taken in.", registry=REGISTRY)
RELAYED = Counter(
    "fotofila_relay_messages", "Messages moved from the outbox to the queue.", ["lane"], registry=REGISTRY
)
OUTBOX_LAG = Gauge("fotofila_outbox_oldest_seconds", "Age of the oldest message that is due.", registry=REGISTRY)
OUTBOX_MESSAGES = Gauge(
    "fotofila_outbox_messages", "Messages in the outbox, due or not, as last counted.", ["lane"], registry=REGISTRY
)
EXECUTIONS = Counter("fotofila_executions", "Executions that workers ended.", ["kind", "outcome"], registry=REGISTRY)
EXECUTION_SECONDS = Histogram(
    "fotofila_execution_seconds", "Time of one execution.", ["kind"], buckets=_SECONDS, registry=REGISTRY
)
CHILDREN_KILLED = Counter(
    "fotofila_children_killed",
    "Sandboxed children that ended against their will.",
    ["reason"],
    registry=REGISTRY,
)
RESULTS = Counter("fotofila_results", "Result messages applied.", ["type"], registry=REGISTRY)
FAILURES = Counter("fotofila_failures", "Executions that failed for good.", ["kind", "code"], registry=REGISTRY)
JOBS_FINISHED = Counter("fotofila_jobs_finished", "Jobs that reached their end.", ["kind", "state"], registry=REGISTRY)
JOB_SECONDS = Histogram(
    "fotofila_job_seconds",
    "Time from taking a job in to its end, for jobs that nobody redrove.",
    ["kind", "state"],
    buckets=(*_SECONDS, 900, 3600),
    registry=REGISTRY,
)
RECONCILED = Counter("fotofila_reconciled_jobs", "Jobs that were sent again.", ["reason"], registry=REGISTRY)
SWEPT = Counter("fotofila_swept_objects", "Objects removed by the sweeper.", ["reason"], registry=REGISTRY)
QUEUE_DEPTH = Gauge("fotofila_queue_depth", "Messages in a lane.", ["lane", "state"], registry=REGISTRY)
DELIVERIES = Counter("fotofila_notification_deliveries", "Notifications sent.", ["kind", "outcome"], registry=REGISTRY)
OVERLOADED = Counter(
    "fotofila_overloaded_requests", "Requests that found no room and were answered with 503.", registry=REGISTRY
)
UPLOADS_UNDER_WAY = Gauge(
    "fotofila_uploads_under_way", "Requests with a body that are being answered.", registry=REGISTRY
)
REKOGNITION_CALLS = Counter(
    "fotofila_rekognition_calls",
    "Calls of the Rekognition protocol by operation and what was answered: done, or the name of the error.",
    ["operation", "answer"],
    registry=REGISTRY,
)
AWS_THROTTLED = Counter(
    "fotofila_aws_throttled_requests",
    "Requests to AWS that were too many and are sent again, by operation.",
    ["operation"],
    registry=REGISTRY,
)
FACES_REEMBEDDED = Counter(
    "fotofila_faces_reembedded",
    "Faces of collections that got a vector of another model, or cannot.",
    ["outcome"],
    registry=REGISTRY,
)
RATE_LIMITED = Counter("fotofila_rate_limited_requests", "Requests answered with 429.", registry=REGISTRY)
AUDIT_ENTRIES = Counter("fotofila_audit_entries", "Entries made for the audit log.", ["action"], registry=REGISTRY)
AUDIT_PENDING = Gauge("fotofila_audit_pending", "Audit entries that are not chained yet.", registry=REGISTRY)
AUDIT_CHECKPOINTS = Counter("fotofila_audit_checkpoints", "Checkpoints signed.", registry=REGISTRY)
FACES_ERASED = Counter(
    "fotofila_faces_erased", "Faces erased from collections: asked for, or out of time.", ["reason"], registry=REGISTRY
)


def serve_metrics(*, host: str, port: int) -> None:
    """Answer `/metrics` from a thread, for a process that has no HTTP server of its own; port 0 answers nowhere."""
    if port:
        start_http_server(port, addr=host, registry=REGISTRY)
