"""What the environment says, read once per call: `REFERVID_CACHE=/big/disk refervid ...`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Environment(BaseSettings):
    """Variables with the prefix `REFERVID_`; an empty one is as good as none.

    `cache` holds language-model answers and downloaded parts; `weights` is searched for checkpoints
    before the hub's own cache. `prices` is a YAML file of what language models charge: a model's name, and
    `{input: .., output: ..}` in US dollars per million tokens.
    """

    model_config = SettingsConfigDict(
        env_prefix="REFERVID_", frozen=True, extra="ignore", env_ignore_empty=True
    )

    cache: Path = Field(default_factory=lambda: Path.home() / ".cache" / "refervid")
    weights: Path | None = None
    prices: Path | None = None
