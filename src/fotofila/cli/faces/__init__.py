"""Finding people in photos from the command line: on this machine, or by asking a server."""
