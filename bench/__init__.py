"""Every published figure, re-run by one command: `python -m bench NAME`."""
