"""Fuzzy truth values in 0..1."""

from refervid.engines.lite.fuzzy import rise

__all__ = ["rise"]
