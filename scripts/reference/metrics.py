"""The page of metrics, from `core/observability/metrics.py`."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Counter, Gauge, Histogram

from fotofila.core.observability import metrics
from scripts.reference.tables import code, table

Metric = Counter | Gauge | Histogram

INTRO = """\
`GET /metrics` answers in the format of Prometheus, or of OpenMetrics where the `Accept` header asks for it. It needs no
key and tells nothing of anybody's photos; keep it off the public internet all the same (see
[behind a reverse proxy](../how-to/reverse-proxy.md)). Each process counts for itself, from its start; one without the
role `api` answers at `FOTOFILA_METRICS_PORT`, when that is set. A histogram has the series `_bucket`, `_sum` and
`_count`. On Linux each process also tells of itself, without its children: `fotofila_process_resident_memory_bytes`,
`fotofila_process_virtual_memory_bytes`, `fotofila_process_cpu_seconds_total`, `fotofila_process_open_fds`,
`fotofila_process_max_fds`, `fotofila_process_start_time_seconds`.
"""


def page() -> str:
    """Return the page."""
    rows = [(code(exposed_name(metric)), kind_of(metric), labels_of(metric), help_of(metric)) for metric in every()]
    return "\n\n".join(("# Metrics", INTRO.rstrip(), table(("Metric", "Kind", "Labels", "What it counts"), rows)))


def every() -> Iterator[Metric]:
    """Give the metrics in the order of the file."""
    for value in vars(metrics).values():
        if isinstance(value, Counter | Gauge | Histogram):
            yield value


def exposed_name(metric: Metric) -> str:
    """Return the name that is scraped: a counter ends in `_total`."""
    name = next(iter(metric.describe())).name
    return f"{name}_total" if isinstance(metric, Counter) else name


def kind_of(metric: Metric) -> str:
    """Name the kind."""
    return type(metric).__name__.lower()


def labels_of(metric: Metric) -> str:
    """Name the labels."""
    return ", ".join(code(label) for label in metric._labelnames)  # noqa: SLF001 - the library tells it nowhere else


def help_of(metric: Metric) -> str:
    """Return what the metric says of itself."""
    return next(iter(metric.describe())).documentation
