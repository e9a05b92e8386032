"""The sources of training data that a recipe may name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from refervid.core.errors import DatasetError, SettingsError
from refervid.core.types import TextReference
from refervid.datasets.a2d_sentences import A2dSentences
from refervid.datasets.base import Dataset
from refervid.datasets.contents import digest_of_all
from refervid.datasets.folder import Folder
from refervid.datasets.id_maps import IdTruth
from refervid.datasets.item import Item, Truth
from refervid.datasets.pictures import read_ids
from refervid.datasets.ref_youtube_vos import RefYoutubeVos
from refervid.datasets.refcoco import RefCoco, RefCocoG, RefCocoPlus
from refervid.datasets.synthetic.clips import make_clip
from refervid.datasets.synthetic.sentences import all_phrases
from refervid.datasets.synthetic.things import KINDS
from refervid.media.clip import read_frames
from refervid.models.soc.transforms import CLIP_FLIP_PROBABILITY, STILL_FLIP_PROBABILITY, to_tensor
from refervid.training.categories import categories_of
from refervid.training.recipe import A2dData, Recipe, StillData, SyntheticData, VideoData
from refervid.training.samples import ClipSamples, Source, sample_of
from refervid.training.warps import pseudo_clip

_STILLS = {"refcoco": RefCoco, "refcoco+": RefCocoPlus, "refcocog": RefCocoG}


def open_source(recipe: Recipe) -> Source:
    """All data of a recipe as one source. Raises `DatasetError`, `SettingsError`."""
    sources = [_open(data, recipe.network.classes) for data in recipe.data]
    return sources[0] if len(sources) == 1 else Joined(sources)


def _open(data: SyntheticData | VideoData | A2dData | StillData, classes: int) -> Source:
    if isinstance(data, SyntheticData):
        return Synthetic(data, classes)
    if isinstance(data, VideoData):
        return Videos(data, classes)
    if classes > 1:
        raise SettingsError(f"{data.kind} names no classes: set network.classes to 1, not {classes}")
    return Annotated(data) if isinstance(data, A2dData) else Stills(data)


class Joined:
    """Several sources, one after the other."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._ends = np.cumsum([len(source) for source in sources])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def texts(self) -> list[str]:
        return [text for source in self._sources for text in source.texts()]

    def contents(self) -> dict[str, str]:
        return {place: digest for source in self._sources for place, digest in source.contents().items()}

    def draw(self, index: int, epoch: int, random: np.random.Generator) -> ClipSamples:
        place = int(np.searchsorted(self._ends, index, side="right"))
        start = int(self._ends[place - 1]) if place else 0
        return self._sources[place].draw(index - start, epoch, random)


class Synthetic:
    """Clips of the generator, other ones in every epoch; mirrored they would only be more of the same."""

    def __init__(self, data: SyntheticData, classes: int) -> None:
        if classes not in (1, len(KINDS)):
            raise SettingsError(f"the generator has {len(KINDS)} classes: network.classes is {classes}")
        self._data = data
        self._classes = classes

    def __len__(self) -> int:
        return self._data.clips

    def texts(self) -> list[str]:
        return all_phrases()

    def contents(self) -> dict[str, str]:
        return {}

    def draw(self, index: int, epoch: int, random: np.random.Generator) -> ClipSamples:
        number = epoch * self._data.clips + index
        clip = make_clip(self._data.scene, "train", number, self._data.seed)
        sentences = [one for one in clip.sentences if one.kind in self._data.kinds] or list(clip.sentences)
        frames = self._data.frames or len(clip.frames)
        shown = ((np.arange(frames) + 0.5) * len(clip.frames) / frames).astype(int)
        count, wanted = len(sentences), self._data.sentences
        # Every clip gives equally many sentences, or processes could not share a batch evenly.
        chosen = random.permutation(max(count, wanted))[:wanted] % count
        pixels, ids = to_tensor(clip.frames[shown]), clip.ids[shown]
        samples = []
        for sentence in (sentences[i] for i in chosen):
            label = KINDS.index(clip.things[sentence.thing].look.kind) if self._classes > 1 else 0
            samples.append(sample_of(pixels, ids == sentence.thing + 1, sentence.text, label))
        return ClipSamples(clip.name, tuple(samples))


@dataclass(frozen=True)
class _Window:
    """Some frames of an item, by their positions in it."""

    item: Item
    positions: tuple[int, ...]
    label: int


