"""What a training run of the mask decoder is. A YAML file holds one recipe."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from refervid.config.frozen import Frozen
from refervid.core.errors import SettingsError
from refervid.training.recipe import read_as

SHIPPED = "mask-decoder"


class CollageData(Frozen):
    """Cut-out pictures with alpha from the folders `shapes`, at most `limit` of each, over `photos`."""

    kind: Literal["collage"] = "collage"
    shapes: tuple[Path, ...] = Field(min_length=1)
    photos: tuple[Path, ...] = Field(min_length=1)
    limit: int = Field(1500, ge=1)


class CocoData(Frozen):
    """Stills with masks in COCO's layout; the shots of a scene are other crops of the same picture."""

    kind: Literal["coco"]
    images: Path
    annotations: Path


class VideoData(Frozen):
    """Clips in the layout of YouTube-VOS and DAVIS: `JPEGImages/<clip>/*.jpg`, and `Annotations/<clip>/*.png`
    with object ids; neighbouring shots of a scene are at most `gap` annotated frames apart."""

    kind: Literal["video"]
    root: Path
    gap: int = Field(5, ge=1)


Data = Annotated[CollageData | CocoData | VideoData, Field(discriminator="kind")]


Rate = Annotated[float, Field(gt=0)]


class Phase(Frozen):
    """`steps` of `batch` scenes with `length` shots of `side` pixels; the learning rate goes evenly from the
    first to the second of `rate`.
    """

    side: Annotated[int, Field(ge=64, multiple_of=32)]
    length: int = Field(ge=2)
    batch: int = Field(ge=1)
    steps: int = Field(ge=1)
    rate: tuple[Rate, Rate] = (2e-3, 2e-3)


class MaskRecipe(Frozen):
    """Phases follow each other; every batch is drawn from one of `data`.

    The learning rate rises in the first `warm_up` steps. `weights` is a decoder to go on from, of an earlier
    run.
    """

    data: tuple[Data, ...] = Field(min_length=1)
    phases: tuple[Phase, ...] = Field(min_length=1)
    warm_up: int = Field(50, ge=0)
    seed: int = Field(0, ge=0)
    log_every: int = Field(50, ge=1)
    weights: Path | None = None

    def inputs(self) -> list[Path]:
        """The files and folders that are read."""
        found = [] if self.weights is None else [self.weights]
        for data in self.data:
            if isinstance(data, CollageData):
                found += [*data.shapes, *data.photos]
            elif isinstance(data, CocoData):
                found += [data.images, data.annotations]
            else:
                found.append(data.root)
        return found


def read_mask_recipe(name: str, changes: Sequence[str] = ()) -> MaskRecipe:
    """The recipe in a YAML file, or "mask-decoder", the one that comes with the package, with "a.b=value"
    changes applied. Raises `SettingsError`.
    """
    return read_as(MaskRecipe, name, changes, _shipped)


def _shipped(name: str) -> str:
    if name != SHIPPED:
        raise SettingsError(f"no recipe {name!r}: give a YAML file, or {SHIPPED}")
    return (resources.files("refervid.training.masks") / f"{SHIPPED}.yaml").read_text("utf-8")
