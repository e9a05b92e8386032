"""AVSBench-object (Zhou et al. 2022): what makes the sound, one picture a second for five seconds.

S4, one source per clip:

    ROOT/s4_meta_data.csv                                   name first; columns category, split
    ROOT/s4_data/visual_frames/SPLIT/CATEGORY/NAME/NAME_1.png .. NAME_5.png
    ROOT/s4_data/gt_masks/SPLIT/CATEGORY/NAME/NAME_1.png .. (in train only the first)
    ROOT/s4_data/audio_wav/SPLIT/CATEGORY/NAME.wav

MS3, several sources, without categories:

    ROOT/ms3_meta_data.csv                                  name first; column split
    ROOT/ms3_data/visual_frames/NAME/NAME.mp4_1.png ..
    ROOT/ms3_data/gt_masks/SPLIT/NAME/NAME_1.png ..
    ROOT/ms3_data/audio_wav/SPLIT/NAME.wav
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from refervid.core.types import Mask, SoundReference
from refervid.datasets.avsbench_classes import CLASSES
from refervid.datasets.base import Dataset, Scores
from refervid.datasets.item import Item, Truth, VideoSource
from refervid.datasets.pictures import read_black_white
from refervid.datasets.problems import Problems
from refervid.datasets.samples import two_shapes, write_csv, write_masks, write_pictures, write_tone
from refervid.datasets.scoring import measure_items, missing_notes, row_of
from refervid.datasets.tables import read_rows
from refervid.media.sections import PAPER_SOUND_SMALL
from refervid.metrics.avs import binary_f, binary_iou

EXPRESSION = "sound"
"""The expression id of every item, and so the folder of its masks."""
FRAMES = 5
FPS = 1.0


class FileTruth(Truth, Protocol):
    """A truth with one file per annotated frame."""

    @property
    def files(self) -> tuple[Path, ...]: ...


@dataclass(frozen=True)
class BlackWhiteTruth:
    """White is the sounding object."""

    files: tuple[Path, ...]

    def at(self, position: int) -> tuple[Mask, None]:
        return read_black_white(self.files[position]), None


def sound_item(
    dataset: str,
    name: str,
    pictures: list[Path],
    sound: Path,
    truth: FileTruth,
    problems: Problems,
    *,
    category: str = "",
    first: int = 1,
) -> Item | None:
    """An item of one clip, whose first frames are annotated; None, and faults, if files are missing.

    Frames are named by numbers from `first` on.
    """
    absent = [path for path in (*pictures, sound, *truth.files) if not path.is_file()]
    for folder in sorted({path.parent for path in absent}):
        problems.missing(
            folder, [path.name for path in absent if path.parent == folder], "put the files there"
        )
    if absent:
        return None
    source = VideoSource(name, pictures[0].parent, tuple(pictures), FPS, sound)
    indices = tuple(range(len(truth.files)))
    frames = tuple(str(first + index) for index in indices)
    return Item(dataset, source, EXPRESSION, SoundReference(), frames, indices, truth, category)


def iou_and_f(frames: Iterator[tuple[Mask, Mask, Mask | None]]) -> list[tuple[float, float]]:
    return [(binary_iou(truth, prediction), binary_f(truth, prediction)) for truth, prediction, _ in frames]


NO_DETAIL = {"chooser.box_detail": None}
"""AL-Ref-SAM 2's scripts for these sets leave the detail of pictures to the server."""
SMALL_PICTURES = {"sound.style": PAPER_SOUND_SMALL.model_dump()}


PUBLISHED = {"sound.silence_peak": 0, "detector.text_threshold": 0.25, "detector.order": "queries"}
"""What all of AL-Ref-SAM 2's scripts for sound do: they ask about silent clips too, and leave boxes in the
network's order where there are not more than are kept."""


def sound_settings(preset: str, published: Mapping[str, Any]) -> Mapping[str, Any]:
    """Names of sounding objects should be those of AVSBench's classes.

    `published` is what AL-Ref-SAM 2's script for the set has of its own.
    """
    own = {**PUBLISHED, **published} if preset == "paper" else {}
    return {"sound.vocabulary": CLASSES[1:], **own}


class SoundingObjects(Dataset):
    """MJ and MF: plain means over all frames of all clips, and of each category where there are any."""

    splits = ("test", "val", "train")

    def _score(self, items: list[Item], predictions: Path, workers: int) -> Scores:
        measured = measure_items(items, predictions, iou_and_f, workers)
        rows = []
        frames: dict[str, list[tuple[float, float]]] = {}
        for item, each in zip(items, measured, strict=True):
            rows.append(row_of(item, _means(each.numbers), each.missing))
            frames.setdefault(item.category, []).extend(each.numbers)
        metrics: dict[str, Any] = _means([pair for pairs in frames.values() for pair in pairs])
        categories = {name: _means(pairs) for name, pairs in frames.items() if name}
        if categories:
            metrics["categories"] = categories
        return Scores(metrics, rows, missing_notes(items, measured))


