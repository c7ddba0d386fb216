"""`python -m fotofila.cli`."""

from fotofila.cli.app import main

main()
