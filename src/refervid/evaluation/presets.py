"""What a data set asks of a preset."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from refervid.core.errors import SettingsError
from refervid.core.types import SoundReference
from refervid.datasets.base import Dataset
from refervid.pipelines.presets import PRESETS, best_preset


def preset_for(preset: str, dataset: Dataset, *, replay: bool = False) -> str:
    """The preset's name; for `auto` the best one that can answer what the data set asks.

    To replay published answers it is the one that they were given in.
    """
    if preset != "auto":
        return preset
    if replay:
        return "paper"
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
    return _lines(dataset.settings(preset))


def replaying(dataset: Dataset, folder: Path) -> list[str]:
    """Settings that go before the user's own and replay the answers of AL-Ref-SAM 2 in `folder`, which holds
    `gpt_results` and `audio_segment`. Raises `SettingsError` for a data set without such answers.
    """
    if dataset.answers is None:
        raise SettingsError(f"no answers are published for {dataset.name}: --answers is for AVSBench")
    place = {"kind": "recorded", "answers": str(folder), "set": dataset.answers}
    return _lines({f"{role}.{name}": place[name] for role in ("chooser", "tagger") for name in place})


def _lines(settings: Mapping[str, Any]) -> list[str]:
    return [f"{name}={json.dumps(value)}" for name, value in settings.items()]


def _asks_about_sound(dataset: Dataset) -> bool:
    return any(item.reference == SoundReference() for item in dataset.items())
