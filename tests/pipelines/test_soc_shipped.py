"""The checkpoint in the package answers at once, without download or setting."""

from __future__ import annotations

import numpy as np

from refervid.datasets.synthetic.clips import make_clip
from refervid.datasets.synthetic.scene import SceneSettings
from refervid.datasets.synthetic.things import COLOURS
from refervid.media.array import ArrayClip
from refervid.pipelines.presets import load, missing_for
from refervid.pipelines.soc import shipped_path


def test_it_is_there_and_small() -> None:
    assert missing_for("soc") == []
    assert shipped_path().stat().st_size < 10_000_000
    assert shipped_path().with_suffix(".md").is_file()


def test_it_finds_things_by_their_colour() -> None:
    """On clips of the split that training never sees."""
    pipeline = load("soc", device="cpu")
    shares = []
    for index in range(12):
        made = make_clip(SceneSettings(), "test", 5000 + index)
        asked = [s for s in made.sentences if s.kind == "appearance" and s.text.split()[1] in COLOURS]
        if not asked:
            continue
        results = pipeline(ArrayClip(made.frames, fps=8), text=[sentence.text for sentence in asked])
        for sentence, result in zip(asked, results, strict=True):
            truth = made.ids == sentence.thing + 1
            found = np.stack([result.track[frame] for frame in range(len(made.frames))])
            shares.append((truth & found).sum() / (truth | found).sum())
    assert len(shares) >= 10
    assert np.mean(shares) > 0.4
