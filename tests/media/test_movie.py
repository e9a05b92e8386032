"""A movie that cannot be begun."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from refervid.core.errors import MissingExtra
from refervid.media.array import ArrayClip
from refervid.media.movie import H264, MovieWriter
from tests.clips import numbered_frames


def test_an_encoder_that_is_not_there_is_told(tmp_path: Path) -> None:
    movie = MovieWriter(tmp_path / "o.mp4", ArrayClip(numbered_frames(2)), replace(H264, encoder="h266"))
    with pytest.raises(MissingExtra, match="the encoder h266"), movie:
        pytest.fail("it was begun")
