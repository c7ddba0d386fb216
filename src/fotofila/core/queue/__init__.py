"""The queue port and its adapters."""

from fotofila.core.queue.base import Delivery, Depth, Outgoing, Queue

__all__ = ["Delivery", "Depth", "Outgoing", "Queue"]
