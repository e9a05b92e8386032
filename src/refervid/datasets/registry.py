"""Data sets by name."""

from __future__ import annotations

from pathlib import Path

from refervid.core.errors import SettingsError
from refervid.datasets.a2d_sentences import A2dSentences
from refervid.datasets.avsbench import AvsbenchMs3, AvsbenchS4
from refervid.datasets.avsbench_semantic import AvsbenchV2, Avss
from refervid.datasets.base import Dataset
from refervid.datasets.folder import Folder
from refervid.datasets.jhmdb_sentences import JhmdbSentences
from refervid.datasets.mevis import Mevis
from refervid.datasets.ref_davis17 import RefDavis17
from refervid.datasets.ref_youtube_vos import RefYoutubeVos
from refervid.datasets.refcoco import RefCoco, RefCocoG, RefCocoPlus

_KINDS: tuple[type[Dataset], ...] = (
    RefYoutubeVos,
    RefDavis17,
    Mevis,
    A2dSentences,
    JhmdbSentences,
    RefCoco,
    RefCocoPlus,
    RefCocoG,
    AvsbenchS4,
    AvsbenchMs3,
    AvsbenchV2,
    Avss,
    Folder,
)
DATASETS: dict[str, type[Dataset]] = {kind.name: kind for kind in _KINDS}
"""In the order of the documentation."""


def dataset_class(name: str) -> type[Dataset]:
    """The class of that name; raises `SettingsError` naming all there are."""
    if name not in DATASETS:
        raise SettingsError(f"there is no data set {name!r}; choose one of {', '.join(DATASETS)}")
    return DATASETS[name]


def open_dataset(name: str, root: str | Path, split: str | None = None) -> Dataset:
    """Open the data set of that name, by default its split for evaluation.

    Raises `SettingsError` for an unknown name or split, `DatasetError` for files missing or wrong.
    """
    return dataset_class(name)(root, split)
