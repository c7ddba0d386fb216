"""Backups: one tar file of `fotofila.db`, `objects/…`, perhaps `secret.key`, and at its end `manifest.json`.

The manifest lists the SHA-256 of every member. It comes last, so that the file is written in one pass and one that was
cut off has none.
"""
