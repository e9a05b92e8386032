"""AVSBench-semantic (Zhou et al. 2023): sounding objects with their classes, one picture a second.

    ROOT/metadata.csv              columns uid, split, label (v1s: from S4, v1m: from MS3, v2)
    ROOT/LABEL/UID/frames/0.jpg .. 5 of them, or 10 for v2
    ROOT/LABEL/UID/labels_rgb/0.png ..    the colour of the class, black = background
    ROOT/LABEL/UID/audio.wav

Frames are named from 0 as their files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from refervid.core.errors import DatasetError
from refervid.core.track import Track
from refervid.core.types import Mask
from refervid.datasets.avsbench import NO_DETAIL, SoundingObjects, sound_item, sound_settings, unique
from refervid.datasets.avsbench_classes import CLASSES
from refervid.datasets.base import Scores
from refervid.datasets.item import Item
from refervid.datasets.pictures import read_rgb
from refervid.datasets.problems import Problems
from refervid.datasets.samples import two_shapes, write_csv, write_json, write_pictures, write_tone
from refervid.datasets.scoring import Measured, in_processes, missing_notes, raise_faults, row_of
from refervid.datasets.tables import read_rows
from refervid.media.palette import voc_palette
from refervid.media.pictures import indexed_png
from refervid.metrics.avs import SEMANTIC_SIZE, SemanticSums, shrunk

FRAME_COUNTS = {"v1s": 5, "v1m": 5, "v2": 10}

_CODES = (voc_palette()[: len(CLASSES)].astype(np.int64) @ (1 << 16, 1 << 8, 1)).astype(np.int64)


def class_map(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Class numbers (H, W) of an RGB picture; colours outside the palette are background."""
    codes = colours.astype(np.int64) @ (1 << 16, 1 << 8, 1)
    order = np.argsort(_CODES)
    places = np.minimum(np.searchsorted(_CODES, codes, sorter=order), len(CLASSES) - 1)
    classes = order[places]
    return np.where(_CODES[classes] == codes, classes, 0).astype(np.uint8)


def paint(masks: Sequence[tuple[str, Mask]], height: int, width: int) -> NDArray[np.uint8]:
    """Class numbers (H, W) from the masks of named objects on one frame; later ones cover earlier ones.

    As AL-Ref-SAM 2 merges them. Raises KeyError for a name that is not in `CLASSES`.
    """
    numbers = {name: number for number, name in enumerate(CLASSES)}
    classes = np.zeros((height, width), np.uint8)
    for name, mask in masks:
        classes[mask] = numbers[name]
    return classes


@dataclass(frozen=True)
class ColourTruth:
    """Every colour but black is a sounding object, unknown ones too."""

    files: tuple[Path, ...]

    def at(self, position: int) -> tuple[Mask, None]:
        return np.array(read_rgb(self.files[position]).any(axis=2)), None


class AvsbenchV2(SoundingObjects):
    """The clips added by AVSBench-semantic, scored without classes: MJ and MF."""

    name = "avsbench-v2"
    answers = "v2_binary"
    labels: ClassVar[tuple[str, ...]] = ("v2",)

    @classmethod
    def settings(cls, preset: str) -> Mapping[str, Any]:
        return sound_settings(preset, NO_DETAIL)

    def _read(self, problems: Problems) -> list[Item]:
        file = self.root / "metadata.csv"
        items = []
        for row in read_rows(file, ("uid", "split", "label")):
            uid, label = row["uid"], row["label"]
            if row["split"] != self.split or label not in self.labels or not problems.name(file, uid):
                continue
            folder = self.root / label / uid
            count = FRAME_COUNTS[label]
            annotated = 1 if (self.split, label) == ("train", "v1s") else count
            item = sound_item(
                self.name,
                uid,
                [folder / "frames" / f"{k}.jpg" for k in range(count)],
                folder / "audio.wav",
                ColourTruth(tuple(folder / "labels_rgb" / f"{k}.png" for k in range(annotated))),
                problems,
                first=0,
            )
            items += [item] if item else []
        return unique(items, file, problems)

    @classmethod
    def make_sample(cls, folder: Path) -> None:
        """One clip per split and label: the disk is a helicopter, which sounds."""
        rows = [("vid", "uid", "s_min", "s_sec", "a_obj", "split", "label")]
        for split in cls.splits:
            for label, count in FRAME_COUNTS.items():
                clip = two_shapes(f"{split}_{label}_0_{count}000", count)
                rows.append((clip.name, clip.name, "0", "0", "helicopter", split, label))
                place, names = folder / label / clip.name, [str(k) for k in range(count)]
                write_pictures(place / "frames", list(clip.frames), names)
                annotated = 1 if (split, label) == ("train", "v1s") else count
                classes = np.where(clip.ids == 1, np.uint8(CLASSES.index("helicopter")), np.uint8(0))
                colours = voc_palette()[classes[:annotated]]
                write_pictures(place / "labels_rgb", list(colours), names[:annotated], ".png")
                write_tone(place / "audio.wav", float(count))
        write_csv(folder / "metadata.csv", rows)
        write_json(folder / "label2idx.json", {name: number for number, name in enumerate(CLASSES)})


