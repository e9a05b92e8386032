"""Validation during training: J&F of whole clips, mAP of single frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from refervid.core.track import Track
from refervid.core.types import Mask
from refervid.datasets.folder import Folder
from refervid.datasets.item import Item, Truth
from refervid.datasets.registry import open_dataset
from refervid.datasets.rle import encode
from refervid.datasets.scoring import mean_j_and_f
from refervid.datasets.synthetic.clips import make_clip
from refervid.datasets.synthetic.sentences import TIME_KINDS
from refervid.media.array import ArrayClip
from refervid.media.clip import Clip
from refervid.metrics import a2d
from refervid.models.soc.inference import Segmenter
from refervid.models.soc.tokenizer import clean
from refervid.training.processes import Processes
from refervid.training.recipe import FolderValidation, FrameValidation, SyntheticValidation, Validation
from refervid.training.sources import by_video, checked_items, text_of

Part = TypeVar("Part")

TIME = "time"
"""The group of all kinds of sentences that only time decides."""
_FPS = 25.0


@dataclass(frozen=True)
class Question:
    """`indices` are the frames that `truth` is of, one after the other; `groups` group scores."""

    text: str
    truth: Truth
    indices: tuple[int, ...]
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class MadeTruth:
    """One thing of a made clip, whose `ids` are (T, H, W)."""

    ids: NDArray[np.uint8]
    number: int

    def at(self, position: int) -> tuple[Mask, None]:
        return self.ids[position] == self.number, None


@dataclass(frozen=True)
class Score:
    """J and F of one sentence, means over its frames."""

    j: float
    f: float
    groups: tuple[str, ...]


class Validator(ABC, Generic[Part]):
    """A validation in pieces. The score named `headline` says which of two networks is better."""

    headline: ClassVar[str]

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def answered(self, index: int, segmenter: Segmenter) -> list[Part]:
        """The answers to one part."""

    @abstractmethod
    def scores(self, parts: Sequence[Part]) -> dict[str, float]:
        """Of the answers to all parts."""


def open_validator(validation: Validation) -> Validator[Any]:
    """Raises `DatasetError`."""
    if isinstance(validation, SyntheticValidation):
        return SyntheticValidator(validation)
    return (
        FolderValidator(validation)
        if isinstance(validation, FolderValidation)
        else FrameValidator(validation)
    )


def validate(validator: Validator[Part], segmenter: Segmenter, processes: Processes) -> dict[str, float]:
    """The scores of `validator`, shared by the processes, which all get the same ones."""
    parts: list[Part] = []
    for index in processes.share(range(len(validator))):
        parts += validator.answered(index, segmenter)
    return validator.scores(processes.gather(parts))


class ClipValidator(Validator[Score]):
    """Sentences on whole clips: `J`, `F`, `J&F` in 0..1 and `J&F GROUP`, means over sentences."""

    headline = "J&F"

    @abstractmethod
    def clip(self, index: int) -> tuple[Clip, list[Question]]: ...

    def answered(self, index: int, segmenter: Segmenter) -> list[Score]:
        clip, questions = self.clip(index)
        # Published validation during training: lower case.
        tracks = segmenter.segment(clip, [clean(question.text) for question in questions])
        scores = []
        for question, track in zip(questions, tracks, strict=True):
            scores.append(Score(*mean_j_and_f(_frames(question, track)), question.groups))
        return scores

    def scores(self, parts: Sequence[Score]) -> dict[str, float]:
        j, f = (float(np.mean([getattr(part, name) for part in parts])) for name in ("j", "f"))
        groups: dict[str, list[float]] = defaultdict(list)
        for part in parts:
            for group in part.groups:
                groups[group].append((part.j + part.f) / 2)
        by_group = {f"J&F {group}": float(np.mean(values)) for group, values in sorted(groups.items())}
        return {"J&F": (j + f) / 2, "J": j, "F": f} | by_group


def _frames(question: Question, track: Track) -> Iterator[tuple[Mask, Mask, Mask | None]]:
    """Truth, answer and void of one frame after the other: all at once would fill the memory."""
    for position, index in enumerate(question.indices):
        truth, void = question.truth.at(position)
        yield truth, track[index], void


class SyntheticValidator(ClipValidator):
    def __init__(self, validation: SyntheticValidation) -> None:
        self._validation = validation

    def __len__(self) -> int:
        return self._validation.clips

    def clip(self, index: int) -> tuple[Clip, list[Question]]:
        made = make_clip(self._validation.scene, self._validation.split, index, self._validation.seed)
        indices = tuple(range(len(made.frames)))
        questions = []
        for sentence in made.sentences:
            groups = (sentence.kind, *([TIME] if sentence.kind in TIME_KINDS else []))
            truth = MadeTruth(made.ids, sentence.thing + 1)
            questions.append(Question(sentence.text, truth, indices, groups))
        return ArrayClip(made.frames, fps=_FPS), questions


class FolderValidator(ClipValidator):
    def __init__(self, validation: FolderValidation) -> None:
        self._videos = by_video(checked_items(Folder(validation.root)))

    def __len__(self) -> int:
        return len(self._videos)

    def clip(self, index: int) -> tuple[Clip, list[Question]]:
        items = self._videos[index]
        questions = [Question(text_of(item), cast(Truth, item.truth), item.indices) for item in items]
        return items[0].video.open(), questions


class FrameValidator(Validator[a2d.Entry]):
    """Sentences on single frames: mAP, P@K, overall and mean IoU, of the answers of all queries."""

    headline = "mAP"

    def __init__(self, validation: FrameValidation) -> None:
        frames: dict[tuple[str, int], list[tuple[Item, int]]] = defaultdict(list)
        items = checked_items(open_dataset(validation.kind, validation.root, validation.split))
        for item in items[: validation.limit]:
            for position, index in enumerate(item.indices):
                frames[item.video.name, index].append((item, position))
        self._frames = list(frames.items())

    def __len__(self) -> int:
        return len(self._frames)

    def answered(self, index: int, segmenter: Segmenter) -> list[a2d.Entry]:
        (_, frame), asked = self._frames[index]
        clip = asked[0][0].video.open()
        answers = segmenter.answers_at(clip, frame, [text_of(item) for item, _ in asked])
        entries = []
        for (item, position), answer in zip(asked, answers, strict=True):
            predictions = [a2d.Prediction(encode(one.mask), one.score) for one in answer.scored_masks()]
            truth = encode(cast(Truth, item.truth).at(position)[0])
            entries.append(a2d.Entry(f"{item.name}/{item.frames[position]}", truth, predictions))
        return entries

    def scores(self, parts: Sequence[a2d.Entry]) -> dict[str, float]:
        # Negative: no object is of that size.
        return {name: score for name, score in a2d.scores(parts).items() if score >= 0}
