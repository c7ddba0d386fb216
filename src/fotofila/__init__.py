"""Fotofila: a self-hosted, cloud-ready pipeline for photographs."""

__version__ = "0.1.0"
