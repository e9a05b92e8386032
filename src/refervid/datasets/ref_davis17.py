"""Ref-DAVIS17 (Khoreva et al. 2018) in the common form that ReferFormer's conversion gives.

    ROOT/SPLIT/JPEGImages/VIDEO/FRAME.jpg
    ROOT/SPLIT/Annotations/VIDEO/FRAME.png       from DAVIS' Annotations_unsupervised; 255 = void
    ROOT/meta_expressions/SPLIT/meta_expressions.json

Every object has four sentences, from two annotators who saw the first frame or the whole video:
expression = 4 * object + annotator, all counted from 0. For scoring, the objects of one annotator are
merged into one label map per frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.errors import DatasetError
from refervid.core.track import Track
from refervid.datasets.base import Dataset, Scores
from refervid.datasets.expressions import MetaExpressions, video_tasks
from refervid.datasets.id_maps import IdTruth, check_id_maps, id_truths, items_of_task
from refervid.datasets.item import Item
from refervid.datasets.pictures import read_ids, size_of
from refervid.datasets.problems import Problems
from refervid.datasets.samples import SampleClip, two_shapes, write_common_form
from refervid.datasets.scoring import in_processes, raise_faults, read_prediction
from refervid.datasets.submission import write_zip
from refervid.datasets.tables import read_model
from refervid.media.pictures import id_map, indexed_png
from refervid.metrics.davis import LabelMap, ObjectScore, score_sequence, set_score

ANNOTATORS = 4
FPS = 24.0
"""Of DAVIS."""
ABSENT = -1024.0
"""The logit that SAM 2 gives to an object that is not in the frame."""


def merge_logits(logits: NDArray[np.floating], background: float) -> LabelMap:
    """One label map (H, W) from mask logits (objects, H, W) of one frame: the largest wins, if above
    `background`.
    """
    labels: LabelMap = (logits.argmax(axis=0) + 1).astype(np.uint8)
    labels[logits.max(axis=0) <= background] = 0
    return labels


@dataclass(frozen=True)
class AnnotatorVideo:
    """One annotator's sentences on one video, one per object in order."""

    annotator: int
    items: tuple[Item, ...]

    @property
    def path(self) -> str:
        """Folder of the merged label maps, as the official evaluator expects them."""
        return f"anno_{self.annotator}/{self.items[0].video.name}"

    def truth(self, position: int) -> LabelMap:
        truth = self.items[0].truth
        assert isinstance(truth, IdTruth)
        return read_ids(truth.files[position])

    def result(self, predictions: Path, position: int, shape: tuple[int, int]) -> LabelMap:
        """The label map of one frame: read, or merged from the masks of the sentences.

        What is missing is empty. Raises `DatasetError`.
        """
        frame = self.items[0].frames[position]
        if not (predictions / self.path).is_dir():
            return id_map((read_prediction(item, predictions, frame, shape) for item in self.items), *shape)
        path = predictions / self.path / f"{frame}.png"
        if not path.is_file():
            return np.zeros(shape, np.uint8)
        labels = read_ids(path)
        if labels.shape != shape:
            raise DatasetError(f"{path}: is not {shape[1]}x{shape[0]} as its frame; write it at that size")
        return labels


@dataclass(frozen=True)
class AnnotatorScores:
    """Objects by protocol; `refusal` says why there are no semi-supervised ones."""

    unsupervised: list[ObjectScore]
    semi_supervised: list[ObjectScore]
    faults: tuple[str, ...] = ()
    refusal: str = ""


