"""Readers of the boxes that pictures come in: segments, chunks, boxes, directories; never of pixels.

Every reader is bounded: it reads a known number of bytes, takes a known number of steps, never recurses on what the
file says, and never raises on what it finds. What it cannot read is simply not there.
"""
