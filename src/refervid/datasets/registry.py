"""Data sets by name."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from refervid.core.arguments import did_you_mean, need_word
from refervid.core.errors import SettingsError
from refervid.datasets.a2d_sentences import A2dSentences
from refervid.datasets.avsbench import AvsbenchMs3, AvsbenchS4
from refervid.datasets.avsbench_semantic import AvsbenchV2, Avss
from refervid.datasets.base import Dataset
from refervid.datasets.folder import Folder
from refervid.datasets.jhmdb_sentences import JhmdbSentences
from refervid.datasets.long_rvos import LongRvos
from refervid.datasets.mevis import Mevis
from refervid.datasets.mevis_v2 import MevisV2
from refervid.datasets.omniavs import OmniAvs
from refervid.datasets.reasonvos import ReasonVos
from refervid.datasets.ref_avs import RefAvs
from refervid.datasets.ref_davis17 import RefDavis17
from refervid.datasets.ref_youtube_vos import RefYoutubeVos
from refervid.datasets.refcoco import RefCoco, RefCocoG, RefCocoPlus
from refervid.datasets.revos import Revos

GROUP = "refervid.datasets"

_OWN: dict[str, type[Dataset]] = {
    kind.name: kind
    for kind in (
        RefYoutubeVos,
        RefDavis17,
        Mevis,
        MevisV2,
        Revos,
        ReasonVos,
        LongRvos,
        A2dSentences,
        JhmdbSentences,
        RefCoco,
        RefCocoPlus,
        RefCocoG,
        AvsbenchS4,
        AvsbenchMs3,
        AvsbenchV2,
        Avss,
        RefAvs,
        OmniAvs,
        Folder,
    )
}


def datasets() -> dict[str, type[Dataset]]:
    """Those that come with refervid, in the order of the documentation, then those of installed packages.

    Raises `SettingsError` for a package that cannot be used.

    A package adds one by an entry point of the group `refervid.datasets`, named as the data set is:

        [project.entry-points."refervid.datasets"]
        my-clips = "my_package.my_clips:MyClips"

    What comes with refervid cannot be replaced so.
    """
    known = dict(_OWN)
    for point in entry_points(group=GROUP):
        if point.name not in known:
            known[point.name] = _load_added(point)
    return known


def _load_added(point: EntryPoint) -> type[Dataset]:
    try:
        found = point.load()
    except Exception as error:  # whatever a stranger's module does when it is imported
        raise SettingsError(
            f"the data set {point.name} of {point.value} cannot be loaded: {error}"
        ) from error
    if not (isinstance(found, type) and issubclass(found, Dataset)):
        raise SettingsError(f"{point.value} is no data set: derive it from refervid.datasets.base.Dataset")
    return found


def dataset_class(name: str) -> type[Dataset]:
    """The class of that name; raises `SettingsError` naming all there are."""
    need_word("name", name)
    if name in _OWN:  # asked of every clip, and what is installed takes a while to read
        return _OWN[name]
    known = datasets()
    if name not in known:
        raise SettingsError(
            f"there is no data set {name!r}{did_you_mean(name, known)}; choose one of {', '.join(known)}"
        )
    return known[name]


def open_dataset(name: str, root: str | Path, split: str | None = None) -> Dataset:
    """Open the data set of that name, by default its split for evaluation.

    Raises `SettingsError` for an unknown name or split, `DatasetError` for files missing or wrong.
    """
    return dataset_class(name)(root, split)
