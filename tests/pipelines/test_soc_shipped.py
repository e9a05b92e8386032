"""The checkpoint in the package answers at once, without download or setting."""

from __future__ import annotations

import numpy as np
import pytest

from refervid.datasets.synthetic.clips import make_clip
from refervid.datasets.synthetic.scene import SceneSettings
from refervid.media.array import ArrayClip
from refervid.models.soc.shipped import shipped_path
from refervid.pipelines.presets import load, missing_for


def test_it_is_there_and_small() -> None:
    assert missing_for("soc") == []
    assert shipped_path().stat().st_size < 10_000_000
    assert shipped_path().with_suffix(".md").is_file()


@pytest.mark.parametrize(
    ("kinds", "least"), [({"appearance"}, 0.65), ({"place", "size"}, 0.6), ({"moves", "order"}, 0.4)]
)
def test_it_knows_looks_places_and_what_only_time_tells(kinds: set[str], least: float) -> None:
    """On clips of the split that training never sees; a guess among the things scores about 0.25."""
    pipeline = load("soc", device="cpu")
    shares = []
    for index in range(25):
        made = make_clip(SceneSettings(), "test", 5000 + index)
        asked = [sentence for sentence in made.sentences if sentence.kind in kinds]
        if asked:
            results = pipeline(ArrayClip(made.frames, fps=8), text=[sentence.text for sentence in asked])
            for sentence, result in zip(asked, results, strict=True):
                truth = made.ids == sentence.thing + 1
                found = np.stack([result.track[frame] for frame in range(len(made.frames))])
                shares.append((truth & found).sum() / (truth | found).sum())
    assert len(shares) >= 20
    assert np.mean(shares) > least
