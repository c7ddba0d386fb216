"""Conformance suites and fakes, shipped because plug-ins need them; nothing of the program imports them."""