class RefDavis17(Dataset):
    """J and F by DAVIS' unsupervised protocol, mean of four annotators; the semi-supervised one beside it."""

    name = "ref-davis17"
    splits = ("valid", "train")
    together = True

    @classmethod
    def settings(cls, preset: str) -> Mapping[str, Any]:
        """Objects are merged by logits, which elsewhere would only fill memory.

        SOC's script cuts clips into 36 frames, each answered on its own.
        """
        published: Mapping[str, Mapping[str, Any]] = {
            "paper": {"tracker.keep_logits": True},
            "soc": {"window": 36, "overlap": 0, "keep_logits": True},
        }
        return published.get(preset, {})

    @classmethod
    def merged_pictures(
        cls, items: Sequence[Item], tracks: Sequence[Track], background: float
    ) -> dict[str, dict[tuple[str, str], dict[str, bytes]]]:
        """One label map per annotator and frame, where tracks keep logits: who is surer of a pixel gets it.

        They are filed under the annotator's first item, so that they are on disk before any item of theirs
        counts as done. AL-Ref-SAM 2 and SOC merge so, with a `background` logit of their own; masks alone
        cannot tell who is surer of a pixel.
        """
        by_name = dict(zip([item.name for item in items], tracks, strict=True))
        found = {}
        for unit in annotator_videos(list(items)):
            own = [by_name[item.name] for item in unit.items]
            kept = [track.logits is not None for track in own]
            if any(kept) and all(
                has or not track.areas().any() for has, track in zip(kept, own, strict=True)
            ):
                first = unit.items[0]
                frames = zip(first.frames, first.indices, strict=True)
                maps = {f"{name}.png": indexed_png(_merged(own, index, background)) for name, index in frames}
                found[first.name] = {(f"anno_{unit.annotator}", first.video.name): maps}
        return found

    def _read(self, problems: Problems) -> list[Item]:
        file = self.root / "meta_expressions" / self.split / "meta_expressions.json"
        meta = read_model(file, MetaExpressions, problems)
        pictures, annotations = (self.root / self.split / kind for kind in ("JPEGImages", "Annotations"))
        items = []
        for task in video_tasks(meta, file, pictures, FPS, problems):
            keys = list(task.expressions)
            if keys != [str(number) for number in range(len(keys))] or len(keys) % ANNOTATORS:
                what = f"video {task.source.name} has expressions {', '.join(keys[:8])}"
                problems.add(file, what, "four per object, counted from 0, are needed")
            items += items_of_task(
                self.name, task, id_truths(task, annotations / task.source.name, file, problems)
            )
        return items

    def _check(self, problems: Problems) -> None:
        check_id_maps(self.items(), problems)

    def _score(self, items: list[Item], predictions: Path, workers: int) -> Scores:
        """`predictions` may also hold label maps, as `anno_A/VIDEO/FRAME.png`."""
        videos = {item.video.name for item in items}
        units = annotator_videos([item for item in self.items() if item.video.name in videos])
        scored = in_processes(partial(_score_unit, predictions=predictions), units, workers)
        raise_faults([fault for each in scored for fault in each.faults])
        free = _mean_of_annotators(units, [each.unsupervised for each in scored])
        refusals = [each.refusal for each in scored if each.refusal]
        notes = [f"no semi-supervised scores: {refusals[0]}"] if refusals else []
        fixed = None if refusals else _mean_of_annotators(units, [each.semi_supervised for each in scored])
        metrics = {
            **{key: free[key] for key in ("J&F", "J", "F")},
            "unsupervised": free,
            "semi-supervised": fixed,
        }
        rows = [row for unit, each in zip(units, scored, strict=True) for row in _rows(unit, each)]
        whole = [item for unit in units for item in unit.items]
        if len(whole) > len(items):
            more = len(whole) - len(items)
            notes.append(f"{more} more expressions are scored: the objects of a video count together")
        absent = sum(not _predicted(item, predictions) for item in whole)
        if absent:
            notes.append(f"{absent} of {len(whole)} expressions have no prediction and count as empty")
        return Scores(metrics, rows, notes)

    def submit(self, predictions: Path, target: Path) -> None:
        """A zip of `anno_A/VIDEO/FRAME.png`, label maps in the DAVIS palette, for the official evaluator."""
        write_zip(target, _label_files(annotator_videos(self.items()), predictions))

    @classmethod
    def make_sample(cls, folder: Path) -> None:
        """One video per split: two objects, four sentences each."""
        for split in cls.splits:
            clip = two_shapes(f"shapes-{split}", count=8)
            sentences = tuple((text, number) for text, number in clip.sentences for _ in range(ANNOTATORS))
            clip = SampleClip(clip.name, clip.frames, clip.ids, clip.names, sentences)
            write_common_form(folder, split, [clip])


