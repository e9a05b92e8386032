"""Every part of every preset as a small real model with random weights, in its published file format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from refervid.engines.base import Runtime
from refervid.engines.class_names import LanguageBindNamer, LanguageBindNamerSettings
from refervid.media.array import ArrayClip
from refervid.media.audio import SoundSource
from refervid.media.clip import Clip
from refervid.models.soc import SOC, SocConfig, common_words, save
from refervid.pipelines.presets import PRESETS
from tests.clips import write_wav
from tests.engines.sam2 import tiny
from tests.engines.sound import beats_file, joined, languagebind_folder, noise, tone
from tests.engines.tiny_detectors import grounding_dino_folder

FPS = 2.0
FRAMES = 13
"""Sampled every second frame and five to a section: 2 sections, the second of 2 frames."""


@dataclass(frozen=True)
class Parts:
    """Files and folders of the parts."""

    detector: Path
    sam2: Path
    edgetam: Path
    beats: tuple[Path, Path]
    languagebind: Path
    languagebind_image: Path
    soc: Path

    @classmethod
    def make(cls, folder: Path) -> Parts:
        names = ("detector", "sam2", "edgetam", "languagebind", "languagebind_image")
        for name in names:
            (folder / name).mkdir()
        grounding_dino_folder(folder / "detector")
        tiny.sam2_model().save_pretrained(folder / "sam2")
        tiny.edgetam_model().save_pretrained(folder / "edgetam")
        languagebind_folder(folder / "languagebind")
        languagebind_folder(folder / "languagebind_image", "LanguageBindImage")
        torch.manual_seed(0)
        save(SOC(SocConfig.nano(common_words(["the red square on the left"]))), folder / "soc.safetensors")
        return cls(
            *(folder / name for name in names[:3]),
            (beats_file(folder / "a.pt", 1), beats_file(folder / "b.pt", 2)),
            *(folder / name for name in names[3:]),
            folder / "soc.safetensors",
        )

    def namer(self) -> LanguageBindNamer:
        runtime = Runtime("cpu", "float32", False, Path())
        return LanguageBindNamer.build(
            LanguageBindNamerSettings(weights=str(self.languagebind_image)), runtime
        )

    def settings(self, preset: str, url: str = "") -> list[str]:
        """What makes a preset run on these parts, and ask the language model at `url`."""
        if PRESETS[preset].needs == "nothing":
            return []
        if preset == "soc":
            return [f"weights={self.soc}", "short=32", "long=64"]
        files = ", ".join(str(file) for file in self.beats)
        other = ["tracker.kind=edgetam", "tagger.kind=beats", "binder.kind=languagebind"]
        changes = [
            *(other if preset == "fast" else ()),
            f"detector.weights={self.detector}",
            "detector.short_side=96",
            "detector.long_side=160",
            f"tracker.weights={self.edgetam if preset == 'fast' else self.sam2}",
            f"tagger.weights=[{files}]",
            "tagger.intervals=own",
            f"binder.weights={self.languagebind}",
        ]
        if preset in ("local", "paper"):
            # The check and the test of the model's sight have tests of their own.
            changes += [f"chooser.base_url={url}", "text.check=false", "chooser.probe=false"]
            changes += ["sections.frame_step=2"]  # short clips have two sections then
        return changes


def moving_clip(frames: int = FRAMES, *, name: str = "square") -> Clip:
    """A bright square that wanders over noise, without sound."""
    return ArrayClip(tiny.frames(frames), fps=FPS, name=name)


def sounding_clip(folder: Path, frames: int = FRAMES) -> Clip:
    """The same with a tone, then noise, in a sound file as long as the pictures."""
    clip = moving_clip(frames)
    half = frames / FPS / 2
    wave = joined(tone(half), noise(half))
    clip.sound = SoundSource(write_wav(folder / "sound.wav", np.float32(wave.samples)))
    return clip
