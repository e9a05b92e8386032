"""What a data set asks of a preset."""

from __future__ import annotations

import json

from refervid.core.errors import SettingsError
from refervid.core.types import SoundReference
from refervid.datasets.base import Dataset
from refervid.pipelines.presets import PRESETS, best_preset


def preset_for(preset: str, dataset: Dataset) -> str:
    """The preset's name; for `auto` the best one that can answer what the data set asks."""
    if preset != "auto":
        return preset
    return best_preset(sound=_asks_about_sound(dataset))


def for_dataset(dataset: Dataset, preset: str) -> list[str]:
    """Settings in the form "name=value" that go before the user's own.

    Raises `SettingsError` for a preset that cannot do sound, if that is asked.
    """
    is_soc = preset in PRESETS and PRESETS[preset].settings["pipeline"] == "soc"
    if is_soc and _asks_about_sound(dataset):
        raise SettingsError(
            f"{dataset.name} asks what makes the sound, and preset {preset!r} answers sentences only: "
            "choose another preset with --preset"
        )
    return [f"{name}={json.dumps(value)}" for name, value in dataset.settings(preset).items()]


def _asks_about_sound(dataset: Dataset) -> bool:
    return any(item.reference == SoundReference() for item in dataset.items())
