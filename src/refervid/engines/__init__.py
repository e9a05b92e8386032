"""Engines: one folder per role, one module per engine."""
