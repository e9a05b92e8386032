"""A data set that an installed package brings: one file, and nothing else of refervid knows it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from refervid.datasets.registry import dataset_class, datasets, open_dataset
from refervid.evaluation.presets import for_dataset
from refervid.evaluation.runner import evaluate
from refervid.pipelines.presets import load

MODULE = '''
from pathlib import Path

from refervid.datasets.folder import Folder
from refervid.datasets.samples import two_shapes
from refervid.media.pictures import mask_png


class Inverted(Folder):
    """Masks are kept white on black turned round, sentences of a video belong together."""

    name = "inverted"
    together = True

    @classmethod
    def settings(cls, preset):
        return {"text.candidates": 7} if preset == "lite" else {}

    @classmethod
    def pictures(cls, item, track, objects):
        frames = zip(item.frames, item.indices, strict=True)
        return {f"{name}.png": mask_png(~track[index]) for name, index in frames}
'''


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package as pip leaves it: a module and its metadata in a folder that Python searches."""
    site = tmp_path / "site"
    info = site / "inverted_clips-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "inverted_clips.py").write_text(MODULE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: inverted-clips\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[refervid.datasets]\ninverted = inverted_clips:Inverted\n")
    monkeypatch.syspath_prepend(str(site))
    yield
    sys.modules.pop("inverted_clips", None)


@pytest.mark.usefixtures("installed")
def test_a_package_adds_a_data_set_with_its_own_protocol(tmp_path: Path) -> None:
    assert list(datasets())[-1] == "inverted"
    dataset_class("inverted").make_sample(tmp_path / "data")
    data = open_dataset("inverted", tmp_path / "data")
    settings = for_dataset(data, "lite")
    assert settings == ["text.candidates=7"]
    scores = evaluate(data, load("lite", device="cpu", settings=settings), tmp_path / "out", limit=1)
    assert scores["J"] < 0.1, "the data set's own pictures are what is scored"
    assert len(list((tmp_path / "out" / "masks").glob("*/*"))) == len(data.items()), (
        "a video is done as a whole"
    )


def test_a_name_that_nobody_brings_is_an_error_that_lists_all() -> None:
    with pytest.raises(Exception, match=r"choose one of ref-youtube-vos, .*, folder"):
        dataset_class("inverted")


def test_what_comes_along_is_found_without_reading_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """That takes longer than to write an answer, and is asked several times for every clip."""
    monkeypatch.setattr("refervid.datasets.registry.entry_points", None)
    assert dataset_class("folder").name == "folder"
