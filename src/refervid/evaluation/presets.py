"""What a data set asks of a preset."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from refervid.core.errors import SettingsError
from refervid.core.types import SoundReference
from refervid.datasets.avsbench import AvsbenchMs3, AvsbenchS4
from refervid.datasets.avsbench_semantic import CLASSES, AvsbenchV2, Avss
from refervid.datasets.base import Dataset
from refervid.datasets.ref_davis17 import RefDavis17
from refervid.engines.class_names import DEFAULT_WEIGHTS
from refervid.media.sections import PAPER_SOUND_SMALL
from refervid.pipelines.presets import PRESETS, best_preset

_SAME_MODEL = {"chooser.box_model": None, "chooser.box_detail": None}
_SMALL = {"sound.style": PAPER_SOUND_SMALL.model_dump()}

PUBLISHED: Mapping[str, Mapping[str, Any]] = {
    RefDavis17.name: {"tracker.keep_logits": True},
    AvsbenchS4.name: {
        **_SAME_MODEL,
        **_SMALL,
        "tagger.weights": ["BEATs_iter3_plus_AS2M_finetuned_on_AS2M_cpt2.pt"],
    },
    AvsbenchMs3.name: {**_SAME_MODEL, **_SMALL},
    AvsbenchV2.name: _SAME_MODEL,
    Avss.name: {"binder.joiner": "; "},
}
"""Where AL-Ref-SAM 2's scripts differ from one set to the other: settings of `paper` by data set. Objects of
Ref-DAVIS17 are merged by logits, which elsewhere would only fill memory."""

SOC_PUBLISHED: Mapping[str, Mapping[str, Any]] = {
    RefDavis17.name: {"window": 36, "overlap": 0, "keep_logits": True},
}
"""Where SOC's inference scripts differ: clips of 36 frames, each answered on its own, and objects merged by
logits."""


def preset_for(preset: str, dataset: Dataset) -> str:
    """The preset's name; for `auto` the best one that can answer what the data set asks."""
    if preset != "auto":
        return preset
    return best_preset(sound=_asks_about_sound(dataset))


def for_dataset(dataset: Dataset, preset: str) -> list[str]:
    """Settings in the form "name=value" that go before the user's own.

    Names of sounding objects should be those of AVSBench's classes, and must be where classes are scored;
    S4 has one object per clip. Raises `SettingsError` for a preset that cannot do sound, if that is asked.
    """
    is_soc = preset in PRESETS and PRESETS[preset].settings["pipeline"] == "soc"
    published = SOC_PUBLISHED if is_soc else PUBLISHED if preset == "paper" else {}
    if not _asks_about_sound(dataset):
        return _lines(published.get(dataset.name, {}))
    if is_soc:
        raise SettingsError(
            f"{dataset.name} asks what makes the sound, and preset {preset!r} answers sentences only: "
            "choose another preset with --preset"
        )
    settings: dict[str, Any] = {"sound.vocabulary": CLASSES[1:]}
    if dataset.name == AvsbenchS4.name:
        settings["sound.max_objects"] = 1
    if dataset.name == Avss.name and preset != "lite":  # whose objects have numbers for names
        settings["sound.class_weights"] = DEFAULT_WEIGHTS
    return _lines({**settings, **published.get(dataset.name, {})})


def _lines(settings: Mapping[str, Any]) -> list[str]:
    return [f"{name}={json.dumps(value)}" for name, value in settings.items()]


def _asks_about_sound(dataset: Dataset) -> bool:
    return any(item.reference == SoundReference() for item in dataset.items())
