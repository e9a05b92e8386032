"""What a training run is: network, data, schedule. A YAML file holds one recipe.

Defaults are the published ones (Luo et al., NeurIPS 2023, and the public repository of SOC).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, model_validator

from refervid.config.frozen import Frozen
from refervid.config.overrides import override
from refervid.config.problems import M, checked
from refervid.core.arguments import did_you_mean
from refervid.core.errors import SettingsError
from refervid.datasets.synthetic.scene import SceneSettings
from refervid.datasets.synthetic.sentences import SENTENCE_KINDS, SentenceKind
from refervid.models.soc import LossWeights, MatchingWeights

CLIP_LENGTH = 8
"""Frames of a training clip in all published settings."""


class SyntheticData(Frozen):
    """`clips` new clips in every epoch, drawn on the fly; `sentences` about each share the backbone.

    `frames` are taken of each clip, evenly spread: 1 for stills, None for all. Sentences are of the given
    `kinds` wherever a clip has such.
    """

    kind: Literal["synthetic"] = "synthetic"
    scene: SceneSettings = SceneSettings()
    clips: int = Field(1000, ge=1)
    sentences: int = Field(1, ge=1)
    frames: int | None = Field(None, ge=1)
    kinds: tuple[SentenceKind, ...] = SENTENCE_KINDS
    seed: int = Field(0, ge=0)


class VideoData(Frozen):
    """A folder in the layout of `refervid evaluate folder`, or the training split of Ref-YouTube-VOS, cut
    into clips of `frames` frames.
    """

    kind: Literal["folder", "ref-youtube-vos"]
    root: Path
    frames: int = Field(CLIP_LENGTH, ge=1)


class A2dData(Frozen):
    """The training split of A2D-Sentences: `frames` frames around each annotated one."""

    kind: Literal["a2d-sentences"]
    root: Path
    frames: int = Field(CLIP_LENGTH, ge=2)


class StillData(Frozen):
    """RefCOCO, RefCOCO+ or RefCOCOg: stills with `frames` 1, else clips made of warped copies."""

    kind: Literal["refcoco", "refcoco+", "refcocog"]
    root: Path
    frames: int = Field(1, ge=1)


Data = Annotated[SyntheticData | VideoData | A2dData | StillData, Field(discriminator="kind")]


class SyntheticValidation(Frozen):
    """Clips of the generator's `valid` or `test` split."""

    kind: Literal["synthetic"] = "synthetic"
    scene: SceneSettings = SceneSettings()
    split: Literal["valid", "test"] = "valid"
    clips: int = Field(100, ge=1)
    seed: int = Field(0, ge=0)


class FolderValidation(Frozen):
    """A folder in the layout of `refervid evaluate folder`."""

    kind: Literal["folder"]
    root: Path


class FrameValidation(Frozen):
    """The first `limit` sentences of a data set that annotates single frames; `split` None: its usual one."""

    kind: Literal["a2d-sentences", "refcoco", "refcoco+", "refcocog"]
    root: Path
    split: str | None = None
    limit: int | None = Field(None, ge=1)


Validation = Annotated[SyntheticValidation | FolderValidation | FrameValidation, Field(discriminator="kind")]


class NetworkSettings(Frozen):
    """`weights` is an SOC checkpoint to go on from, published or our own ("soc-nano" is the one in the
    package); without it `size` says what a new network is. `voc` False: one without the video object
    cluster (an ablation). `weights` of another size, or with or without the cluster against `voc`, are
    refused.

    Of a new network `config` changes sizes, by the names of `refervid.models.soc.SocConfig` (queries, layers,
    points, dropout, window and layers of the cluster, ...). It is random but for two parts: `backbone` is a
    Video Swin file, of its authors or our own, and `roberta` takes the pretrained text encoder; both are
    found like all weights. With `new_classes` the class heads of `weights` start anew, as in published
    fine-tuning; without it the checkpoint goes on as it is.
    """

    size: Literal["nano", "video-swin-t", "video-swin-s", "video-swin-b"] | None = None
    classes: int = Field(1, ge=1)
    voc: bool = True
    config: Mapping[str, Any] = {}
    backbone: Path | None = None
    roberta: bool = False
    weights: str | None = None
    new_classes: bool = True

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if self.weights is not None and (self.backbone is not None or self.roberta):
            raise ValueError("give either `weights`, or `backbone` and `roberta`")
        if self.weights is not None and self.config:
            raise ValueError("`weights` have their sizes: `config` is for a new network")
        if self.weights is None and self.size is None:
            raise ValueError("give `weights`, or the `size` of a new network")
        return self


