"""Backups: one tar file of the database (`fotofila.db` or `fotofila.dump`), `objects/…`, perhaps `secret.key`.

At its end stands `manifest.json`, which lists the SHA-256 of every member. It comes last, so that the file is written
in one pass and one that was cut off has none.
"""
