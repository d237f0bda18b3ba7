"""`python -m nat_core`."""

from nat_core.cli import run

run()
