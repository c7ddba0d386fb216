"""The command line: `fotofila COMMAND`. Each command lives in a file of its own and is imported when it is called."""

from fotofila.cli.app import main

__all__ = ["main"]
