"""Sending photos to a server. Nothing is kept here: what is there already is asked of the server, by checksum."""
