"""A recipe that runs in seconds, with the real network in its smallest size."""

from __future__ import annotations

from typing import Any

from refervid.training.recipe import Recipe

SCENE = {"height": 32, "width": 48, "frames": 4, "most": 2, "posts": 0.0}


def tiny_recipe(**changes: Any) -> Recipe:
    """Synthetic clips of 32x48 pixels and 4 frames, two of them a step; the state is saved at the end."""
    settings: dict[str, Any] = {
        "network": {"size": "nano"},
        "data": [{"kind": "synthetic", "scene": SCENE, "clips": 4, "sentences": 1}],
        "batch": 2,
        "schedule": {"epochs": 2},
        "rates": {"main": 5e-4, "backbone": 5e-4, "text": 5e-4},
        "clip_norm": 1.0,
        "short": 32,
        "long": 64,
        "workers": 0,
        "save_every": 100,
        "log_every": 1,
    }
    return Recipe.model_validate(settings | changes)
