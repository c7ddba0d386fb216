"""Jobs: their states, their messages, and every write that moves one.

This package imports nothing by itself: workers take `messages`, `outcomes` and `backoff` and never load the database.
"""
