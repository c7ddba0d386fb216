"""Pictures: told apart at the door, decoded in a child, shrunk, drawn on. Pure: no web, no database, no queue.

The door (`sniff`, `containers`) loads neither numpy nor Pillow; everything else runs in the worker's sandboxed child.
"""