class Avss(AvsbenchV2):
    """All clips of AVSBench-semantic, scored per class.

    Predictions are pictures in the palette, of any size: RGB, or indexed with class numbers as pixels.
    """

    name = "avss"
    answers = "avss"
    labels = ("v1s", "v1m", "v2")

    @classmethod
    def settings(cls, preset: str) -> Mapping[str, Any]:
        """Names must be classes: LanguageBind finds the nearest one, but `lite` has numbers for names."""
        mapped = {} if preset == "lite" else {"namer.kind": "languagebind"}
        return {**sound_settings(preset, {"binder.joiner": "; "}), **mapped}

    @classmethod
    def pictures(cls, item: Item, track: Track, objects: Sequence[tuple[str, Track]]) -> dict[str, bytes]:
        """Class numbers in the palette."""
        named = [(name, one) for name, one in objects if name in CLASSES]
        return {
            f"{frame}.png": indexed_png(
                paint([(name, one[index]) for name, one in named], track.height, track.width)
            )
            for frame, index in zip(item.frames, item.indices, strict=True)
        }

    @classmethod
    def doubts(cls, objects: Sequence[tuple[str, Track]]) -> list[str]:
        classless = sorted({name for name, _ in objects} - set(CLASSES))
        return [f"of no class of {cls.name}, so background: {', '.join(classless)}"] if classless else []

    def _score(self, items: list[Item], predictions: Path, workers: int) -> Scores:
        measured = in_processes(partial(_semantic_sums, predictions=predictions), items, workers)
        raise_faults([fault for each in measured for fault in each.faults])
        total = SemanticSums()
        rows = []
        for item, each in zip(items, measured, strict=True):
            clip: ClipSums = each.numbers
            total.merge(clip.sums)
            own = clip.sums.scores()
            seen = own.seen.sum()
            numbers = {"mIoU": float(own.iou.sum() / seen), "F": float(own.f.sum() / seen)}
            rows.append(row_of(item, numbers, each.missing))
        found = total.scores()
        classes = zip(CLASSES, found.iou.tolist(), found.f.tolist(), found.seen, strict=True)
        metrics = {
            "mIoU": found.miou,
            "F": found.mf,
            "mIoU without the last class": found.miou_no_background,
            "F without the last class": found.mf_no_background,
            "classes seen": int(found.seen.sum()),
            "classes": {name: {"IoU": iou, "F": f} for name, iou, f, seen in classes if seen},
        }
        notes = missing_notes(items, measured)
        off_palette = sum(each.numbers.off_palette for each in measured)
        if off_palette:
            notes.append(
                f"{off_palette} predictions have colours that stand for no class and count as background; "
                "masks in black and white hold no classes"
            )
        return Scores(metrics, rows, notes)


@dataclass(frozen=True)
class ClipSums:
    """Sums of one clip, and how many of its predictions have colours that stand for no class."""

    sums: SemanticSums
    off_palette: int


def _semantic_sums(item: Item, predictions: Path) -> Measured:
    """A missing prediction is background, a fault is reported."""
    assert isinstance(item.truth, ColourTruth)
    sums, off_palette, missing, faults = SemanticSums(), 0, 0, []
    for frame, file in zip(item.frames, item.truth.files, strict=True):
        truth = read_rgb(file)
        predicted = np.zeros((SEMANTIC_SIZE, SEMANTIC_SIZE, 3), np.uint8)
        path = item.prediction(predictions, frame)
        if not path.is_file():
            missing += 1
        else:
            try:
                predicted = shrunk(read_rgb(path))
            except DatasetError as error:
                faults.append(str(error))
        classes = class_map(predicted)
        off_palette += bool(((classes == 0) & predicted.any(axis=2)).any())
        sums.add(class_map(shrunk(truth)), classes)
    return Measured(ClipSums(sums, off_palette), missing, tuple(faults))
