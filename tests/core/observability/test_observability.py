from __future__ import annotations

import json
import logging
import subprocess
import sys

from prometheus_client import generate_latest

from fotofila.core.observability.metrics import REGISTRY
from fotofila.core.observability.traces import configure_traces, current_traceparent, span

PROGRAM = """
import logging
from fotofila.core.observability.logs import configure_logs, get_logger
configure_logs(level="info", fmt="json")
log = get_logger("test")
log.debug("unheard.of")
log.info("photo.taken", photo_id="a", seconds=0.5)
logging.getLogger("library").warning("from %s", "outside")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("sum.failed")
"""


def test_logs_are_one_json_object_per_line_whoever_writes_them() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ran.stdout == ""
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["photo.taken", "from outside", "sum.failed"]
    assert (lines[0]["photo_id"], lines[0]["seconds"], lines[0]["level"]) == ("a", 0.5, "info")
    assert all("timestamp" in line for line in lines)
    assert "ZeroDivisionError" in lines[2]["exception"]


def test_importing_us_configures_nobodys_logs() -> None:
    program = "import logging, fotofila.worker.loop; print(len(logging.getLogger().handlers))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"0\n"
    assert logging.getLogger().level in {logging.WARNING, logging.NOTSET}


def test_every_metric_is_named_and_explained() -> None:
    families = list(REGISTRY.collect())
    assert families
    for family in families:
        assert family.name.startswith("fotofila_"), family.name
        assert family.documentation.endswith("."), family.name
    assert generate_latest(REGISTRY).startswith(b"# HELP")


def test_nothing_is_traced_unless_an_endpoint_is_set() -> None:
    configure_traces(endpoint="", service="test")
    with span("test", colour="red"):
        assert current_traceparent() is None


def test_trace_of_a_message_is_followed() -> None:
    parent = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"
    with span("test", parent):
        carried = current_traceparent()
    assert carried is not None
    assert carried.split("-")[1] == "1" * 32
