"""Where ImageNet's network sees what a noun names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from refervid.engines.lite.language.vocabulary import concept
from refervid.engines.lite.objects.name_map import name_maps
from refervid.media.pictures import decode_jpeg


def test_the_likeliest_place_is_on_the_thing(shared_dir: Path) -> None:
    folder = shared_dir / "data/davis16"
    picture = decode_jpeg((folder / "JPEGImages/blackswan/00000.jpg").read_bytes())
    swan = np.asarray(Image.open(folder / "Annotations/blackswan/00000.png")) > 0
    there, elsewhere = name_maps(picture, [_classes("swan"), _classes("pen")])
    assert there.shape == swan.shape
    assert swan[np.unravel_index(there.argmax(), swan.shape)]
    assert there[swan].mean() > 4 * there[~swan].mean()
    assert there.max() > 0.5 > elsewhere.max()


def _classes(noun: str) -> list[int]:
    meant = concept(noun)
    assert meant is not None
    return list(meant.classifier)
