"""JHMDB-Sentences (Gavrilyuk et al. 2018): one actor and action per video, evaluation only.

    ROOT/jhmdb_annotation.txt                          CSV: video, query
    ROOT/Rename_Images/ACTION/VIDEO/FRAME.png          frame number from 1, five digits
    ROOT/puppet_mask/ACTION/VIDEO/puppet_mask.mat      `part_mask` (H, W, masks), possibly fewer than frames
    ROOT/jhmdb_frames.json                             VIDEO: [number of masks, frame, frame, frame]
    ROOT/*_metadata_new.json                           or the list of SOC's repository, as it is

Three frames of every video are scored. Published scores use one list of them, drawn at random once; it
is read from one of these files, and without them a fixed seed draws others.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from pydantic import RootModel
from scipy.io import loadmat, savemat
from scipy.io.matlab import whosmat

from refervid.core.errors import DatasetError
from refervid.core.files import open_file, read_file
from refervid.core.types import Mask, TextReference
from refervid.datasets.base import Dataset, Scores
from refervid.datasets.item import Item, VideoSource
from refervid.datasets.pictures import size_of
from refervid.datasets.problems import Problems
from refervid.datasets.samples import two_shapes, write_csv, write_pictures
from refervid.datasets.single_frames import score_single_frames
from refervid.datasets.tables import read_model, read_table

FRAMES_PER_VIDEO = 3
FRAME_LIST = "jhmdb_frames.json"
FPS = 25.0
"""Of HMDB's videos, most of which are close to it."""

PUBLISHED_LIST = "*_metadata_new.json"
FrameList = RootModel[dict[str, tuple[int, int, int, int]]]
PublishedList = RootModel[list[tuple[str, str, str, int, str]]]
"""Video, frame's file, masks' file (as they lay on its authors' machine), number of masks, sentence."""


_MOST_BYTES = 2**27
"""Of one video's masks; published ones have 3 MB."""


@dataclass(frozen=True)
class MatTruth:
    """Some masks of one Matlab file; `frames` count from 0."""

    file: Path
    frames: tuple[int, ...]

    def at(self, position: int) -> tuple[Mask, None]:
        return _part_mask(self.file)[..., self.frames[position]] > 0, None


@lru_cache(maxsize=1)
def _part_mask(path: Path) -> NDArray[np.uint8]:
    """(H, W, masks); raises `DatasetError`."""
    try:
        _refuse_bomb(path)
        return np.atleast_3d(loadmat(path, variable_names=["part_mask"])["part_mask"])
    except DatasetError:
        raise
    except Exception as error:  # whatever the parser of a damaged file raises
        raise DatasetError(f"{path}: no `part_mask` can be read from it; download it again") from error


def _shape(path: Path) -> tuple[int, int, int]:
    """Height, width and number of masks without reading them; raises `DatasetError`."""
    try:
        with open_file(path) as file:
            shapes = {name: shape for name, shape, _ in whosmat(file)}
        height, width, *count = shapes["part_mask"]
    except Exception as error:  # whatever the parser of a damaged file raises
        raise DatasetError(f"{path}: holds no `part_mask`; download it again") from error
    masks = count[0] if count else 1
    if height * width * masks > _MOST_BYTES:
        raise DatasetError(f"{path}: claims {masks} masks of {width}x{height} pixels; download it again")
    return height, width, masks


def _refuse_bomb(path: Path) -> None:
    """Raises `DatasetError` where a compressed part unpacks to more than any video's masks have.

    The file is a header of 128 bytes, then parts with their type (15: compressed by zlib) and length before
    them ("MAT-File Format", MathWorks, version 5).
    """
    data = read_file(path)
    at = 128
    while at + 8 <= len(data):
        kind, length = struct.unpack("<II", data[at : at + 8])
        if kind == 15:
            try:
                unpacked = zlib.decompressobj().decompress(data[at + 8 : at + 8 + length], _MOST_BYTES + 1)
            except zlib.error:
                return  # the reader says what is wrong
            if len(unpacked) > _MOST_BYTES:
                raise DatasetError(f"{path}: unpacks to more than {_MOST_BYTES} bytes; download it again")
        at += 8 + length


def _frames_of(
    rows: list[tuple[str, str, str, int, str]], file: Path, problems: Problems
) -> dict[str, tuple[int, int, int, int]]:
    """The published list as `FrameList` has it."""
    frames: dict[str, list[int]] = {}
    counts: dict[str, int] = {}
    for video, picture, _, count, _ in rows:
        stem = picture.rsplit("/", 1)[-1].removesuffix(".png")
        if stem.isdecimal():
            frames.setdefault(video, []).append(int(stem))
            counts[video] = count
    faulty = [video for video, numbers in frames.items() if len(numbers) != FRAMES_PER_VIDEO]
    problems.several(file, faulty, f"have not {FRAMES_PER_VIDEO} frames", "take the list of SOC's repository")
    found: dict[str, tuple[int, int, int, int]] = {}
    for video in frames.keys() - set(faulty):
        first, second, third = frames[video]
        found[video] = counts[video], first, second, third
    return found


