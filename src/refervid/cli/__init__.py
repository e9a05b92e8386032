"""The command line: parse, call, show."""

from __future__ import annotations

from refervid.cli.app import app

__all__ = ["app"]
