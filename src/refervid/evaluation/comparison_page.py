"""The comparison of runs as one HTML page with pictures, without scripts or requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from refervid import __version__
from refervid.core.errors import RefervidError
from refervid.core.files import inside, write_text
from refervid.core.types import Frame, Mask
from refervid.datasets.item import Item
from refervid.datasets.pictures import read_rgb
from refervid.datasets.registry import open_dataset
from refervid.evaluation.compare import Change, Comparison
from refervid.media.overlay import draw_masks
from refervid.media.pictures import shrunk
from refervid.report.pictures import picture_uri
from refervid.report.templates import template

_WIDTH = 320
"""Of a thumbnail, in pixels."""


@dataclass(frozen=True)
class Thumbnail:
    caption: str
    uri: str


@dataclass(frozen=True)
class ChangeView:
    """One item of the page: its numbers and, for the frame on which the runs differ most, pictures."""

    change: Change
    difference: float
    frame: str
    pictures: list[Thumbnail]


@dataclass(frozen=True)
class RunView:
    name: str
    worse: list[ChangeView]
    better: list[ChangeView]
    worse_count: int
    better_count: int


def write_comparison(path: Path, comparison: Comparison, show: int, root: Path | None = None) -> None:
    """The page, with the `show` largest losses and gains of every run against the first.

    With `root`, the data set's folder, masks lie on the frames and the truth stands beside them.
    Raises `DatasetError` as `open_dataset`.
    """
    items: dict[tuple[str, str], Item] = {}
    if root is not None:
        data = open_dataset(comparison.dataset, root, comparison.split)
        items = {(item.video.name, item.expression_id): item for item in data.items()}
    runs = []
    for number, name in list(enumerate(comparison.names))[1:]:
        worse, better = comparison.worse(number), comparison.better(number)
        losses, gains = (
            [_view(change, comparison, number, items) for change in changes[:show]]
            for changes in (worse, better)
        )
        runs.append(RunView(name, losses, gains, len(worse), len(better)))
    page = template(
        "comparison.html.j2", ("refervid.evaluation", "template"), ("refervid.report", "template")
    )
    write_text(path, page.render(comparison=comparison, runs=runs, version=__version__))


def _view(
    change: Change, comparison: Comparison, number: int, items: dict[tuple[str, str], Item]
) -> ChangeView:
    difference = change.difference(number)
    assert difference is not None
    if not change.expression_id:  # an object of Ref-DAVIS17 that no sentence was matched with
        return ChangeView(change, difference, "", [])
    folders = [inside(comparison.runs[k], "masks", change.video, change.expression_id) for k in (0, number)]
    frame = _frame_of_interest(*folders)
    if frame is None:
        return ChangeView(change, difference, "", [])
    item = items.get((change.video, change.expression_id))
    captions = (comparison.names[0], comparison.names[number])
    return ChangeView(change, difference, frame, list(_thumbnails(folders, frame, captions, item)))


def _frame_of_interest(first: Path, second: Path) -> str | None:
    """The frame on which the masks of two runs differ on most pixels; None without masks to compare."""
    best, largest = None, -1
    for path in sorted(first.glob("*.png")):
        if not (second / path.name).is_file():
            continue
        one, other = _mask(path), _mask(second / path.name)
        if one.shape == other.shape and (pixels := int((one ^ other).sum())) > largest:
            best, largest = path.stem, pixels
    return best


def _thumbnails(
    folders: list[Path], frame: str, captions: tuple[str, str], item: Item | None
) -> Iterator[Thumbnail]:
    picture = None
    if item is not None and frame in item.frames:
        position = item.frames.index(frame)
        try:
            picture = item.video.open().frame(item.indices[position])
        except RefervidError as error:
            yield Thumbnail(str(error), "")
        if picture is not None and item.truth is not None:
            yield _drawn(picture, item.truth.at(position)[0], "truth")
    for folder, caption in zip(folders, captions, strict=True):
        mask = _mask(folder / f"{frame}.png")
        ground = np.zeros((*mask.shape, 3), np.uint8) if picture is None else picture
        if ground.shape[:2] == mask.shape:
            yield _drawn(ground, mask, caption)


def _drawn(picture: Frame, mask: Mask, caption: str) -> Thumbnail:
    """A copy of the picture with the mask, at thumbnail size."""
    drawn = picture.copy()
    draw_masks(drawn, [mask])
    return Thumbnail(caption, picture_uri(shrunk(drawn, _WIDTH / drawn.shape[1])))


def _mask(path: Path) -> Mask:
    """Pixels that are not black."""
    return np.array(read_rgb(path).any(axis=2))