def _merged(tracks: Sequence[Track], index: int, background: float) -> LabelMap:
    planes = []
    for track in tracks:
        size = (track.width, track.height)
        if track.logits is None:
            planes.append(np.full(size[::-1], ABSENT, np.float32))
        else:
            logits = track.logits[index].astype(np.float32)
            planes.append(np.asarray(cv2.resize(logits, size, interpolation=cv2.INTER_LINEAR), np.float32))
    return merge_logits(np.stack(planes), background)


def annotator_videos(items: list[Item]) -> list[AnnotatorVideo]:
    """All sentences of some videos, sorted out by video and annotator."""
    units = []
    for _, group in groupby(items, key=lambda item: item.video.name):
        sentences = tuple(group)
        units += [AnnotatorVideo(number, sentences[number::ANNOTATORS]) for number in range(ANNOTATORS)]
    return units


def _score_unit(unit: AnnotatorVideo, predictions: Path) -> AnnotatorScores:
    """Both protocols; every frame is read for each, so that memory holds one."""
    faults: list[str] = []

    def pairs() -> Iterator[tuple[LabelMap, LabelMap]]:
        for position in range(len(unit.items[0].frames)):
            truth = unit.truth(position)
            shape = (truth.shape[0], truth.shape[1])
            try:
                yield truth, unit.result(predictions, position, shape)
            except DatasetError as error:
                faults.append(str(error))
                yield truth, np.zeros(shape, np.uint8)

    try:
        free = score_sequence(pairs(), "unsupervised")
    except DatasetError as error:
        return AnnotatorScores([], [], (*faults, f"{predictions / unit.path}: {error}"))
    found = tuple(faults)
    try:
        return AnnotatorScores(free, score_sequence(pairs(), "semi-supervised"), found)
    except DatasetError as error:
        return AnnotatorScores(free, [], found, f"{unit.path}: {error}")


def _mean_of_annotators(units: list[AnnotatorVideo], scores: list[list[ObjectScore]]) -> dict[str, float]:
    """Every annotator's score over all objects of all videos, then their plain mean."""
    table = []
    for annotator in range(ANNOTATORS):
        pairs = zip(units, scores, strict=True)
        total = set_score([each for unit, found in pairs if unit.annotator == annotator for each in found])
        j, f = total.j, total.f
        table.append((total.j_and_f, j.mean, j.recall, j.decay, f.mean, f.recall, f.decay))
    names = ("J&F", "J", "J recall", "J decay", "F", "F recall", "F decay")
    return dict(zip(names, np.mean(table, axis=0).tolist(), strict=True))


def _rows(unit: AnnotatorVideo, scores: AnnotatorScores) -> list[dict[str, Any]]:
    """One row per object of the truth; `expression_id` is the sentence whose masks were held against it."""
    rows = []
    for score in scores.unsupervised:
        item = unit.items[score.result_id - 1] if score.result_id <= len(unit.items) else None
        rows.append(
            {
                "video": unit.items[0].video.name,
                "expression_id": item.expression_id if item else "",
                "query": getattr(item.reference, "text", "") if item else "",
                "annotator": unit.annotator,
                "object_id": score.object_id,
                "J": score.j.mean,
                "F": score.f.mean,
                "J&F": (score.j.mean + score.f.mean) / 2,
            }
        )
    return rows


def _predicted(item: Item, predictions: Path) -> bool:
    merged = predictions / f"anno_{int(item.expression_id) % ANNOTATORS}" / item.video.name
    return merged.is_dir() or (predictions / item.video.name / item.expression_id).is_dir()


def _label_files(units: list[AnnotatorVideo], predictions: Path) -> Iterator[tuple[str, bytes]]:
    faults: list[str] = []
    for unit in units:
        shape = size_of(unit.items[0].video.pictures[0])
        for position, frame in enumerate(unit.items[0].frames):
            try:
                yield f"{unit.path}/{frame}.png", indexed_png(unit.result(predictions, position, shape))
            except DatasetError as error:
                faults.append(str(error))
    raise_faults(faults)
