"""What every data set can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from refervid.core.arguments import need_path, need_word
from refervid.core.errors import DatasetError, SettingsError
from refervid.core.track import Track
from refervid.datasets.item import Item
from refervid.datasets.pictures import size_of
from refervid.datasets.problems import Problems
from refervid.media.pictures import mask_png


@dataclass(frozen=True)
class Scores:
    """`metrics` as `scores.json` holds them, `items` as the rows of `items.csv`, `notes` for a person."""

    metrics: dict[str, Any]
    items: list[dict[str, Any]]
    notes: list[str] = field(default_factory=list)


class Dataset(ABC):
    """The items of one split, in the order of videos and expressions.

    Opening reads the lists and finds every file; it raises `DatasetError` with all that is missing or
    wrong, and `SettingsError` for an unknown split or a `root` that is no path. `splits` names those that
    exist, the default first.
    `answers` is the name of its folder among the answers that AL-Ref-SAM 2 publishes; None: it has none.
    `notes` say what makes scores on these files differ from published ones.

    A run asks a pipeline as the class says: with `settings`, a whole video or nothing where sentences are
    scored `together`, and for all scored masks of a frame where `single_frames` are annotated.
    """

    name: ClassVar[str]
    splits: ClassVar[tuple[str, ...]]
    together: ClassVar[bool] = False
    single_frames: ClassVar[bool] = False
    answers: ClassVar[str | None] = None

    def __init__(self, root: str | Path, split: str | None = None) -> None:
        self.root = need_path("root", root)
        self.split = self.splits[0] if split is None else split
        need_word("split", self.split)
        self.notes: list[str] = []
        if self.split not in self.splits:
            raise SettingsError(f"{self.name} has no split {self.split!r}; choose {' or '.join(self.splits)}")
        if not self.root.is_dir():
            raise DatasetError(
                f"{self.root}: is no folder; give the root of the data set ({self.name}) with --root, for "
                "training in the recipe (--set data.0.root=FOLDER)"
            )
        problems = Problems()
        self._items = self._read(problems)
        if not self._items and not problems.lines:
            problems.add(self.root, f"split {self.split} holds no expression", "choose another split")
        problems.raise_any(f"{self.name} at {self.root}")

    @classmethod
    def settings(cls, preset: str) -> Mapping[str, Any]:
        """What `preset` needs for this data set, by the names that `--set` takes."""
        return {}

    @classmethod
    def pictures(cls, item: Item, track: Track, objects: Sequence[tuple[str, Track]]) -> dict[str, bytes]:
        """What is kept of an answer, PNG by file name: here black and white masks of the item's frames.

        `objects` are the named things that `track` consists of, where the answer has names.
        """
        frames = zip(item.frames, item.indices, strict=True)
        return {f"{name}.png": mask_png(track[index]) for name, index in frames}

    @classmethod
    def merged_pictures(
        cls, items: Sequence[Item], tracks: Sequence[Track], background: float
    ) -> dict[str, dict[tuple[str, str], dict[str, bytes]]]:
        """What is kept besides of a video whose sentences are scored together, by item name.

        Pictures are `{(folder, folder): {file name: content}}`; `background` is the logit of no object.
        """
        return {}

    @classmethod
    def doubts(cls, objects: Sequence[tuple[str, Track]]) -> list[str]:
        """What scores will not show about an answer, for its notes."""
        return []

    @property
    def has_server(self) -> bool:
        """Whether `submit` has someone to write for."""
        return type(self).submit is not Dataset.submit

    def items(self) -> list[Item]:
        return list(self._items)

    def check(self) -> None:
        """Look into every annotation too; raises `DatasetError` with all faults."""
        problems = Problems()
        self._check(problems)
        problems.raise_any(f"{self.name} at {self.root}")

    def score(self, predictions: Path, items: Sequence[Item] | None = None, workers: int = 1) -> Scores:
        """Scores of masks at `predictions/VIDEO/EXPRESSION/FRAME.png`, by default of all items.

        What is missing counts as empty and is noted. Raises `DatasetError` where there is no public
        truth, and with all masks that cannot be read or are of the wrong size.
        """
        chosen = self.items() if items is None else list(items)
        if not predictions.is_dir():
            raise DatasetError(
                f"{predictions}: is no folder; give the folder that holds VIDEO/EXPRESSION/FRAME.png"
            )
        if not chosen or any(item.truth is None for item in chosen):
            raise DatasetError(
                f"the masks of {self.name}, split {self.split}, are not in {self.root}; where they are not "
                "public write a submission for the server instead"
            )
        scores = self._score(chosen, predictions, workers)
        return replace(scores, notes=[*self.notes, *scores.notes])

    def submit(self, predictions: Path, target: Path) -> None:
        """Write the zip that the data set's server takes; raises `DatasetError` if there is none."""
        self.need_server()

    def need_server(self) -> None:
        """Raises `DatasetError` if nobody takes submissions."""
        if not self.has_server:
            raise DatasetError(f"{self.name} has no server that takes results; use `refervid score`")

    @abstractmethod
    def _read(self, problems: Problems) -> list[Item]:
        """The items of `self.split` below `self.root`."""

    def _check(self, problems: Problems) -> None:
        """Report faults inside the annotations: here what cannot be read, or is not of its frame's size."""
        for item in self.items():
            truth = item.truth
            if truth is None:
                continue
            for position, index in enumerate(item.indices):
                with problems.collected():
                    mask, _ = truth.at(position)
                    height, width = size_of(item.video.pictures[index])
                    if mask.shape != (height, width):
                        what = f"frame {item.frames[position]} is {width}x{height}"
                        fix = f"its annotation {mask.shape[1]}x{mask.shape[0]}: use files of one release"
                        problems.add(item.video.path, what, fix)

    @abstractmethod
    def _score(self, items: list[Item], predictions: Path, workers: int) -> Scores:
        """Scores of items that all have a truth."""

    @classmethod
    @abstractmethod
    def make_sample(cls, folder: Path) -> None:
        """Write a tiny made-up data set in the true layout, with files as the real ones hold them."""
