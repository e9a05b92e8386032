"""What the environment says, read once per call: `REFERVID_CACHE=/big/disk refervid ...`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Environment(BaseSettings):
    """Variables with the prefix `REFERVID_`.

    `cache` holds language-model answers and downloaded parts; `weights` is searched for checkpoints
    before the hub's own cache.
    """

    model_config = SettingsConfigDict(env_prefix="REFERVID_", frozen=True, extra="ignore")

    cache: Path = Field(default_factory=lambda: Path.home() / ".cache" / "refervid")
    weights: Path | None = None