class Videos:
    """Annotated videos cut into clips that follow on each other, as published for Ref-YouTube-VOS.

    A sentence and a clip belong together if its object is in one of the frames at least.
    """

    def __init__(self, data: VideoData, classes: int) -> None:
        items = with_truth(Folder(data.root) if data.kind == "folder" else RefYoutubeVos(data.root, "train"))
        self._root, self._items = data.root, items
        labels = categories_of(data.root / "train", items) if classes > 1 else [0] * len(items)
        self._windows = [
            _Window(item, positions, label)
            for item, label, shown in zip(items, labels, _shown(items), strict=True)
            for positions in _shown_windows(shown, data.frames)
        ]
        if not self._windows:
            raise DatasetError(
                f"{data.root}: no sentence's object is in any frame, so there is nothing to learn: correct "
                "obj_id or the Annotations"
            )

    def __len__(self) -> int:
        return len(self._windows)

    def texts(self) -> list[str]:
        return [text_of(window.item) for window in self._windows]

    def contents(self) -> dict[str, str]:
        return {str(self._root): digest_of_all(self._items)}

    def draw(self, index: int, epoch: int, random: np.random.Generator) -> ClipSamples:
        window = self._windows[index]
        item = window.item
        clip = item.video.open()
        frames = read_frames(clip, [item.indices[position] for position in window.positions])
        masks = np.stack([cast(Truth, item.truth).at(position)[0] for position in window.positions])
        sample = sample_of(to_tensor(frames), masks, text_of(item), window.label)
        name = f"{item.name} from {item.frames[window.positions[0]]}"
        return ClipSamples(name, (sample,), flip=CLIP_FLIP_PROBABILITY)


def _shown(items: Sequence[Item]) -> Iterator[list[bool]]:
    """For every item, in which of its frames its object can be seen.

    Many sentences share a video: every map is read once for all of them.
    """
    truths = [cast(IdTruth, item.truth) for item in items]
    files = list(dict.fromkeys(file for truth in truths for file in truth.files))
    with ThreadPoolExecutor() as readers:
        maps = dict(zip(files, readers.map(_ids_in, files), strict=True))
    for truth in truths:
        yield [_is_among(truth, maps[file]) for file in truth.files]


def _ids_in(file: Path) -> set[int]:
    return set(np.unique(read_ids(file)).tolist())


def _is_among(truth: IdTruth, ids: set[int]) -> bool:
    return max(ids) > 127 if truth.black_and_white else not ids.isdisjoint(truth.object_ids)


def _shown_windows(shown: Sequence[bool], length: int) -> Iterator[tuple[int, ...]]:
    count = len(shown)
    for start in range(0, count, length):
        # Published: a short last clip becomes the last frames of the video, a short video repeats its end.
        start = max(0, min(start, count - length))
        positions = tuple(min(start + offset, count - 1) for offset in range(length))
        if any(shown[position] for position in positions):
            yield positions


class Annotated:
    """Frames around each annotated frame of A2D-Sentences; only that frame has a truth."""

    def __init__(self, data: A2dData) -> None:
        self._frames = data.frames
        self._root, self._items = data.root, A2dSentences(data.root, "train").items()
        self._samples = [(item, place) for item in self._items for place in range(len(item.frames))]

    def __len__(self) -> int:
        return len(self._samples)

    def texts(self) -> list[str]:
        return [text_of(item) for item, _ in self._samples]

    def contents(self) -> dict[str, str]:
        return {str(self._root): digest_of_all(self._items)}

    def draw(self, index: int, epoch: int, random: np.random.Generator) -> ClipSamples:
        item, position = self._samples[index]
        clip = item.video.open()
        before = self._frames // 2
        first = item.indices[position] - before
        frames = read_frames(clip, np.clip(np.arange(first, first + self._frames), 0, len(clip) - 1).tolist())
        masks = cast(Truth, item.truth).at(position)[0][None]
        sample = sample_of(to_tensor(frames), masks, text_of(item))
        name = f"{item.name}/{item.frames[position]}"
        return ClipSamples(name, (sample,), annotated=before, flip=CLIP_FLIP_PROBABILITY)


class Stills:
    """RefCOCO and its kin: stills, or pseudo clips of warped copies."""

    def __init__(self, data: StillData) -> None:
        self._frames = data.frames
        self._flip = STILL_FLIP_PROBABILITY if data.frames == 1 else CLIP_FLIP_PROBABILITY
        self._root, self._items = data.root, with_truth(_STILLS[data.kind](data.root, "train"))

    def __len__(self) -> int:
        return len(self._items)

    def texts(self) -> list[str]:
        return [text_of(item) for item in self._items]

    def contents(self) -> dict[str, str]:
        return {str(self._root): digest_of_all(self._items)}

    def draw(self, index: int, epoch: int, random: np.random.Generator) -> ClipSamples:
        item = self._items[index]
        picture, mask = item.video.open().frame(0), cast(Truth, item.truth).at(0)[0]
        frames, masks = picture[None], mask[None]
        if self._frames > 1:
            frames, masks = pseudo_clip(picture, mask, self._frames, random)
        sample = sample_of(to_tensor(frames), masks, text_of(item))
        return ClipSamples(item.name, (sample,), flip=self._flip)


def by_video(items: Sequence[Item]) -> list[list[Item]]:
    """Items of one video together, in order."""
    groups: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        groups[item.video.name].append(item)
    return list(groups.values())


def with_truth(dataset: Dataset) -> list[Item]:
    """All items; raises `DatasetError` if masks are missing."""
    items = dataset.items()
    if any(item.truth is None for item in items):
        raise DatasetError(f"{dataset.root} holds no Annotations: training needs a mask for every frame")
    return items


def checked_items(dataset: Dataset) -> list[Item]:
    """As `with_truth`, with every mask looked into: a fault met only at the first validation would cost the
    steps up to it.
    """
    items = with_truth(dataset)
    dataset.check()
    return items


def text_of(item: Item) -> str:
    """The sentence of an item that has one."""
    return cast(TextReference, item.reference).text
