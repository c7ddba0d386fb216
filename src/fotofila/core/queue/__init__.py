"""The queue port and its adapters."""

from fotofila.core.queue.base import Delivery, Depth, LaneNames, Outgoing, Queue

__all__ = ["Delivery", "Depth", "LaneNames", "Outgoing", "Queue"]
