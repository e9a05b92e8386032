"""Ref-AVS (Wang et al. 2024): sentences about what is seen and heard, ten seconds, one picture a second.

ROOT/metadata.csv                           columns uid, split, fid, exp; the split is of each sentence
ROOT/media/VIDEO/frames/0.jpg .. 9.jpg      VIDEO is uid without its last two parts (_OBJECT_NUMBER)
ROOT/media/VIDEO/audio.wav
ROOT/gt_mask/VIDEO/fid_FID/00000.png .. 00009.png

`test_n` is the null set: its sentences mean nothing in their clips, whatever masks are stored beside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from refervid.core.types import Mask, TextReference
from refervid.datasets.base import Dataset, Scores
from refervid.datasets.item import Item, VideoSource
from refervid.datasets.mask_files import MaskFiles
from refervid.datasets.pictures import size_of
from refervid.datasets.problems import Problems
from refervid.datasets.samples import two_shapes, write_csv, write_masks, write_pictures, write_tone
from refervid.datasets.scoring import means, measure_items, missing_notes, row_of
from refervid.datasets.tables import read_rows
from refervid.metrics.avs import binary_iou, clip_f, null_s

FRAMES = 10
FPS = 1.0
NULL = "test_n"


class RefAvs(Dataset):
    """mIoU and F of each sentence's clip, means over sentences; of the null set S, of which 0 is best.

    Masks are compared at the frames' size. The published program compares them at 256x256 and averages by
    batches of four clips.
    """

    name = "ref-avs"
    splits = ("test_s", "test_u", NULL, "val", "train")

    def _read(self, problems: Problems) -> list[Item]:
        file = self.root / "metadata.csv"
        clips: dict[str, VideoSource | None] = {}
        numbers: Counter[str] = Counter()
        items = []
        for row in read_rows(file, ("uid", "split", "fid", "exp")):
            video = row["uid"].rsplit("_", 2)[0]
            if row["split"] != self.split or not (
                problems.name(file, video) and problems.name(file, f"fid_{row['fid']}")
            ):
                continue
            if video not in clips:
                clips[video] = self._clip(video, problems)
            source = clips[video]
            truth = source and self._truth(source, row["fid"], problems)
            if source and truth:
                key, numbers[video] = str(numbers[video]), numbers[video] + 1
                frames, indices = tuple(map(str, range(FRAMES))), tuple(range(FRAMES))
                items.append(Item(self.name, source, key, TextReference(row["exp"]), frames, indices, truth))
        return sorted(items, key=lambda item: item.video.name)

    def _clip(self, video: str, problems: Problems) -> VideoSource | None:
        """The pictures and the sound of a clip; None, and a fault, if files are missing."""
        folder = self.root / "media" / video
        pictures = tuple(folder / "frames" / f"{k}.jpg" for k in range(FRAMES))
        absent = [
            str(path.relative_to(folder)) for path in (*pictures, folder / "audio.wav") if not path.is_file()
        ]
        problems.missing(folder, absent, "put the files there")
        return None if absent else VideoSource(video, folder, pictures, FPS, folder / "audio.wav")

    def _truth(self, source: VideoSource, fid: str, problems: Problems) -> MaskFiles | None:
        """The masks of a sentence, none of the null set; None, and a fault, if files are missing."""
        height, width = size_of(source.pictures[0])
        folder = self.root / "gt_mask" / source.name / f"fid_{fid}"
        if self.split == NULL:
            return MaskFiles((None,) * FRAMES, height, width)
        files = tuple(folder / f"{k:05d}.png" for k in range(FRAMES))
        absent = [path.name for path in files if not path.is_file()]
        problems.missing(folder, absent, "put the masks there")
        return None if absent else MaskFiles(files, height, width)

    def _score(self, items: list[Item], predictions: Path, workers: int) -> Scores:
        measure = _null if self.split == NULL else _iou_and_f
        measured = measure_items(items, predictions, measure, workers)
        rows = [row_of(item, each.numbers, each.missing) for item, each in zip(items, measured, strict=True)]
        columns = ("S",) if self.split == NULL else ("mIoU", "F")
        return Scores(means(rows, columns), rows, missing_notes(items, measured))

    @classmethod
    def make_sample(cls, folder: Path) -> None:
        """One clip per split with two sentences, of the null set about what is not there."""
        rows: list[tuple[Any, ...]] = [("vid", "uid", "split", "fid", "exp")]
        for split in cls.splits:
            clip = two_shapes(f"{split}_clip", FRAMES)
            media, masks = folder / "media" / clip.name, folder / "gt_mask" / clip.name
            write_pictures(media / "frames", list(clip.frames), [str(k) for k in range(FRAMES)])
            write_tone(media / "audio.wav", FRAMES / FPS)
            for text, object_id in clip.sentences:
                text, fid = ("the green triangle", 0) if split == NULL else (text, object_id)
                rows.append((clip.name, f"{clip.name}_shape_{object_id}", split, fid, text))
                names = [f"{k:05d}" for k in range(FRAMES)]
                write_masks(masks / f"fid_{fid}", (clip.ids == object_id) & (fid > 0), names)
        write_csv(folder / "metadata.csv", rows)


def _iou_and_f(frames: Iterator[tuple[Mask, Mask, Mask | None]]) -> dict[str, float]:
    pairs = [(truth, prediction) for truth, prediction, _ in frames]
    iou = float(np.mean([binary_iou(truth, prediction) for truth, prediction in pairs]))
    return {"mIoU": iou, "F": clip_f(pairs)}


def _null(frames: Iterator[tuple[Mask, Mask, Mask | None]]) -> dict[str, float]:
    """S, and before it a number of which more is better, by which runs are compared."""
    s = null_s(prediction for _, prediction, _ in frames)
    return {"1-S": 1 - s, "S": s}
