"""The small checkpoint that comes with the package."""

from __future__ import annotations

from pathlib import Path

SHIPPED = "soc-nano"


def shipped_path() -> Path:
    """Where it lies in the installation."""
    return Path(__file__).with_name(f"{SHIPPED}.safetensors")
