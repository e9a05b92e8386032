"""Cutting a sound where it changes, by what a network hears second by second.

AL-Ref-SAM 2 publishes the intervals it used, and of the program only the idea: similarity of adjacent
windows, threshold 0.5. Left open are the layer, the measure and the length; here they are settings.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from refervid.core.errors import SettingsError
from refervid.core.files import read_json
from refervid.core.types import Interval, Waveform
from refervid.engines.base import LOADED, EngineSettings, Weights
from refervid.engines.hub.weights import find_weights, missing_weights
from refervid.models.audio_features import SAMPLE_RATE, resample
from refervid.models.yamnet import PATCH_SAMPLES, load_yamnet

WindowNetwork = Callable[[Tensor], Tensor]
"""Windows (K, 15600), float32 at 16 kHz, to features (K, D)."""

_BATCH = 64


class IntervalSettings(EngineSettings):
    """Where intervals come from.

    `intervals`: "yamnet" is YAMNet with the weights file `yamnet`, "own" the tagger's network, "auto"
    YAMNet if it is there and else the tagger's. Their class `scores` or `embedding` of windows every
    `step_s` seconds are compared; a boundary is where the cosine of neighbours is below `threshold`
    (published for YAMNet; other networks, and embeddings, need one of their own). Windows below
    `silence_db` (RMS against full scale) are left out; null keeps them, as published. `interval_file` is a
    published file `{clip: [[start, end], ...]}` in seconds, which then is all that is used.
    """

    intervals: Literal["auto", "yamnet", "own"] = "auto"
    yamnet: Weights = "yamnet.h5"
    features: Literal["scores", "embedding"] = "scores"
    threshold: float = Field(0.5, ge=-1, le=1)
    step_s: float = Field(1.0, ge=0.1, le=10)
    silence_db: float | None = -60.0
    interval_file: Annotated[Path, LOADED] | None = None


def missing_for_intervals(settings: IntervalSettings) -> list[str]:
    if settings.interval_file is not None:
        return [] if settings.interval_file.is_file() else [f"interval file {settings.interval_file}"]
    return _missing_for_yamnet(settings) if settings.intervals == "yamnet" else []


class IntervalCutter:
    """Made once per tagger, with the tagger's own network for when YAMNet is not to be used.

    `by` says in words what cuts: results depend on it.
    """

    def __init__(self, settings: IntervalSettings, own: WindowNetwork) -> None:
        self._settings = settings
        self._published = read_interval_file(settings.interval_file) if settings.interval_file else None
        use_yamnet = settings.intervals == "yamnet" or (
            settings.intervals == "auto" and not _missing_for_yamnet(settings)
        )
        # YAMNet stays on the CPU: a window costs less than its way to the device.
        self._network = _yamnet(settings) if use_yamnet and self._published is None else own
        if settings.interval_file is not None:
            self.by = settings.interval_file.name
        else:
            self.by = "YAMNet" if use_yamnet else "the tagger's own network"

    def intervals(self, waveform: Waveform) -> list[Interval]:
        """In seconds from the first sample. Raises `SettingsError` for a clip that the file does not have."""
        if self._published is not None:
            return published_for(waveform, self._published)
        samples = torch.from_numpy(np.array(waveform.samples))
        samples = resample(samples, waveform.sample_rate)
        step = round(self._settings.step_s * SAMPLE_RATE)
        # A sound shorter than a window is heard as one that ends in silence.
        padded = torch.nn.functional.pad(samples, (0, max(0, PATCH_SAMPLES - len(samples))))
        windows = padded.unfold(0, PATCH_SAMPLES, step)
        audible = self._audible(windows)
        with torch.inference_mode():
            features = torch.cat(
                [self._network(windows[start : start + _BATCH]) for start in range(0, len(windows), _BATCH)]
            )
        runs = split_runs(features.float().cpu().numpy(), audible, self._settings.threshold)
        ends = [*(np.arange(1, len(windows)) * step / SAMPLE_RATE), waveform.duration_s]
        return [Interval(first * step / SAMPLE_RATE, float(ends[last])) for first, last in runs]

    def _audible(self, windows: Tensor) -> NDArray[np.bool_]:
        limit = self._settings.silence_db
        if limit is None:
            return np.ones(len(windows), bool)
        power = windows.square().mean(dim=1).numpy()
        return power > 10 ** (limit / 10)


def split_runs(
    features: NDArray[np.float32], audible: NDArray[np.bool_], threshold: float
) -> list[tuple[int, int]]:
    """First and last window (inclusive) of every run of audible windows that sound alike.

    A run ends before a window whose features (K, D) have a cosine below `threshold` with the window before.
    """
    lengths = np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    unit = features / lengths
    runs: list[tuple[int, int]] = []
    for window in np.flatnonzero(audible):
        before = window - 1
        if runs and runs[-1][1] == before and float(unit[before] @ unit[window]) >= threshold:
            runs[-1] = (runs[-1][0], int(window))
        else:
            runs.append((int(window), int(window)))
    return runs


def read_interval_file(path: Path) -> dict[str, list[Interval]]:
    """A published interval file; a clip may have none, as our own files say of silence. Raises
    `SettingsError`.
    """
    problem = SettingsError(f"{path} is no interval file: expected {{clip: [[start, end], ...]}} in seconds")
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        raise problem from error
    if not isinstance(content, dict):
        raise problem
    clips = {}
    for name, pairs in content.items():
        try:
            edges = np.array(pairs, dtype=np.float64).reshape(-1, 2)
        except (TypeError, ValueError) as error:
            raise problem from error
        if not (edges[:, 0] < edges[:, 1]).all() or (edges[1:, 0] < edges[:-1, 1]).any():
            raise SettingsError(f"{path}: the intervals of {name!r} overlap or run backwards")
        clips[name] = [Interval(float(start), float(end)) for start, end in edges]
    return clips


def published_for(waveform: Waveform, clips: dict[str, list[Interval]]) -> list[Interval]:
    """The clip's intervals as the file has them: they may end before the sound does."""
    found = clips.get(waveform.name, clips.get(waveform.name.rsplit("/", 1)[-1]))
    if found is None:
        raise SettingsError(f"the interval file has no clip {waveform.name!r}")
    return list(found)


def _missing_for_yamnet(settings: IntervalSettings) -> list[str]:
    package = [] if find_spec("h5py") else ["package h5py (pip install 'refervid[datasets]')"]
    return missing_weights(settings.yamnet) + package


def _yamnet(settings: IntervalSettings) -> WindowNetwork:
    network = load_yamnet(find_weights(settings.yamnet))
    return network.embed if settings.features == "embedding" else network
