"""Which pieces of a picture ImageNet's network calls what a noun names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from refervid.engines.lite.analysis.pieces import pieces_of
from refervid.engines.lite.language.vocabulary import concept
from refervid.engines.lite.objects.named_pieces import SIDES, named_pieces, scale_of
from refervid.media.pictures import decode_jpeg
from refervid.metrics.region import frame_jaccard


def test_the_thing_is_called_so_and_nothing_else_is(shared_dir: Path) -> None:
    folder = shared_dir / "data/davis16"
    picture = decode_jpeg((folder / "JPEGImages/blackswan/00000.jpg").read_bytes())
    swan = np.asarray(Image.open(folder / "Annotations/blackswan/00000.png")) > 0
    [(piece, probability), *others], [(_, pen), *_] = named_pieces(
        picture, pieces_of(picture), [], [_classes("swan"), _classes("pen")]
    )
    grid = np.asarray(Image.fromarray(swan).resize(piece.shape[::-1]))
    assert (piece & grid).sum() > 0.8 * piece.sum()
    assert probability > 0.5 > pen
    assert all(frame_jaccard(piece, other) < 0.5 and less < probability for other, less in others)
    # All of it is preferred, and comes back as it is.
    [(mask, _), *_] = named_pieces(picture, pieces_of(picture), [~swan, swan], [_classes("swan")])[0]
    assert mask is swan


@pytest.mark.parametrize(("height", "width"), [(480, 854), (240, 80), (64, 3840), (3840, 1)])
def test_a_strip_is_not_looked_at_longer_than_other_pictures(height: int, width: int) -> None:
    short, long = sorted((height, width))
    for side in SIDES:
        scale = scale_of(height, width, side)
        assert long * scale <= 3 * side
        if long <= 3 * short:
            assert short * scale == side


def test_a_strip_has_pieces_with_names() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (16, 1200, 3), np.uint8)
    [found] = named_pieces(picture, pieces_of(picture), [], [_classes("swan")])
    assert found


def _classes(noun: str) -> list[int]:
    meant = concept(noun)
    assert meant is not None
    return list(meant.classifier)