class Rates(Frozen):
    """Learning rates of the three parameter groups; what has None keeps its weights."""

    main: float | None = Field(1e-4, gt=0)
    backbone: float | None = Field(1e-5, gt=0)
    text: float | None = Field(None, gt=0)


class Schedule(Frozen):
    """Rates are multiplied by `gamma` at the start of each epoch in `drops` (counted from 0).

    `cosine` lets them fall to a hundredth along half a cosine instead; `warm_up` is the number of steps in
    which they rise from zero (published: none).
    """

    epochs: int = Field(ge=1)
    drops: tuple[Annotated[int, Field(ge=0)], ...] = ()
    gamma: float = Field(0.1, gt=0)
    cosine: bool = False
    warm_up: int = Field(0, ge=0)


class Recipe(Frozen):
    """`batch` counts clips over all processes. `short` and `long` are the input size in pixels.

    The best weights are those with the highest score on `validation`, without one those of the epoch with the
    lowest mean loss.

    With `jitter` colours are changed at random (published: not). `precision` is that of the network's forward
    pass; `checkpointing` recomputes the backbone to save
    memory. `save_every` and `log_every` count steps, `validate_every` epochs.
    """

    network: NetworkSettings
    data: tuple[Data, ...] = Field(min_length=1)
    validation: Validation | None = None
    batch: int = Field(ge=1)
    schedule: Schedule
    rates: Rates = Rates()
    losses: LossWeights = LossWeights()
    matching: MatchingWeights = MatchingWeights()
    weight_decay: float = Field(1e-4, ge=0)
    clip_norm: float = Field(0.1, gt=0)
    short: int = Field(360, ge=32)
    long: int = Field(640, ge=32)
    mirror: bool = True
    jitter: bool = False
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    checkpointing: bool = False
    seed: int = Field(42, ge=0)
    workers: int = Field(2, ge=0)
    save_every: int = Field(200, ge=1)
    log_every: int = Field(10, ge=1)
    validate_every: int = Field(1, ge=1)

    def inputs(self) -> list[Path]:
        """The files and folders that are read, as far as the recipe names them."""
        folders = [path for each in (*self.data, self.validation) if (path := getattr(each, "root", None))]
        return folders + [Path(one) for one in (self.network.weights, self.network.backbone) if one]

    @model_validator(mode="after")
    def _one_kind_of_batch(self) -> Self:
        """Any draws of the data can make a batch."""
        lengths = {
            data.frames or data.scene.frames if isinstance(data, SyntheticData) else data.frames
            for data in self.data
        }
        if len(lengths) > 1:
            raise ValueError(
                f"`data` has clips of {' and '.join(map(str, sorted(lengths)))} frames, which do not fit "
                "into one batch: give all entries the same `frames`"
            )
        if len({isinstance(data, A2dData) for data in self.data}) > 1:
            raise ValueError(
                "a2d-sentences has a mask for one frame of a clip, other `data` for every frame, which do "
                "not fit into one batch: train on one after the other, with `network.weights`"
            )
        return self


def read_recipe(name: str, changes: Sequence[str] = ()) -> Recipe:
    """The recipe in a YAML file, or one that comes with the package, with "a.b=value" changes applied.

    Raises `SettingsError`.
    """
    return read_as(Recipe, name, changes, recipe_text)


def read_as(kind: type[M], name: str, changes: Sequence[str], shipped: Callable[[str], str]) -> M:
    """A recipe of a `kind`, as `read_recipe`; `shipped` gives the YAML of one that comes with the package."""
    path = Path(name)
    try:
        values = yaml.safe_load(path.read_text("utf-8") if path.is_file() else shipped(name))
        if not isinstance(values, dict):
            raise SettingsError(f"{name} holds no settings: see the recipes in the documentation")
        values = override(values, changes)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError(f"{name} is no YAML file in UTF-8: {error}") from error
    return checked(kind, values, whose=f"recipe {name}: ")


def recipe_text(name: str) -> str:
    """The YAML of a recipe that comes with the package. Raises `SettingsError` naming all there are."""
    known = recipe_names()
    if name not in known:
        nearest = did_you_mean(name, known)
        raise SettingsError(f"no recipe {name!r}{nearest}: give a YAML file, or one of {', '.join(known)}")
    return (resources.files("refervid.training") / "recipes" / f"{name}.yaml").read_text("utf-8")


def recipe_names() -> list[str]:
    """Recipes that come with the package."""
    folder = resources.files("refervid.training") / "recipes"
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))
