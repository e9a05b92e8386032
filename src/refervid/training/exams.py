"""Validation during training: J&F of whole clips, overall and by kind of sentence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from refervid.datasets.folder import Folder
from refervid.datasets.item import Truth
from refervid.datasets.synthetic.clips import make_clip
from refervid.datasets.synthetic.sentences import TIME_KINDS
from refervid.media.array import ArrayClip
from refervid.media.clip import Clip
from refervid.metrics.boundary import boundary_f
from refervid.metrics.region import jaccard
from refervid.pipelines.soc_windows import Segmenter
from refervid.training.processes import Processes
from refervid.training.recipe import Exam, FolderExam, SyntheticExam
from refervid.training.sources import by_video, with_truth
from refervid.types import TextReference

TIME = "time"
"""The group of all kinds of sentences that only time decides."""
_FPS = 25.0


@dataclass(frozen=True)
class Question:
    """`truth` and `void` are bool (T, H, W), `indices` the frames they belong to; `groups` group scores."""

    text: str
    truth: NDArray[np.bool_]
    indices: tuple[int, ...]
    groups: tuple[str, ...] = ()
    void: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Score:
    """J and F of one sentence, means over its frames."""

    j: float
    f: float
    groups: tuple[str, ...]


class Paper(Protocol):
    """The clips of an exam; each comes with its questions."""

    def __len__(self) -> int: ...

    def clip(self, index: int) -> tuple[Clip, list[Question]]: ...


def open_exam(exam: Exam) -> Paper:
    """Raises `DatasetError`."""
    return FolderPaper(exam) if isinstance(exam, FolderExam) else SyntheticPaper(exam)


class SyntheticPaper:
    def __init__(self, exam: SyntheticExam) -> None:
        self._exam = exam

    def __len__(self) -> int:
        return self._exam.clips

    def clip(self, index: int) -> tuple[Clip, list[Question]]:
        made = make_clip(self._exam.scene, self._exam.split, index, self._exam.seed)
        indices = tuple(range(len(made.frames)))
        questions = []
        for sentence in made.sentences:
            groups = (sentence.kind, *([TIME] if sentence.kind in TIME_KINDS else []))
            questions.append(Question(sentence.text, made.ids == sentence.thing + 1, indices, groups))
        return ArrayClip(made.frames, fps=_FPS), questions


class FolderPaper:
    def __init__(self, exam: FolderExam) -> None:
        self._videos = by_video(with_truth(Folder(exam.root)))

    def __len__(self) -> int:
        return len(self._videos)

    def clip(self, index: int) -> tuple[Clip, list[Question]]:
        items = self._videos[index]
        questions = []
        for item in items:
            pairs = [cast(Truth, item.truth).at(position) for position in range(len(item.frames))]
            masks = np.stack([mask for mask, _ in pairs])
            void = np.stack([np.zeros(masks.shape[1:], bool) if v is None else v for _, v in pairs])
            text = cast(TextReference, item.reference).text
            questions.append(Question(text, masks, item.indices, void=void))
        return items[0].video.open(), questions


def examine(paper: Paper, segmenter: Segmenter, processes: Processes) -> dict[str, float]:
    """`J`, `F`, `J&F` in 0..1 and `J&F KIND` per kind: means over sentences; same answer on all processes."""
    scores: list[Score] = []
    for index in processes.share(range(len(paper))):
        clip, questions = paper.clip(index)
        tracks = segmenter.segment(clip, [question.text for question in questions])
        for question, track in zip(questions, tracks, strict=True):
            found = np.stack([track[i] for i in question.indices])
            j = float(jaccard(question.truth, found, question.void).mean())
            f = float(boundary_f(question.truth, found, question.void).mean())
            scores.append(Score(j, f, question.groups))
    return _means(processes.gather(scores))


def _means(scores: Sequence[Score]) -> dict[str, float]:
    j, f = (float(np.mean([getattr(score, name) for score in scores])) for name in ("j", "f"))
    groups: dict[str, list[float]] = defaultdict(list)
    for score in scores:
        for group in score.groups:
            groups[group].append((score.j + score.f) / 2)
    by_group = {f"J&F {group}": float(np.mean(values)) for group, values in sorted(groups.items())}
    return {"J&F": (j + f) / 2, "J": j, "F": f} | by_group
