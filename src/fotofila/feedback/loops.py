"""The loops of this floor, by role."""

from __future__ import annotations

from fotofila.core.capability import Loop

LOOPS = (
    Loop(name="relay", role="relay", run="fotofila.feedback.relay:run"),
    Loop(name="feedback", role="feedback", run="fotofila.feedback.results:run"),
    Loop(name="failures", role="failures", run="fotofila.feedback.failures:run"),
    Loop(name="reconciler", role="reconciler", run="fotofila.feedback.reconciler:run"),
    Loop(name="sweeper", role="sweeper", run="fotofila.feedback.sweeper:run"),
)
