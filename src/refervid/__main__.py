"""`python -m refervid`."""

from refervid.cli import app

app()