class JhmdbSentences(Dataset):
    """P@K, overall and mean IoU, mAP on three frames per video."""

    name = "jhmdb-sentences"
    splits = ("test",)
    single_frames = True

    def _read(self, problems: Problems) -> list[Item]:
        file = self.root / "jhmdb_annotation.txt"
        chosen = self._frame_list(problems)
        if chosen is None:
            self.notes.append(f"no {FRAME_LIST}: other frames than those of published scores")
        folders = {path.name: path for path in sorted((self.root / "puppet_mask").glob("*/*"))}
        items: dict[str, Item] = {}
        for row in read_table(file)[1:]:
            video = row[0].strip()
            if len(row) != 2:
                problems.add(file, f"row {row} has not two columns", "write `video,query`")
            elif not problems.name(file, video):
                continue
            elif video in items:
                problems.add(file, f"video {video} has two sentences", "remove one")
            elif video not in folders:
                problems.add(self.root / "puppet_mask", f"has no ACTION/{video}", "put it there")
            else:
                with problems.collected():
                    items[video] = self._item(folders[video], row[1], chosen, problems)
        return [items[video] for video in sorted(items)]

    def _frame_list(self, problems: Problems) -> dict[str, tuple[int, int, int, int]] | None:
        path = self.root / FRAME_LIST
        if path.is_file():
            return read_model(path, FrameList, problems).root
        for published in sorted(self.root.glob(PUBLISHED_LIST)):
            return _frames_of(read_model(published, PublishedList, problems).root, published, problems)
        return None

    def _item(
        self,
        folder: Path,
        query: str,
        chosen: dict[str, tuple[int, int, int, int]] | None,
        problems: Problems,
    ) -> Item:
        """Raises `DatasetError`."""
        video, action = folder.name, folder.parent.name
        file = folder / "puppet_mask.mat"
        masks = _shape(file)[2]
        images = self.root / "Rename_Images" / action / video
        names = [f"{number:05d}" for number in range(1, masks + 1)]
        problems.missing(
            images, [f"{n}.png" for n in names if not (images / f"{n}.png").is_file()], "put the frames there"
        )
        if chosen is None:
            frames = sorted(Random(video).sample(range(masks), min(FRAMES_PER_VIDEO, masks)))
        else:
            count, *numbers = chosen.get(video, (0,))
            if count != masks or not all(1 <= number <= masks for number in numbers):
                raise DatasetError(f"{self.root}: its list of frames does not fit {video} with {masks} masks")
            frames = [number - 1 for number in numbers]
        source = VideoSource(video, images, tuple(images / f"{name}.png" for name in names), FPS)
        scored = tuple(names[frame] for frame in frames)
        truth = MatTruth(file, tuple(frames))
        return Item(self.name, source, "0", TextReference(query), scored, tuple(frames), truth)

    def _check(self, problems: Problems) -> None:
        for item in self.items():
            assert isinstance(item.truth, MatTruth)
            with problems.collected():
                mask, _ = item.truth.at(0)
                height, width = size_of(item.video.pictures[0])
                if mask.shape != (height, width):
                    what = f"masks of {mask.shape[1]}x{mask.shape[0]}, frames of {width}x{height}"
                    problems.add(item.truth.file, what, "download masks and frames again")

    def _score(self, items: list[Item], predictions: Path, workers: int) -> Scores:
        return score_single_frames(items, self.items(), predictions, workers)

    @classmethod
    def make_sample(cls, folder: Path) -> None:
        """Two videos, one with a mask less than frames."""
        rows = [("video_id", "query")]
        for action, object_id, masks in (("catch", 1, 6), ("stand", 2, 5)):
            clip = two_shapes(f"{action}_shapes")
            names = [f"{number:05d}" for number in range(1, len(clip.frames) + 1)]
            write_pictures(folder / "Rename_Images" / action / clip.name, list(clip.frames), names, ".png")
            path = folder / "puppet_mask" / action / clip.name / "puppet_mask.mat"
            path.parent.mkdir(parents=True, exist_ok=True)
            part_mask = (clip.ids[:masks] == object_id).transpose(1, 2, 0).astype(np.uint8)
            savemat(path, {"part_mask": part_mask}, do_compression=True)
            rows.append((clip.name, clip.sentences[object_id - 1][0]))
        write_csv(folder / "jhmdb_annotation.txt", rows)