def _means(pairs: list[tuple[float, float]]) -> dict[str, float]:
    mj, mf = np.mean(pairs, axis=0).tolist()
    return {"MJ": mj, "MF": mf}


class AvsbenchS4(SoundingObjects):
    """MJ and MF, also per category."""

    name = "avsbench-s4"
    answers = "s4"

    @classmethod
    def settings(cls, preset: str) -> Mapping[str, Any]:
        """One object sounds in every clip; published, throughout, so that nothing is cut or bound."""
        published = {
            "tagger.weights": ["BEATs_iter3_plus_AS2M_finetuned_on_AS2M_cpt2.pt"],
            "tagger.intervals": "own",
            "sound.bind": False,
        }
        settings = sound_settings(preset, {**NO_DETAIL, **SMALL_PICTURES, **published})
        return {**settings, "sound.max_objects": 1}

    def _read(self, problems: Problems) -> list[Item]:
        file = self.root / "s4_meta_data.csv"
        items = []
        for row in read_rows(file, ("category", "split")):
            name, category = next(iter(row.values())), row["category"]
            if row["split"] != self.split or not (
                problems.name(file, name) and problems.name(file, category)
            ):
                continue
            place = Path(self.split, category)
            data = self.root / "s4_data"
            count = 1 if self.split == "train" else FRAMES
            item = sound_item(
                self.name,
                name,
                [data / "visual_frames" / place / name / f"{name}_{k}.png" for k in range(1, FRAMES + 1)],
                data / "audio_wav" / place / f"{name}.wav",
                BlackWhiteTruth(_masks(data / "gt_masks" / place / name, name, count)),
                problems,
                category=category,
            )
            items += [item] if item else []
        return unique(items, file, problems)

    @classmethod
    def make_sample(cls, folder: Path) -> None:
        """One clip per split: the disk moves, and sounds."""
        rows = [("name", "start", "category", "split")]
        for split in cls.splits:
            clip = two_shapes(f"{split}_disk", FRAMES)
            rows.append((clip.name, "0", "helicopter", split))
            place = Path(split, "helicopter", clip.name)
            names = [f"{clip.name}_{k}" for k in range(1, FRAMES + 1)]
            data = folder / "s4_data"
            write_pictures(data / "visual_frames" / place, list(clip.frames), names, ".png")
            masks = names[:1] if split == "train" else names
            write_masks(data / "gt_masks" / place, (clip.ids == 1)[: len(masks)], masks)
            write_tone(data / "audio_wav" / place.with_suffix(".wav"), FRAMES / FPS)
        write_csv(folder / "s4_meta_data.csv", rows)


class AvsbenchMs3(SoundingObjects):
    """MJ and MF."""

    name = "avsbench-ms3"
    answers = "ms3"

    @classmethod
    def settings(cls, preset: str) -> Mapping[str, Any]:
        return sound_settings(preset, {**NO_DETAIL, **SMALL_PICTURES})

    def _read(self, problems: Problems) -> list[Item]:
        file = self.root / "ms3_meta_data.csv"
        data = self.root / "ms3_data"
        items = []
        for row in read_rows(file, ("split",)):
            name = next(iter(row.values()))
            if row["split"] != self.split or not problems.name(file, name):
                continue
            item = sound_item(
                self.name,
                name,
                [data / "visual_frames" / name / f"{name}.mp4_{k}.png" for k in range(1, FRAMES + 1)],
                data / "audio_wav" / self.split / f"{name}.wav",
                BlackWhiteTruth(_masks(data / "gt_masks" / self.split / name, name, FRAMES)),
                problems,
            )
            items += [item] if item else []
        return unique(items, file, problems)

    @classmethod
    def make_sample(cls, folder: Path) -> None:
        """One clip per split: both shapes count as sounding."""
        rows = [("name", "start", "split")]
        for split in cls.splits:
            clip = two_shapes(f"{split}_shapes_0", FRAMES)
            rows.append((clip.name, "0", split))
            data = folder / "ms3_data"
            names = [f"{clip.name}.mp4_{k}" for k in range(1, FRAMES + 1)]
            write_pictures(data / "visual_frames" / clip.name, list(clip.frames), names, ".png")
            names = [f"{clip.name}_{k}" for k in range(1, FRAMES + 1)]
            write_masks(data / "gt_masks" / split / clip.name, clip.ids > 0, names)
            write_tone(data / "audio_wav" / split / f"{clip.name}.wav", FRAMES / FPS)
        write_csv(folder / "ms3_meta_data.csv", rows)


def _masks(folder: Path, name: str, count: int) -> tuple[Path, ...]:
    return tuple(folder / f"{name}_{k}.png" for k in range(1, count + 1))


def unique(items: list[Item], file: Path, problems: Problems) -> list[Item]:
    """Sorted by name; a name that occurs twice is a fault."""
    items = sorted(items, key=lambda item: item.video.name)
    times = Counter(item.video.name for item in items)
    for name in (name for name, count in times.items() if count > 1):
        problems.add(file, f"clip {name} is listed twice", "remove one row")
    return items
