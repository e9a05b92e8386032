"""Which pieces of a picture ImageNet's network calls what a noun names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from refervid.engines.lite.language.vocabulary import concept
from refervid.engines.lite.objects.named_pieces import named_pieces
from refervid.media.pictures import decode_jpeg
from refervid.metrics.region import frame_jaccard


def test_the_thing_is_called_so_and_nothing_else_is(shared_dir: Path) -> None:
    folder = shared_dir / "data/davis16"
    picture = decode_jpeg((folder / "JPEGImages/blackswan/00000.jpg").read_bytes())
    swan = np.asarray(Image.open(folder / "Annotations/blackswan/00000.png")) > 0
    [(piece, probability), *others], [(_, pen), *_] = named_pieces(
        picture, [], [_classes("swan"), _classes("pen")]
    )
    grid = np.asarray(Image.fromarray(swan).resize(piece.shape[::-1]))
    assert (piece & grid).sum() > 0.8 * piece.sum()
    assert probability > 0.5 > pen
    assert all(frame_jaccard(piece, other) < 0.5 and less < probability for other, less in others)
    # All of it is preferred, and comes back as it is.
    [(mask, _), *_] = named_pieces(picture, [~swan, swan], [_classes("swan")])[0]
    assert mask is swan


def _classes(noun: str) -> list[int]:
    meant = concept(noun)
    assert meant is not None
    return list(meant.classifier)
