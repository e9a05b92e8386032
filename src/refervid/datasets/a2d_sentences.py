"""A2D-Sentences (Gavrilyuk et al. 2018): actors and actions, a few annotated frames per video.

ROOT/Release/videoset.csv                        video id first, 0 = train or 1 = test last
ROOT/Release/clips320H/VIDEO.mp4                 or CLIPS320, as SOC's page calls it
ROOT/text_annotations/a2d_annotation.txt         CSV: video_id, instance_id, query
ROOT/text_annotations/a2d_missed_videos.txt      videos to leave out
ROOT/text_annotations/a2d_annotation_with_instances/VIDEO/FRAME.h5    frame number from 1
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from refervid.core.errors import DatasetError, MissingExtra
from refervid.core.files import open_file
from refervid.core.types import Mask, TextReference
from refervid.datasets.base import Dataset, Scores
from refervid.datasets.item import Item, VideoSource
from refervid.datasets.problems import Problems
from refervid.datasets.samples import two_shapes, write_csv, write_video
from refervid.datasets.single_frames import score_single_frames
from refervid.datasets.tables import read_rows, read_table, read_text
from refervid.media.limits import DEFAULT_MAX_PIXELS, frame_limit

SPLIT_CODES = {"train": "0", "test": "1"}
CLIPS = ("clips320H", "CLIPS320")
COPY = "1 (copy)"
"""An instance id of the published list that stands for nothing."""


@contextmanager
def open_h5(path: Path, mode: str = "r") -> Iterator[Any]:
    """An HDF5 file; raises `MissingExtra`, and `DatasetError`, also for what is read of it and damaged."""
    try:
        import h5py
    except ImportError as error:
        raise MissingExtra("A2D-Sentences has HDF5 files: pip install 'refervid[datasets]'") from error
    try:
        if mode == "r":
            open_file(path).close()
        with h5py.File(path, mode) as file:
            yield file
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise DatasetError(f"{path}: is no HDF5 file that can be read; download it again") from error


@dataclass(frozen=True)
class H5Truth:
    """One instance on some annotated frames."""

    files: tuple[Path, ...]
    instance: int

    def at(self, position: int) -> tuple[Mask, None]:
        path = self.files[position]
        with open_h5(path) as file:
            row = _instances(file, path).index(self.instance)
            masks = np.asarray(_plain(file, "reMask", path))
        # Stored column by column, and without the first axis when there is one instance.
        mask = masks if masks.ndim == 2 else masks[row]
        return mask.T.astype(bool), None


def _instances(file: Any, path: Path) -> list[int]:
    """Instance ids of one frame; raises `DatasetError` when the file lacks what it must hold."""
    ids = np.asarray(_plain(file, "instance", path)).reshape(-1)
    masks = _plain(file, "reMask", path).shape
    if len(masks) not in (2, 3) or len(ids) != (1 if len(masks) == 2 else masks[0]):
        raise DatasetError(f"{path}: {len(ids)} instances but masks of shape {masks}; download it again")
    return [int(each) for each in ids]


def _plain(file: Any, name: str, path: Path) -> Any:
    """A data set of the file itself, no larger than a frame; raises `DatasetError`.

    HDF5 can lead into other files, and claim any size for what was never stored.
    """
    from h5py import Dataset as H5Dataset
    from h5py import HardLink

    if not isinstance(file.get(name, getlink=True), HardLink) or not isinstance(file[name], H5Dataset):
        raise DatasetError(f"{path}: lacks `instance` or `reMask`; download it again")
    found = file[name]
    if found.external or found.is_virtual or found.size > frame_limit(DEFAULT_MAX_PIXELS):
        raise DatasetError(f"{path}: its `{name}` is no plain array of a frame's size; download it again")
    return found


class A2dSentences(Dataset):
    """P@K, overall and mean IoU, mAP; one entry per sentence and annotated frame that shows the instance."""

    name = "a2d-sentences"
    splits = ("test", "train")
    single_frames = True

    def _read(self, problems: Problems) -> list[Item]:
        texts = self.root / "text_annotations"
        file = texts / "a2d_annotation.txt"
        listed = _videoset(self.root / "Release" / "videoset.csv")
        left_out = set(read_text(texts / "a2d_missed_videos.txt").split())
        wanted: dict[str, list[tuple[str, str]]] = {}
        for row in read_rows(file, ("video_id", "instance_id", "query")):
            video, instance = row["video_id"].strip(), row["instance_id"].strip()
            if video in left_out or instance == COPY:
                continue
            if video not in listed:
                problems.add(file, f"annotates video {video!r}, which videoset.csv lacks", "add it there")
            elif not instance.isdecimal():
                problems.add(file, f"video {video!r} has instance {instance!r}", "instances are numbers")
            elif listed[video] == SPLIT_CODES[self.split] and problems.name(file, video):
                wanted.setdefault(video, []).append((instance, row["query"]))
        items = []
        for video in sorted(wanted):
            items += self._items_of(video, wanted[video], problems)
        return items

    def _items_of(self, video: str, sentences: list[tuple[str, str]], problems: Problems) -> list[Item]:
        clip = self._clips() / f"{video}.mp4"
        folder = self.root / "text_annotations" / "a2d_annotation_with_instances" / video
        problems.missing(clip.parent, [] if clip.is_file() else [clip.name], "put the video there")
        files = sorted(path for path in folder.glob("*.h5") if path.stem.isdecimal())
        if not files:
            problems.add(folder, "holds no annotated frame", "put the .h5 files there")
        instances: dict[Path, list[int]] = {}
        for path in files:
            with problems.collected(), open_h5(path) as file:
                instances[path] = _instances(file, path)
        items: list[Item] = []
        for number, query in sentences:
            shown = tuple(path for path, ids in instances.items() if int(number) in ids)
            taken = sum(item.expression_id.split("-")[0] == number for item in items)
            # A second sentence about the same instance gets a name of its own.
            key = number if not taken else f"{number}-{taken + 1}"
            if shown:
                source = VideoSource(video, clip)
                names = tuple(path.stem for path in shown)
                indices = tuple(int(name) - 1 for name in names)
                truth = H5Truth(shown, int(number))
                items.append(Item(self.name, source, key, TextReference(query), names, indices, truth))
        return items

    def _clips(self) -> Path:
        """The folder of videos, by whichever of its names is there."""
        release = self.root / "Release"
        return next((release / name for name in CLIPS if (release / name).is_dir()), release / CLIPS[0])

    def _check(self, problems: Problems) -> None:
        clips = {item.video.name: item.video for item in self.items()}
        sizes = {}
        for name, source in clips.items():
            with problems.collected():
                sizes[name] = _size_and_length(source)
        for item in self.items():
            for position, index in enumerate(item.indices):
                with problems.collected():
                    assert item.truth is not None
                    mask, _ = item.truth.at(position)
                    height, width, length = sizes.get(item.video.name, (*mask.shape, index + 1))
                    if mask.shape != (height, width) or index >= length:
                        what = (
                            f"has {length} frames of {width}x{height}, the annotation of frame {index + 1} "
                        )
                        what += f"{mask.shape[1]}x{mask.shape[0]} pixels"
                        problems.add(item.video.path, what, "download both again")

    def _score(self, items: list[Item], predictions: Path, workers: int) -> Scores:
        return score_single_frames(items, self.items(), predictions, workers)

    @classmethod
    def make_sample(cls, folder: Path) -> None:
        """One video per split; frames 2 and 5 are annotated, the second one without the square."""
        texts = folder / "text_annotations"
        rows, videos = [], []
        for split, code in SPLIT_CODES.items():
            clip = two_shapes(f"{split}_shapes_")
            write_video(folder / "Release" / "clips320H" / f"{clip.name}.mp4", clip.frames)
            rows += [(clip.name, object_id, text) for text, object_id in clip.sentences]
            videos.append((clip.name, 0, 0.0, 6.0, *clip.ids.shape[1:], len(clip.frames), 2, code))
            for number, ids in ((2, (1, 2)), (5, (1,))):
                path = texts / "a2d_annotation_with_instances" / clip.name / f"{number:05d}.h5"
                path.parent.mkdir(parents=True, exist_ok=True)
                masks = np.stack([(clip.ids[number - 1] == each).T for each in ids]).astype(np.uint8)
                boxes = np.array([_box(mask.T) for mask in masks], np.float64).T
                with open_h5(path, "w") as file:
                    file["instance"] = np.array([ids], np.float64).T
                    file["reMask"], file["reBBox"] = np.squeeze(masks), np.squeeze(boxes)
        write_csv(folder / "Release" / "videoset.csv", videos)
        write_csv(texts / "a2d_annotation.txt", [("video_id", "instance_id", "query"), *rows])
        (texts / "a2d_missed_videos.txt").write_text("")


def _videoset(path: Path) -> dict[str, str]:
    """Split code by video."""
    rows = read_table(path)
    if not rows or any(len(row) < 2 or row[-1].strip() not in SPLIT_CODES.values() for row in rows):
        raise DatasetError(f"{path}: rows must go from a video id to 0 or 1; download it again")
    return {row[0].strip(): row[-1].strip() for row in rows}


def _size_and_length(source: VideoSource) -> tuple[int, int, int]:
    clip = source.open()
    return clip.height, clip.width, len(clip)


def _box(mask: Mask) -> tuple[int, int, int, int]:
    """x1, y1, x2, y2 of the outermost pixels."""
    rows, columns = np.nonzero(mask)
    return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())
