"""A result in a notebook: one line of words and a video that is small enough to be kept in the notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from refervid.core.counting import counted
from refervid.core.errors import MediaNotFound
from refervid.core.spread import spread
from refervid.core.types import Frame
from refervid.media.array import ArrayClip
from refervid.media.movie import H264, MovieWriter
from refervid.media.pictures import shrunk
from refervid.report.outcome import Outcome
from refervid.report.pictures import data_uri

LONG_SIDE = 360
MOST_FRAMES = 150
"""Of a longer clip so many are shown, evenly spread: a notebook should not grow by more than about a MiB."""


def notebook_html(outcome: Outcome, overlay: Callable[[], Iterable[Frame]]) -> str:
    """`overlay` gives the frames of the clip with masks drawn in."""
    frames = f"{int((outcome.areas > 0).sum())} of {counted(len(outcome.track), 'frame')}"
    words = (
        f"{outcome.query}: {outcome.status.replace('_', ' ')} ({outcome.confidence:.0%} sure), "
        f"{counted(len(outcome.objects), 'object')} on {frames}"
    )
    try:
        film = data_uri(_film(outcome, overlay()), "video/mp4")
    except MediaNotFound:
        return f"<p>{escape(words)}</p>"
    return f'<p>{escape(words)}</p><video src="{film}" controls loop muted></video>'


def _film(outcome: Outcome, frames: Iterable[Frame]) -> bytes:
    clip = outcome.clip
    shown = set(spread(len(clip), MOST_FRAMES).tolist())
    scale = LONG_SIDE / max(clip.height, clip.width)
    small = [shrunk(frame, scale) for index, frame in enumerate(frames) if index in shown]
    short = ArrayClip(np.stack(small), clip.times_s[sorted(shown)])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        with MovieWriter(path, short, H264) as movie:
            for index, picture in enumerate(small):
                movie.write(index, picture)
        return path.read_bytes()
