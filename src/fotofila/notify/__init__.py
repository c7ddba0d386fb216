"""Notifications: events that match a rule are told to webhooks, chats and mailboxes."""

from fotofila.core.capability import Capability, Loop

capability = Capability(
    name="notify",
    routers=("fotofila.notify.routes:router",),
    loops=(Loop(name="notify", role="notify", run="fotofila.notify.loop:run"),),
    tables=("fotofila.notify.models",),
    sweeps=("fotofila.notify.sweep:sweep_deliveries",),
)

__all__ = ["capability"]
